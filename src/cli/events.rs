//! `eco events`

use clap::Args;

use super::{
    Outcome,
    client::{Client, Starts},
    error::CliError,
    target::{self, AppsArg, ProjectArg},
    ui::Ui,
};
use crate::{
    api::{EventReply, EventsRequest, path},
    controller::Home,
    render,
};

/// Show what happened: starts, exits, applies, edits of the file
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco events                          the latest 50
  eco events web -n 500
  eco events -f                       and what happens from now on
  eco events --json -f | jq 'select(.type == \"exited\")'")]
pub(super) struct EventsArgs {
    #[command(flatten)]
    apps: AppsArg,

    #[command(flatten)]
    project: ProjectArg,

    /// Every project
    #[arg(short = 'A', long, conflicts_with_all = ["project", "apps"])]
    all: bool,

    /// So many of the latest
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 50)]
    last: usize,

    /// Go on with what happens from now on
    #[arg(short, long)]
    follow: bool,

    /// Print JSON, one object a line
    #[arg(long)]
    pub(super) json: bool,
}

/// Carries the command out.
pub(super) fn run(args: &EventsArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    let mut target = target::target(&args.project, &args.apps.apps)?;
    target.every_project = args.all;
    let client = Client::connect(&home, Starts::IfRecorded)?;
    let request = EventsRequest { target, last: args.last, follow: args.follow, after: None };
    client.stream(path::EVENTS, &request, |event: EventReply| {
        if args.json {
            ui.print_json(&event)
        } else {
            ui.print(&render::event_line(&event, ui.style()))
        }
    })?;
    Ok(0)
}
