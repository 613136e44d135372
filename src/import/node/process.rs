//! One run of node: bounded in time and output, and gone afterwards with all it started.

use std::{
    collections::BTreeMap,
    fs, io,
    net::Shutdown,
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::{fs::PermissionsExt as _, net::UnixStream, process::CommandExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::Timespec,
    io::Errno,
    process::{Pid, PidfdFlags, Resource, Rlimit, Signal, kill_process_group, pidfd_open, prlimit},
    time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create,
        timerfd_settime,
    },
};

/// How long a file may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// An answer is at most so long.
const MOST: usize = 4 << 20;
/// So much of what is printed is kept.
const KEPT: usize = 16 << 10;
/// If eco itself ends first, node is ended by the system after this time on a CPU, in seconds.
const CPU_SECONDS: u64 = 30;

const SCRIPT: &str = include_str!("evaluate.js");

/// How a run ended.
pub(super) enum Ended {
    /// With this line.
    Answered(Vec<u8>),
    /// It did not.
    TooLate,
    /// The answer is too long.
    TooMuch,
    /// Without an answer.
    Gone,
}

/// The program of this name in the `PATH` of an environment.
pub(super) fn find(name: &str, env: &BTreeMap<String, String>) -> Option<PathBuf> {
    let dirs = std::env::split_paths(env.get("PATH")?);
    dirs.map(|dir| dir.join(name)).find(|path| {
        fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    })
}

/// Runs a file; also gives what was printed as errors.
pub(super) fn run(
    node: &Path,
    file: &Path,
    env: &BTreeMap<String, String>,
) -> io::Result<(Ended, Vec<u8>)> {
    // The answer comes over what is its standard input, so that it may print what it likes.
    let (ours, theirs) = UnixStream::pair()?;
    let mut child = spawn(node, file, env, theirs)?;
    let ended = attend(&mut child, &ours);
    // Before its end is taken note of: until then the number is its own.
    if let Some(group) = pid(&child) {
        // A group that is gone is what is wanted.
        let _ignored = kill_process_group(group, Signal::KILL);
    }
    child.wait()?;
    ended
}

#[expect(clippy::disallowed_methods, reason = "it is no app, and ends before its file is read")]
fn spawn(
    node: &Path,
    file: &Path,
    env: &BTreeMap<String, String>,
    theirs: UnixStream,
) -> io::Result<Child> {
    let child = Command::new(node)
        .args(["--eval", SCRIPT, "--"])
        .arg(file)
        .current_dir(file.parent().unwrap_or(Path::new("/")))
        .env_clear()
        .envs(env)
        // A descriptor that its own parent had.
        .env_remove("NODE_CHANNEL_FD")
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let most = Rlimit { current: Some(CPU_SECONDS), maximum: Some(CPU_SECONDS) };
    // A guard for a case that is rare; the time limit holds without it.
    let _ignored = prlimit(pid(&child), Resource::Cpu, most);
    Ok(child)
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Reads until there is an answer, or will be none.
fn attend(child: &mut Child, ours: &UnixStream) -> io::Result<(Ended, Vec<u8>)> {
    ours.shutdown(Shutdown::Write)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (Some(out), Some(err), Some(pid)) = (out, err, pid(child)) else {
        return Err(io::Error::other("it has no output"));
    };
    let gone = pidfd_open(pid, PidfdFlags::empty())?;
    let timer = alarm()?;
    let mut answer = Stream::new(ours.as_fd(), MOST)?;
    let mut printed = [Stream::new(err.as_fd(), KEPT)?, Stream::new(out.as_fd(), 0)?];
    let ended = loop {
        let [err, out] = &printed;
        let mut polled = [&answer, err, out].map(Stream::polled).to_vec();
        polled.push(PollFd::new(&gone, PollFlags::IN));
        polled.push(PollFd::new(&timer, PollFlags::IN));
        match poll(&mut polled, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_ready = |index: usize| polled.get(index).is_some_and(|it| !it.revents().is_empty());
        let (is_gone, is_late) = (is_ready(3), is_ready(4));
        printed.iter_mut().for_each(Stream::read);
        answer.read();
        if let Some(end) = answer.kept.iter().position(|byte| *byte == b'\n') {
            answer.kept.truncate(end);
            break Ended::Answered(answer.kept);
        }
        if answer.dropped {
            break Ended::TooMuch;
        }
        if is_gone || answer.is_over {
            break Ended::Gone;
        }
        if is_late {
            break Ended::TooLate;
        }
    };
    let [err, _] = printed;
    Ok((ended, err.kept))
}

fn alarm() -> io::Result<OwnedFd> {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
    let seconds = i64::try_from(PATIENCE.as_secs()).unwrap_or(i64::MAX);
    let once = Itimerspec {
        it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
        it_value: Timespec { tv_sec: seconds, tv_nsec: 0 },
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once)?;
    Ok(timer)
}

/// What is read from a descriptor, up to a length.
struct Stream<'a> {
    from: BorrowedFd<'a>,
    kept: Vec<u8>,
    most: usize,
    /// There was more.
    dropped: bool,
    is_over: bool,
}

impl<'a> Stream<'a> {
    fn new(from: BorrowedFd<'a>, most: usize) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(from, true)?;
        Ok(Self { from, kept: Vec::new(), most, dropped: false, is_over: false })
    }

    /// One that is over is asked for nothing, or it would always be ready.
    fn polled(&self) -> PollFd<'_> {
        let flags = if self.is_over { PollFlags::empty() } else { PollFlags::IN };
        PollFd::from_borrowed_fd(self.from, flags)
    }

    /// Reads what there is.
    fn read(&mut self) {
        let mut buffer = [0; 8192];
        while !self.is_over {
            match rustix::io::read(self.from, &mut buffer) {
                Ok(0) => self.is_over = true,
                Ok(count) => {
                    let room = self.most.saturating_sub(self.kept.len()).min(count);
                    self.kept.extend_from_slice(buffer.get(..room).unwrap_or_default());
                    self.dropped |= room < count;
                    if self.dropped && self.most == MOST {
                        return;
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.is_over = true,
            }
        }
    }
}
