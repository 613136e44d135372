//! `eco logs`

use std::{io, os::fd::AsFd as _, time::Duration};

use super::{Hooks, Query, follow, print};
use crate::{
    api::{LogFile, LogsReply, Target, path},
    cli::{
        Outcome,
        client::{Client, Starts},
        error::CliError,
        operate::duration,
        target::{self, AppsArg, ProjectArg},
        ui::Ui,
    },
    controller::{self, Home},
};
use clap::Args;

/// So many lines are shown where nothing else is said.
const DEFAULT_LAST: usize = 100;

/// Show what apps print, streams and instances merged by time
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco logs                            every app of this directory's project
  eco logs web -f                     and what it prints from now on
  eco logs web/0 -n 1000
  eco logs --since 5m
  eco logs web --no-prefix > web.log  the stored bytes")]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    apps: AppsArg,

    #[command(flatten)]
    project: ProjectArg,

    /// Only so many of the last lines [default: 100, or all with --since or --no-prefix]
    #[arg(short = 'n', long = "lines", value_name = "N")]
    last: Option<usize>,

    /// Go on with what is printed from now on
    #[arg(short, long)]
    follow: bool,

    /// Only what was printed in this last while
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    since: Option<Duration>,

    /// The stored bytes, without whose they are
    #[arg(long)]
    no_prefix: bool,
}

/// Carries the command out.
pub(crate) fn run(args: &LogsArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    let target = target::target(&args.project, &args.apps.apps)?;
    let client = match Client::connect(&home, Starts::IfRecorded) {
        Ok(client) => Some(client),
        // The files are there all the same.
        Err(CliError::NotRunning) => None,
        Err(other) => return Err(other),
    };
    let files = match &client {
        Some(client) => ask(client, &target)?,
        None => recorded(&home, &target)?,
    };
    let everything = args.since.is_some() || args.no_prefix;
    let query = Query {
        last: args.last.or((!everything).then_some(DEFAULT_LAST)),
        since: args.since.and_then(|ago| controller::wall_clock().checked_sub(ago)),
        prefix: !args.no_prefix,
        color: ui.style().color,
    };
    let done = if args.follow {
        let mut refresh = || ask(client.as_ref()?, &target).ok();
        follow_to_stdout(&files, &query, &mut refresh)
    } else {
        print(&files, &query, &mut io::stdout().lock())
    };
    match done {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        Err(source) => Err(CliError::Io { what: "show logs".to_owned(), source }),
        Ok(()) => Ok(0),
    }
}

fn ask(client: &Client, target: &Target) -> Result<Vec<LogFile>, CliError> {
    let reply: LogsReply = client.post(path::LOGS, target)?;
    Ok(reply.files)
}

/// The log files of apps that are stored, while eco does not run.
fn recorded(home: &Home, target: &Target) -> Result<Vec<LogFile>, CliError> {
    let mut projects = controller::recorded(home);
    let is_meant = |found: &controller::Recorded| match &target.project {
        Some(name) => found.name == *name,
        None => found.dir == target.dir,
    };
    if target.project.is_some() || projects.iter().any(is_meant) || 1 < projects.len() {
        projects.retain(is_meant);
    }
    let meant = |file: &LogFile| {
        target.apps.is_empty() || target.apps.iter().any(|selector| selector.fits(&file.id))
    };
    let files: Vec<_> = projects.into_iter().flat_map(|found| found.logs).filter(meant).collect();
    if files.is_empty() { Err(CliError::NotRunning) } else { Ok(files) }
}

fn follow_to_stdout(
    files: &[LogFile],
    query: &Query,
    refresh: &mut dyn FnMut() -> Option<Vec<LogFile>>,
) -> io::Result<()> {
    let stdout = io::stdout();
    let hooks = Hooks { refresh, until_closed: Some(stdout.as_fd()) };
    // Not locked: `eco run` prints beside it.
    follow(files, query, &mut io::stdout(), hooks)
}

/// Shows what is printed from now on, until the process ends.
pub(in crate::cli) fn show_aside(files: Vec<LogFile>, ui: &Ui) {
    let query = Query { last: Some(0), since: None, prefix: true, color: ui.style().color };
    // It ends with the process: there is nothing to wait for.
    drop(std::thread::spawn(move || follow_to_stdout(&files, &query, &mut || None)));
}
