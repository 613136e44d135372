//! `eco doctor`

use clap::Args;

use super::{
    Outcome,
    client::{Client, Starts},
    error::CliError,
    target::{self, ProjectArg},
    ui::Ui,
};
use crate::{
    api::{CheckReply, DoctorReply, NotifyReply, NotifyRequest, SCHEMA, path},
    controller::{Home, doctor},
    render,
};

/// Find out what this machine lets eco do, what is missing, and how to mend it
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Instead, send a test message to the receivers of alerts, or to one
    #[arg(long, value_name = "RECEIVER", num_args = 0..=1, default_missing_value = "")]
    notify: Option<String>,

    #[command(flatten)]
    project: ProjectArg,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Carries the command out: 0 if everything is as it should be, else 1.
pub(super) fn run(args: &DoctorArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    let reply = match &args.notify {
        Some(receiver) => notify(&home, args, receiver)?,
        None => doctor(&home),
    };
    if args.json {
        ui.print_json(&reply)?;
    } else {
        ui.print(&render::doctor(&reply, ui.style()))?;
    }
    Ok(u8::from(reply.checks.iter().any(|check| !check.ok)))
}

/// Has receivers sent a message, and waits for what becomes of it.
fn notify(home: &Home, args: &DoctorArgs, receiver: &str) -> Result<DoctorReply, CliError> {
    // Nothing after `--notify` is all of them.
    let receiver = Some(receiver.to_owned()).filter(|name| !name.is_empty());
    let target = target::target(&args.project, &[])?;
    let client = Client::connect(home, Starts::IfRecorded)?;
    let mut checks = Vec::new();
    client.stream(path::NOTIFY, &NotifyRequest { target, receiver }, |it: NotifyReply| {
        checks.push(check(it));
        Ok(())
    })?;
    checks.sort_by(|one: &CheckReply, other| one.name.cmp(&other.name));
    Ok(DoctorReply { schema: SCHEMA, checks })
}

fn check(reply: NotifyReply) -> CheckReply {
    let ok = reply.error.is_none();
    let effect = "nobody hears there of alerts";
    let help = "mend what is named, then try it again";
    CheckReply {
        name: format!("notify.{}", reply.receiver),
        title: format!("receiver `{}`", reply.receiver),
        ok,
        found: reply.error.unwrap_or_else(|| "a test message has arrived".to_owned()),
        effect: (!ok).then(|| effect.to_owned()),
        help: (!ok).then(|| help.to_owned()),
    }
}
