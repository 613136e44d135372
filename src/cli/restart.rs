//! `eco restart`

use clap::Args;

use super::{
    Outcome,
    client::Starts,
    operate::{self, OperateArgs},
    target::AppsArg,
    ui::Ui,
};
use crate::api::Operation;

/// Replace every instance of apps, or single instances
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco restart web
  eco restart web/0                   one instance
  eco restart all")]
pub(super) struct RestartArgs {
    #[command(flatten)]
    apps: AppsArg,

    #[command(flatten)]
    pub(super) operate: OperateArgs,
}

/// Carries the command out.
pub(super) fn run(args: &RestartArgs, ui: &Ui) -> Outcome {
    operate::named(&args.apps.apps, "restart")?;
    operate::operate((Operation::Restart, &args.apps.apps), &args.operate, Starts::UnlessEnded, ui)
}
