//! `eco man`

use std::{fs, io, path::PathBuf};

use clap::{Args, CommandFactory as _};

use super::{Cli, Outcome, error::CliError, ui::Ui};
use crate::{
    config,
    render::{
        self,
        reference::{self, Reference},
    },
};

/// The page about the file.
const FILE_PAGE: &str = "ecosystem.yaml";

/// Print a manual page, or write all of them
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco man | man -l -                      the page of eco itself
  eco man apply | man -l -                of a command
  eco man ecosystem.yaml | man -l -       of the file
  eco man --dir ~/.local/share/man        all, where `man` finds them")]
pub(super) struct ManArgs {
    /// A command, `daemon stop`, or `ecosystem.yaml`
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,

    /// Write all pages below this directory: `man1/eco.1`, `man5/ecosystem.yaml.5`
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

/// Carries the command out.
pub(super) fn run(args: &ManArgs, ui: &Ui) -> Outcome {
    let mut root = without_help(Cli::command());
    root.build();
    let pages = pages(&root);
    if let Some(dir) = &args.dir {
        for page in &pages {
            write(dir, page)?;
        }
        ui.talk(&format!("wrote {} pages below {}\n", pages.len(), dir.display()));
        return Ok(0);
    }
    let words = args.command.join("-");
    let wanted = match words.as_str() {
        "" | "eco" => "eco".to_owned(),
        FILE_PAGE => FILE_PAGE.to_owned(),
        command => format!("eco-{}", command.trim_start_matches("eco-")),
    };
    let Some(page) = pages.iter().find(|page| page.name == wanted) else {
        let message = format!("there is no page `{}`", render::printable(&wanted));
        let names: Vec<&str> = pages.iter().map(|page| page.name.as_str()).collect();
        let near = config::did_you_mean(&wanted, names.iter().copied());
        return Err(CliError::input(message, near.unwrap_or_else(|| names.join(", "))));
    };
    ui.print(&page.text).map(|()| 0)
}

/// `help` says what the pages say.
fn without_help(command: clap::Command) -> clap::Command {
    command.disable_help_subcommand(true).mut_subcommands(without_help)
}

struct Page {
    name: String,
    section: u8,
    text: String,
}

fn write(dir: &std::path::Path, page: &Page) -> Result<(), CliError> {
    let dir = dir.join(format!("man{}", page.section));
    let path = dir.join(format!("{}.{}", page.name, page.section));
    let written = fs::create_dir_all(&dir).and_then(|()| fs::write(&path, &page.text));
    written.map_err(|source| CliError::Io { what: format!("write {}", path.display()), source })
}

/// Every page: of eco, of its commands and theirs, and of the file.
fn pages(root: &clap::Command) -> Vec<Page> {
    let mut pages = Vec::new();
    let mut left = vec![(root, "eco".to_owned(), None::<String>)];
    while let Some((command, name, above)) = left.pop() {
        let shown = command.get_subcommands().filter(|it| !it.is_hide_set());
        let below: Vec<_> = shown.map(|it| (it, format!("{name}-{}", it.get_name()))).collect();
        let names = above.iter().cloned().chain(below.iter().map(|(_, name)| name.clone()));
        let text = page(command, &name, &names.collect::<Vec<_>>());
        pages.push(Page { name: name.clone(), section: 1, text });
        left.extend(below.into_iter().map(|(it, of)| (it, of, Some(name.clone()))));
    }
    let reference = Reference::of(&config::json_schema());
    let text = reference::file_manual(&reference, env!("CARGO_PKG_VERSION"));
    pages.push(Page { name: FILE_PAGE.to_owned(), section: 5, text });
    pages.sort_by(|a, b| a.name.cmp(&b.name));
    pages
}

fn page(command: &clap::Command, name: &str, others: &[String]) -> String {
    let manual = clap_mangen::Man::new(command.clone());
    let mut out = Vec::new();
    // Writing into memory does not fail.
    drop(sections(&manual, command, &mut out));
    let mut text = render::manual_title(name, env!("CARGO_PKG_VERSION"));
    // Two ends of a line with nothing between them are a paragraph's.
    text.push_str(&String::from_utf8_lossy(&out).replace(".br\n\n.br\n", ".sp\n"));
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let help = help.strip_prefix("Examples:\n").unwrap_or(&help);
    let (examples, notes) = help.split_once("\n\n").unwrap_or((help, ""));
    // The exit codes of all commands have a section of their own.
    let notes = if notes.starts_with("Exit codes:") { "" } else { notes };
    if !examples.is_empty() {
        text.push_str(&render::manual_examples(examples));
    }
    if !notes.is_empty() {
        text.push_str(&render::manual_notes(notes));
    }
    text.push_str(&render::manual_end(others));
    text
}

fn sections(
    manual: &clap_mangen::Man,
    command: &clap::Command,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    manual.render_name_section(out)?;
    manual.render_synopsis_section(out)?;
    manual.render_description_section(out)?;
    if command.get_arguments().any(|it| !it.is_hide_set()) {
        manual.render_options_section(out)?;
    }
    if command.has_subcommands() {
        manual.render_subcommands_section(out)?;
    }
    Ok(())
}
