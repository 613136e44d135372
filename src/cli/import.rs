//! `eco import`

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;

use super::{Outcome, apply, error::CliError, file, ui::Ui};
use crate::{
    import::{self, Answer, Field},
    render,
};

/// Print what a PM2 file says as an ecosystem.yaml, for git
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco import ecosystem.config.js                     print it
  eco import ecosystem.config.js -o ecosystem.yaml   write it
  eco import --fields                                what becomes of every key of PM2

What cannot be said in the new file is a comment in it. Nothing that runs is touched.")]
pub(super) struct ImportArgs {
    /// The file to read
    #[arg(value_name = "FILE", required_unless_present = "fields")]
    file: Option<PathBuf>,

    /// Where to write
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write over a file that is there
    #[arg(long, requires = "output")]
    force: bool,

    /// Let pass keys that PM2 does not know either
    #[arg(long)]
    lenient: bool,

    /// Print what becomes of every key of a PM2 file
    #[arg(long, conflicts_with_all = ["file", "output"])]
    fields: bool,
}

/// Carries the command out.
pub(super) fn run(args: &ImportArgs, ui: &Ui) -> Outcome {
    let Some(file) = args.file.as_ref().filter(|_| !args.fields) else {
        return ui.print(&fields(ui)).map(|()| 0);
    };
    let path = file::absolute(file)?;
    let options = import::Options { lenient: args.lenient };
    let Some(native) = file::native(&path, options)? else {
        let text = format!("{} is an eco file already", file.display());
        return Err(CliError::input(text, "there is nothing to import"));
    };
    apply::warn(&native.loaded, ui);
    let Some(output) = &args.output else {
        return ui.print(&native.text).map(|()| 0);
    };
    write(output, &native.text, args.force)?;
    let count = native.loaded.apps.len();
    let apps = if count == 1 { "app" } else { "apps" };
    let shown = output.display();
    ui.talk(&format!("wrote {shown}: {count} {apps}; next: `eco diff {shown}`\n"));
    Ok(0)
}

fn write(output: &Path, text: &str, force: bool) -> Result<(), CliError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(!force);
    let written = options.open(file::absolute(output)?);
    match written.and_then(|mut out| out.write_all(text.as_bytes())) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let text = format!("{} is already there", output.display());
            Err(CliError::input(text, "`--force` writes over it"))
        }
        Err(source) => Err(CliError::Io { what: format!("write {}", output.display()), source }),
    }
}

fn fields(ui: &Ui) -> String {
    let row = |field: &Field| {
        let names = field.names().join(" ");
        let (what, how) = match field.answer {
            Answer::Mapped(to) => (to, String::new()),
            Answer::Differs(to, how) => (to, how.to_owned()),
            Answer::Nothing(why) => ("-", why.to_owned()),
            Answer::Refused(why) => ("refused", why.to_owned()),
        };
        [names, what.to_owned(), how]
    };
    let rows: Vec<_> = import::TOP.iter().chain(import::FIELDS).map(row).collect();
    render::fields(&rows, ui.style())
}
