//! `eco history`

use clap::Args;

use super::{
    Outcome,
    client::{Client, Starts},
    error::CliError,
    target::{self, ProjectArg},
    ui::Ui,
};
use crate::{
    api::{HistoryReply, path},
    controller::Home,
    render,
};

/// Show the accepted states of the project: when, by whom, from which commit
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    #[command(flatten)]
    project: ProjectArg,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Carries the command out.
pub(super) fn run(args: &HistoryArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    let target = target::target(&args.project, &[])?;
    let client = Client::connect(&home, Starts::IfRecorded)?;
    let reply: HistoryReply = client.post(path::HISTORY, &target)?;
    if args.json {
        ui.print_json(&reply)?;
    } else {
        ui.print(&render::history(&reply, ui.style(), jiff::Timestamp::now()))?;
    }
    Ok(0)
}
