//! `eco run`

use std::{sync::mpsc, time::Duration};

use clap::Args;

use super::{
    Outcome, apply,
    client::{Client, Starts, asked_to_end},
    daemon,
    error::CliError,
    file::{self, FileArgs},
    live::{self, Manner},
    logs, target,
    ui::Ui,
};
use crate::{
    api::{LogsReply, Operation, OperationRequest, path},
    controller::Home,
};

/// How long an app may take to become ready, and to stop in the end.
const PATIENCE: Duration = Duration::from_secs(300);

/// Apply the file and stay in the foreground with its output; Ctrl-C or SIGTERM takes it down
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco run                             development: apply, show output, take down at Ctrl-C
  eco run /app/ecosystem.yaml         the command of a container")]
pub(super) struct RunArgs {
    #[command(flatten)]
    file: FileArgs,
}

/// Carries the command out.
pub(super) fn run(args: &RunArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    let running = Client::connect(&home, Starts::No).ok();
    let loaded = file::load(&args.file, &home, running.as_ref(), ui)?;
    apply::warn(&loaded, ui);
    let started_here = running.is_none();
    let ended = Asked::listen();
    let client = match running {
        Some(client) => client,
        None => Client::connect(&home, Starts::Yes)?,
    };
    let target = target::of_file(&loaded, Vec::new());
    let manner = Manner { json: false, show_plan: true };
    let request = apply::plain(&loaded, PATIENCE);
    let resume = live::awaiting(target.clone(), true, PATIENCE.as_secs_f64());
    let applied = live::watch(&client, (path::APPLY, &request), &resume, manner, ui)?;
    if applied == Some(0) {
        let files: LogsReply = client.post(path::LOGS, &target)?;
        logs::show_aside(files.files, ui);
        ended.wait();
    }
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
    Ok(applied.unwrap_or(0).max(down))
}

/// SIGINT or SIGTERM, from when it is listened for: one that comes early is not lost.
struct Asked(mpsc::Receiver<Result<(), CliError>>);

impl Asked {
    fn listen() -> Self {
        let (sender, receiver) = mpsc::channel();
        // It ends with the process: there is nothing to wait for.
        drop(std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                // Nobody listens any more once the command ends by itself.
                drop(sender.send(runtime.block_on(asked_to_end())));
            }
        }));
        Self(receiver)
    }

    fn wait(&self) {
        // A listener that could not listen ends the wait too.
        drop(self.0.recv());
    }
}
