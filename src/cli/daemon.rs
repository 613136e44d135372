//! `eco daemon`

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Subcommand};

use super::{
    Outcome,
    client::{Client, Starts},
    error::CliError,
    ui::Ui,
};
use crate::{
    api::{
        ApiError, DaemonReply, DaemonStopRequest, DaemonUpgradeReply, DaemonUpgradeRequest,
        Progress, SCHEMA, path,
    },
    controller::{self, Home, marker},
    render,
};

/// How often, and with which pause, it is looked whether another program has taken over.
const LOOKS: u32 = 500;
const LOOK: Duration = Duration::from_millis(20);

/// See, upgrade or end eco's own processes
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
    /// Be eco's keeper in the foreground, for whoever looks after services; brings back what was
    /// applied last, or takes over what runs
    Run,
    /// Stop every app, then eco; only `apply` and `start` bring them back
    Stop {
        /// End eco, but let the apps run on without anybody to look after them
        #[arg(long)]
        leave_apps: bool,
    },
    /// Let another eco take over, with every app running on; refused if it could not
    #[command(after_help = "Examples:
  eco daemon upgrade            the eco this command is of takes over
  eco daemon upgrade ./eco-new  that one does")]
    Upgrade {
        /// The program that takes over [default: the one this command is of]
        program: Option<PathBuf>,
        /// Print JSON: what `daemon status` does
        #[arg(long)]
        json: bool,
    },
}

impl DaemonArgs {
    pub(super) fn wants_json(&self) -> bool {
        match self.command {
            DaemonCommand::Status { json } | DaemonCommand::Upgrade { json, .. } => json,
            DaemonCommand::Run | DaemonCommand::Stop { .. } => false,
        }
    }
}

/// Carries the command out.
pub(super) fn run(args: &DaemonArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    match &args.command {
        DaemonCommand::Status { json } => {
            let client = Client::connect(&home, Starts::No)?;
            let reply: DaemonReply = client.get(path::DAEMON)?;
            if *json {
                ui.print_json(&reply)?;
            } else {
                ui.print(&render::daemon(&reply, ui.style()))?;
            }
            Ok(0)
        }
        DaemonCommand::Run => serve(&home, ui),
        DaemonCommand::Stop { leave_apps } => stop(&home, *leave_apps, ui),
        DaemonCommand::Upgrade { program, json } => upgrade(&home, program.as_deref(), *json, ui),
    }
}

/// Becomes the keeper, in the place of one that somebody else has started: apps run on meanwhile. Who
/// has it started by a service manager wants eco to run, whatever an operator said before.
fn serve(home: &Home, ui: &Ui) -> Outcome {
    home.create().map_err(CliError::Home)?;
    stop(home, true, ui)?;
    marker::clear(home)
        .map_err(|source| CliError::Io { what: "start eco again".to_owned(), source })?;
    Err(CliError::CannotStart(controller::become_keeper(home)))
}

/// Has a program take over, and returns once its controller and recorder answer.
fn upgrade(home: &Home, program: Option<&Path>, json: bool, ui: &Ui) -> Outcome {
    let found = program.map_or_else(std::env::current_exe, std::path::absolute);
    let program =
        found.map_err(|source| CliError::Io { what: "find the program".to_owned(), source })?;
    let client = Client::connect(home, Starts::No)?;
    let before: DaemonReply = client.get(path::DAEMON)?;
    let mut refused = None;
    let request = DaemonUpgradeRequest { program };
    client.stream(path::DAEMON_UPGRADE, &request, |line: DaemonUpgradeReply| {
        refused = line.error;
        Ok(())
    })?;
    if let Some(error) = refused {
        return Err(CliError::Api(ApiError { schema: SCHEMA, error }));
    }
    for _ in 0..LOOKS {
        let now: DaemonReply = client.get(path::DAEMON)?;
        let roles =
            [(now.controller_pid, before.controller_pid), (now.recorder_pid, before.recorder_pid)];
        if roles.iter().all(|(now, before)| *now != 0 && now != before) {
            if json {
                ui.print_json(&now)?;
            } else {
                ui.talk(&format!("eco {} has taken over\n", now.version));
            }
            return Ok(0);
        }
        client.pause(LOOK);
    }
    Err(CliError::NoAnswer)
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
