//! What an app's processes may use: `limits`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{
    field::{Field, Written},
    scalar::{BoundText, CountText, CpuText, SizeText},
};

/// What an app's processes may use. A limit that this machine cannot keep hinders no start; `eco
/// diff` and `eco describe` say so.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Limits {
    /// Memory of an instance with all its processes, caches of files included. Beyond it the kernel
    /// kills. Needs the memory controller of cgroup v2; `ulimit -v` is no substitute, since it counts
    /// addresses, of which many programs take far more than memory.
    pub(in crate::config) memory: Field<SizeText>,
    /// Processors an instance may use with all its processes: `1.5` is one and a half. Needs the cpu
    /// controller of cgroup v2.
    pub(in crate::config) cpu: Field<CpuText>,
    /// Processes and threads of an instance. Needs the pids controller of cgroup v2; `ulimit -u` is no
    /// substitute, since it counts all processes of a user.
    pub(in crate::config) processes: Field<CountText>,
    /// Open files of each process (`ulimit -n`). Default: as the caller of eco has it.
    pub(in crate::config) nofile: Field<CountText>,
    /// The largest core file (`ulimit -c`).
    pub(in crate::config) core: Field<BoundText>,
    /// The largest file a process may write (`ulimit -f`).
    pub(in crate::config) file_size: Field<BoundText>,
    /// The largest stack of a process (`ulimit -s`).
    pub(in crate::config) stack: Field<BoundText>,
    /// The most memory a process may lock (`ulimit -l`).
    pub(in crate::config) locked_memory: Field<BoundText>,
}

impl Written for Limits {
    const FILLABLE: bool = false;
}
