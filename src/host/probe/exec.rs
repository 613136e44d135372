//! Asks by a command. Somebody else runs it: here it is only said when one is due.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use super::{report::Reporter, tries::Asked};
use crate::model::{Command, Template, human_duration};

/// What came of the latest command that ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ended {
    /// The try; none has the number 0.
    pub(super) attempt: u64,
    pub(super) succeeded: bool,
}

/// A command that is run again and again, never twice at once.
#[derive(Debug)]
pub(super) struct Exec {
    command: Command,
    timeout: Duration,
    /// Shared by all: a late answer to an earlier probe of the run is not taken for one to this.
    attempts: Arc<AtomicU64>,
    ended: watch::Receiver<Ended>,
    /// The try that was given up on, while its command may still run.
    left: Option<u64>,
}

impl Exec {
    pub(super) fn new(
        command: Command,
        timeout: Duration,
        attempts: Arc<AtomicU64>,
        ended: watch::Receiver<Ended>,
    ) -> Self {
        Self { command, timeout, attempts, ended, left: None }
    }

    /// Waits until the command of this try has ended; whether it succeeded.
    async fn end_of(&mut self, attempt: u64) -> bool {
        let ended = self.ended.wait_for(|ended| ended.attempt == attempt).await;
        let succeeded = ended.map(|ended| ended.succeeded).ok();
        match succeeded {
            Some(succeeded) => succeeded,
            // Only while the probe is being dropped.
            None => std::future::pending().await,
        }
    }

    /// The name of the program, for people; the arguments may hold secrets.
    fn name(&self) -> String {
        match &self.command {
            Command::Argv(words) => {
                let program = words.first().map(Template::display).unwrap_or_default();
                format!("`{}`", program.rsplit('/').next().unwrap_or(&program))
            }
            Command::Shell(_) => "the command".to_owned(),
        }
    }
}

impl Asked for Exec {
    async fn ask(&mut self, reporter: &Reporter) -> Result<(), String> {
        if let Some(left) = self.left.take() {
            self.end_of(left).await;
        }
        let attempt = 1 + self.attempts.fetch_add(1, Ordering::Relaxed);
        reporter.exec(attempt, self.command.clone()).await;
        match tokio::time::timeout(self.timeout, self.end_of(attempt)).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("{} fails", self.name())),
            Err(_) => {
                self.left = Some(attempt);
                reporter.exec_timed_out(attempt).await;
                let within = human_duration(self.timeout);
                Err(format!("{} does not end within {within}", self.name()))
            }
        }
    }
}
