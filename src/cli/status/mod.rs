//! `eco status`

mod drift;
mod screen;
mod watch;

use std::time::Duration;

use clap::Args;

use super::{
    Outcome,
    client::{Client, Starts},
    error::CliError,
    file,
    target::{self, AppsArg, ProjectArg},
    ui::Ui,
};
use crate::{
    api::{AppReply, FileState, SCHEMA, StatusAllReply, StatusReply, Target, path},
    controller::{self, Home},
    model::AppState,
    render::{self, StatusView, Style},
};

use drift::Drift;

/// Show how things stand, and why; exit 1 if anything is not as desired
#[derive(Debug, Args)]
#[command(
    visible_alias = "ls",
    after_help = "Examples:
  eco status                          this directory's project
  eco status web                      one app
  eco status -A                       every project of this machine
  eco status --watch                  in place, every second; q ends it
  eco status --json | jq '.apps[] | select(.state != \"ready\")'

CPU is of one core, as `top` shows it, since somebody looked last; MEM and CPU are of the whole process
tree. In a pipe `--watch` prints the table again when something has changed, and with `--json` an object
a line each time."
)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    apps: AppsArg,

    #[command(flatten)]
    project: ProjectArg,

    /// Every project
    #[arg(short = 'A', long, conflicts_with_all = ["project", "apps"])]
    all: bool,

    /// Every instance and every column, whatever the width
    #[arg(short, long)]
    wide: bool,

    /// Show it again and again, every second or every SECONDS
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        value_parser = interval
    )]
    watch: Option<Duration>,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Carries the command out.
pub(super) fn run(args: &StatusArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    let mut target = target::target(&args.project, &args.apps.apps)?;
    target.every_project = args.all;
    target.memory = true;
    let client = match Client::connect(&home, Starts::IfRecorded) {
        Ok(client) => Some(client),
        // Nothing was ever applied; but what was, and was ended, is not as desired.
        Err(CliError::NotRunning) if controller::recorded(&home).is_empty() => None,
        Err(other) => return Err(other),
    };
    let look = Looking { args, home, target };
    match (client, args.watch) {
        (Some(client), Some(every)) => watch::run(&look, &client, every, ui),
        (None, Some(_)) => Err(CliError::NotRunning),
        (client, None) => look.once(client.as_ref(), ui),
    }
}

/// Seconds, with a fraction if need be.
fn interval(text: &str) -> Result<Duration, String> {
    let seconds = text.strip_suffix('s').unwrap_or(text).parse().ok();
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let range = Duration::from_millis(100)..=Duration::from_secs(3600);
    time.filter(|time| range.contains(time))
        .ok_or_else(|| "expected seconds, from 0.1 to 3600".to_owned())
}

/// What is looked at, and how it is shown.
struct Looking<'a> {
    args: &'a StatusArgs,
    home: Home,
    target: Target,
}

impl Looking<'_> {
    fn once(&self, client: Option<&Client>, ui: &Ui) -> Outcome {
        let reply: StatusAllReply = match client {
            Some(client) => client.post(path::STATUS, &self.target)?,
            None => StatusAllReply { schema: SCHEMA, ..Default::default() },
        };
        if !reply.faults.is_empty() && !self.args.json {
            for fault in &reply.faults {
                ui.talk(&format!("warning: {fault}\n"));
            }
        }
        let unapplied_here = self.is_unapplied(&reply)?;
        let fine = !unapplied_here && is_fine(&reply);
        if self.args.json {
            self.print_json(reply, ui)?;
            return Ok(u8::from(!fine));
        }
        let mut drift = Drift::default();
        if let Some(client) = client {
            client.block_on(drift.look(&reply, &self.home, client));
        }
        ui.print(&self.text(&reply, &drift, ui.style()))?;
        if unapplied_here && !self.args.all && !reply.projects.is_empty() {
            let own = file::own_file(&file::current_dir()?);
            let name = own.file_name().unwrap_or_default().display();
            ui.talk(&format!("this directory's {name} is not applied; `eco apply` does it\n"));
        }
        Ok(u8::from(!fine))
    }

    /// Prints all projects, or the only one.
    fn print_json(&self, mut reply: StatusAllReply, ui: &Ui) -> Result<(), CliError> {
        if self.args.all {
            return ui.print_json(&reply);
        }
        ui.print_json(&reply.projects.pop().unwrap_or_else(no_project))
    }

    fn text(&self, reply: &StatusAllReply, drift: &Drift, style: &Style) -> String {
        let now = jiff::Timestamp::now();
        let view = StatusView { wide: self.args.wide, changes: drift.changes() };
        if self.args.all {
            return render::status_all(reply, StatusView { changes: None, ..view }, style, now);
        }
        match reply.projects.last() {
            Some(only) => render::status(only, view, style, now),
            None => render::status(&no_project(), view, style, now),
        }
    }

    /// Whether this directory has a file of its own that is none of the projects', and nobody asked
    /// for others.
    fn is_unapplied(&self, reply: &StatusAllReply) -> Result<bool, CliError> {
        if self.args.all || self.args.project.project.is_some() {
            return Ok(false);
        }
        let here = file::current_dir()?;
        let own = file::own_file(&here);
        let known = |project: &StatusReply| {
            project.file.as_ref().is_some_and(|file| file.path.parent() == Some(&here))
        };
        Ok(own.exists() && !reply.projects.iter().any(known))
    }
}

fn no_project() -> StatusReply {
    StatusReply { schema: SCHEMA, ..Default::default() }
}

/// Whether all is as desired.
fn is_fine(reply: &StatusAllReply) -> bool {
    reply.faults.is_empty() && reply.projects.iter().all(is_project_fine)
}

fn is_project_fine(project: &StatusReply) -> bool {
    let file_fine = project.file.as_ref().is_none_or(|file| file.state == FileState::InSync);
    file_fine && project.apps.iter().all(app_is_fine)
}

fn app_is_fine(app: &AppReply) -> bool {
    let state_fine = match app.state {
        AppState::Ready | AppState::Off | AppState::Done => true,
        AppState::Converging
        | AppState::Degraded
        | AppState::CrashLooping
        | AppState::Stopped
        | AppState::Failed => false,
    };
    state_fine && app.overrides.is_empty()
}
