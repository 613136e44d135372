//! `eco doctor`

use clap::Args;

use super::{Outcome, error::CliError, ui::Ui};
use crate::{
    controller::{Home, doctor},
    render,
};

/// Find out what this machine lets eco do, what is missing, and how to mend it
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Carries the command out: 0 if everything is as it should be, else 1.
pub(super) fn run(args: &DoctorArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    let reply = doctor(&home);
    if args.json {
        ui.print_json(&reply)?;
    } else {
        ui.print(&render::doctor(&reply, ui.style()))?;
    }
    Ok(u8::from(reply.checks.iter().any(|check| !check.ok)))
}
