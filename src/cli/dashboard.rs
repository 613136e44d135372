//! `eco dashboard`

use std::net::SocketAddr;

use clap::Args;

use super::{
    Outcome,
    client::{Client, Starts},
    error::CliError,
    target::{self, ProjectArg},
    ui::Ui,
};
use crate::{
    api::{DashboardReply, DashboardRequest, path},
    controller::Home,
};

/// Print a link that opens a page with apps, logs and events in a browser
#[derive(Debug, Args)]
#[command(after_help = "The link logs in once, within 5 minutes. The page is where the project's \
file says (`dashboard:`), else at 127.0.0.1:9616 until eco's controller ends.

Examples:
  eco dashboard
  eco dashboard --read-only                    to look, not to touch
  eco dashboard --listen 127.0.0.1:9700        every project of this home, at another port
  ssh -L 9616:127.0.0.1:9616 HOST eco dashboard    the page of another machine")]
pub(super) struct DashboardArgs {
    #[command(flatten)]
    project: ProjectArg,

    /// Where to offer it: an address of this machine alone
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,

    /// The link only lets look: nothing can be restarted or stopped
    #[arg(long)]
    read_only: bool,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Carries the command out.
pub(super) fn run(args: &DashboardArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    let target = target::target(&args.project, &[])?;
    let client = Client::connect(&home, Starts::IfRecorded)?;
    let request = DashboardRequest { target, listen: args.listen, read_only: args.read_only };
    let reply: DashboardReply = client.post(path::DASHBOARD, &request)?;
    if args.json {
        ui.print_json(&reply)?;
        return Ok(0);
    }
    ui.print(&format!("{}\n", reply.link))?;
    let minutes = reply.expires / 60;
    let manner = if reply.read_only { ", only to look" } else { "" };
    ui.talk(&format!("logs in once, within {minutes} minutes{manner}\n"));
    Ok(0)
}
