//! `eco logs`

use std::{io, os::fd::AsFd as _};

use regex::bytes::Regex;

use crate::{
    api::{ElsewhereLogged, LogDestination, LogFile, LogsReply, Stream, Target, path},
    cli::{
        Outcome,
        client::{Client, Starts},
        error::CliError,
        target::{self, AppsArg, ProjectArg},
        ui::Ui,
    },
    controller::{self, Home},
    logs::{Form, Hooks, Moment, Query, follow, moment, print},
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
  eco logs --since 5m --grep 'error|warn'
  eco logs web --since '2026-03-04 05:06' --until '2026-03-04 05:10' --json
  eco logs web --no-prefix > web.log  the stored bytes")]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    apps: AppsArg,

    #[command(flatten)]
    project: ProjectArg,

    /// Only so many of the last lines [default: 100, or all with --since, --until, --grep or
    /// --no-prefix]
    #[arg(short = 'n', long = "lines", value_name = "N")]
    last: Option<usize>,

    /// Go on with what is printed from now on
    #[arg(short, long)]
    follow: bool,

    /// Only what was printed since then: `5m` (ago), `2026-03-04 05:06`, `2026-03-04T05:06:07Z`
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<Moment>,

    /// Only what was printed until then
    #[arg(long, value_name = "WHEN", value_parser = moment, conflicts_with = "follow")]
    until: Option<Moment>,

    /// Only lines that match this regular expression
    #[arg(short, long, value_name = "PATTERN", value_parser = pattern)]
    grep: Option<Regex>,

    #[command(flatten)]
    streams: StreamsArgs,

    #[command(flatten)]
    shape: ShapeArgs,
}

/// Which of the two outputs.
#[derive(Debug, Args)]
struct StreamsArgs {
    /// Only standard output
    #[arg(long, conflicts_with = "err")]
    out: bool,

    /// Only standard error
    #[arg(long)]
    err: bool,
}

impl StreamsArgs {
    fn wanted(&self, files: Vec<LogFile>) -> Vec<LogFile> {
        let is_wanted = |file: &LogFile| match file.stream {
            Stream::Out => !self.err,
            Stream::Err => !self.out,
        };
        files.into_iter().filter(is_wanted).collect()
    }
}

/// What lines look like.
#[derive(Debug, Args)]
struct ShapeArgs {
    /// The time of each line before it
    #[arg(short, long)]
    timestamps: bool,

    /// The stored bytes, without whose they are
    #[arg(long, conflicts_with_all = ["timestamps", "json"])]
    no_prefix: bool,

    /// Each line as a JSON object
    #[arg(long, conflicts_with = "timestamps")]
    json: bool,
}

fn pattern(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| error.to_string())
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
        Some(client) => {
            let reply: LogsReply = client.post(path::LOGS, &target)?;
            tell_elsewhere(&reply, ui);
            reply.files
        }
        None => recorded(&home, &target)?,
    };
    let files = args.streams.wanted(files);
    let query = query(args, ui);
    let done = if args.follow {
        let mut refresh = || ask(client.as_ref()?, &target).ok().map(|it| args.streams.wanted(it));
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

fn query(args: &LogsArgs, ui: &Ui) -> Query {
    let is_chosen = args.since.is_some() || args.until.is_some() || args.grep.is_some();
    let everything = is_chosen || args.shape.no_prefix;
    let now = controller::wall_clock();
    Query {
        last: args.last.or((!everything).then_some(DEFAULT_LAST)),
        since: args.since.and_then(|since| since.time(now)),
        until: args.until.and_then(|until| until.time(now)),
        matching: args.grep.clone(),
        form: match (args.shape.no_prefix, args.shape.json) {
            (true, _) => Form::Bytes,
            (false, true) => Form::Json,
            (false, false) => Form::Text { times: args.shape.timestamps },
        },
        color: ui.style().color,
    }
}

/// Says where the output is that is not in files.
fn tell_elsewhere(reply: &LogsReply, ui: &Ui) {
    for ElsewhereLogged { project, app, to } in &reply.elsewhere {
        let text = match to {
            LogDestination::File => continue,
            LogDestination::None => {
                format!("what {app} prints is not kept (`logs: {{ to: none }}`)")
            }
            LogDestination::Journald => format!(
                "{app} writes to the journal: journalctl ECO_PROJECT={project} ECO_APP={app}"
            ),
            LogDestination::Syslog => format!("{app} writes to syslog, under the name {app}"),
            LogDestination::Stdout => format!(
                "{app} writes to the standard output of eco itself: see the log of its container or \
                 service"
            ),
        };
        ui.talk(&format!("{text}\n"));
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
    let hooks = Hooks { refresh, until_closed: Some(stdout.as_fd()), until: None };
    follow(files, query, &mut stdout.lock(), hooks)
}
