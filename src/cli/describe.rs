//! `eco describe`

use clap::Args;

use super::{
    Outcome,
    client::{Client, Starts},
    error::CliError,
    target::{self, AppsArg, ProjectArg},
    ui::Ui,
};
use crate::{
    api::{DescribeReply, path},
    controller::Home,
    render,
};

/// Show everything about apps: resolved fields, instances, log files, latest exits
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco describe web
  eco describe web --json")]
pub(super) struct DescribeArgs {
    #[command(flatten)]
    apps: AppsArg,

    #[command(flatten)]
    project: ProjectArg,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Carries the command out.
pub(super) fn run(args: &DescribeArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    let mut target = target::target(&args.project, &args.apps.apps)?;
    target.memory = true;
    let client = Client::connect(&home, Starts::IfRecorded)?;
    let reply: DescribeReply = client.post(path::DESCRIBE, &target)?;
    if args.json {
        ui.print_json(&reply)?;
    } else {
        ui.print(&render::describe(&reply, ui.style(), jiff::Timestamp::now()))?;
    }
    Ok(0)
}
