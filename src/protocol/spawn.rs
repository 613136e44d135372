//! What to start: the content of the memfd that comes with a spawn request.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

use super::{
    MAX_TAG,
    sink::Sink,
    wire::{Malformed, Reader, Writer},
};

/// The first form, which ends with the user.
const FIRST_MAGIC: u32 = 0x6f63_6531;
const MAGIC: u32 = 0x6f63_6532;
const MAX_PATH: usize = 4096;
const MAX_TEXT: usize = 1 << 22;

/// The steps of a spawn, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    /// Reading the request, making pipes and the run's record.
    #[default]
    Prepare,
    /// Creating the process.
    Fork,
    /// Making a session of its own.
    Session,
    /// Entering the control group.
    Cgroup,
    /// Setting resource limits.
    Limits,
    /// Becoming another user.
    User,
    /// Entering the working directory.
    Cwd,
    /// Executing the program.
    Exec,
}

impl Step {
    /// Its number in messages.
    pub fn number(self) -> u8 {
        match self {
            Self::Prepare => 0,
            Self::Fork => 1,
            Self::Session => 2,
            Self::Cgroup => 3,
            Self::Limits => 4,
            Self::User => 5,
            Self::Cwd => 6,
            Self::Exec => 7,
        }
    }

    /// The step of this number.
    pub fn from_number(number: u8) -> Result<Self, Malformed> {
        match number {
            0 => Ok(Self::Prepare),
            1 => Ok(Self::Fork),
            2 => Ok(Self::Session),
            3 => Ok(Self::Cgroup),
            4 => Ok(Self::Limits),
            5 => Ok(Self::User),
            6 => Ok(Self::Cwd),
            7 => Ok(Self::Exec),
            8.. => Err(Malformed::Value),
        }
    }
}

/// A resource limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Number of the resource, as in `setrlimit`.
    pub resource: u32,
    /// The soft limit.
    pub soft: u64,
    /// The hard limit.
    pub hard: u64,
}

/// Another user to run as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

/// What to start.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SpawnSpec {
    /// Which instances share its sockets; 0 is none. Travels in the request, not in the memfd.
    pub cohort: u64,
    /// What the controller calls it; at most [`MAX_TAG`] bytes.
    pub tag: Vec<u8>,
    /// The program and its arguments. Without a `/` the program is looked up in the `PATH` of
    /// `env`; with one it is relative to `cwd`.
    pub argv: Vec<OsString>,
    /// The whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// The working directory, absolute.
    pub cwd: PathBuf,
    /// Where output goes.
    pub sink: Sink,
    /// Whether it gets a socket to tell about itself: [`notify_path`] in `NOTIFY_SOCKET`, which is
    /// in `env` already.
    pub notify: bool,
    /// Resource limits, besides those the keeper was itself started with.
    pub limits: Vec<Limit>,
    /// Another user; needs privilege.
    pub ids: Option<Ids>,
    /// The control group (cgroup v2) it is started in: an absolute path of a directory that exists
    /// and has no processes yet.
    pub cgroup: Option<PathBuf>,
    /// The file mode creation mask; `None` is 022.
    pub umask: Option<u32>,
    /// The nice value, -20 to 19; `None` is the keeper's.
    pub nice: Option<i32>,
    /// What the kernel adds when it chooses whom to kill for want of memory, -1000 to 1000.
    pub oom_score_adj: Option<i32>,
}

/// A variable whose presence asks for the run's notify socket as an open descriptor too, connected, and
/// its value: the number of that. Programs in Node can write to one, and cannot send a datagram.
pub const NOTIFY_FD_VARIABLE: &str = "ECO_NOTIFY_FD";
/// That number. It is above those which Node, npm among them, closes at exec when it starts (the first
/// 16), so that it reaches a server below them.
pub const NOTIFY_FD: i32 = 120;

/// The notify socket of a run below the keeper's directory.
pub fn notify_path(run_dir: &Path, run: u64) -> PathBuf {
    run_dir.join("notify").join(run.to_string())
}

impl std::fmt::Debug for SpawnSpec {
    /// Leaves the environment out: it holds secrets, and what is printed gets into logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpawnSpec")
            .field("cohort", &self.cohort)
            .field("argv", &self.argv)
            .field("cwd", &self.cwd)
            .field("sink", &self.sink)
            .finish_non_exhaustive()
    }
}

