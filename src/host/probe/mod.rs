//! Asks instances whether they are ready, and whether they still live: connects, requests, reads their
//! output. It tells what it saw; what follows from it is decided elsewhere.
//!
//! Every run asked about has a task of its own on the caller's runtime, except those whose output
//! tells: their files are read by one thread, because a file system may hang. Dropping a task
//! closes what it had open. Reports pass through one bounded channel: while nobody takes them, the
//! tasks wait.

mod connect;
mod exec;
mod http;
mod lanes;
mod log;
mod names;
mod report;
mod subject;
mod tail;
mod tries;
mod watch;

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch as latest},
    task::AbortHandle,
};

use self::{connect::Network, exec::Exec, log::LogReader, report::Report, subject::ProbeKind};
pub use self::{
    subject::{Output, Subject},
    watch::{LastTry, Watched},
};
use crate::model::{Command, RunId, Time};

/// So many reports may wait for the caller.
const REPORTS: usize = 64;
/// So many tries may; the caller is woken when half as many do.
const TRIES: usize = 1024;

/// What came of asking.
#[derive(Clone, Debug, PartialEq)]
pub enum ProbeEvent {
    /// Enough tries succeeded in a row. It is not asked again.
    Ready {
        /// The run.
        run: RunId,
        /// When the last try succeeded.
        at: Time,
    },
    /// A try failed. Sent only when the words change.
    Failing {
        /// The run.
        run: RunId,
        /// What was seen, in a few words: `GET http://127.0.0.1:3000/healthz: 503`.
        why: String,
    },
    /// Tries of a run that is watched failed too often in a row. It is not asked again.
    NotLive {
        /// The run.
        run: RunId,
        /// When the last try failed.
        at: Time,
        /// When one last succeeded; `None` if none did since the watch began.
        well: Option<Time>,
        /// What was seen at last, in a few words.
        why: String,
    },
    /// Many tries wait to be taken by [`Probes::take_tries`].
    Tries {
        /// The run of the last of them.
        run: RunId,
    },
    /// A command is due. The next one is not before [`Probes::exec_ended`] was told of this one.
    Exec {
        /// The run it asks about.
        run: RunId,
        /// Names this try among all tries of all runs.
        attempt: u64,
        /// What to run; nothing is left in it to fill.
        command: Command,
    },
    /// The command did not end in time: the try has failed, and the command is to be ended.
    ExecTimedOut {
        /// The run it asks about.
        run: RunId,
        /// The try.
        attempt: u64,
    },
}

impl ProbeEvent {
    /// The run it is about.
    pub fn run(&self) -> RunId {
        match self {
            Self::Ready { run, .. }
            | Self::Failing { run, .. }
            | Self::NotLive { run, .. }
            | Self::Tries { run }
            | Self::Exec { run, .. }
            | Self::ExecTimedOut { run, .. } => *run,
        }
    }
}

/// A try that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// The run that was asked.
    pub run: RunId,
    /// When it ended.
    pub at: Time,
    /// How long it took.
    pub took: Duration,
    /// Whether it failed.
    pub failed: bool,
}

/// All probes under way. Costs nothing while there are none.
#[derive(Debug)]
pub struct Probes {
    under_way: BTreeMap<RunId, UnderWay>,
    /// Counts the calls of `begin`: what was reported for an earlier one is dropped.
    begun: u64,
    attempts: Arc<AtomicU64>,
    network: Arc<Network>,
    logs: Option<LogReader>,
    reports: mpsc::Receiver<Report>,
    reporter: mpsc::Sender<Report>,
    tries: (mpsc::Sender<Try>, mpsc::Receiver<Try>),
}

#[derive(Debug)]
struct UnderWay {
    begun: u64,
    work: Work,
    /// What came of the latest try, of a run that is watched.
    last: Option<latest::Receiver<LastTry>>,
}

/// What asks. Dropping it ends the asking.
#[derive(Debug)]
enum Work {
    Task {
        _task: Task,
    },
    Exec {
        _task: Task,
        ended: latest::Sender<exec::Ended>,
    },
    /// The thread that reads logs forgets the run once this is dropped.
    Log {
        _wanted: Arc<()>,
    },
}

#[derive(Debug)]
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Default for Probes {
    fn default() -> Self {
        Self::new()
    }
}

impl Probes {
    /// Nothing under way.
    pub fn new() -> Self {
        let (reporter, reports) = mpsc::channel(REPORTS);
        Self {
            under_way: BTreeMap::new(),
            begun: 0,
            attempts: Arc::default(),
            network: Arc::default(),
            logs: None,
            reports,
            reporter,
            tries: mpsc::channel(TRIES),
        }
    }

    fn reporter(&self, run: RunId) -> report::Reporter {
        let (tries, _) = &self.tries;
        report::Reporter::new(run, self.begun, self.reporter.clone(), tries.clone())
    }

