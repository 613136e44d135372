//! The keeper: the parent of every app process. It spawns, reaps, signals and holds descriptors;
//! it never decides.
//!
//! One thread, one `epoll`, no timer while nothing is pending: an idle keeper makes no system call.
//! It has two children of its own. The controller asks and is told the state of runs, which is
//! coalesced and sent when its socket takes it, so that a stopped controller costs no memory and
//! blocks nothing. The recorder reads the apps' pipes; the keeper holds a duplicate of each read
//! end until the recorder has reached its end, so that a dead recorder loses no pipe. The recorder in
//! turn holds duplicates of everything of the keeper's that cannot be made again (`keeping`), so that
//! the next keeper takes over when this one is killed (`left`, `adopt`, `share::recover`).

mod adopt;
mod answers;
mod cgroup;
mod child;
mod connections;
mod crash;
mod datagram;
mod deliver;
mod diag;
mod disk;
mod event_loop;
#[doc(hidden)]
pub mod fuzzing;
mod gone;
mod image;
mod keeping;
mod kill;
mod left;
mod members;
mod notice;
mod proc;
mod quiesce;
mod recorder_link;
mod requests;
mod resume;
mod role;
mod run;
mod said;
mod service;
mod share;
mod slate;
mod spawn;
mod start;
mod state;
mod surroundings;
mod sys;
mod upgrade;

use std::{
    ffi::{CString, OsString},
    io::Write as _,
    os::fd::OwnedFd,
    path::PathBuf,
    process::ExitCode,
};

use rustix::fs::{Mode, OFlags};

pub use self::share::self_test;
use self::{event_loop::Keeper, start::StartError};

/// The exit code when another keeper runs.
pub const EXIT_HELD: u8 = 75;
/// What the keeper writes to its standard output once it can be talked to.
pub const READY: &str = "ready";
/// What it writes there when another keeper runs.
pub const HELD: &str = "held";
/// The option that makes the keeper leave its caller's session.
pub const DETACH: &str = "--detach";

/// A program the keeper runs as its own child.
#[derive(Debug)]
pub struct Program {
    /// The executable, held open so that a replaced or deleted file changes nothing.
    pub exe: OwnedFd,
    /// Its arguments, its name first.
    pub argv: Vec<CString>,
}

/// What a keeper needs to know.
#[derive(Debug)]
pub struct Config {
    /// Directory of lock, socket and run records; exists.
    pub run_dir: PathBuf,
    /// What runs as the controller.
    pub controller: Program,
    /// What runs as the recorder.
    pub recorder: Program,
}

impl Config {
    /// The usual one: controller and recorder are this very program.
    pub fn own(run_dir: PathBuf) -> std::io::Result<Self> {
        let role = |word: &str| -> std::io::Result<Program> {
            let flags = OFlags::PATH | OFlags::CLOEXEC;
            let exe = rustix::fs::open("/proc/self/exe", flags, Mode::empty())?;
            let argv = ["eco", word].map(CString::new).into_iter().collect::<Result<_, _>>()?;
            Ok(Program { exe, argv })
        };
        Ok(Self { run_dir, controller: role("__controller")?, recorder: role("__recorder")? })
    }
}

/// Runs the keeper: `RUN_DIR [--detach]`. Or, told so by another keeper, reads a state, or goes on from
/// one: `--check`, `RUN_DIR --resume DESCRIPTOR`. A check includes what others keep, which `check` reads.
pub fn main(
    mut args: impl Iterator<Item = OsString>,
    check: fn() -> Result<(), String>,
) -> ExitCode {
    let mut run_dir = None;
    let mut detach = false;
    let mut state = None;
    while let Some(arg) = args.next() {
        if arg == DETACH {
            detach = true;
        } else if arg == upgrade::CHECK {
            return upgrade::check(check);
        } else if arg == upgrade::RESUME {
            state = args.next().and_then(|number| number.to_str()?.parse().ok());
        } else {
            run_dir = Some(PathBuf::from(arg));
        }
    }
    let Some(run_dir) = run_dir.filter(|dir| dir.is_absolute()) else {
        tell("the keeper needs the absolute path of its directory");
        return ExitCode::from(2);
    };
    if let Some(state) = state {
        let config = Config::own(run_dir).ok();
        let keeper = config.and_then(|config| resume::resume(config, state).ok());
        // The state was read before by this very program; whatever fails now leaves the apps alone.
        return keeper.map_or(ExitCode::FAILURE, |mut keeper| keeper.run());
    }
    sys::close_from(3);
    match Config::own(run_dir) {
        Ok(config) => run(config, detach),
        Err(error) => {
            tell(&format!("cannot open this program: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs a keeper until it is told to quit. It says on standard output whether it could start.
/// Standard input and error become `/dev/null`; output does if it detaches. Otherwise what apps are
/// to show comes out there.
pub fn run(config: Config, detach: bool) -> ExitCode {
    match detach.then(start::detach).transpose() {
        Ok(None | Some(start::Side::Detached)) => {}
        Ok(Some(start::Side::Caller)) => return ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("cannot fork: {error}"));
            return ExitCode::FAILURE;
        }
    }
    // Its children may have none of what the caller waits for the end of.
    let mut caller = start::leave_stdio(detach);
    let mut tell = |text: &str| {
        // If that one is gone, so be it.
        drop(caller.as_mut().map(|out| writeln!(out, "{text}")));
    };
    let mut keeper = match start::start(&config).and_then(|started| Keeper::new(config, started)) {
        Ok(keeper) => keeper,
        Err(StartError::Held) => {
            tell(HELD);
            return ExitCode::from(EXIT_HELD);
        }
        Err(StartError::Failed { what, source }) => {
            tell(&format!("{what}: {source}"));
            return ExitCode::FAILURE;
        }
    };
    if let Err(StartError::Failed { what, source }) = keeper.adopt() {
        tell(&format!("{what}: {source}"));
        return ExitCode::FAILURE;
    }
    tell(READY);
    service::ready();
    drop(caller);
    keeper.run()
}

/// Says one line to whoever started this keeper. If that one is gone, so be it.
fn tell(text: &str) {
    let mut out = std::io::stdout();
    drop(writeln!(out, "{text}").and_then(|()| out.flush()));
}
