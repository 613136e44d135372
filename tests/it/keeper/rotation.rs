//! Logs that are put aside while programs write, and what happens on a disk that is full.

use std::{fs, io::Read as _, path::Path};

use eco::protocol::{Record, Rotation, Scope, State, Stream};
use rustix::process::Signal;

use super::world::{World, until};

/// The parts of a run's log in order, with the log itself last.
fn parts(world: &World, run: u64) -> Vec<Vec<u8>> {
    let live = world.log(run, Stream::Out);
    let number = |path: &Path| {
        let name = path.file_name()?.to_str()?.strip_prefix(&format!("x-{run}.out."))?;
        name.strip_suffix(".log")?.parse::<u64>().ok()
    };
    let mut found: Vec<_> = fs::read_dir(world.logs())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| Some((number(&path)?, path)))
        .collect();
    found.sort();
    let paths = found.into_iter().map(|(_, path)| path).chain([live]);
    paths.map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn no_byte_is_lost_and_no_line_is_cut_when_a_log_is_put_aside() {
    let mut world = World::new();
    let mut spec = world.spec(1, &["flood", "6400000"]);
    spec.sink.rotation = Rotation { size: 300_000, keep: 1000, ..Rotation::default() };
    world.spawn_spec(1, &spec);
    let record = world.wait_gone(1);
    assert_eq!(record.dropped, 0);
    let parts = parts(&world, 1);
    assert!(10 < parts.len(), "{} parts", parts.len());
    assert!(parts.iter().all(|part| part.ends_with(b"\n")));
    let text = String::from_utf8(parts.concat()).unwrap();
    assert_eq!(text.len(), 6_400_000);
    let is_next = |(number, line): (usize, &str)| line.starts_with(&format!("line {number:010} "));
    assert!(text.lines().enumerate().all(is_next));
    world.quit();
}

/// A file system of so many bytes, unmounted in the end.
struct Small(tempfile::TempDir);

impl Small {
    /// `None` where this user may not mount.
    fn new(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "small"])
            .arg(dir.path())
            .output();
        mounted.is_ok_and(|it| it.status.success()).then_some(Self(dir))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        drop(std::process::Command::new("umount").arg("-l").arg(self.0.path()).status());
    }
}

#[test]
fn on_a_full_disk_the_oldest_parts_go_first_then_bytes_are_dropped() {
    let Some(small) = Small::new("4m") else {
        eprintln!("skipped: this user may not mount a file system");
        return;
    };
    let mut world = World::new();
    let dir = small.0.path().join("logs");
    // An older app of the same file system, with parts that may go.
    let mut old = world.spec(1, &["flood", "1280000", "stay"]);
    old.sink.dir.clone_from(&dir);
    old.sink.rotation = Rotation { size: 100_000, keep: 1000, ..Rotation::default() };
    world.spawn_spec(1, &old);
    let log = old.sink.log(Stream::Out);
    let count = |run: u64, ending: &str| {
        let names = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name());
        let prefix = format!("x-{run}.out.");
        names
            .filter(|name| {
                let name = name.to_str().unwrap();
                let rest = name.strip_prefix(&prefix).and_then(|it| it.strip_suffix(ending));
                rest.is_some_and(|number| number.parse::<u64>().is_ok())
            })
            .count()
    };
    until("its last line", || {
        fs::read_to_string(&log).is_ok_and(|text| text.contains("line 0000019999"))
    });
    let before = count(1, ".log");
    assert!(8 < before, "{before}");
    let mut new = world.spec(2, &["flood", "3840000", "stay"]);
    new.sink.dir.clone_from(&dir);
    world.spawn_spec(2, &new);
    let log = new.sink.log(Stream::Out);
    until("all of the new one's bytes", || {
        fs::metadata(&log).is_ok_and(|it| it.len() == 3_840_000)
    });
    assert!(count(1, ".log") < before);
    assert_eq!(count(1, ".log"), count(1, ".idx"), "a part goes with its index");
    assert_eq!(world.records.get(&2).map_or(0, |record| record.dropped), 0);
    // It is told of the one that lost them.
    world.wait("word of it", |world| world.removed.contains_key(&1));
    assert!(100_000 <= world.removed[&1] && !world.removed.contains_key(&2));
    // Now nothing is left to be removed.
    let mut last = world.spec(3, &["flood", "6400000", "stay"]);
    last.sink.dir.clone_from(&dir);
    world.spawn_spec(3, &last);
    let record = world.wait_state(3, |record| 0 < record.dropped);
    assert!(record.dropped <= 6_400_000);
    assert_eq!(count(1, ".log"), 0);
    for run in [1, 2, 3] {
        world.signal(run, Signal::KILL, Scope::Group);
        world.wait_gone(run);
    }
    // Once there is room again, what comes is written.
    fs::remove_file(&log).unwrap();
    let mut more = world.spec(4, &["flood", "640000"]);
    more.sink.dir.clone_from(&dir);
    world.spawn_spec(4, &more);
    assert_eq!(world.wait_gone(4).dropped, 0);
    world.quit();
}