    /// The tries that ended since the last call, in order.
    pub fn take_tries(&mut self) -> Vec<Try> {
        let (_, tries) = &mut self.tries;
        std::iter::from_fn(|| tries.try_recv().ok()).collect()
    }

    /// Begins to ask whether `run` is ready; a second call for the same run replaces the first.
    ///
    /// For an instance that tells by itself (`Started`, `Listen`, `Notify`) this does nothing.
    /// Call it within a tokio runtime.
    pub fn begin(&mut self, run: RunId, subject: Subject) {
        self.end(run);
        self.begun += 1;
        let Subject { kind, started, pace, outputs } = subject;
        let reporter = self.reporter(run);
        let first = started.after(pace.start_period);
        let work = match kind {
            ProbeKind::Told => return,
            ProbeKind::Unusable(why) => Work::Task { _task: spawn(reporter.hopeless(why)) },
            ProbeKind::Delay(delay) => {
                Work::Task { _task: spawn(tries::delay(started.after(delay), reporter)) }
            }
            ProbeKind::Connect(check) => {
                let network = Arc::clone(&self.network);
                let asked = connect::Connecting::new(check, pace.timeout, network);
                Work::Task { _task: spawn(tries::ask(asked, first, pace, reporter)) }
            }
            ProbeKind::Exec(command) => {
                let (ended, end) = latest::channel(exec::Ended::default());
                let asked = Exec::new(command, pace.timeout, Arc::clone(&self.attempts), end);
                Work::Exec { _task: spawn(tries::ask(asked, first, pace, reporter)), ended }
            }
            ProbeKind::Log(pattern) => {
                let wanted = Arc::new(());
                let search = log::Search::new(pattern, first, outputs, &wanted, reporter);
                let logs = self.logs.get_or_insert_with(LogReader::new);
                match logs.read(search) {
                    Ok(()) => Work::Log { _wanted: wanted },
                    Err((reporter, why)) => Work::Task { _task: spawn(reporter.hopeless(why)) },
                }
            }
        };
        self.under_way.insert(run, UnderWay { begun: self.begun, work, last: None });
    }

    /// Begins to ask again and again whether `run` still lives; a second call replaces the first, and
    /// so does [`Probes::begin`]. For a run that tells by itself this does nothing.
    pub fn watch(&mut self, run: RunId, watched: Watched) {
        self.end(run);
        self.begun += 1;
        let Watched { kind, first, timeout, rhythm } = watched;
        let reporter = self.reporter(run);
        let (told, last) = latest::channel(LastTry::default());
        let work = match kind {
            // What tells but once tells nothing about a life.
            ProbeKind::Told | ProbeKind::Log(_) | ProbeKind::Delay(_) => return,
            ProbeKind::Unusable(why) => {
                let asked = watch::Unusable(why);
                Work::Task { _task: spawn(watch::watch(asked, first, rhythm, reporter, told)) }
            }
            ProbeKind::Connect(check) => {
                let asked = connect::Connecting::new(check, timeout, Arc::clone(&self.network));
                Work::Task { _task: spawn(watch::watch(asked, first, rhythm, reporter, told)) }
            }
            ProbeKind::Exec(command) => {
                let (ended, end) = latest::channel(exec::Ended::default());
                let asked = Exec::new(command, timeout, Arc::clone(&self.attempts), end);
                let task = spawn(watch::watch(asked, first, rhythm, reporter, told));
                Work::Exec { _task: task, ended }
            }
        };
        self.under_way.insert(run, UnderWay { begun: self.begun, work, last: Some(last) });
    }

    /// What came of the latest try of a run that is watched.
    pub fn last_try(&self, run: RunId) -> Option<LastTry> {
        self.under_way.get(&run)?.last.as_ref().map(|last| last.borrow().clone())
    }

    /// Ends asking: the run ended or is ready. What it had open is closed, what it had reported
    /// and nobody has taken is dropped.
    pub fn end(&mut self, run: RunId) {
        self.under_way.remove(&run);
    }

    /// The next result; waits for ever while there is none. Cancelling it loses nothing.
    pub async fn next(&mut self) -> ProbeEvent {
        loop {
            let Some((begun, event)) = self.reports.recv().await else {
                return std::future::pending().await;
            };
            let run = event.run();
            if self.under_way.get(&run).is_none_or(|known| known.begun != begun) {
                continue;
            }
            if matches!(event, ProbeEvent::Ready { .. } | ProbeEvent::NotLive { .. }) {
                self.end(run);
            }
            return event;
        }
    }

    /// What came of the command that [`ProbeEvent::Exec`] asked for: whether it ended with 0.
    pub fn exec_ended(&mut self, run: RunId, attempt: u64, succeeded: bool) {
        if let Some(UnderWay { work: Work::Exec { ended, .. }, .. }) = self.under_way.get(&run) {
            ended.send_replace(exec::Ended { attempt, succeeded });
        }
    }
}

fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Task {
    Task(tokio::spawn(task).abort_handle())
}
