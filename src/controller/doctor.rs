//! What this machine lets eco do, in words: what is missing, what that means, what mends it.

use std::io;

use crate::{
    api::{CheckReply, DoctorReply, SCHEMA},
    host::{cgroup::Cgroups, home::Home, self_check},
    model::human_size,
};

/// So many descriptors are enough for some hundred instances.
const ENOUGH_FILES: u64 = 4096;
/// So many watches are enough for the sources of a usual project.
const ENOUGH_WATCHES: u64 = 8192;
const PORTS: [(&str, &str); 3] =
    [("answer", "shared ports"), ("look", "looking into processes"), ("steer", "steering")];

/// Something that is not as it should be: what was found, what eco does without, what mends it.
struct Fault {
    found: String,
    effect: &'static str,
    help: String,
}

/// With less than this a log cannot be rotated even once by its default size.
const ENOUGH_ROOM: u64 = 64 << 20;

/// Looks at everything.
pub fn doctor(home: &Home) -> DoctorReply {
    let mut checks = ports();
    checks.push(check(("hand_over", "given-up queues"), Ok(hand_over())));
    checks.push(check(("open_files", "open files"), open_files()));
    checks.push(check(("watches", "file watches"), watches()));
    checks.push(check(("cgroup", "control groups"), control_groups(home)));
    checks.push(check(("home", "state directory"), writable(home)));
    checks.push(check(("disk", "room on the disk"), room(home)));
    checks.push(check(("clock", "clock"), clock()));
    DoctorReply { schema: SCHEMA, checks }
}

fn check((name, title): (&str, &str), result: Result<String, Fault>) -> CheckReply {
    let (name, title) = (name.to_owned(), title.to_owned());
    match result {
        Ok(found) => CheckReply { name, title, ok: true, found, effect: None, help: None },
        Err(Fault { found, effect, help }) => {
            let (effect, help) = (Some(effect.to_owned()), Some(help));
            CheckReply { name, title, ok: false, found, effect, help }
        }
    }
}

fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

fn ports() -> Vec<CheckReply> {
    let found = self_check::ports();
    let [answer, look, steer] = PORTS;
    let outcome = |pick: fn(&self_check::SelfTest) -> i32| match &found {
        Ok(found) if pick(found) == 0 => Ok("works".to_owned()),
        Ok(found) => Err((pick(found), words(&io::Error::from_raw_os_error(pick(found))))),
        Err(error) => Err((0, format!("could not be tried: {}", words(error)))),
    };
    vec![
        check(answer, outcome(|it| it.answer).map_err(without_answers)),
        check(look, outcome(|it| it.look).map_err(without_looks)),
        check(steer, outcome(|it| it.steer).map_err(without_steering)),
    ]
}

fn without_answers((errno, found): (i32, String)) -> Fault {
    let help = if errno == libc::EBUSY {
        "another supervisor answers system calls for this process; start eco outside of it"
    } else {
        "needs Linux 5.9, and a container profile that allows `seccomp` with notification and \
         `process_vm_readv` (Docker: `--security-opt seccomp=unconfined`)"
    };
    let effect = "programs bind for themselves: the instances of an app share no port unless they \
                  take it as `pass: fds`, and the former one stops before its successor starts";
    Fault { found: format!("refused: {found}"), effect, help: help.to_owned() }
}

fn without_looks((_, found): (i32, String)) -> Fault {
    let effect = "socket options set before `bind` are not taken over, and idle keep-alive \
                  connections are not closed before a stop";
    let help = "allow `pidfd_getfd` (Docker: `--cap-add SYS_PTRACE`), and \
                `sysctl kernel.yama.ptrace_scope=1` where it is higher";
    Fault { found: format!("refused: {found}"), effect, help: help.to_owned() }
}

fn without_steering((_, found): (i32, String)) -> Fault {
    let effect = "during a rollout former and new instances both get new connections";
    let help = "needs a kernel that takes socket filters (SO_ATTACH_REUSEPORT_CBPF)".to_owned();
    Fault { found: format!("refused: {found}"), effect, help }
}

