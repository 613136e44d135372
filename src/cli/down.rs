//! `eco down`

use clap::Args;

use super::{
    Outcome,
    client::{Client, Starts},
    error::CliError,
    live,
    live::Manner,
    operate::OperateArgs,
    target,
    ui::Ui,
};
use crate::{
    api::{Operation, OperationRequest, path},
    controller::Home,
};

/// Stop every app of the project and forget it; log files stay
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco down                            this directory's project
  eco down -p shop
  eco down -A                         every project")]
pub(super) struct DownArgs {
    /// Every project
    #[arg(short = 'A', long, conflicts_with = "project")]
    all: bool,

    #[command(flatten)]
    pub(super) operate: OperateArgs,
}

/// Carries the command out.
pub(super) fn run(args: &DownArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    let mut target = target::target(&args.operate.project, &[])?;
    target.every_project = args.all;
    let client = match Client::connect(&home, Starts::IfRecorded) {
        Ok(client) => client,
        Err(CliError::NotRunning) => return Ok(nothing(ui)),
        Err(other) => return Err(other),
    };
    let timeout = args.operate.timeout.as_secs_f64();
    let wait = !args.operate.no_wait;
    let request =
        OperationRequest { target: target.clone(), operation: Operation::Down, wait, timeout };
    let manner = Manner { json: args.operate.json, show_plan: false };
    let done = live::follow(&client, (path::OPERATE, &request), &request, manner, ui);
    match done {
        Err(CliError::Api(error)) if error.error.code == "no_project" => Ok(nothing(ui)),
        other => other,
    }
}

fn nothing(ui: &Ui) -> u8 {
    ui.talk("nothing is applied\n");
    0
}
