//! `eco apply`

use std::time::Duration;

use clap::Args;

use super::{
    Outcome,
    client::{Client, Starts},
    error::CliError,
    file::{self, PlanArgs},
    live::{self, Manner},
    operate::duration,
    target,
    ui::Ui,
};
use crate::{
    api::{ApplyRequest, path},
    config,
    controller::Home,
};

/// Make the machine as the file says: start, scale, replace, remove; nothing else is touched
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco apply                           ./ecosystem.yaml
  eco apply deploy/ecosystem.yaml --profile production
  eco apply --only web,worker         leave the other apps as they are
  eco apply --watch                   and follow the file's edits from now on
  eco apply --dry-run                 only show what would be done

Exits 0 when every app has been ready for its `min_ready` and what was stopped is gone.")]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command line")]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    pub(super) plan: PlanArgs,

    /// Follow the file's edits from now on; `--no-watch` ends it
    #[arg(long, overrides_with = "no_watch")]
    watch: bool,

    /// Stop following the file
    #[arg(long)]
    no_watch: bool,

    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,

    /// Return as soon as it is accepted
    #[arg(long)]
    no_wait: bool,

    /// Wait no longer than this
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    timeout: Duration,

    /// Take a project of this name over from another directory
    #[arg(long = "move")]
    take_over: bool,
}

/// Carries the command out.
pub(super) fn run(args: &ApplyArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    // The file is read before anything is started: a wrong one leaves no trace.
    let running = Client::connect(&home, Starts::No).ok();
    let load = if args.dry_run { file::load } else { file::load_to_apply };
    let loaded = load(&args.plan.file, &home, running.as_ref(), ui)?;
    warn(&loaded.warnings, ui);
    let request = args.request(&loaded);
    if args.dry_run {
        return super::diff::show(&home, &request, args.plan.json, ui);
    }
    let client = match running {
        Some(client) => client,
        None => Client::connect(&home, Starts::Yes)?,
    };
    let request = file::with_commit(request);
    let target = target::of_file(&loaded, live::selectors(&args.plan.only));
    let resume = live::awaiting(target, request.wait, request.timeout);
    let manner = Manner { json: args.plan.json, show_plan: true };
    live::follow(&client, (path::APPLY, &request), &resume, manner, ui)
}

impl ApplyArgs {
    fn request(&self, loaded: &config::Loaded) -> ApplyRequest {
        ApplyRequest {
            follow: match (self.watch, self.no_watch) {
                (true, _) => Some(true),
                (false, true) => Some(false),
                (false, false) => None,
            },
            take_over: self.take_over,
            wait: !self.no_wait,
            timeout: self.timeout.as_secs_f64(),
            ..self.plan.request(loaded)
        }
    }
}

/// Shows what is odd about the file, but no fault.
pub(super) fn warn(warnings: &config::Faults, ui: &Ui) {
    for warning in warnings {
        let text = format!("warning: {}\n", warning.one_line());
        ui.talk(&text);
    }
}

/// An apply of a file with no flags, for commands that apply on their way.
pub(super) fn plain(loaded: &config::Loaded, timeout: Duration) -> ApplyRequest {
    let request = file::with_commit(file::request(loaded, &[]));
    ApplyRequest { wait: true, timeout: timeout.as_secs_f64(), ..request }
}
