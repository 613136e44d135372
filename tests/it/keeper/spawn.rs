//! Starting programs: what they are given, and why they cannot start.

use std::os::unix::fs::PermissionsExt;

use eco::protocol::{RecordFile, Request, Scope, State, Step, Stream};
use rustix::process::{Resource, Rlimit, Signal, prlimit};

use super::world::{World, naughty, until};

#[test]
fn a_run_starts_ends_and_is_forgotten() {
    let mut world = World::new();
    world.spawn(1, &["exit", "3"]);
    let record = world.wait_gone(1);
    assert_eq!(record.tag, b"run 1");
    assert!(libc::WIFEXITED(record.wait_status) && libc::WEXITSTATUS(record.wait_status) == 3);
    assert!(0 < record.started && record.started <= record.exited && record.exited <= record.gone);
    assert!(0 < record.max_rss_kib && 0 < record.start_ticks);
    let file = world.run_dir().join("runs/1");
    // It is written after the controller was told.
    until("the end is in the file", || {
        let written = std::fs::read(&file).ok().and_then(|bytes| RecordFile::decode(&bytes).ok());
        written.is_some_and(|it| it.record.pid == record.pid && it.record.state == State::Gone)
    });

    world.spawn(1, &["exit", "0"]);
    assert_eq!(world.wait_refused(), (1, Step::Prepare, libc::EEXIST));
    world.ask(1, Request::Forget);
    until("the file is removed", || !file.exists());
    world.records.clear();
    let before = world.list_ends;
    world.ask(0, Request::List);
    world.wait("the list", |world| world.list_ends != before);
    assert!(world.records.is_empty());

    world.spawn(2, &["signal", "9"]);
    assert_eq!(libc::WTERMSIG(world.wait_gone(2).wait_status), 9);
    world.quit();
}

#[test]
fn what_cannot_start_says_at_which_step() {
    let mut world = World::new();
    let script = world.run_dir().join("script");
    std::fs::write(&script, "echo no first line\n").unwrap();
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    let plain = world.run_dir().join("plain");
    std::fs::write(&plain, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&plain, PermissionsExt::from_mode(0o644)).unwrap();
    let fails = |world: &mut World, run, program: &str, cwd: Option<&str>, step, errno| {
        let mut spec = world.spec(run, &[]);
        spec.argv = vec![program.into()];
        if let Some(cwd) = cwd {
            spec.cwd = cwd.into();
        }
        world.spawn_spec(run, &spec);
        let over = |state| matches!(state, State::Failed { .. });
        let record = world.wait_state(run, |record| over(record.state));
        assert_eq!(record.state, State::Failed { step, errno }, "{program}");
    };
    let script = script.to_str().unwrap();
    let plain = plain.to_str().unwrap();
    world.spawn(99, &["sleep"]);
    fails(&mut world, 1, "no-such-program", None, Step::Exec, libc::ENOENT);
    fails(&mut world, 2, "/no/such/program", None, Step::Exec, libc::ENOENT);
    fails(&mut world, 3, plain, None, Step::Exec, libc::EACCES);
    fails(&mut world, 4, script, None, Step::Exec, libc::ENOEXEC);
    fails(&mut world, 5, &format!("{plain}/x"), None, Step::Exec, libc::ENOTDIR);
    fails(&mut world, 6, "sh", Some("/no/such/dir"), Step::Cwd, libc::ENOENT);
    fails(&mut world, 7, "sh", Some(plain), Step::Cwd, libc::ENOTDIR);
    world.wait("the failed are drained", |world| (1..=7).all(|run| world.records[&run].drained));
    (1..=7).for_each(|run| world.ask(run, Request::Forget));
    world.ask(99, Request::Forget);
    assert_eq!(world.wait_refused(), (99, Step::Prepare, libc::EBUSY));
    assert_eq!(world.wait_running(99).state, State::Running);
    world.signal(99, Signal::KILL, Scope::Group);
    world.wait_gone(99);
    world.quit();
}

#[test]
fn a_keeper_short_of_descriptors_refuses_and_goes_on() {
    let mut world = World::new();
    world.spawn(1, &["sleep"]);
    world.wait_running(1);
    let open = std::fs::read_dir(format!("/proc/{}/fd", world.keeper().as_raw_nonzero())).unwrap();
    let few = u64::try_from(open.count()).unwrap() + 3;
    let old = prlimit(
        Some(world.keeper()),
        Resource::Nofile,
        Rlimit { current: Some(few), maximum: Some(20_000) },
    )
    .unwrap();
    world.spawn(2, &["sleep"]);
    assert_eq!(world.wait_refused(), (2, Step::Prepare, libc::EMFILE));
    prlimit(Some(world.keeper()), Resource::Nofile, old).unwrap();
    world.spawn(2, &["exit", "0"]);
    world.wait_gone(2);
    assert_eq!(world.records[&1].state, State::Running);
    world.signal(1, Signal::KILL, Scope::Leader);
    world.wait_gone(1);
    world.quit();
}

