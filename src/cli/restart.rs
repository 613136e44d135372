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
  eco restart all
  eco restart web --now               without waiting for successors to be ready")]
pub(super) struct RestartArgs {
    #[command(flatten)]
    apps: AppsArg,

    /// Stop each instance before its successor starts, all at once
    #[arg(long)]
    now: bool,

    #[command(flatten)]
    pub(super) operate: OperateArgs,
}

/// Carries the command out.
pub(super) fn run(args: &RestartArgs, ui: &Ui) -> Outcome {
    operate::named(&args.apps.apps, "restart")?;
    let operation = if args.now { Operation::RestartNow } else { Operation::Restart };
    operate::operate((operation, &args.apps.apps), &args.operate, Starts::UnlessEnded, ui)
}
