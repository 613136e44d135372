//! `eco daemon`

use clap::{Args, Subcommand};

use super::{
    Outcome,
    client::{Client, Starts},
    error::CliError,
    ui::Ui,
};
use crate::{
    api::{DaemonReply, DaemonStopRequest, Progress, path},
    controller::Home,
    render,
};

/// See or end eco's own processes
#[derive(Debug, Args)]
pub(super) struct DaemonArgs {
    #[command(subcommand)]
    command: DaemonCommand,
}

#[derive(Debug, Subcommand)]
enum DaemonCommand {
    /// Show which processes run, and for which projects; exit 3 if none
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Stop every app, then eco; only `apply` and `start` bring them back
    Stop {
        /// End eco, but let the apps run on without anybody to look after them
        #[arg(long)]
        leave_apps: bool,
    },
}

impl DaemonArgs {
    pub(super) fn wants_json(&self) -> bool {
        match self.command {
            DaemonCommand::Status { json } => json,
            DaemonCommand::Stop { .. } => false,
        }
    }
}

/// Carries the command out.
pub(super) fn run(args: &DaemonArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    match args.command {
        DaemonCommand::Status { json } => {
            let client = Client::connect(&home, Starts::No)?;
            let reply: DaemonReply = client.get(path::DAEMON)?;
            if json {
                ui.print_json(&reply)?;
            } else {
                ui.print(&render::daemon(&reply, ui.style()))?;
            }
            Ok(0)
        }
        DaemonCommand::Stop { leave_apps } => stop(&home, leave_apps, ui),
    }
}

/// Ends eco, and returns once its keeper is gone.
pub(super) fn stop(home: &Home, leave_apps: bool, ui: &Ui) -> Outcome {
    let client = match Client::connect(home, Starts::No) {
        Ok(client) => client,
        Err(CliError::NotRunning) => {
            ui.talk("eco does not run\n");
            return Ok(0);
        }
        Err(other) => return Err(other),
    };
    let request = DaemonStopRequest { leave_apps };
    match client.stream(path::DAEMON_STOP, &request, |_: Progress| Ok(())) {
        // It may be gone before its answer is through: that is what was asked for.
        Ok(_) | Err(CliError::NotRunning) => {}
        Err(other) => return Err(other),
    }
    // The keeper goes last; its lock is free then. Apps may take their whole stop timeout.
    home.await_keeper_end()
        .map_err(|source| CliError::Io { what: "wait for eco's end".to_owned(), source })?;
    ui.talk(if leave_apps { "eco ended; the apps run on\n" } else { "eco ended\n" });
    Ok(0)
}
