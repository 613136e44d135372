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
    api::{HistoryReply, PruneReply, PruneRequest, path},
    controller::Home,
    render,
};

/// Show the accepted states of the project: when, by whom, from which commit
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco history
  eco history --json | jq '.revisions[] | select(.current)'
  eco history --prune=5

The latest 50 are kept. A star after a commit: files differed from it. `eco rollback GENERATION` goes
back to one, `eco diff --from GENERATION` compares.")]
pub(super) struct HistoryArgs {
    #[command(flatten)]
    project: ProjectArg,

    /// Forget old states: keep so many of the latest, the present one, and the one that `eco
    /// rollback` brings back
    #[arg(long, value_name = "KEEP", num_args = 0..=1, default_missing_value = "10")]
    prune: Option<u64>,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Carries the command out.
pub(super) fn run(args: &HistoryArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    let target = target::target(&args.project, &[])?;
    let client = Client::connect(&home, Starts::IfRecorded)?;
    if let Some(keep) = args.prune {
        let reply: PruneReply = client.post(path::PRUNE, &PruneRequest { target, keep })?;
        if args.json {
            ui.print_json(&reply)?;
        } else {
            ui.print(&render::pruned(&reply))?;
        }
        return Ok(0);
    }
    let reply: HistoryReply = client.post(path::HISTORY, &target)?;
    if args.json {
        ui.print_json(&reply)?;
    } else {
        ui.print(&render::history(&reply, ui.style(), jiff::Timestamp::now()))?;
    }
    Ok(0)
}
