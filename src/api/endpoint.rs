//! The table of all that can be asked: the server routes by it, and the `OpenAPI` document is made of
//! it.

use super::path;

/// By which method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A question in the path and its query.
    Get,
    /// A question, or an order, in the body.
    Post,
}

/// Where something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// By which method.
    pub method: Method,
    /// The path.
    pub path: &'static str,
    /// A name for it, for programs.
    pub id: &'static str,
    /// What it is for.
    pub summary: &'static str,
}

/// The doc comment of each is its summary in the document.
macro_rules! endpoints {
    ($(#[doc = $doc:literal] $name:ident, $method:ident $path:ident, $id:literal;)*) => {
        /// Something that can be asked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Endpoint {
            $(#[doc = $doc] $name,)*
        }

        impl Endpoint {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Where it is asked.
            pub fn route(self) -> Route {
                match self {
                    $(Self::$name => Route {
                        method: Method::$method,
                        path: path::$path,
                        id: $id,
                        summary: $doc.trim_ascii(),
                    },)*
                }
            }
        }
    };
}

endpoints! {
    /// How things stand
    Status, Get STATUS, "getStatus";
    /// How things stand, asked by a body
    AskStatus, Post STATUS, "status";
    /// Everything about some apps
    Describe, Get DESCRIBE, "getDescription";
    /// Everything about some apps, asked by a body
    AskDescribe, Post DESCRIBE, "describe";
    /// What happens, as server-sent events
    EventStream, Get EVENTS_STREAM, "streamEvents";
    /// What happened, and with `follow` what happens, a JSON object a line
    Events, Post EVENTS, "events";
    /// What apps print, a JSON object a line
    LogStream, Get LOGS_STREAM, "streamLogs";
    /// Where the log files of instances lie
    Logs, Post LOGS, "logs";
    /// The accepted states of a project, latest first
    History, Get HISTORY, "getHistory";
    /// The accepted states of a project, latest first, asked by a body
    AskHistory, Post HISTORY, "history";
    /// Forgets old accepted states
    Prune, Post PRUNE, "pruneHistory";
    /// What going back to an accepted state would change, do and interrupt
    RollbackDiff, Post ROLLBACK_DIFF, "diffRollback";
    /// What is recorded for a directory
    Lookup, Post LOOKUP, "lookup";
    /// What an apply would change, do and interrupt
    Diff, Post DIFF, "diff";
    /// Makes a project as given; lines of progress until it is so
    Apply, Post APPLY, "apply";
    /// Starts, stops, restarts or scales apps; lines of progress until it is done
    Operate, Post OPERATE, "operate";
    /// Sends a message to receivers of alerts, to see whether it arrives; a JSON object a receiver
    Notify, Post NOTIFY, "notify";
    /// A link that logs a browser in once
    Dashboard, Post DASHBOARD, "dashboard";
    /// The processes of eco itself
    Daemon, Get DAEMON, "daemon";
    /// Ends eco
    DaemonStop, Post DAEMON_STOP, "stopDaemon";
    /// Has another program take eco's place; a line only if that fails
    DaemonUpgrade, Post DAEMON_UPGRADE, "upgradeDaemon";
    /// This document
    OpenApi, Get OPENAPI, "openapi";
}
