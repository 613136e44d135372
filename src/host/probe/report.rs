//! What a probe says, on its way to whoever takes it.

use std::time::Duration;

use tokio::sync::mpsc;

use super::{ProbeEvent, Try};
use crate::model::{Command, RunId, Time};

/// An event, and which call of `begin` it belongs to.
pub(super) type Report = (u64, ProbeEvent);

/// Reports for one run. When nobody is left to take a report, it is dropped.
#[derive(Debug)]
pub(super) struct Reporter {
    run: RunId,
    begun: u64,
    to: mpsc::Sender<Report>,
    tries: mpsc::Sender<Try>,
    said: Option<String>,
}

impl Reporter {
    pub(super) fn new(
        run: RunId,
        begun: u64,
        to: mpsc::Sender<Report>,
        tries: mpsc::Sender<Try>,
    ) -> Self {
        Self { run, begun, to, tries, said: None }
    }

    /// A try ended. Nobody is woken for that before many have.
    pub(super) async fn tried(&self, at: Time, took: Duration, failed: bool) {
        // If nobody takes them, those that do not fit are not counted.
        self.tries.try_send(Try { run: self.run, at, took, failed }).unwrap_or_default();
        if self.tries.capacity() < self.tries.max_capacity() / 2 {
            self.send(ProbeEvent::Tries { run: self.run }).await;
        }
    }

    /// It is ready.
    pub(super) async fn ready(&self, at: Time) {
        self.send(ProbeEvent::Ready { run: self.run, at }).await;
    }

    /// A try failed. The same words are said once.
    pub(super) async fn failing(&mut self, why: String) {
        if let Some(event) = self.news(why) {
            self.send(event).await;
        }
    }

    /// It was not well too often in a row.
    pub(super) async fn not_live(&self, at: Time, well: Option<Time>, why: String) {
        self.send(ProbeEvent::NotLive { run: self.run, at, well, why }).await;
    }

    /// It will never be ready: says so and stays.
    pub(super) async fn hopeless(mut self, why: String) {
        self.failing(why).await;
        std::future::pending::<()>().await;
    }

    /// A command is due.
    pub(super) async fn exec(&self, attempt: u64, command: Command) {
        self.send(ProbeEvent::Exec { run: self.run, attempt, command }).await;
    }

    /// The command did not end in time.
    pub(super) async fn exec_timed_out(&self, attempt: u64) {
        self.send(ProbeEvent::ExecTimedOut { run: self.run, attempt }).await;
    }

    /// As `ready`, from a thread that may wait.
    pub(super) fn ready_blocking(&self, at: Time) {
        self.send_blocking(ProbeEvent::Ready { run: self.run, at });
    }

    /// As `failing`, from a thread that may wait.
    pub(super) fn failing_blocking(&mut self, why: String) {
        if let Some(event) = self.news(why) {
            self.send_blocking(event);
        }
    }

    fn news(&mut self, why: String) -> Option<ProbeEvent> {
        if self.said.as_ref() == Some(&why) {
            return None;
        }
        self.said = Some(why.clone());
        Some(ProbeEvent::Failing { run: self.run, why })
    }

    async fn send(&self, event: ProbeEvent) {
        self.to.send((self.begun, event)).await.unwrap_or_default();
    }

    fn send_blocking(&self, event: ProbeEvent) {
        self.to.blocking_send((self.begun, event)).unwrap_or_default();
    }
}