/// The system has no room for another process, or no memory for it.
#[test]
fn a_keeper_that_cannot_fork_refuses_and_goes_on() {
    let mut world = World::under(Some("no-fork"));
    world.spawn(1, &["sleep"]);
    world.wait_running(1);
    let told = world.run_dir().with_file_name("fork-fails");
    for (run, errno) in [(2, libc::EAGAIN), (3, libc::ENOMEM)] {
        let draft = world.run_dir().with_file_name("draft");
        std::fs::write(&draft, errno.to_string()).unwrap();
        std::fs::rename(&draft, &told).unwrap();
        until("no more processes", || !told.exists());
        world.spawn(run, &["sleep"]);
        assert_eq!(world.wait_refused(), (run, Step::Fork, errno));
    }
    assert_eq!(world.records[&1].state, State::Running);
    world.signal(1, Signal::KILL, Scope::Leader);
    world.wait_gone(1);
    world.quit();
}

#[test]
fn a_program_gets_exactly_what_was_asked_for() {
    let mut world = World::new();
    let mut spec = world.spec(1, &["env"]);
    spec.env = vec![("B".into(), "x=y\nz".into()), ("A".into(), String::new().into())];
    world.spawn_spec(1, &spec);
    world.spawn(2, &["fds"]);
    let mut spec = world.spec(3, &["cwd"]);
    spec.cwd = "/usr".into();
    world.spawn_spec(3, &spec);
    let mut shell = world.spec(4, &[]);
    shell.argv =
        ["sh", "-c", "umask; ulimit -n; readlink /proc/self/fd/0; exec cat /proc/self/status"]
            .map(Into::into)
            .into();
    world.spawn_spec(4, &shell);
    for run in 1..=4 {
        world.wait_gone(run);
    }
    let env = world.out_text(1);
    let (given, own) = env.split_once("ECO_RUN=").unwrap();
    assert_eq!(given, "A=\nB=x=y\nz\n");
    assert!(own.starts_with("1@") && own.lines().count() == 1, "{own}");
    assert_eq!(world.out_text(2), "0 1 2\n");
    assert_eq!(world.out_text(3), "/usr\n");
    let text = world.out_text(4);
    let own = rustix::process::getrlimit(Resource::Nofile).current.unwrap();
    assert!(text.starts_with(&format!("0022\n{own}\n/dev/null\n")), "{text}");
    for line in ["SigBlk", "SigIgn", "SigCgt"] {
        assert!(text.contains(&format!("{line}:\t0000000000000000")), "{text}");
    }
    world.quit();
}

#[test]
fn programs_are_found_in_the_path_of_their_own_environment() {
    let mut world = World::new();
    let dir = world.run_dir();
    std::os::unix::fs::symlink(naughty(), dir.join("mine")).unwrap();
    let mut found = world.spec(1, &[]);
    found.argv = ["mine", "exit", "5"].map(Into::into).into();
    found.env = vec![("PATH".into(), format!("/nowhere:{}", dir.display()).into())];
    world.spawn_spec(1, &found);
    let mut relative = world.spec(2, &[]);
    relative.argv = ["./mine", "exit", "6"].map(Into::into).into();
    relative.cwd.clone_from(&dir);
    world.spawn_spec(2, &relative);
    assert_eq!(libc::WEXITSTATUS(world.wait_gone(1).wait_status), 5);
    assert_eq!(libc::WEXITSTATUS(world.wait_gone(2).wait_status), 6);
    world.quit();
}

#[test]
fn nonsense_is_refused_and_harms_nobody() {
    let mut world = World::new();
    world.ask(7, Request::Signal { signal: 15, to: Scope::Group });
    assert_eq!(world.wait_refused(), (7, Step::Prepare, libc::ESRCH));
    world.ask(7, Request::Forget);
    assert_eq!(world.wait_refused(), (7, Step::Prepare, libc::ESRCH));
    world.ask(7, Request::Spawn { cohort: 0 });
    assert_eq!(world.wait_refused(), (7, Step::Prepare, libc::EBADF));
    world.ask(0, Request::Later(eco::protocol::kind::GETFD));
    assert_eq!(world.wait_refused(), (0, Step::Prepare, libc::ENOSYS));
    world.ask(0, Request::Upgrade);
    assert_eq!(world.wait_refused(), (0, Step::Prepare, libc::EBADF));
    let channel = world.channel();
    for bytes in [vec![0; 3], vec![9; 100], vec![1; 5000]] {
        rustix::io::write(&channel, &bytes).unwrap();
        assert_eq!(world.wait_refused(), (0, Step::Prepare, libc::EBADMSG));
    }
    world.spawn(8, &["stderr", "still here"]);
    world.wait_gone(8);
    assert_eq!(std::fs::read(world.log(8, Stream::Err)).unwrap(), b"still here\n");
    world.quit();
}
