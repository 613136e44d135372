//! What apps write, and what of it is in the logs.

use std::{fs, os::unix::net::UnixDatagram};

use eco::protocol::{Destination, Request, Scope, Sink, State, Stream};
use rustix::process::Signal;

use super::world::{World, lives, until};

/// The offsets of an index, checked to be whole, in order and within the log.
pub(super) fn offsets(world: &World, run: u64) -> Vec<u64> {
    let sink = world.sink(&format!("x-{run}"));
    let len = fs::metadata(sink.log(Stream::Out)).unwrap().len();
    let index = fs::read(sink.index(Stream::Out)).unwrap();
    assert_eq!(index.len() % 16, 0);
    let records = index.chunks(16).map(|record| {
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
        (number(&record[..8]), number(&record[8..]))
    });
    let (times, offsets): (Vec<_>, Vec<_>) = records.unzip();
    assert!(times.is_sorted(), "times fall");
    assert!(offsets.windows(2).all(|pair| pair[0] < pair[1]), "offsets fall");
    assert!(offsets.iter().all(|offset| *offset < len));
    offsets
}

#[test]
fn bytes_are_kept_as_they_are() {
    let mut world = World::new();
    world.spawn(1, &["bytes"]);
    let record = world.wait_gone(1);
    let all: Vec<u8> = (0..=255).collect();
    let expected = [all, vec![b'z'; 10 << 20], b"\n\xff\xfe".to_vec()].concat();
    assert!(world.out(1) == expected, "{} bytes", world.out(1).len());
    assert_eq!(record.dropped, 0);
    assert_eq!(offsets(&world, 1).first(), Some(&0));
    world.quit();
}

#[test]
fn two_runs_share_a_file() {
    let mut world = World::new();
    for run in [1, 2] {
        let mut spec = world.spec(run, &["flood", "640000"]);
        spec.sink = world.sink("x-1");
        world.spawn_spec(run, &spec);
    }
    world.wait_gone(1);
    world.wait_gone(2);
    assert_eq!(world.out(1).len(), 1_280_000);
    offsets(&world, 1);
    world.quit();
}

/// The end of its output is not its end.
#[test]
fn who_closes_its_output_lives_on_and_its_end_is_seen() {
    let mut world = World::new();
    let mut spec = world.spec(1, &[]);
    let script = "echo last words; exec >&- 2>&-; while test ! -e go; do sleep 0.05; done; exit 3";
    spec.argv = ["sh", "-c", script].map(Into::into).into();
    spec.cwd = world.run_dir();
    spec.env = vec![("PATH".into(), std::env::var_os("PATH").unwrap())];
    world.spawn_spec(1, &spec);
    let pid = world.wait_running(1).pid;
    let is_closed = || {
        let open = ["1", "2"].map(|it| fs::read_link(format!("/proc/{pid}/fd/{it}")).is_ok());
        open == [false, false]
    };
    until("its output is closed", is_closed);
    until("its last words", || world.out(1) == b"last words\n");
    world.settle();
    assert_eq!(world.records[&1].state, State::Running);
    fs::write(world.run_dir().join("go"), "").unwrap();
    assert_eq!(libc::WEXITSTATUS(world.wait_gone(1).wait_status), 3);
    world.quit();
}

#[test]
fn a_sink_can_be_changed() {
    change_sink_after(0);
}

/// Runs that have ended are forgotten, those that go on are not.
#[test]
fn a_sink_can_be_changed_after_many_runs() {
    change_sink_after(200);
}