impl SpawnSpec {
    /// The content of the memfd.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u32(MAGIC);
        out.bytes(&self.tag);
        out.bytes(self.cwd.as_os_str().as_bytes());
        self.sink.write(&mut out);
        out.u8(u8::from(self.notify));
        out.count(self.argv.len());
        for word in &self.argv {
            out.bytes(word.as_bytes());
        }
        out.count(self.env.len());
        for (name, value) in &self.env {
            out.bytes(name.as_bytes());
            out.bytes(value.as_bytes());
        }
        out.count(self.limits.len());
        for limit in &self.limits {
            out.u32(limit.resource);
            out.u64(limit.soft);
            out.u64(limit.hard);
        }
        out.u8(u8::from(self.ids.is_some()));
        if let Some(ids) = &self.ids {
            out.u32(ids.uid);
            out.u32(ids.gid);
            out.count(ids.groups.len());
            ids.groups.iter().for_each(|group| out.u32(*group));
        }
        out.bytes(self.cgroup.as_deref().unwrap_or(Path::new("")).as_os_str().as_bytes());
        for number in [self.umask.map(u32::cast_signed), self.nice, self.oom_score_adj] {
            out.u8(u8::from(number.is_some()));
            out.i32(number.unwrap_or_default());
        }
        out.into_bytes()
    }

    /// Reads the content of a memfd. Text with a NUL byte, a name of a variable that is empty or
    /// has a `=`, no program and a relative directory are refused.
    pub fn decode(cohort: u64, bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader::new(bytes);
        let from = &mut from;
        let magic = from.u32()?;
        if magic != MAGIC && magic != FIRST_MAGIC {
            return Err(Malformed::Value);
        }
        let tag = from.bytes(MAX_TAG)?.to_vec();
        let cwd = PathBuf::from(text(from, MAX_PATH)?);
        if cwd.is_relative() {
            return Err(Malformed::Value);
        }
        let sink = Sink::read(from)?;
        let notify = from.flag()?;
        let argv = from.list(4, |from| text(from, MAX_TEXT))?;
        if argv.first().is_none_or(|program| program.is_empty()) {
            return Err(Malformed::Value);
        }
        let env = from.list(8, |from| {
            let name = text(from, MAX_TEXT)?;
            if name.is_empty() || name.as_bytes().contains(&b'=') {
                return Err(Malformed::Value);
            }
            Ok((name, text(from, MAX_TEXT)?))
        })?;
        let limits = from.list(20, |from| {
            Ok(Limit { resource: from.u32()?, soft: from.u64()?, hard: from.u64()? })
        })?;
        let ids = if from.flag()? {
            let (uid, gid) = (from.u32()?, from.u32()?);
            let groups = (0..from.count(4)?).map(|_| from.u32()).collect::<Result<_, _>>()?;
            Some(Ids { uid, gid, groups })
        } else {
            None
        };
        let mut spec =
            Self { cohort, tag, argv, env, cwd, sink, notify, limits, ids, ..Self::default() };
        if magic == MAGIC {
            spec.read_surroundings(from)?;
        }
        from.end()?;
        Ok(spec)
    }

    /// Takes what the first form did not have.
    fn read_surroundings(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        let cgroup = PathBuf::from(text(from, MAX_PATH)?);
        self.cgroup = Some(cgroup).filter(|path| !path.as_os_str().is_empty());
        if self.cgroup.as_ref().is_some_and(|path| path.is_relative()) {
            return Err(Malformed::Value);
        }
        let mut number = || -> Result<Option<i32>, Malformed> {
            let (is_set, number) = (from.flag()?, from.i32()?);
            Ok(is_set.then_some(number))
        };
        self.umask = number()?.map(i32::cast_unsigned);
        self.nice = number()?;
        self.oom_score_adj = number()?;
        Ok(())
    }

    /// The value of a variable of its environment.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.env.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }
}

fn text(from: &mut Reader<'_>, max: usize) -> Result<OsString, Malformed> {
    let bytes = from.bytes(max)?;
    if bytes.contains(&0) {
        return Err(Malformed::Value);
    }
    Ok(OsString::from_vec(bytes.to_vec()))
}
