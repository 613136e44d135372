//! `eco signal`

use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::{
    Outcome,
    client::{Client, Starts},
    error::CliError,
    target::{self, ProjectArg, app_names},
    ui::Ui,
};
use crate::{
    api::{Operation, OperationRequest, Progress, Selector, path},
    controller::Home,
    model::Signal,
};

/// Send a signal to the first process of each instance
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco signal HUP web
  eco signal SIGUSR2 web/0 worker")]
pub(super) struct SignalArgs {
    /// `HUP`, `SIGHUP` or `1`
    #[arg(value_name = "SIGNAL", value_parser = signal)]
    signal: Signal,

    /// Apps: `web`, `web/0`, `tag:edge`, `all`
    #[arg(value_name = "APP", required = true, add = ArgValueCandidates::new(app_names))]
    apps: Vec<Selector>,

    #[command(flatten)]
    project: ProjectArg,
}

fn signal(text: &str) -> Result<Signal, String> {
    text.parse().map_err(|()| format!("there is no signal `{text}`; for example `HUP` or `USR2`"))
}

/// Carries the command out.
pub(super) fn run(args: &SignalArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    let target = target::target(&args.project, &args.apps)?;
    let client = Client::connect(&home, Starts::IfRecorded)?;
    let operation = Operation::Signal(args.signal);
    let request = OperationRequest { target, operation, wait: false, timeout: 0.0 };
    let mut exit = 3;
    client.stream(path::OPERATE, &request, |line: Progress| {
        if let Progress::Result(outcome) = line {
            exit = outcome.exit;
        }
        Ok(())
    })?;
    if exit == 0 {
        ui.talk(&format!("{} was sent\n", args.signal));
    }
    Ok(exit)
}
