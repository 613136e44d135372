//! Points at which a test lets the controller die: between any two steps of what it does. Only in
//! builds with debug assertions; others have none of it.
//!
//! A test writes the name of a point into `crash-at` beside the keeper's lock. The controller that
//! comes to this point removes the file and kills itself, so that the next one passes.

/// Every point of a change, in the order in which it comes to them.
pub const POINTS: [&str; 19] = [
    "before the state is stored",
    "the state is stored",
    "an action is issued",
    "ports are asked for",
    "a start is asked for",
    "readiness is noted",
    "a steering is asked for",
    "a drain is noted",
    "a drain is asked for",
    "a stop is noted",
    "a stop is asked for",
    "a kill is noted",
    "a kill is asked for",
    "an exit is noted",
    "a run is let go",
    "a cohort is retired",
    "a change is complete",
    "a roll-back begins",
    "a roll-back is stored",
];

/// The points of a job that is asked to run, by its schedule or by an operator.
pub const POINTS_OF_JOBS: [&str; 2] = ["a schedule is noted", "a job is asked to run"];

/// The points of a stop by a command.
pub const POINTS_OF_STOP_COMMANDS: [&str; 3] = [
    "a stop command is noted",
    "a stop command is asked for",
    "the end of a stop command is noted",
];

#[cfg(debug_assertions)]
mod armed {
    use std::{fs, path::PathBuf, sync::OnceLock};

    use crate::host::home::Home;

    static FILE: OnceLock<PathBuf> = OnceLock::new();

    /// Looks for the file of this home from now on.
    pub fn arm(home: &Home) {
        FILE.get_or_init(|| home.run.join("crash-at"));
    }

    /// Dies here if a test wants so.
    pub fn point(name: &str) {
        let Some(path) = FILE.get() else { return };
        if fs::read_to_string(path).is_ok_and(|wanted| wanted == name)
            && fs::remove_file(path).is_ok()
        {
            let own = rustix::process::getpid();
            rustix::process::kill_process(own, rustix::process::Signal::KILL).ok();
        }
    }
}

#[cfg(not(debug_assertions))]
mod armed {
    use crate::host::home::Home;

    /// Nothing: this build has no such points.
    pub fn arm(_: &Home) {}

    /// Nothing.
    pub fn point(_: &str) {}
}

pub use armed::{arm, point};
