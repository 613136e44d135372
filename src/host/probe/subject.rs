//! What is asked, as plain values: the places of the policy's templates are filled.

use std::{path::PathBuf, time::Duration};

use regex::bytes::Regex;

use super::{
    connect::{Check, Target},
    http::HttpCheck,
};
use crate::model::{
    Command, InstanceVars, ProbeAddress, ReadyPolicy, ReadyProbe, RunId, Template, Time,
};

/// A run that is asked whether it is ready, and how.
#[derive(Debug)]
pub struct Subject {
    pub(super) kind: ProbeKind,
    pub(super) started: Time,
    pub(super) pace: Pace,
    pub(super) outputs: [Output; 2],
}

/// A log file of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Where it is, or will be once the run has written something.
    pub path: PathBuf,
    /// How many bytes it had when the run started: none before are the run's.
    pub from: u64,
    /// The run. Others may write to the file as well.
    pub run: RunId,
}

/// What tells.
#[derive(Debug)]
pub(super) enum ProbeKind {
    /// The run itself, by way of the keeper's records.
    Told,
    /// A connection.
    Connect(Check),
    /// A command.
    Exec(Command),
    /// A line of its output.
    Log(Regex),
    /// So long after the start.
    Delay(Duration),
    /// Nothing: it cannot be asked, for this reason.
    Unusable(String),
}

/// When it is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) start_period: Duration,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) successes: u32,
}

impl Subject {
    /// What `policy` asks of the instance of `vars`, whose run started at `started` and writes to
    /// `outputs`.
    ///
    /// What cannot be asked (a port that is no number once it is filled, say) is no error here: the
    /// reason is reported as what makes it fail.
    pub fn new(
        policy: &ReadyPolicy,
        vars: &InstanceVars<'_>,
        started: Time,
        outputs: [Output; 2],
    ) -> Self {
        let pace = Pace {
            start_period: policy.start_period,
            interval: policy.interval,
            timeout: policy.timeout,
            successes: policy.successes,
        };
        let kind = ProbeKind::new(&policy.probe, vars).unwrap_or_else(ProbeKind::Unusable);
        Self { kind, started, pace, outputs }
    }
}

impl ProbeKind {
    pub(super) fn new(probe: &ReadyProbe, vars: &InstanceVars<'_>) -> Result<Self, String> {
        Ok(match probe {
            ReadyProbe::Started
            | ReadyProbe::Listen
            | ReadyProbe::Notify
            | ReadyProbe::Message(_) => Self::Told,
            ReadyProbe::Http(http) => {
                let target = target(&http.address, vars)?;
                Self::Connect(Check::Http(Box::new(HttpCheck::new(http, target, vars)?)))
            }
            ReadyProbe::Tcp(address) => Self::Connect(Check::Open(target(address, vars)?)),
            ReadyProbe::Exec(command) => Self::Exec(filled(command, vars)),
            ReadyProbe::Log(pattern) => Self::Log(
                Regex::new(pattern)
                    .map_err(|fault| format!("`{pattern}` is no regular expression: {fault}"))?,
            ),
            ReadyProbe::Delay(delay) => Self::Delay(*delay),
        })
    }
}

fn target(address: &ProbeAddress, vars: &InstanceVars<'_>) -> Result<Target, String> {
    match address {
        ProbeAddress::Tcp { host, port } => {
            let port = port.fill(vars);
            match port.parse() {
                Ok(0) | Err(_) => Err(format!("there is no port `{port}` to connect to")),
                Ok(port) => Ok(Target::tcp(host, port)),
            }
        }
        ProbeAddress::Unix(path) => Ok(Target::Unix(PathBuf::from(path.fill(vars)))),
    }
}

fn filled(command: &Command, vars: &InstanceVars<'_>) -> Command {
    let fill = |template: &Template| Template::literal(&template.fill(vars));
    match command {
        Command::Argv(words) => Command::Argv(words.iter().map(fill).collect()),
        Command::Shell(text) => Command::Shell(fill(text)),
    }
}
