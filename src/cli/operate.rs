//! What the commands on apps have in common: their arguments, and waiting for the result.

use std::time::Duration;

use clap::Args;

use super::{
    client::{Client, Starts},
    error::CliError,
    live::{self, Manner},
    target::{self, ProjectArg},
    ui::Ui,
};
use crate::{
    api::{Operation, OperationRequest, Selector, Target, path},
    config,
    controller::Home,
};

/// How a command waits.
#[derive(Clone, Debug, Args)]
pub(super) struct OperateArgs {
    #[command(flatten)]
    pub(super) project: ProjectArg,

    /// Return as soon as it is accepted
    #[arg(long)]
    pub(super) no_wait: bool,

    /// Wait no longer than this
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub(super) timeout: Duration,

    /// Print JSON, one object a line
    #[arg(long)]
    pub(super) json: bool,
}

/// Reads a duration as the file has them: `250ms`, `5s`, `1m30s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    config::parse_duration(text)
}

/// Carries an operation out on apps and waits for it.
pub(super) fn operate(
    (operation, apps): (Operation, &[Selector]),
    args: &OperateArgs,
    starts: Starts,
    ui: &Ui,
) -> Result<u8, CliError> {
    let target = target::target(&args.project, apps)?;
    operate_on(target, operation, args, (starts, ui))
}

/// The same for a target that is known.
pub(super) fn operate_on(
    target: Target,
    operation: Operation,
    args: &OperateArgs,
    (starts, ui): (Starts, &Ui),
) -> Result<u8, CliError> {
    let home = Home::find().map_err(CliError::Home)?;
    let client = Client::connect(&home, starts)?;
    let timeout = args.timeout.as_secs_f64();
    let request =
        OperationRequest { target: target.clone(), operation, wait: !args.no_wait, timeout };
    let resume = live::awaiting(target, !args.no_wait, timeout);
    let manner = Manner { json: args.json, show_plan: false };
    live::follow(&client, (path::OPERATE, &request), &resume, manner, ui)
}

/// At least one app has to be named; `all` is every app.
pub(super) fn named(apps: &[Selector], command: &str) -> Result<(), CliError> {
    if apps.is_empty() {
        let text = "name the apps, or say `all`";
        return Err(CliError::input(text, format!("for example `eco {command} web`")));
    }
    Ok(())
}
