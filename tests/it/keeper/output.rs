//! What apps write, and what of it is in the logs.

use std::fs;

use eco::protocol::{Request, Scope, State, Stream};
use rustix::process::Signal;

use super::world::{World, until};

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

#[test]
fn a_sink_can_be_changed() {
    let mut world = World::new();
    world.spawn(1, &["lines", "100000", "1"]);
    until("lines", || world.out_text(1).lines().count() > 3);
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
