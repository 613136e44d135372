//! `eco start`

use clap::Args;

use super::{
    Outcome,
    client::Starts,
    operate::{self, OperateArgs},
    target::AppsArg,
    ui::Ui,
};
use crate::api::Operation;

/// Start apps that were stopped, and try again what had given up
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco start web
  eco start all")]
pub(super) struct StartArgs {
    #[command(flatten)]
    apps: AppsArg,

    #[command(flatten)]
    pub(super) operate: OperateArgs,
}

/// Carries the command out.
pub(super) fn run(args: &StartArgs, ui: &Ui) -> Outcome {
    operate::named(&args.apps.apps, "start")?;
    operate::operate((Operation::Start, &args.apps.apps), &args.operate, Starts::Yes, ui)
}
