//! The controller: reads what should be, sees what is, and has the keeper make the one the other.
//!
//! It may be killed or stopped at any instant. What it must not forget is on disk before it acts
//! on it, or in the keeper's records.

mod accept;
mod adopt;
mod alerts;
mod answer;
mod apply;
mod backlog;
mod caller;
mod calls;
mod dashboard;
mod describe;
mod doctor;
mod drains;
mod drive;
mod dropped;
mod endpoints;
mod environment;
mod event_stream;
mod events;
mod evidence;
mod exec_probes;
mod execute;
mod following;
pub mod fuzzing;
mod going_back;
mod jobs;
mod left_behind;
mod listen;
mod liveness;
mod log_stream;
mod lookup;
mod memory;
mod metrics;
mod node;
mod offline;
mod operate;
mod order;
mod origins;
mod own_keys;
mod port_in_use;
mod preview;
mod projects;
mod queues;
mod readiness;
mod records;
mod refusals;
mod reload;
mod report;
mod results;
mod rollout;
mod seen;
mod serve;
mod state;
mod stop_commands;
mod surroundings;
mod timers;
mod traffic;
mod upgrade;
mod usage;
mod wait;
mod words;

use std::{io, process::ExitCode};

use tokio::sync::mpsc;

pub use crate::host::{
    clock::wall as wall_clock,
    first_process::{is_first_process, reap_orphans},
    git,
    home::{Home, HomeError},
    launch::{become_keeper, start_keeper},
    marker, secret_key,
};
use crate::host::{crash, launch::SERVICE, own, store};
pub use doctor::doctor;
pub use following::request_of;
pub use offline::{
    Other, Recorded, compare_files, compare_generations, generations, preview_alone, recorded,
};
pub use surroundings::{Machine, source};

use state::State;

/// Runs the controller; the keeper is its parent.
pub fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("ECO_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the controller ends");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let given = own::prepare();
    let home = Home::find().map_err(io::Error::other)?;
    crash::arm(&home);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (keeper, listener) = crate::host::keeper::Keeper::inherited()?;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::UnixListener::from_std(listener)?;
        let (calls, inbox) = mpsc::channel(64);
        let (internal, done) = mpsc::unbounded_channel();
        let next = home.clone();
        let driven = async {
            let mut state = State::recover(home, keeper, internal).await?;
            state.open_dashboard(calls.clone());
            tokio::spawn(serve::serve(listener, calls));
            drive::drive(state, inbox, done).await
        };
        // Callers that wait find the next keeper: this one's socket is replaced before it ends.
        driven.await.inspect_err(|_| succeed(&next, given))
    })
}

/// Looks whether this program understands what a controller has stored, before it takes over.
///
/// # Errors
/// What it does not understand.
pub fn check_stored() -> Result<(), String> {
    let home = Home::find().map_err(|error| error.to_string())?;
    store::check(&home).map_err(|fault| fault.to_string())
}

/// Starts the next keeper if this one's is dead: it takes over what the dead one left. One that
/// somebody else looks after is theirs to start again, and one that was told to end is not missed.
fn succeed(home: &Home, given: own::Given) {
    if marker::read(home).is_some() || std::env::var_os(SERVICE).is_some() {
        return;
    }
    own::undo(given);
    if let Err(error) = start_keeper(home) {
        tracing::error!(%error, "cannot start a keeper in the place of the dead one");
    }
}
