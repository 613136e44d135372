//! What reaches the loop from outside it: the calls of the API, and results of work done aside.

use std::net::SocketAddr;

use tokio::sync::{mpsc, oneshot};

use super::dashboard::Pending;
use crate::{
    api::{
        ApiError, ApplyRequest, DaemonReply, DaemonStopRequest, DaemonUpgradeReply,
        DaemonUpgradeRequest, DashboardReply, DashboardRequest, DescribeReply, DiffReply,
        EventReply, EventsRequest, HistoryReply, LogsReply, LookupReply, LookupRequest,
        MetricsReply, NotifyReply, NotifyRequest, OperationRequest, Progress, PruneReply,
        PruneRequest, RollbackRequest, StatusAllReply, Target,
    },
    config,
    host::git::Commit,
    model::{Operator, ProjectName},
};

/// Where an answer goes.
pub(super) type Answer<T> = oneshot::Sender<Result<T, ApiError>>;

/// The lines of an answer that goes on.
pub(super) type Lines<T> = mpsc::UnboundedReceiver<T>;

/// Events for somebody who follows them. Who takes them too slowly is cut off, and can ask for those
/// after the last one seen.
pub(super) type EventLines = mpsc::Receiver<EventReply>;

/// One call of the API.
#[derive(Debug)]
pub(super) enum Call {
    Lookup(LookupRequest, Answer<LookupReply>),
    Status(Target, Answer<StatusAllReply>),
    Describe(Target, Answer<DescribeReply>),
    Logs(Target, Answer<LogsReply>),
    History(Target, Answer<HistoryReply>),
    Prune(PruneRequest, Answer<PruneReply>),
    RollbackDiff(RollbackRequest, Answer<DiffReply>),
    Diff(Box<ApplyRequest>, Answer<DiffReply>),
    Apply(Box<ApplyRequest>, Answer<Lines<Progress>>),
    Operate(OperationRequest, Answer<Lines<Progress>>),
    Events(EventsRequest, Answer<EventLines>),
    Notify(NotifyRequest, Answer<Lines<NotifyReply>>),
    /// A link to the page for browsers.
    Dashboard(DashboardRequest, Answer<DashboardReply>),
    /// What an edit of a project's file would do.
    Pending(ProjectName, Answer<DiffReply>),
    Daemon(Answer<DaemonReply>),
    DaemonStop(DaemonStopRequest, Answer<Lines<Progress>>),
    DaemonUpgrade(DaemonUpgradeRequest, Answer<Lines<DaemonUpgradeReply>>),
    /// One of those, by a caller who is known.
    By(Operator, Box<Self>),
}

/// The result of work done aside, so that it does not hold up the loop.
#[derive(Debug)]
pub(super) enum Internal {
    /// A followed file was read again.
    Loaded {
        /// The project.
        project: ProjectName,
        /// What it says now, or what is wrong with it.
        result: Box<Result<config::Loaded, LoadFault>>,
        /// The commit it is at.
        commit: Option<Commit>,
    },
    /// A message to a receiver of alerts has arrived, or has not.
    Alerted {
        /// The project.
        project: ProjectName,
        /// The receiver.
        receiver: String,
        /// The number of the message.
        number: u64,
        /// Why it has not arrived.
        result: Result<(), String>,
    },
    /// A file was read for somebody who wants to know what it would do.
    Pending(Box<Pending>),
    /// Somebody asks for the metrics at an address.
    Scrape {
        /// Where.
        address: SocketAddr,
        /// Where the numbers go.
        answer: oneshot::Sender<MetricsReply>,
    },
}

/// Why a followed file could not be taken over.
#[derive(Debug)]
pub(super) enum LoadFault {
    /// It is not there, or empty.
    Missing(String),
    /// The key of the digests of secret files cannot be used.
    Key(String),
    /// It is wrong.
    Faults(config::Faults),
}
