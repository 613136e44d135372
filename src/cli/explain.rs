//! `eco explain`

use clap::Args;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use serde::Serialize;

use super::{Outcome, error::CliError, ui::Ui};
use crate::{
    api::SCHEMA,
    config,
    render::{
        self,
        explain::{self, Entry},
        reference::{self, KeyEntry, Reference},
    },
};

/// Tell what an error code means, or a key of the file
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco explain                      all codes
  eco explain unknown_key          what it means, an example, what to do
  eco explain rollout.max_surge    a key of the file
  eco explain web.restart --json")]
pub(super) struct ExplainArgs {
    /// A code of an error, a fault or a hold, or a key of the file
    #[arg(value_name = "CODE|KEY", add = ArgValueCandidates::new(candidates))]
    what: Option<String>,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,

    /// Print all codes as a page in Markdown
    #[arg(long, conflicts_with_all = ["what", "json"])]
    markdown: bool,
}

#[derive(Serialize)]
struct Reply<'a> {
    schema: u32,
    codes: Vec<&'a Entry>,
    key: Option<KeyEntry>,
}

/// Carries the command out.
pub(super) fn run(args: &ExplainArgs, ui: &Ui) -> Outcome {
    if args.markdown {
        return ui.print(&explain::errors_page()).map(|()| 0);
    }
    let Some(what) = &args.what else {
        if args.json {
            let codes = explain::entries().collect();
            return ui.print_json(&Reply { schema: SCHEMA, codes, key: None }).map(|()| 0);
        }
        return ui.print(&explain::codes(ui.style())).map(|()| 0);
    };
    let reference = Reference::of(&config::json_schema());
    let (code, key) = (explain::entry(what), reference.find(what));
    if code.is_none() && key.is_none() {
        return Err(unknown(what, &reference));
    }
    if args.json {
        let codes = code.into_iter().collect();
        return ui.print_json(&Reply { schema: SCHEMA, codes, key }).map(|()| 0);
    }
    let mut parts = Vec::new();
    parts.extend(code.map(|entry| explain::explained(entry, ui.style())));
    parts.extend(key.map(|entry| reference::key_explained(&entry, ui.style())));
    ui.print(&parts.join("\n")).map(|()| 0)
}

fn unknown(what: &str, reference: &Reference) -> CliError {
    let message = format!("there is no code and no key `{}`", render::printable(what));
    let paths = reference.paths();
    let codes = explain::entries().map(|entry| entry.code);
    // A path is mistyped in one of its words; a key may be typed without what is above it.
    let last = paths.iter().filter_map(|path| path.rsplit('.').next());
    let near =
        config::did_you_mean(what, codes.chain(paths.iter().map(String::as_str)).chain(last));
    CliError::input(message, near.unwrap_or_else(|| "`eco explain` lists all codes".to_owned()))
}

/// Codes and keys, for shell completion.
fn candidates() -> Vec<CompletionCandidate> {
    let codes = explain::entries().map(|entry| entry.code.to_owned());
    let paths = Reference::of(&config::json_schema()).paths();
    codes.chain(paths).map(CompletionCandidate::new).collect()
}
