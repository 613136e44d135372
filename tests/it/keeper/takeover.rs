//! The keeper is killed, alone or with the recorder, and the next one takes over what lives on.

use std::fs;

use eco::protocol::{Lost, Record, RecordFile, Request, Scope, State, Stream};
use rustix::process::{Pid, Signal, kill_process};

use super::{
    processes::come_to_rest,
    world::{World, lives, pid, until},
};

/// Every line of a run that counts them is there, once and in order.
fn lines_are_whole(world: &World, run: u64) -> usize {
    let text = world.out_text(run);
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    for (number, line) in whole.lines().enumerate() {
        assert_eq!(line, format!("line {number}"));
    }
    whole.lines().count()
}

fn lines_go_on(world: &World, run: u64) {
    let lines = lines_are_whole(world, run);
    until("lines go on", || lines + 10 < lines_are_whole(world, run));
}

impl World {
    /// Kills the recorder of a keeper that is dead.
    fn kill_orphaned_recorder(&self) {
        let recorder = self.recorder;
        kill_process(recorder, Signal::KILL).unwrap();
        until("the recorder's end", || !lives(recorder));
    }

    fn adopted(&mut self, run: u64) -> Record {
        let record = self.wait_state(run, |record| record.state == State::Running);
        assert!(record.adopted);
        record
    }
}

#[test]
fn runs_of_a_killed_keeper_are_taken_over() {
    let mut world = World::new();
    world.spawn(1, &["lines", "1000000", "1"]);
    world.spawn(2, &["fork-and-exit"]);
    world.spawn(3, &["sleep"]);
    world.spawn(4, &["term-after", "0"]);
    world.spawn(5, &["exit", "7"]);
    world.spawn(6, &["daemon", "no-env"]);
    let first = world.wait_running(1);
    let orphan = world.said(2, "child ");
    world.wait_state(2, |record| record.state == State::Exited);
    let third = pid(world.wait_running(3).pid);
    world.said(4, "started ");
    world.wait_gone(5);
    let other_session = world.said(6, "started ");
    let recorder = world.recorder;
    world.kill_keeper();
    // What ends while there is no keeper is told as it was.
    kill_process(third, Signal::USR1).unwrap();
    until("its end", || !lives(third));
    lines_go_on(&world, 1);
    world.next_keeper(None);
    assert_eq!(world.recorder, recorder);
    let record = world.adopted(1);
    assert_eq!((record.pid, record.started), (first.pid, first.started));
    assert_eq!(record.lost, Lost::default());
    lines_go_on(&world, 1);
    let ended = world.wait_gone(3);
    assert_eq!(libc::WTERMSIG(ended.wait_status), Signal::USR1.as_raw());
    assert!(!ended.lost.exit_code);
    // An end that was told, but not forgotten, is told again.
    assert_eq!(libc::WEXITSTATUS(world.wait_gone(5).wait_status), 7);
    world.signal(4, Signal::TERM, Scope::Group);
    let ended = world.wait_gone(4);
    assert!(libc::WIFEXITED(ended.wait_status) && !ended.lost.exit_code);
    // A run is gone when its whole group is.
    assert_eq!(world.records[&2].state, State::Exited);
    world.signal(2, Signal::KILL, Scope::Group);
    world.wait_gone(2);
    assert!(!lives(orphan));
    // What has left session, parent and environment is nobody's any more, but has its pipes.
    world.signal(6, Signal::KILL, Scope::Group);
    world.wait_state(6, |record| record.state == State::Gone);
    assert!(lives(other_session));
    kill_process(other_session, Signal::KILL).unwrap();
    world.wait_gone(6);
    // New ones start beside them, and a known one is not started twice.
    world.spawn(1, &["sleep"]);
    assert_eq!(world.wait_refused().2, libc::EEXIST);
    world.spawn(7, &["sleep"]);
    assert!(!world.wait_running(7).adopted);
    for run in [1, 7] {
        world.signal(run, Signal::KILL, Scope::Group);
        world.wait_gone(run);
    }
    lines_are_whole(&world, 1);
    for run in 1..=7 {
        world.ask(run, Request::Forget);
    }
    world.settle();
    assert_eq!(fs::read_dir(world.run_dir().join("runs")).unwrap().count(), 0);
    world.quit();
}

#[test]
fn keepers_may_die_again_and_again() {
    let mut world = World::new();
    world.spawn(1, &["lines", "1000000", "1"]);
    let first = world.wait_running(1);
    for _ in 0..5 {
        world.kill_keeper();
        world.next_keeper(None);
        assert_eq!(world.adopted(1).pid, first.pid);
    }
    lines_go_on(&world, 1);
    // A recorder that dies under a keeper that did not start it is replaced all the same.
    world.kill_recorder();
    let lines = world.out_text(1).lines().count();
    until("lines go on", || lines + 10 < world.out_text(1).lines().count());
    world.kill_keeper();
    world.next_keeper(None);
    world.signal(1, Signal::TERM, Scope::Leader);
    let ended = world.wait_gone(1);
    assert_eq!(libc::WTERMSIG(ended.wait_status), Signal::TERM.as_raw());
    world.quit();
}

