//! `eco top`: the screen is drawn and thought out by `render::top`; here it meets the terminal and
//! the controller.

mod act;
mod feeds;
mod input;
mod log_feed;
mod screen;
mod session;

use std::io::{self, IsTerminal as _};

use clap::Args;

use super::{
    Outcome,
    client::{Client, Starts},
    error::CliError,
    target::{self, ProjectArg},
    ui::Ui,
};
use crate::{
    api::{StatusAllReply, StatusReply, path},
    controller::{self, Home},
    render,
};

/// Watch apps live: their state, curves, logs and events, with keys to act on them
#[derive(Debug, Args)]
#[command(
    alias = "monit",
    after_help = "Examples:
  eco top                             this directory's project; `?` names the keys
  eco top -A                          every project of this machine"
)]
pub(super) struct TopArgs {
    #[command(flatten)]
    project: ProjectArg,

    /// Every project
    #[arg(short = 'A', long, conflicts_with = "project")]
    all: bool,

    /// Leave the mouse to the terminal, for selecting text
    #[arg(long)]
    no_mouse: bool,
}

/// Carries the command out.
pub(super) fn run(args: &TopArgs, ui: &Ui) -> Outcome {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    if is_dumb || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(CliError::input(
            "`eco top` needs a terminal to draw on",
            "`eco status --watch` is for pipes and plain terminals, `eco events -f` too",
        ));
    }
    let home = Home::find().map_err(CliError::Home)?;
    let mut target = target::target(&args.project, &[])?;
    target.every_project = args.all;
    target.memory = true;
    let client = match Client::connect(&home, Starts::IfRecorded) {
        Ok(client) => client,
        // Nothing was ever applied.
        Err(CliError::NotRunning) if controller::recorded(&home).is_empty() => {
            return nothing_here(args, ui);
        }
        Err(other) => return Err(other),
    };
    // What is wrong with the question is said before the screen is taken.
    let first: StatusAllReply = client.post(path::STATUS, &target)?;
    if first.projects.is_empty() {
        return nothing_here(args, ui);
    }
    session::run(client, home, target, (first, !args.no_mouse), ui)
}

/// What `eco status` says where there is no project.
fn nothing_here(args: &TopArgs, ui: &Ui) -> Outcome {
    let now = jiff::Timestamp::now();
    let text = if args.all {
        render::status_all(
            &StatusAllReply::default(),
            render::StatusView::default(),
            ui.style(),
            now,
        )
    } else {
        render::status(&StatusReply::default(), render::StatusView::default(), ui.style(), now)
    };
    ui.print(&text)?;
    Ok(1)
}