fn change_sink_after(others: u64) {
    let mut world = World::new();
    world.spawn(1, &["lines", "100000", "1"]);
    until("lines", || world.out_text(1).lines().count() > 3);
    for run in 2..2 + others {
        world.spawn(run, &["exit", "0"]);
        world.wait_gone(run);
    }
    let mut other = world.sink("other");
    other.dir = world.logs().join("below");
    world.ask(1, Request::Sink(other.clone()));
    let moved = other.log(Stream::Out);
    until("lines elsewhere", || fs::read_to_string(&moved).is_ok_and(|text| text.len() > 30));
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_gone(1);
    let text = world.out_text(1) + &fs::read_to_string(&moved).unwrap();
    assert!(text.lines().enumerate().all(|(number, line)| line == format!("line {number}")));
    world.quit();
}

#[test]
fn a_renamed_or_deleted_file_is_made_again() {
    let mut world = World::new();
    world.spawn(1, &["lines", "100000", "2"]);
    let log = world.log(1, Stream::Out);
    until("lines", || log.exists());
    let kept = world.logs().join("rotated");
    fs::rename(&log, &kept).unwrap();
    until("a new file after a rename", || log.exists());
    let renamed = fs::read_to_string(&kept).unwrap();
    let next = renamed.lines().count();
    until("its first line", || world.out_text(1).contains('\n'));
    let first = world.out_text(1);
    assert_eq!(first.lines().next(), Some(format!("line {next}").as_str()), "none is lost");
    fs::remove_dir_all(world.logs()).unwrap();
    until("a new file after a removal", || log.exists());
    world.signal(1, Signal::KILL, Scope::Group);
    let record = world.wait_gone(1);
    assert_eq!(record.dropped, 0);
    offsets(&world, 1);
    world.quit();
}

#[test]
fn a_full_disk_costs_bytes_and_nothing_else() {
    let mut world = World::new();
    fs::create_dir(world.logs()).unwrap();
    let log = world.log(1, Stream::Out);
    std::os::unix::fs::symlink("/dev/full", &log).unwrap();
    world.spawn(1, &["flood", "6400000", "stay"]);
    world.wait_state(1, |record| 0 < record.dropped);
    world.spawn(2, &["flood", "64000"]);
    world.wait_gone(2);
    assert_eq!(world.out(2).len(), 64_000);
    assert_eq!(world.records[&1].state, State::Running);
    world.signal(1, Signal::KILL, Scope::Group);
    assert!(world.wait_gone(1).dropped <= 6_400_000);
    world.quit();
}

/// What comes to a socket until somebody says the last word.
fn datagrams(socket: &UnixDatagram, last: &[u8]) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    let mut buffer = vec![0; 1 << 20];
    while all.last().is_none_or(|message| !message.windows(last.len()).any(|part| part == last)) {
        let count = socket.recv(&mut buffer).unwrap();
        all.push(buffer[..count].to_vec());
    }
    all
}

fn service(world: &World, to: Destination) -> (UnixDatagram, Sink) {
    let path = world.logs().with_file_name(format!("{to:?}"));
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let (app, project) = ("web".into(), "shop".into());
    let sink = Sink { to, socket: path, app, project, instance: 3, ..world.sink("x-1") };
    (socket, sink)
}

#[test]
fn lines_go_to_the_journal() {
    let mut world = World::new();
    let (socket, sink) = service(&world, Destination::Journal);
    let mut spec = world.spec(1, &["bytes"]);
    spec.sink = sink.clone();
    world.spawn_spec(1, &spec);
    let fields = |priority: u8, stream: &str| {
        format!(
            "PRIORITY={priority}\nSYSLOG_IDENTIFIER=web\nECO_PROJECT=shop\nECO_APP=web\n\
             ECO_INSTANCE=3\nECO_STREAM={stream}\nMESSAGE\n"
        )
    };
    let message = |head: &str, datagram: &[u8]| {
        let rest = datagram.strip_prefix(head.as_bytes()).unwrap();
        let (length, rest) = rest.split_at(8);
        let line = rest.strip_suffix(b"\n").unwrap();
        assert_eq!(usize::from_le_bytes(length.try_into().unwrap()), line.len());
        line.to_vec()
    };
    let all = datagrams(&socket, b"\xff\xfe\n");
    let lines: Vec<_> = all.iter().map(|it| message(&fields(6, "stdout"), it)).collect();
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(lines[0], &bytes[..10]);
    assert!(lines[1].starts_with(&bytes[11..]));
    let sum: usize = lines.iter().map(Vec::len).sum();
    assert_eq!(sum, 255 + (10 << 20) + 2, "a long line is several messages, and whole");
    assert_eq!(lines.last().unwrap(), b"\xff\xfe");
    // The service is started again.
    drop(socket);
    fs::remove_file(&sink.socket).unwrap();
    let (socket, sink) = service(&world, Destination::Journal);
    let mut spec = world.spec(2, &["stderr", "oh"]);
    spec.sink = sink;
    world.spawn_spec(2, &spec);
    let all = datagrams(&socket, b"oh");
    assert_eq!(message(&fields(4, "stderr"), &all[0]), b"oh");
    assert_eq!(world.wait_gone(2).dropped, 0);
    assert!(!world.logs().exists(), "there are no files");
    world.quit();
}

