//! The controller's only door to the operating system. It never decides.

pub mod accounts;
pub mod cgroup;
pub mod clock;
pub mod crash;
pub mod first_process;
pub mod follow;
pub mod git;
pub mod home;
pub mod keeper;
pub mod last_lines;
pub mod launch;
pub mod limits;
pub mod log_parts;
pub mod log_runs;
pub mod marker;
pub mod node;
pub mod own;
pub mod port_owner;
pub mod probe;
pub mod program;
pub mod secret_key;
pub mod self_check;
pub mod source_watch;
pub mod stats;
pub mod store;
pub mod wall_timer;
