//! `eco stop`

use clap::Args;

use super::{
    Outcome,
    client::Starts,
    operate::{self, OperateArgs},
    target::AppsArg,
    ui::Ui,
};
use crate::api::Operation;

/// Stop apps and keep them down, over reboots too, until started or applied
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco stop worker
  eco stop tag:edge")]
pub(super) struct StopArgs {
    #[command(flatten)]
    apps: AppsArg,

    #[command(flatten)]
    pub(super) operate: OperateArgs,
}

/// Carries the command out.
pub(super) fn run(args: &StopArgs, ui: &Ui) -> Outcome {
    operate::named(&args.apps.apps, "stop")?;
    operate::operate((Operation::Stop, &args.apps.apps), &args.operate, Starts::IfRecorded, ui)
}
