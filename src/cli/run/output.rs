//! The output of the apps of a run in the foreground.

use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
    thread::JoinHandle,
    time::SystemTime,
};

use crate::{
    api::{LogsReply, Target, path},
    cli::{
        client::{Client, Starts},
        error::CliError,
        ui::Ui,
    },
    controller::Home,
    logs::{self, Form, Hooks, Query},
};

/// Output that is being shown.
#[derive(Debug)]
pub(super) struct Output {
    /// Closed to end it.
    goes_on: OwnedFd,
    shown: JoinHandle<()>,
}

impl Output {
    /// Shows what is printed from a time on.
    pub(super) fn show(
        home: &Home,
        target: &Target,
        (since, form): (SystemTime, Form),
        ui: &Ui,
    ) -> Result<Self, CliError> {
        let client = Client::connect(home, Starts::No)?;
        let query = Query {
            last: None,
            since: Some(since),
            until: None,
            matching: None,
            form,
            color: ui.style().color,
        };
        let failed = |source| CliError::Io { what: "make a pipe".to_owned(), source };
        let (until, goes_on) = io::pipe().map_err(failed)?;
        let files: LogsReply = client.post(path::LOGS, target)?;
        let target = target.clone();
        let shown = std::thread::spawn(move || {
            let mut refresh = || {
                let reply: Result<LogsReply, CliError> = client.post(path::LOGS, &target);
                reply.ok().map(|reply| reply.files)
            };
            let stdout = io::stdout();
            let (until_closed, until) = (Some(stdout.as_fd()), Some(until.as_fd()));
            let hooks = Hooks { refresh: &mut refresh, until_closed, until };
            // Not locked: progress is printed beside it.
            drop(logs::follow(&files.files, &query, &mut io::stdout(), hooks));
        });
        Ok(Self { goes_on: goes_on.into(), shown })
    }

    /// Shows the rest of what was printed. Nothing is printed any more.
    pub(super) fn finish(self) {
        drop(self.goes_on);
        drop(self.shown.join());
    }
}