#[test]
fn lines_go_to_syslog_and_are_counted_where_there_is_none() {
    let mut world = World::new();
    let (socket, sink) = service(&world, Destination::Syslog);
    let mut spec = world.spec(1, &["stderr", "it said so"]);
    spec.sink = sink.clone();
    world.spawn_spec(1, &spec);
    let all = datagrams(&socket, b"said so");
    let text = String::from_utf8(all[0].clone()).unwrap();
    let (head, rest) = text.split_once(" web ").unwrap();
    assert_eq!(rest, "- - [eco@32473 project=\"shop\" instance=\"3\"] it said so");
    let words: Vec<&str> = head.split(' ').collect();
    assert_eq!((words.len(), words[0]), (3, "<28>1"));
    assert!(words[1].starts_with("20") && words[1].ends_with('Z'), "{head}");
    drop(socket);
    fs::remove_file(&sink.socket).unwrap();
    let mut spec = world.spec(2, &["stderr", "to nobody"]);
    spec.sink = sink;
    world.spawn_spec(2, &spec);
    let record = world.wait_gone(2);
    assert_eq!((record.dropped, record.dropped_errno), (9, 2));
    world.quit();
}

#[test]
fn what_goes_nowhere_is_read_and_forgotten() {
    let mut world = World::new();
    let mut spec = world.spec(1, &["flood", "6400000"]);
    spec.sink.to = Destination::Nowhere;
    world.spawn_spec(1, &spec);
    assert_eq!(world.wait_gone(1).dropped, 0);
    assert!(!world.logs().exists());
    world.quit();
}

#[test]
fn a_grandchild_that_keeps_the_pipe_hides_no_exit() {
    let mut world = World::new();
    world.spawn(1, &["fork-and-exit"]);
    // The exit is told while the pipe is still open.
    let record = world.wait_state(1, |record| record.state == State::Exited);
    assert!(!record.drained);
    let child = world.said(1, "child");
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_gone(1);
    assert!(!lives(child));
    world.quit();
}

#[test]
fn a_log_directory_that_vanishes_again_and_again_costs_no_app_its_life() {
    let mut world = World::new();
    world.spawn(1, &["flood", "256000000"]);
    let mut rounds = 0;
    until("the end", || {
        rounds += u32::from(fs::remove_dir_all(world.logs()).is_ok());
        3 < rounds
    });
    let record = world.wait_gone(1);
    assert_eq!(record.wait_status, 0, "it ended well");
    world.quit();
}

#[test]
fn a_writer_at_full_speed_waits_and_loses_nothing() {
    let mut world = World::new();
    world.spawn(1, &["flood", "256000000"]);
    let record = world.wait_gone(1);
    assert_eq!((record.dropped, record.wait_status), (0, 0));
    assert_eq!(fs::metadata(world.log(1, Stream::Out)).unwrap().len(), 256_000_000);
    world.quit();
}
