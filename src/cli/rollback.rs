//! `eco rollback`

use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::{
    Outcome,
    client::Starts,
    operate::{self, OperateArgs},
    target::{AppsArg, generations},
    ui::Ui,
};
use crate::api::Operation;

/// Bring apps back to what they were before the last change
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco rollback                        every app of this project
  eco rollback web
  eco rollback --to 12                as in generation 12 of `eco history`

It holds until the file's content changes, or until `eco apply`.")]
pub(super) struct RollbackArgs {
    #[command(flatten)]
    apps: AppsArg,

    /// The generation to go back to; see `eco history`
    #[arg(long, value_name = "GENERATION", add = ArgValueCandidates::new(generations))]
    to: Option<u64>,

    #[command(flatten)]
    pub(super) operate: OperateArgs,
}

/// Carries the command out.
pub(super) fn run(args: &RollbackArgs, ui: &Ui) -> Outcome {
    let operation = Operation::Rollback(args.to);
    operate::operate((operation, &args.apps.apps), &args.operate, Starts::UnlessEnded, ui)
}
