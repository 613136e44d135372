//! `eco rollback`

use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::{
    Outcome,
    client::{Client, Starts},
    diff,
    error::CliError,
    operate::{self, OperateArgs},
    target::{self, generations},
    ui::Ui,
};
use crate::{
    api::{DiffReply, Operation, RollbackRequest, Selector, path},
    controller::Home,
};

/// Bring the project, or apps of it, back to what was before the last change
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco rollback                        all of this project, as before the last change
  eco rollback 12                     as in generation 12 of `eco history`
  eco rollback web                    one app
  eco rollback 12 --dry-run           only show what it would change, do and interrupt

All of a project is its apps, those that were added or removed since, and its `metrics`. It holds
until the file's content changes, or until `eco apply`.")]
pub(super) struct RollbackArgs {
    /// A generation of `eco history`; apps: `web`, `tag:edge`, `shop:web`, `all`
    #[arg(
        value_name = "GENERATION|APP",
        value_parser = word,
        add = ArgValueCandidates::new(target::app_names)
    )]
    words: Vec<Word>,

    /// The generation to go back to
    #[arg(long, value_name = "GENERATION", add = ArgValueCandidates::new(generations))]
    to: Option<u64>,

    /// Only show what would be done; exit 1 if there is anything
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    pub(super) operate: OperateArgs,
}

/// The name of an app is never all digits.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Generation(u64),
    Apps(Selector),
}

fn word(text: &str) -> Result<Word, String> {
    if let Ok(generation) = text.parse() {
        return Ok(Word::Generation(generation));
    }
    text.parse().map(Word::Apps).map_err(|error: crate::api::SelectError| error.to_string())
}

/// Carries the command out.
pub(super) fn run(args: &RollbackArgs, ui: &Ui) -> Outcome {
    let mut generations: Vec<u64> = args.to.into_iter().collect();
    let mut apps = Vec::new();
    for word in &args.words {
        match word {
            Word::Generation(generation) => generations.push(*generation),
            Word::Apps(selector) => apps.push(selector.clone()),
        }
    }
    if 1 < generations.len() {
        let text = "only one generation can be gone back to";
        return Err(CliError::input(text, "for example `eco rollback 12`; see `eco history`"));
    }
    let to = generations.first().copied();
    if !args.dry_run {
        let operation = (Operation::Rollback(to), apps.as_slice());
        return operate::operate(operation, &args.operate, Starts::UnlessEnded, ui);
    }
    let home = Home::find().map_err(CliError::Home)?;
    let target = target::target(&args.operate.project, &apps)?;
    let client = Client::connect(&home, Starts::IfRecorded)?;
    let request = RollbackRequest { target, to, show_values: false };
    let reply: DiffReply = client.post(path::ROLLBACK_DIFF, &request)?;
    diff::print(&reply, args.operate.json, ui)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_generation_and_a_name_an_app() {
        assert_eq!(word("12"), Ok(Word::Generation(12)));
        assert_eq!(word("web"), Ok(Word::Apps("web".parse().unwrap())));
        assert!(word("web/x").is_err());
    }
}