#[test]
fn with_the_recorder_dead_too_files_and_processes_tell() {
    let mut world = World::new();
    world.spawn(1, &["lines", "1000000", "1"]);
    world.spawn(2, &["sleep"]);
    world.spawn(3, &["fork-and-exit"]);
    let first = world.wait_running(1);
    let second = pid(world.wait_running(2).pid);
    let orphan = world.said(3, "child ");
    world.wait_state(3, |record| record.state == State::Exited);
    world.kill_keeper();
    world.kill_orphaned_recorder();
    kill_process(second, Signal::KILL).unwrap();
    until("its end, noted by whom it came to", || {
        !fs::exists(format!("/proc/{}", second.as_raw_nonzero())).unwrap()
    });
    assert!(lives(pid(first.pid)));
    world.next_keeper(None);
    assert_eq!(world.adopted(1).pid, first.pid);
    // Nobody saw how this one ended.
    assert!(world.wait_gone(2).lost.exit_code);
    // One reading at most may have died with the recorder.
    let lines = world.out_text(1).lines().count();
    until("lines go on", || lines + 10 < world.out_text(1).lines().count());
    world.signal(3, Signal::KILL, Scope::Group);
    world.wait_gone(3);
    assert!(!lives(orphan));
    // From now on its end is seen: the pidfd is older than it.
    world.signal(1, Signal::HUP, Scope::Group);
    let ended = world.wait_gone(1);
    assert_eq!(libc::WTERMSIG(ended.wait_status), Signal::HUP.as_raw());
    assert!(!ended.lost.exit_code);
    world.quit();
}

#[test]
fn a_recorder_that_does_not_answer_is_replaced() {
    let mut world = World::new();
    world.spawn(1, &["lines", "1000000", "1"]);
    let first = world.wait_running(1);
    until("lines", || 10 < lines_are_whole(&world, 1));
    let recorder = world.recorder;
    kill_process(recorder, Signal::STOP).unwrap();
    world.kill_keeper();
    world.next_keeper(None);
    assert!(world.recorder != recorder && !lives(recorder));
    assert_eq!(world.adopted(1).pid, first.pid);
    let lines = world.out_text(1).lines().count();
    until("lines go on", || lines + 10 < world.out_text(1).lines().count());
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_gone(1);
    world.quit();
}

#[test]
fn a_stopped_recorder_holds_up_nothing() {
    let mut world = World::new();
    world.spawn(1, &["lines", "1000000", "1"]);
    world.wait_running(1);
    kill_process(world.recorder, Signal::STOP).unwrap();
    // More than its socket takes.
    for run in 2..=400 {
        world.spawn(run, &["exit", "0"]);
    }
    world.wait("every end", |world| {
        (2..=400).all(|run| world.records.get(&run).is_some_and(|it| it.state == State::Gone))
    });
    assert_eq!(world.records[&1].state, State::Running);
    kill_process(world.recorder, Signal::CONT).unwrap();
    for run in 2..=400 {
        world.wait_gone(run);
    }
    world.kill_keeper();
    world.next_keeper(None);
    world.adopted(1);
    lines_go_on(&world, 1);
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_gone(1);
    world.quit();
}

/// A file as a keeper would have left it, of a process that is none of its runs.
fn forge(world: &World, run: u64, change: impl FnOnce(&mut RecordFile)) {
    let path = world.run_dir().join("runs").join("1");
    let mut file = RecordFile::decode(&fs::read(path).unwrap()).unwrap();
    change(&mut file);
    fs::write(world.run_dir().join("runs").join(run.to_string()), file.encode()).unwrap();
}

fn start_ticks(pid: Pid) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap();
    let after = stat.rsplit_once(") ").unwrap().1;
    after.split(' ').nth(19).unwrap().parse().unwrap()
}

