//! `eco diff`

use clap::Args;

use super::{
    Outcome,
    apply::warn,
    client::{Client, Starts},
    error::CliError,
    file::{self, PlanArgs},
    ui::Ui,
};
use crate::{
    api::{ApplyRequest, DiffReply, path},
    controller::{self, Home},
    render,
};

/// Show what `apply` would change, do and interrupt; exit 1 if there is anything
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco diff                            ./ecosystem.yaml against what runs
  eco diff --profile production
  eco diff --show-values              with the values of env
  eco diff --json | jq .actions

Nothing is started for it: without a running eco, everything would be created.")]
pub(super) struct DiffArgs {
    #[command(flatten)]
    pub(super) plan: PlanArgs,
}

/// Carries the command out.
pub(super) fn run(args: &DiffArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    let client = Client::connect(&home, Starts::No).ok();
    let loaded = file::load(&args.plan.file, &home, client.as_ref(), ui)?;
    warn(&loaded.warnings, ui);
    show(&home, &args.plan.request(&loaded), args.plan.json, ui)
}

/// Shows what an apply would do, and says by the exit code whether that is anything.
pub(super) fn show(home: &Home, request: &ApplyRequest, json: bool, ui: &Ui) -> Outcome {
    let reply: DiffReply = match Client::connect(home, Starts::No) {
        Ok(client) => client.post(path::DIFF, request)?,
        Err(CliError::NotRunning) => controller::preview_alone(request).map_err(CliError::Api)?,
        Err(other) => return Err(other),
    };
    print(&reply, json, ui)
}

/// Prints a comparison, and says by the exit code whether there is a difference.
pub(super) fn print(reply: &DiffReply, json: bool, ui: &Ui) -> Outcome {
    if json {
        ui.print_json(reply)?;
    } else {
        ui.print(&render::diff(reply, ui.style()))?;
    }
    Ok(u8::from(!reply.is_empty()))
}
