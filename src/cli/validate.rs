//! `eco validate`

use clap::Args;
use serde::Serialize;

use super::{
    Outcome, apply,
    error::CliError,
    file::{self, FileArgs},
    ui::Ui,
};
use crate::{config::Fault, controller::Home, import};

/// Check the file as `apply` would: variables, directories, env files
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco validate
  eco validate --static deploy/ecosystem.yaml    the text only, for CI
  eco validate --json")]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    file: FileArgs,

    /// The text only: no variables, directories or other files
    #[arg(long = "static")]
    text_only: bool,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Serialize)]
struct FaultReply<'a> {
    file: String,
    line: u32,
    col: u32,
    code: &'a str,
    message: &'a str,
    help: Option<&'a str>,
}

/// Carries the command out.
pub(super) fn run(args: &ValidateArgs, ui: &Ui) -> Outcome {
    let checked = if args.text_only { check_text(args, ui) } else { check_all(args, ui) };
    match (checked, args.json) {
        (Ok(()), true) => ui.print("[]\n").map(|()| 0),
        (Ok(()), false) => {
            ui.print(&format!("{}: fine\n", args.file.shown().display()))?;
            Ok(0)
        }
        (Err(CliError::Faults(faults)), true) => {
            let replies: Vec<_> = faults.iter().map(reply).collect();
            ui.print_json(&replies)?;
            Ok(2)
        }
        (Err(other), _) => Err(other),
    }
}

fn check_text(args: &ValidateArgs, ui: &Ui) -> Result<(), CliError> {
    let path = args.file.path(ui)?;
    import::check_file_static(&path, args.file.options()).map_err(CliError::Faults)
}

fn check_all(args: &ValidateArgs, ui: &Ui) -> Result<(), CliError> {
    let home = Home::find().map_err(CliError::Home)?;
    let loaded = file::load(&args.file, &home, None, ui)?;
    apply::warn(&loaded.warnings, ui);
    Ok(())
}

fn reply(fault: &Fault) -> FaultReply<'_> {
    FaultReply {
        file: fault.file.display().to_string(),
        line: fault.line,
        col: fault.col,
        code: fault.code,
        message: &fault.message,
        help: fault.help.as_deref(),
    }
}