/// Most systems do not, so it is no fault: it matters only where a whole release is given up.
fn hand_over() -> String {
    let found = if self_check::hands_over() {
        "who waits at a bad release gets to the former"
    } else {
        "reset, unless net.ipv4.tcp_migrate_req=1"
    };
    found.to_owned()
}

fn open_files() -> Result<String, Fault> {
    match self_check::open_files() {
        None => Ok("no limit".to_owned()),
        Some(limit) if ENOUGH_FILES <= limit => Ok(format!("up to {limit}")),
        Some(limit) => Err(Fault {
            found: format!("up to {limit}"),
            effect: "about ten are needed for each instance; beyond that none can be started",
            help: format!(
                "raise the hard limit: `ulimit -Hn {ENOUGH_FILES}`, or `nofile` in /etc/security/limits.conf"
            ),
        }),
    }
}

fn watches() -> Result<String, Fault> {
    let effect = "files that are followed and sources under `watch` are looked at only when asked";
    if let Err(error) = self_check::watch() {
        return Err(Fault {
            found: format!("no more: {}", words(&error)),
            effect,
            help: "`sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512`"
                .to_owned(),
        });
    }
    match self_check::watches() {
        Some(limit) if limit < ENOUGH_WATCHES => Err(Fault {
            found: format!("up to {limit}"),
            effect: "large trees of sources under `watch` are watched in part",
            help: "`sysctl fs.inotify.max_user_watches=524288`".to_owned(),
        }),
        Some(limit) => Ok(format!("up to {limit}")),
        None => Ok("works".to_owned()),
    }
}

/// What of the kernel's controllers limits a run.
const CONTROLLERS: [&str; 3] = ["cpu", "memory", "pids"];

fn control_groups(home: &Home) -> Result<String, Fault> {
    let groups = Cgroups::look(home);
    let help = "as a service of systemd: `Delegate=yes`; in a container: a writable \
                /sys/fs/cgroup; and no mount of cgroup version 1 that keeps the controllers to itself";
    let place = groups.place().map_err(|why| Fault {
        found: why.to_owned(),
        effect: "`limits` of memory, cpu and processes are not kept, and a process that leaves \
                 session, parent and environment behind outlives its app",
        help: help.to_owned(),
    })?;
    let place = place.parent().unwrap_or(place).display();
    let given: Vec<&str> = groups.controllers().collect();
    let lacking: Vec<&str> = CONTROLLERS.into_iter().filter(|name| !given.contains(name)).collect();
    if lacking.is_empty() {
        return Ok(format!("in {place}, with {}", given.join(", ")));
    }
    Err(Fault {
        found: format!("in {place}, without {}", lacking.join(", ")),
        effect: "`limits` of these are not kept",
        help: help.to_owned(),
    })
}

fn writable(home: &Home) -> Result<String, Fault> {
    match self_check::home(home) {
        Ok(()) => Ok(home.state.display().to_string()),
        Err(error) => Err(Fault {
            found: words(&error),
            effect: "eco cannot start",
            help: "make it writable for this user, or name another one in ECO_HOME".to_owned(),
        }),
    }
}

fn room(home: &Home) -> Result<String, Fault> {
    let effect = "on a full disk older logs are removed, then output is dropped, and nothing is \
                  applied";
    let free = self_check::room(home);
    let (dir, free) = free.map_err(|error| Fault {
        found: format!("not known: {}", words(&error)),
        effect,
        help: "see `df`".to_owned(),
    })?;
    let found = format!("{} free", human_size(free));
    if ENOUGH_ROOM <= free {
        return Ok(found);
    }
    let help = format!("make room at {}", dir.display());
    Err(Fault { found, effect, help })
}

fn clock() -> Result<String, Fault> {
    if !self_check::clock_is_behind() {
        return Ok("set".to_owned());
    }
    Err(Fault {
        found: "before this program was installed".to_owned(),
        effect: "schedules run at the wrong times, and `logs --since` finds the wrong lines",
        help: "set it, and keep it so: `timedatectl set-ntp true`, chrony or ntpd".to_owned(),
    })
}