#[test]
fn nobody_elses_process_is_taken_over_or_signalled() {
    use std::os::unix::process::CommandExt as _;
    let mut world = World::new();
    world.spawn(1, &["sleep"]);
    world.wait_running(1);
    let mut stranger = std::process::Command::new("/bin/sleep");
    stranger.arg("1000");
    let root = rustix::process::getuid().is_root();
    if root {
        stranger.uid(65534);
    }
    let mut stranger = stranger.spawn().unwrap();
    let number = pid(stranger.id());
    until("a name of its own", || {
        fs::read_to_string(format!("/proc/{}/comm", number.as_raw_nonzero()))
            .is_ok_and(|name| name == "sleep\n")
    });
    let ticks = start_ticks(number);
    // Another process got the number meanwhile.
    forge(&world, 2, |file| {
        file.record.pid = stranger.id();
        file.record.start_ticks = ticks - 1;
    });
    // All of it is of an earlier boot.
    forge(&world, 3, |file| {
        file.record.pid = stranger.id();
        file.record.start_ticks = ticks;
        file.boot_id = b"11111111-2222-4333-8444-555555555555".to_vec();
    });
    // It is another user's; told apart only where the test may start one.
    forge(&world, 4, |file| {
        file.record.pid = if root { stranger.id() } else { 1 };
        file.record.start_ticks = if root { ticks } else { start_ticks(Pid::INIT) };
    });
    fs::write(world.run_dir().join("runs/5"), b"nonsense").unwrap();
    world.kill_keeper();
    world.next_keeper(None);
    world.adopted(1);
    for run in [2, 4] {
        let record = world.wait_gone(run);
        assert!(record.lost.exit_code, "{record:?}");
        world.signal(run, Signal::KILL, Scope::Group);
        assert_eq!(world.wait_refused(), (run, eco::protocol::Step::Prepare, libc::ESRCH));
    }
    assert!(!world.records.contains_key(&3) && !world.records.contains_key(&5));
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_gone(1);
    world.quit();
    assert!(stranger.try_wait().unwrap().is_none(), "it was signalled");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_launch_under_way_is_carried_on() {
    let mut world = World::new();
    for run in 1..=60 {
        world.spawn(run, &["sleep"]);
    }
    // Whatever it was at.
    world.wait_state(1, |record| record.pid != 0);
    world.kill_keeper();
    world.next_keeper(None);
    let known: Vec<u64> = world.records.keys().copied().collect();
    for run in &known {
        let record = world.wait_state(*run, |record| record.state != State::Launching);
        // One that was not released yet has ended by itself.
        if record.state == State::Running {
            until("it speaks", || world.out_text(*run).contains("started"));
            world.signal(*run, Signal::KILL, Scope::Group);
        }
        world.wait_gone(*run);
    }
    assert!(known.contains(&1));
    world.quit();
}

#[test]
fn what_a_run_says_at_its_socket_is_heard_by_the_next_keeper() {
    let mut world = World::new();
    let mut spec = world.spec(1, &["notify", "READY=1", "flood"]);
    let path = eco::protocol::notify_path(&world.run_dir(), 1);
    spec.notify = true;
    spec.env.push(("NOTIFY_SOCKET".into(), path.into()));
    world.spawn_spec(1, &spec);
    world.wait_state(1, |record| record.notify.ready);
    // The controller is told first.
    until("it is in the file", || {
        let file = fs::read(world.run_dir().join("runs/1")).unwrap();
        RecordFile::decode(&file).is_ok_and(|file| file.record.notify.ready)
    });
    world.kill_keeper();
    world.next_keeper(None);
    let said = world.adopted(1).notify;
    assert!(said.ready, "it is known from the file");
    world.wait_state(1, |record| record.notify.status != said.status);
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_gone(1);
    assert!(
        !world.log(1, Stream::Err).exists()
            || fs::read(world.log(1, Stream::Err)).unwrap().is_empty()
    );
    world.quit();
}

/// Written by the version before this format got a number of its own.
const FIRST_FORM: &[u8] = include_bytes!("recorded/run.1");

#[test]
fn a_file_of_the_first_form_is_read() {
    let file = RecordFile::decode(FIRST_FORM).unwrap();
    assert_eq!(file.boot_id, b"11111111-2222-4333-8444-555555555555");
    assert_eq!((file.record.cohort, file.record.state, file.ports), (0, State::Launching, None));
    assert_eq!(file.sink.dir.to_str(), Some("/srv/apps1/h/logs/shop"));
    assert!(file.record.tag.starts_with(br#"{"id":{"key":{"project":"shop","app":"web"}"#));
    assert!(file.record.pid != 0 && file.record.start_ticks != 0 && file.pipes != [0, 0]);
}

#[test]
fn an_app_waits_for_a_stopped_recorder_and_loses_nothing() {
    const BYTES: usize = 8 << 20;
    let mut world = World::new();
    world.spawn(1, &["sleep"]);
    world.wait_running(1);
    kill_process(world.recorder, Signal::STOP).unwrap();
    world.spawn(2, &["flood", &BYTES.to_string()]);
    let flood = world.wait_running(2).pid;
    until("its pipe is full", || {
        fs::read_to_string(format!("/proc/{flood}/syscall"))
            .is_ok_and(|text| text.starts_with(&format!("{} 0x1 ", libc::SYS_write)))
    });
    // Others start and end meanwhile.
    world.spawn(3, &["exit", "3"]);
    world.wait_state(3, |record| record.state == State::Gone);
    assert_eq!(world.records[&2].state, State::Running);
    kill_process(world.recorder, Signal::CONT).unwrap();
    let ended = world.wait_gone(2);
    assert_eq!((libc::WEXITSTATUS(ended.wait_status), ended.dropped), (0, 0));
    assert_eq!(world.out(2).len(), BYTES);
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_gone(1);
    world.quit();
}

#[test]
fn an_idle_keeper_that_has_taken_over_makes_no_system_call() {
    let mut world = World::new();
    world.spawn(1, &["sleep"]);
    world.wait_running(1);
    world.kill_keeper();
    world.next_keeper(None);
    world.adopted(1);
    come_to_rest(&world);
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_gone(1);
    world.quit();
}
