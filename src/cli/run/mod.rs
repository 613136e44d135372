//! `eco run`

mod news;
mod output;

use std::time::Duration;

use clap::{Args, ValueEnum};

use self::{news::News, output::Output};
use super::{
    Outcome, apply,
    client::{Client, Starts},
    daemon,
    error::CliError,
    file::{self, FileArgs},
    live::{self, Manner},
    target,
    ui::Ui,
};
use crate::{
    api::{AppReply, Operation, OperationRequest, Progress, StatusAllReply, Target, path},
    controller::{self, Home},
    logs::Form,
    model::{AppState, Signal},
};

/// How long an app may take to become ready, and to stop in the end.
const PATIENCE: Duration = Duration::from_secs(300);

/// Apply the file and stay in the foreground with its output; Ctrl-C or SIGTERM takes it down
///
/// It ends by itself once no app runs any more and none will be started: with 0 if all are done,
/// with 1 if one has failed for good. SIGUSR1 and SIGUSR2 are passed on to the first process of each
/// instance; so is SIGHUP where this is the first process of a container, which then also reaps.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco run                             development: apply, show output, take down at Ctrl-C
  eco run /app/ecosystem.yaml         the command of a container
  eco run --log-format json           for what collects a container's output")]
pub(super) struct RunArgs {
    #[command(flatten)]
    file: FileArgs,

    /// What lines of output look like [default: as each app's `logs.format` says]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

/// What lines of output look like.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// As the apps print them
    Raw,
    /// With the instance before them
    Text,
    /// As JSON objects
    Json,
}

impl RunArgs {
    fn form(&self) -> Form {
        match self.log_format {
            None => Form::AsConfigured,
            Some(LogFormat::Raw) => Form::Bytes,
            Some(LogFormat::Text) => Form::Text { times: false },
            Some(LogFormat::Json) => Form::Json,
        }
    }
}

/// Carries the command out.
pub(super) fn run(args: &RunArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    let running = Client::connect(&home, Starts::No).ok();
    let loaded = file::load_to_apply(&args.file, &home, running.as_ref(), ui)?;
    apply::warn(&loaded.warnings, ui);
    let started_here = running.is_none();
    let began = controller::wall_clock();
    let signals = news::listen();
    let client = match running {
        Some(client) => client,
        None => Client::connect(&home, Starts::Yes)?,
    };
    let target = target::of_file(&loaded, Vec::new());
    let manner = Manner { json: false, show_plan: true };
    let request = apply::plain(&loaded, PATIENCE);
    let resume = live::awaiting(target.clone(), true, PATIENCE.as_secs_f64());
    let applied = live::watch(&client, (path::APPLY, &request), &resume, manner, ui)?;
    let output = Output::show(&home, &target, (began, args.form()), ui)?;
    let ended = match applied {
        Some(0) => {
            signals.reap();
            news::follow_events(&signals, &home, &target);
            stay(&signals, &client, &target)?
        }
        Some(exit) => exit,
        None => 0,
    };
    let down = OperationRequest {
        target,
        operation: Operation::Down,
        wait: true,
        timeout: PATIENCE.as_secs_f64(),
    };
    let down = live::follow(&client, (path::OPERATE, &down), &down, manner, ui)?;
    if started_here {
        daemon::stop(&home, false, ui)?;
    }
    output.finish();
    Ok(ended.max(down))
}

/// Stays until somebody asks for the end, or nothing is left to run: the exit code.
fn stay(news: &news::Channel, client: &Client, target: &Target) -> Outcome {
    // What ended before anybody listened is seen here.
    let mut next = Some(News::Happened);
    while let Some(what) = next {
        match what {
            News::Asked => return Ok(0),
            News::Signalled(signal) => pass_on(signal, client, target)?,
            News::Happened => {
                if let Some(exit) = over(client, target)? {
                    return Ok(exit);
                }
            }
        }
        next = news.next();
    }
    Ok(0)
}

/// The exit code if no app runs any more and none will be started.
fn over(client: &Client, target: &Target) -> Result<Option<u8>, CliError> {
    let reply: StatusAllReply = client.post(path::STATUS, target)?;
    let apps: Vec<&AppReply> = reply.projects.iter().flat_map(|project| &project.apps).collect();
    let goes_on = |app: &&AppReply| match app.state {
        AppState::Ready | AppState::Converging | AppState::Degraded | AppState::CrashLooping => {
            true
        }
        AppState::Done | AppState::Failed => app.next.is_some(),
        AppState::Stopped | AppState::Off => false,
    };
    let has_ended = |app: &&AppReply| matches!(app.state, AppState::Done | AppState::Failed);
    // Who keeps all apps stopped does not want this to end.
    if apps.iter().any(goes_on) || !apps.iter().any(has_ended) {
        return Ok(None);
    }
    Ok(Some(u8::from(apps.iter().any(|app| app.state == AppState::Failed))))
}

/// Passes a signal on to the first process of each instance that runs.
fn pass_on(signal: Signal, client: &Client, target: &Target) -> Result<(), CliError> {
    let (target, operation) = (target.clone(), Operation::Signal(signal));
    let request = OperationRequest { target, operation, wait: false, timeout: 0.0 };
    client.stream(path::OPERATE, &request, |_: Progress| Ok(()))?;
    Ok(())
}
