//! `eco scale`

use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::{
    Outcome,
    client::Starts,
    operate::{self, OperateArgs},
    target::app_names,
    ui::Ui,
};
use crate::api::{Operation, Selector};

/// Run so many instances of an app, until the file is applied again
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco scale web 4
  eco scale worker 0")]
pub(super) struct ScaleArgs {
    /// The app
    #[arg(value_name = "APP", add = ArgValueCandidates::new(app_names))]
    app: Selector,

    /// How many instances
    #[arg(value_name = "N")]
    count: u32,

    #[command(flatten)]
    pub(super) operate: OperateArgs,
}

/// Carries the command out.
pub(super) fn run(args: &ScaleArgs, ui: &Ui) -> Outcome {
    let operation = Operation::Scale(args.count);
    let apps = std::slice::from_ref(&args.app);
    operate::operate((operation, apps), &args.operate, Starts::UnlessEnded, ui)
}
