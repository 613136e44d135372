//! `eco run-job`

use clap::Args;

use super::{
    Outcome,
    client::Starts,
    operate::{self, OperateArgs},
    target::AppsArg,
    ui::Ui,
};
use crate::api::Operation;

/// Run a job now, and wait for its end
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco run-job nightly                 exit code 0 if it ended well, else 1
  eco run-job nightly --no-wait

While a run of it goes on, its `overlap` says what happens; without a schedule that is refused.")]
pub(super) struct RunJobArgs {
    #[command(flatten)]
    apps: AppsArg,

    #[command(flatten)]
    pub(super) operate: OperateArgs,
}

/// A number that no other call has.
fn token() -> u64 {
    let nanos = jiff::Timestamp::now().as_nanosecond().unsigned_abs() & u128::from(u64::MAX >> 8);
    let pid = u64::from(std::process::id());
    u64::try_from(nanos).unwrap_or_default().wrapping_mul(0x2545_f491_4f6c_dd1d) ^ pid | 1
}

/// Carries the command out.
pub(super) fn run(args: &RunJobArgs, ui: &Ui) -> Outcome {
    operate::named(&args.apps.apps, "run-job")?;
    let operation = Operation::RunJob(token());
    operate::operate((operation, &args.apps.apps), &args.operate, Starts::UnlessEnded, ui)
}
