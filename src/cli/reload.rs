//! `eco reload`

use clap::Args;

use super::{
    Outcome,
    client::Starts,
    operate::{self, OperateArgs},
    target::AppsArg,
    ui::Ui,
};
use crate::api::Operation;

/// Let apps read their files again: by the signal of their `reload`, else by replacing every instance
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco reload web
  eco reload all")]
pub(super) struct ReloadArgs {
    #[command(flatten)]
    apps: AppsArg,

    #[command(flatten)]
    pub(super) operate: OperateArgs,
}

/// Carries the command out.
pub(super) fn run(args: &ReloadArgs, ui: &Ui) -> Outcome {
    operate::named(&args.apps.apps, "reload")?;
    operate::operate((Operation::Reload, &args.apps.apps), &args.operate, Starts::UnlessEnded, ui)
}
