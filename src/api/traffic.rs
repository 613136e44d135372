//! What was measured of an app's work: requests, probes, queues, the event loop.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Requests that were measured, and by whom. Of an app it is the sum over its instances.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrafficReply {
    /// Who measured: `agent` inside the program, or `probe`.
    pub source: TrafficSource,
    /// Over the last minute, five minutes and hour, in this order.
    pub windows: Vec<WindowReply>,
}

/// Who measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrafficSource {
    /// The agent inside the program (`observe: node`): every request.
    #[default]
    Agent,
    /// eco's own readiness and liveness probes: no request of anybody else.
    Probe,
}

/// What was measured over a while that ends now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WindowReply {
    /// How long the window is, in seconds: 60, 300 or 3600.
    pub seconds: u32,
    /// How many requests ended in it.
    pub requests: u64,
    /// The same per second, over the part of the window that was measured.
    pub rate: f64,
    /// How many of them failed: answers 500 to 599, and of probes those that failed.
    pub failed: u64,
    /// How many others got no whole answer, because their client left or their server cut it off. They
    /// are in none of the other numbers: who follows a stream of events always ends it so.
    #[serde(default)]
    pub aborted: u64,
    /// Half of them took at most so long, in seconds; null if there was none.
    pub p50: Option<f64>,
    /// The same for nine of ten.
    pub p90: Option<f64>,
    /// The same for 99 of 100.
    pub p99: Option<f64>,
    /// The longest, in seconds.
    pub max: Option<f64>,
}

/// What a Node program's agent tells of its event loop and its heap, over the last minute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeReply {
    /// Half of the time the event loop was late by at most so much, in seconds.
    pub lag_p50: f64,
    /// The same for 99 of 100.
    pub lag_p99: f64,
    /// The most it was late, in seconds.
    pub lag_max: f64,
    /// Of the time, the part in which the event loop was busy, 0 to 1.
    pub utilization: f64,
    /// Bytes of the heap in use.
    pub heap_used: u64,
    /// Bytes the heap may grow to.
    pub heap_limit: u64,
}

/// How one listening socket that instances share stands, as the kernel tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueueReply {
    /// The address and port.
    pub address: String,
    /// So many connections wait to be accepted, over all its sockets.
    pub waiting: u32,
    /// So many may.
    pub capacity: u32,
    /// So many connections are open.
    pub connections: u32,
    /// So many were turned away since the sockets were made, because as many waited as may.
    #[serde(default)]
    pub overflows: u64,
}

/// An alert of an app's file that is not quiet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertReply {
    /// The app.
    pub app: String,
    /// As in the file: `p99 > 500ms for 2m`.
    pub alert: String,
    /// Whether it fires, or its condition holds but not yet for long enough.
    pub state: AlertState,
    /// Since when.
    pub since: String,
    /// In words, with the value seen: `p99 is 812ms`.
    pub message: String,
    /// Why telling of it failed, in words.
    pub error: Option<String>,
}

/// How an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Its condition holds, but not yet for as long as it asks.
    Pending,
    /// It was told.
    Firing,
}
