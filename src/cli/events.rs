//! `eco events`

use clap::Args;
use serde::{
    Deserialize as _,
    de::{IntoDeserializer as _, value::Error},
};

use super::{
    Outcome,
    client::{Client, Starts},
    error::CliError,
    target::{self, AppsArg, ProjectArg},
    ui::Ui,
};
use crate::{
    api::{EventReply, EventType, EventsRequest, path},
    controller::{self, Home},
    logs::{Moment, moment},
    render,
};

/// How many are shown if nothing is said about it.
const LATEST: usize = 50;

/// Show what happened: starts, exits, applies, edits of the file
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco events                          the latest 50
  eco events web -n 500
  eco events -f                       and what happens from now on
  eco events --since 10m              also: --since '2026-03-04 05:06'
  eco events --type crashed,rolled_back
  eco events --json -f | jq 'select(.type == \"exited\")'

At least the latest 8 MiB of events are kept, for all projects together.")]
pub(super) struct EventsArgs {
    #[command(flatten)]
    apps: AppsArg,

    #[command(flatten)]
    project: ProjectArg,

    /// Every project
    #[arg(short = 'A', long, conflicts_with_all = ["project", "apps"])]
    all: bool,

    /// So many of the latest [default: 50, or all between --since and --until]
    #[arg(short = 'n', long = "lines", value_name = "N")]
    last: Option<usize>,

    /// Go on with what happens from now on
    #[arg(short, long)]
    follow: bool,

    /// Only what happened since: how long ago, or when
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<Moment>,

    /// Only what happened until then
    #[arg(long, value_name = "WHEN", value_parser = moment, conflicts_with = "follow")]
    until: Option<Moment>,

    /// Only of these kinds, as `type` has them in JSON
    #[arg(long = "type", value_name = "TYPE,…", value_delimiter = ',', value_parser = kind)]
    types: Vec<EventType>,

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
    let is_bounded = args.since.is_some() || args.until.is_some();
    let request = EventsRequest {
        target,
        last: args.last.unwrap_or(if is_bounded { usize::MAX } else { LATEST }),
        follow: args.follow,
        since: args.since.and_then(rfc3339),
        until: args.until.and_then(rfc3339),
        types: args.types.clone(),
        after: None,
    };
    client.stream(path::EVENTS, &request, |event: EventReply| {
        if args.json {
            ui.print_json(&event)
        } else {
            ui.print(&render::event_line(&event, ui.style()))
        }
    })?;
    Ok(0)
}

/// The point in time as the API has it; what is before time began is everything.
fn rfc3339(moment: Moment) -> Option<String> {
    let time = moment.time(controller::wall_clock())?;
    jiff::Timestamp::try_from(time).ok().map(|time| time.to_string())
}

/// A kind of event, by its word in JSON.
fn kind(text: &str) -> Result<EventType, String> {
    EventType::deserialize(text.into_deserializer()).map_err(|error: Error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_named_as_in_json() {
        assert_eq!(kind("rolled_back"), Ok(EventType::RolledBack));
        let problem = kind("explosion").unwrap_err();
        assert!(problem.contains("explosion") && problem.contains("`crashed`"), "{problem}");
    }
}
