//! Control groups (cgroup v2) of runs: where they can be made, making and removing them, and what
//! the kernel says of them.
//!
//! All groups of one home lie in one directory, a run's by its name in that: it outlives keeper and
//! controller. Where nothing can be made, or the kernel does not give a controller to it, that is
//! said, and runs go without.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

use super::{home::Home, launch::SERVICE};
use crate::model::{AppKey, LimitKey, LimitPolicy, ProcessPolicy, RunId};

/// Says where groups are made: an absolute path, or `none`.
pub const PLACE: &str = "ECO_CGROUP";
/// The group that eco's own processes move into where nothing but groups may be beside groups.
const OWN: &str = "eco.own";
/// What of the kernel's controllers is used.
const USED: [&str; 3] = ["memory", "cpu", "pids"];
/// How often is looked for processes that have come meanwhile.
const ROUNDS: usize = 16;
/// What a period of `cpu.max` is, in µs.
const PERIOD: u64 = 100_000;

/// Where the control groups of one home are.
#[derive(Clone, Debug)]
pub struct Cgroups {
    /// The directory, or why there is none.
    dir: Result<PathBuf, String>,
    /// The kernel's controllers that limit groups there.
    controllers: BTreeSet<String>,
}

/// A limit that is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unkept {
    /// Which.
    pub key: LimitKey,
    /// Why.
    pub why: String,
}

impl Cgroups {
    /// Looks where groups could be made; nothing is.
    pub fn look(home: &Home) -> Self {
        let parent = match find_parent() {
            Ok(parent) => parent,
            Err(why) => return Self { dir: Err(why), controllers: BTreeSet::new() },
        };
        let dir = parent.join(name_of(home));
        // Once they were made, what was given counts; before that, what could be.
        let given = words(&dir.join("cgroup.subtree_control"));
        let controllers =
            if dir.exists() { given } else { words(&parent.join("cgroup.controllers")) };
        let controllers = controllers.into_iter().filter(|name| USED.contains(&name.as_str()));
        Self { controllers: controllers.collect(), dir: Ok(dir) }
    }

    /// Makes the directory, and has the kernel limit groups in it as far as it does. `family` are
    /// eco's own processes, which make room if that is needed.
    pub fn prepare(home: &Home, family: &[u32]) -> Self {
        let mut found = Self::look(home);
        let Ok(dir) = found.dir.clone() else { return found };
        if let Err(error) = fs::create_dir(&dir)
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            found.dir = Err(format!("{} cannot be made: {}", dir.display(), reason(&error)));
            found.controllers.clear();
            return found;
        }
        if let Some(parent) = dir.parent().filter(|_| may_divide()) {
            enable(parent, family);
        }
        enable(&dir, &[]);
        Self::look(home)
    }

    /// Makes the group of a run and limits it. `None` where there is none to be had.
    pub fn create(&self, run: RunId, key: &AppKey, limits: &LimitPolicy) -> Option<PathBuf> {
        let dir = self.dir.as_ref().ok()?.join(run_name(run, key));
        match fs::create_dir(&dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return None,
            Ok(()) | Err(_) => {}
        }
        for (file, value) in settings(limits) {
            // What the kernel does not take is told as not kept.
            drop(fs::write(dir.join(file), value));
        }
        Some(dir)
    }

    /// Removes the group of a run, if nothing is in it any more.
    pub fn remove(&self, run: RunId, key: &AppKey) {
        if let Ok(dir) = &self.dir {
            remove_empty(&dir.join(run_name(run, key)));
        }
    }

    /// Removes what is left of runs that nobody knows, and nothing of what still has processes.
    pub fn remove_others(&self, known: impl Fn(RunId) -> bool) {
        let Ok(dir) = &self.dir else { return };
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let run = name.to_str().and_then(|name| name.strip_prefix("run-")?.split('.').next());
            let run = run.and_then(|run| run.parse().ok()).map(RunId);
            if run.is_some_and(|run| !known(run)) {
                remove_empty(&entry.path());
            }
        }
    }

    /// Removes the directory itself, if nothing is in it.
    pub fn leave(&self) {
        if let Ok(dir) = &self.dir {
            drop(fs::remove_dir(dir));
        }
    }

    /// How many processes of a run the kernel has killed because its memory was at its limit.
    pub fn oom_kills(&self, run: RunId, key: &AppKey) -> u64 {
        let Ok(dir) = &self.dir else { return 0 };
        // Of the groups below too.
        let events = dir.join(run_name(run, key)).join("memory.events");
        let text = fs::read_to_string(events).unwrap_or_default();
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        count.and_then(|count| count.parse().ok()).unwrap_or_default()
    }

    /// The limits that cannot be kept here.
    pub fn unkept(&self, policy: &ProcessPolicy) -> Vec<Unkept> {
        let limits = &policy.limits;
        let wanted = [
            (limits.memory.is_some(), LimitKey::Memory, "memory"),
            (limits.cpu.is_some(), LimitKey::Cpu, "cpu"),
            (limits.processes.is_some(), LimitKey::Processes, "pids"),
        ];
        let grouped = wanted
            .into_iter()
            .filter(|(wanted, _, controller)| *wanted && !self.controllers.contains(*controller));
        let mut unkept: Vec<Unkept> = grouped
            .map(|(_, key, controller)| {
                let why = match &self.dir {
                    Err(why) => why.clone(),
                    Ok(dir) => {
                        let place = dir.parent().unwrap_or(dir).display();
                        format!("the kernel gives no {controller} controller to {place}")
                    }
                };
                Unkept { key, why }
            })
            .collect();
        unkept.extend(super::limits::refused(policy));
        unkept
    }

    /// Where groups are made; else why none are.
    pub fn place(&self) -> Result<&Path, &str> {
        self.dir.as_deref().map_err(String::as_str)
    }

    /// Which of the kernel's controllers limit groups there.
    pub fn controllers(&self) -> impl Iterator<Item = &str> {
        self.controllers.iter().map(String::as_str)
    }
}

fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// What is written to the files of a group.
fn settings(limits: &LimitPolicy) -> Vec<(&'static str, String)> {
    let cpu = limits.cpu.map(|cpu| u64::from(cpu).saturating_mul(PERIOD) / 1000);
    [
        limits.memory.map(|bytes| ("memory.max", bytes.to_string())),
        cpu.map(|quota| ("cpu.max", format!("{quota} {PERIOD}"))),
        limits.processes.map(|count| ("pids.max", count.to_string())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The name of a run's group.
fn run_name(run: RunId, key: &AppKey) -> String {
    format!("run-{}.{}.{}", run.0, key.project, key.app)
}

/// The name of the directory of a home, which no other home has.
fn name_of(home: &Home) -> String {
    // FNV-1a: it has to differ, not to be secret.
    let bytes = home.run.as_os_str().as_encoded_bytes().iter();
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("eco-{hash:016x}")
}

/// The group in which groups are made, or why there is none.
fn find_parent() -> Result<PathBuf, String> {
    match std::env::var_os(PLACE).filter(|value| !value.is_empty()) {
        Some(value) if value == "none" => return Err(format!("{PLACE} is `none`")),
        Some(value) => return Ok(PathBuf::from(value)),
        None => {}
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = own.lines().find_map(|line| line.strip_prefix("0::"));
    let own = own.ok_or_else(|| "the kernel has no cgroup v2".to_owned())?;
    let (root, mount) = mounts
        .lines()
        .find_map(mounted)
        .ok_or_else(|| "no cgroup v2 file system is mounted".to_owned())?;
    let below = Path::new(own).strip_prefix(&root).unwrap_or(Path::new(""));
    let own = mount.join(below);
    let own = match own.parent() {
        Some(parent) if own.ends_with(OWN) => parent.to_owned(),
        Some(_) | None => own,
    };
    if rustix::process::geteuid().is_root() {
        return Ok(if is_delegated(&own) { own } else { mount });
    }
    let open = [own.clone(), own.join("cgroup.procs")];
    if open.iter().all(|path| access(path, Access::WRITE_OK).is_ok()) {
        Ok(own)
    } else {
        Err(format!("{} is not delegated to this user", own.display()))
    }
}

/// Whether groups may be made where no process may be beside them then. systemd puts the next keeper
/// of a service there too, unless it was told of a group below (254 and later).
fn may_divide() -> bool {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    std::env::var_os(SERVICE).is_none() || own.trim_end().ends_with(OWN)
}

/// Where version 2 is mounted, of a line of `mountinfo`: which group is at the top of it, and where.
fn mounted(line: &str) -> Option<(PathBuf, PathBuf)> {
    let (place, kind) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(3);
    let (root, mount) = (place.next()?, place.next()?);
    // Spaces and the like are escaped; nobody has a mount like that.
    let is_plain = !root.contains('\\') && !mount.contains('\\') && !root.starts_with("/..");
    (kind.starts_with("cgroup2 ") && is_plain).then(|| (root.into(), mount.into()))
}

/// Whether systemd has left a group to whoever runs in it.
fn is_delegated(group: &Path) -> bool {
    ["trusted.delegate", "user.delegate"].iter().any(|name| {
        let mut value = [0_u8; 8];
        rustix::fs::getxattr(group, *name, &mut value[..]).is_ok_and(|_| value.starts_with(b"1"))
    })
}

fn words(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.split_ascii_whitespace().map(str::to_owned).collect()
}

/// Has the kernel limit the groups in this one. It refuses as long as there are processes beside
/// them: eco's own move into a group, others are left alone.
fn enable(dir: &Path, family: &[u32]) {
    let given = words(&dir.join("cgroup.controllers"));
    let control = dir.join("cgroup.subtree_control");
    for name in USED.iter().filter(|name| given.contains(**name)) {
        let word = format!("+{name}");
        if let Err(error) = fs::write(&control, &word)
            && error.raw_os_error() == Some(libc::EBUSY)
            && make_room(dir, family)
        {
            drop(fs::write(&control, &word));
        }
    }
}

/// Moves eco's own processes out of a group; whether nobody is left there.
fn make_room(dir: &Path, family: &[u32]) -> bool {
    let own = dir.join(OWN);
    for _ in 0..ROUNDS {
        let present = words(&dir.join("cgroup.procs"));
        if present.is_empty() {
            return true;
        }
        let is_ours = |text: &String| text.parse().is_ok_and(|pid| family.contains(&pid));
        if !present.iter().all(is_ours) {
            return false;
        }
        drop(fs::create_dir(&own));
        for pid in present {
            drop(fs::write(own.join("cgroup.procs"), pid));
        }
    }
    false
}

/// Removes a group and the groups in it, as far as they are empty.
fn remove_empty(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_empty(&entry.path());
        }
    }
    drop(fs::remove_dir(dir));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_of_version_2_are_found() {
        let line = "36 25 0:30 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw";
        assert_eq!(mounted(line), Some(("/".into(), "/sys/fs/cgroup/unified".into())));
        assert_eq!(mounted("31 25 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu"), None);
        assert_eq!(mounted("31 25 0:26 / /a\\040b rw - cgroup2 cgroup rw"), None);
        assert_eq!(mounted(""), None);
    }

    #[test]
    fn limits_become_files_of_the_kernel() {
        let limits = LimitPolicy {
            memory: Some(1 << 20),
            cpu: Some(1500),
            processes: Some(7),
            ..LimitPolicy::default()
        };
        let expected = [
            ("memory.max", "1048576".to_owned()),
            ("cpu.max", "150000 100000".to_owned()),
            ("pids.max", "7".to_owned()),
        ];
        assert_eq!(settings(&limits), expected);
        assert!(settings(&LimitPolicy::default()).is_empty());
    }

    #[test]
    fn what_is_not_given_is_not_kept() {
        let limits = LimitPolicy { memory: Some(1), processes: Some(2), ..LimitPolicy::default() };
        let policy = ProcessPolicy { limits, ..ProcessPolicy::default() };
        let controllers = ["pids".to_owned()].into();
        let given = Cgroups { dir: Ok("/x/eco-1".into()), controllers };
        let why = "the kernel gives no memory controller to /x".to_owned();
        assert_eq!(given.unkept(&policy), [Unkept { key: LimitKey::Memory, why }]);
        let none = Cgroups { dir: Err("why".into()), controllers: BTreeSet::new() };
        assert_eq!(none.unkept(&policy).len(), 2);
        assert!(none.unkept(&ProcessPolicy::default()).is_empty());
    }

    #[test]
    fn groups_are_named_after_their_runs() {
        let key = AppKey { project: "shop".parse().unwrap(), app: "web".parse().unwrap() };
        assert_eq!(run_name(RunId(7), &key), "run-7.shop.web");
        let dir = tempfile::tempdir().unwrap();
        let groups = Cgroups { dir: Ok(dir.path().into()), controllers: BTreeSet::new() };
        for run in 1..=3 {
            assert!(groups.create(RunId(run), &key, &LimitPolicy::default()).is_some());
        }
        let events = dir.path().join("run-2.shop.web/memory.events");
        fs::write(&events, "low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\noom_group_kill 0\n").unwrap();
        assert_eq!([1, 2].map(|run| groups.oom_kills(RunId(run), &key)), [0, 2]);
        fs::remove_file(events).unwrap();
        fs::create_dir(dir.path().join("other")).unwrap();
        groups.remove(RunId(1), &key);
        groups.remove_others(|run| run == RunId(3));
        let mut left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["other", "run-3.shop.web"]);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a process of the test's own")]
    fn eco_makes_room_for_groups_and_nobody_else_does() {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let (_, mount) = mounts.lines().find_map(mounted).expect("this test needs cgroup v2");
        let dir = mount.join(format!("eco-test-room-{}", std::process::id()));
        fs::create_dir(&dir).expect("this test needs a writable cgroup v2: run it as root");
        let mut child = std::process::Command::new("sleep").arg("100000").spawn().unwrap();
        fs::write(dir.join("cgroup.procs"), child.id().to_string()).unwrap();
        let strangers = make_room(&dir, &[1]);
        let stayed = words(&dir.join("cgroup.procs"));
        let own = make_room(&dir, &[1, child.id()]);
        let moved = words(&dir.join(OWN).join("cgroup.procs"));
        let left = words(&dir.join("cgroup.procs"));
        child.kill().unwrap();
        child.wait().unwrap();
        remove_empty(&dir);
        let pid: BTreeSet<String> = [child.id().to_string()].into();
        assert_eq!((strangers, &stayed), (false, &pid), "others are left where they are");
        assert_eq!((own, &moved, left), (true, &pid, BTreeSet::new()));
        assert!(!dir.exists());
    }
}
