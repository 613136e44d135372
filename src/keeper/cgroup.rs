//! The control group (cgroup v2) of a run: who is in it, and ending all of them at once. Somebody
//! else makes it and removes it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustix::process::Pid;

/// What the file systems of version 2 call themselves.
const MAGIC: u32 = 0x6367_7270;
/// Groups within groups are looked at so deep.
const DEEPEST: usize = 16;

/// A control group that only one run was started in.
#[derive(Clone, Debug)]
pub(super) struct Cgroup(PathBuf);

impl Cgroup {
    /// The group at a path.
    ///
    /// # Errors
    /// There is no such group of version 2.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let kind = rustix::fs::statfs(path)?.f_type;
        if u32::try_from(kind) != Ok(MAGIC) {
            return Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP));
        }
        Ok(Self(path.to_owned()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Kills everything in it and in the groups below, also what is being forked just now.
    pub(super) fn kill(&self) -> io::Result<()> {
        fs::write(self.0.join("cgroup.kill"), "1")
    }

    /// Whether a process is in it or in a group below. A group that is gone has none.
    pub(super) fn is_populated(&self) -> bool {
        let events = fs::read_to_string(self.0.join("cgroup.events")).unwrap_or_default();
        events.lines().any(|line| line == "populated 1")
    }

    /// The processes in it and in the groups below.
    pub(super) fn processes(&self) -> Vec<Pid> {
        let mut found = Vec::new();
        add_processes(&self.0, 0, &mut found);
        found
    }
}

fn add_processes(dir: &Path, depth: usize, found: &mut Vec<Pid>) {
    let list = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    // One outside of this PID namespace is called 0.
    found.extend(list.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)));
    if depth == DEEPEST {
        return;
    }
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        add_processes(&entry.path(), depth + 1, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_control_group_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let error = Cgroup::open(dir.path()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EOPNOTSUPP));
        assert!(Cgroup::open(Path::new("/no/such/group")).is_err());
    }

    #[test]
    fn what_is_read_of_a_group() {
        let dir = tempfile::tempdir().unwrap();
        let group = Cgroup(dir.path().to_owned());
        assert!(!group.is_populated() && group.processes().is_empty());
        fs::create_dir(dir.path().join("below")).unwrap();
        fs::write(dir.path().join("cgroup.procs"), "7\n0\n8\n").unwrap();
        fs::write(dir.path().join("below/cgroup.procs"), "9\n").unwrap();
        fs::write(dir.path().join("cgroup.events"), "populated 1\nfrozen 0\n").unwrap();
        let numbers: Vec<i32> =
            group.processes().iter().map(|pid| pid.as_raw_nonzero().get()).collect();
        assert_eq!(numbers, [7, 8, 9]);
        assert!(group.is_populated());
    }
}
