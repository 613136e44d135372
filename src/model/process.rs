//! Who an app's processes run as, and what they may use.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `user`, `group`, `umask`, `nice`, `oom_score_adj`, `limits`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ProcessPolicy {
    /// The user, by name or number, as written; `None` is eco's own.
    pub user: Option<String>,
    /// The group, likewise; `None` is the user's own.
    pub group: Option<String>,
    /// The file mode creation mask; `None` is 022.
    pub umask: Option<u32>,
    /// The nice value, -20 to 19; `None` is eco's own.
    pub nice: Option<i32>,
    /// What the kernel adds when it chooses whom to kill for want of memory, -1000 to 1000; `None`
    /// is eco's own.
    pub oom_score_adj: Option<i32>,
    /// What they may use.
    pub limits: LimitPolicy,
}

/// `limits:`; what is `None` is not limited by eco.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LimitPolicy {
    /// Memory of an instance with all its processes, in bytes.
    pub memory: Option<u64>,
    /// Processors of an instance with all its processes, in thousandths.
    pub cpu: Option<u32>,
    /// Processes and threads of an instance.
    pub processes: Option<u64>,
    /// Open files of each process.
    pub nofile: Option<u64>,
    /// The largest core file.
    pub core: Option<Bound>,
    /// The largest file a process may write.
    pub file_size: Option<Bound>,
    /// The largest stack of a thread that does not say otherwise.
    pub stack: Option<Bound>,
    /// The most memory a process may lock.
    pub locked_memory: Option<Bound>,
}

/// So many bytes, or no bound at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// As many as there are.
    Unlimited,
    /// So many.
    Bytes(u64),
}

/// What may be refused by the system, as its key is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitKey {
    /// `memory`
    Memory,
    /// `cpu`
    Cpu,
    /// `processes`
    Processes,
    /// `nofile`
    Nofile,
    /// `core`
    Core,
    /// `file_size`
    FileSize,
    /// `stack`
    Stack,
    /// `locked_memory`
    LockedMemory,
    /// `nice`, which lies beside `limits`
    Nice,
    /// `oom_score_adj`, likewise
    OomScoreAdj,
}

impl fmt::Display for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "limits.memory",
            Self::Cpu => "limits.cpu",
            Self::Processes => "limits.processes",
            Self::Nofile => "limits.nofile",
            Self::Core => "limits.core",
            Self::FileSize => "limits.file_size",
            Self::Stack => "limits.stack",
            Self::LockedMemory => "limits.locked_memory",
            Self::Nice => "nice",
            Self::OomScoreAdj => "oom_score_adj",
        })
    }
}

/// A limit that the system keeps for each process alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessLimit {
    /// Which.
    pub key: LimitKey,
    /// How much; `None` is without bound.
    pub most: Option<u64>,
}

impl LimitPolicy {
    /// Whether it asks for a control group.
    pub fn needs_cgroup(&self) -> bool {
        self.memory.is_some() || self.cpu.is_some() || self.processes.is_some()
    }

    /// The limits that the system keeps for each process alone.
    pub fn of_each_process(&self) -> Vec<ProcessLimit> {
        let bytes = |key, bound: Option<Bound>| {
            bound.map(|bound| match bound {
                Bound::Unlimited => ProcessLimit { key, most: None },
                Bound::Bytes(most) => ProcessLimit { key, most: Some(most) },
            })
        };
        let nofile =
            self.nofile.map(|most| ProcessLimit { key: LimitKey::Nofile, most: Some(most) });
        let found = [
            nofile,
            bytes(LimitKey::Core, self.core),
            bytes(LimitKey::FileSize, self.file_size),
            bytes(LimitKey::Stack, self.stack),
            bytes(LimitKey::LockedMemory, self.locked_memory),
        ];
        found.into_iter().flatten().collect()
    }
}

/// A user of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The login name; `None` for a number that has none.
    pub name: Option<String>,
    /// The number.
    pub uid: u32,
    /// The number of its own group; `None` for a number that has no entry.
    pub gid: Option<u32>,
    /// The home directory.
    pub home: Option<String>,
    /// The login shell.
    pub shell: Option<String>,
}

/// Whoever runs eco.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The number of the user.
    pub uid: u32,
    /// The number of the group.
    pub gid: u32,
    /// The nice value.
    pub nice: i32,
    /// What the kernel adds when it chooses whom to kill for want of memory.
    pub oom_score_adj: i32,
}
