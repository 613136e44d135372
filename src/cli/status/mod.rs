//! `eco status`

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
    api::{AppReply, FileState, SCHEMA, StatusAllReply, StatusReply, path},
    controller::{self, Home},
    model::AppState,
    render,
};

/// Show how things stand, and why; exit 1 if anything is not as desired
#[derive(Debug, Args)]
#[command(
    visible_alias = "ls",
    after_help = "Examples:
  eco status                          this directory's project
  eco status web                      one app
  eco status -A                       every project of this machine
  eco status --json | jq '.apps[] | select(.state != \"ready\")'"
)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    apps: AppsArg,

    #[command(flatten)]
    project: ProjectArg,

    /// Every project
    #[arg(short = 'A', long, conflicts_with_all = ["project", "apps"])]
    all: bool,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Carries the command out.
pub(super) fn run(args: &StatusArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    let mut target = target::target(&args.project, &args.apps.apps)?;
    target.every_project = args.all;
    // The table has no room for it.
    target.memory = args.json;
    let mut reply: StatusAllReply = match Client::connect(&home, Starts::IfRecorded) {
        Ok(client) => client.post(path::STATUS, &target)?,
        // Nothing was ever applied; but what was, and was ended, is not as desired.
        Err(CliError::NotRunning) if controller::recorded(&home).is_empty() => {
            StatusAllReply { schema: SCHEMA, ..Default::default() }
        }
        Err(other) => return Err(other),
    };
    if !reply.faults.is_empty() && !args.json {
        for fault in &reply.faults {
            ui.talk(&format!("warning: {fault}\n"));
        }
    }
    let unapplied_here = !args.all && args.project.project.is_none() && unapplied(&reply)?;
    let fine = !unapplied_here && reply.faults.is_empty() && reply.projects.iter().all(is_fine);
    if args.all {
        if args.json {
            ui.print_json(&reply)?;
        } else {
            ui.print(&render::status_all(&reply, ui.style(), jiff::Timestamp::now()))?;
        }
    } else {
        let project = reply.projects.pop();
        let one = project.unwrap_or_else(|| StatusReply { schema: SCHEMA, ..Default::default() });
        if args.json {
            ui.print_json(&one)?;
        } else {
            ui.print(&render::status(&one, ui.style(), jiff::Timestamp::now()))?;
        }
        if unapplied_here && one.project.is_some() && !args.json {
            let own = file::own_file(&file::current_dir()?);
            let name = own.file_name().unwrap_or_default().display();
            ui.talk(&format!("this directory's {name} is not applied; `eco apply` does it\n"));
        }
    }
    Ok(u8::from(!fine))
}

/// Whether this directory has a file of its own that is none of the projects'.
fn unapplied(reply: &StatusAllReply) -> Result<bool, CliError> {
    let here = file::current_dir()?;
    let own = file::own_file(&here);
    let known = |project: &StatusReply| {
        project.file.as_ref().is_some_and(|file| file.path.parent() == Some(&here))
    };
    Ok(own.exists() && !reply.projects.iter().any(known))
}

fn is_fine(project: &StatusReply) -> bool {
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