#[test]
fn a_disk_that_hangs_holds_up_nobody_for_ever_and_no_other_disk_at_all() {
    let mut world = World::new();
    fs::create_dir(world.logs()).unwrap();
    // Nobody reads it: once it is full, writing to it hangs as on a disk that does not answer.
    let hung = world.log(1, Stream::Out);
    let made = std::process::Command::new("mkfifo").arg(&hung).status().unwrap();
    assert!(made.success());
    let elsewhere = tempfile::tempdir_in("/dev/shm").unwrap();
    let device = |path: &Path| std::os::unix::fs::MetadataExt::dev(&fs::metadata(path).unwrap());
    world.spawn(1, &["flood", "64000000"]);
    if device(elsewhere.path()) == device(&world.logs()) {
        eprintln!("not looked at: there is no second file system here");
    } else {
        let mut other = world.spec(2, &["flood", "6400000"]);
        other.sink.dir = elsewhere.path().to_owned();
        world.spawn_spec(2, &other);
        assert_eq!(world.wait_gone(2).dropped, 0);
        assert_eq!(fs::metadata(other.sink.log(Stream::Out)).unwrap().len(), 6_400_000);
        assert_eq!(world.records[&1].dropped, 0, "the other one had to wait");
    }
    // It is on the same disk, and came later.
    world.spawn(3, &["flood", "6400000"]);
    let ended = |record: &Record| record.state == State::Gone;
    for run in [1, 3] {
        let record = world.wait_state(run, |record| ended(record) && 0 < record.dropped);
        assert_eq!(record.dropped_errno, 110);
    }
    // The disk answers again: what comes is written.
    let mut reader = fs::File::options().read(true).write(true).open(&hung).unwrap();
    let read = std::thread::spawn(move || {
        let (mut all, mut buffer) = (Vec::new(), vec![0; 65_536]);
        while !all.ends_with(b"the end\n") {
            let count = reader.read(&mut buffer).unwrap();
            all.extend(&buffer[..count]);
        }
    });
    for run in [1, 3] {
        world.wait_gone(run);
    }
    let mut last = world.spec(4, &["echo", "the end"]);
    last.sink = world.sink("x-1");
    world.spawn_spec(4, &last);
    assert_eq!(world.wait_gone(4).dropped, 0);
    read.join().unwrap();
    world.quit();
}

#[test]
fn a_recorder_whose_disk_hangs_ends_when_it_is_told_to() {
    let mut world = World::new();
    fs::create_dir(world.logs()).unwrap();
    let hung = world.log(1, Stream::Out);
    assert!(std::process::Command::new("mkfifo").arg(&hung).status().unwrap().success());
    world.spawn(1, &["flood", "6400000"]);
    world.wait_state(1, |record| record.state == State::Gone && 0 < record.dropped);
    world.quit();
}
