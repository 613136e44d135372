//! Tests of one log: what is in its files, and what is there after a crash between two steps.

use std::ffi::OsStr;

use super::*;

fn log_in(dir: &Path) -> Log {
    rotating(dir, Rotation::default())
}

fn rotating(dir: &Path, rotation: Rotation) -> Log {
    let (dir, stem, app) = (dir.join("deep"), "x-0".into(), "x".into());
    let sink = Sink { dir, stem, app, rotation, ..Sink::default() };
    Log::new(&sink, Stream::Out)
}

fn numbers(path: &Path) -> Vec<(u64, u64)> {
    let bytes = fs::read(path).unwrap();
    assert_eq!(bytes.len() % 16, 0);
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    bytes.chunks(16).map(|record| (number(&record[..8]), number(&record[8..]))).collect()
}

fn put(log: &mut Log, bytes: &[u8], time: u64) {
    log.append(1, bytes, time).unwrap();
}

/// Names and contents of the files whose names end so.
fn files(log: &Log, ending: &str) -> Vec<(String, String)> {
    let mut found: Vec<_> = fs::read_dir(log.paths.log.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension() == Some(OsStr::new(ending)))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned())
        })
        .collect();
    found.sort();
    found
}

fn texts(log: &Log) -> Vec<(String, String)> {
    files(log, "log")
}

fn pair(name: &str, text: &str) -> (String, String) {
    (name.to_owned(), text.to_owned())
}

#[test]
fn readings_are_indexed_across_reopening() {
    let dir = tempfile::tempdir().unwrap();
    for time in [1, 2] {
        let mut log = log_in(dir.path());
        put(&mut log, b"abc", time);
        put(&mut log, b"de", time + 10);
        log.flush();
    }
    let log = log_in(dir.path());
    assert_eq!(fs::read(&log.paths.log).unwrap(), b"abcdeabcde");
    assert_eq!(numbers(&log.paths.index), [(1, 0), (11, 3), (2, 5), (12, 8)]);
}

#[test]
fn whose_bytes_follow_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log_in(dir.path());
    for (run, bytes) in [(7, "a"), (7, "bb"), (8, "c"), (7, "d"), (7, "e")] {
        log.append(run, bytes.as_bytes(), 1).unwrap();
    }
    assert_eq!(numbers(&log.paths.runs), [(0, 7), (3, 8), (4, 7)]);
    File::options().write(true).open(&log.paths.log).unwrap().set_len(0).unwrap();
    log.append(7, b"f", 3 * SECOND).unwrap();
    assert_eq!(numbers(&log.paths.runs), [(0, 7)]);
}

#[test]
fn a_renamed_deleted_or_emptied_file_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log_in(dir.path());
    put(&mut log, b"one", SECOND);
    fs::rename(&log.paths.log, dir.path().join("old")).unwrap();
    put(&mut log, b"two", 2 * SECOND);
    assert_eq!(fs::read(&log.paths.log).unwrap(), b"two");
    fs::remove_dir_all(log.paths.log.parent().unwrap()).unwrap();
    put(&mut log, b"three", 3 * SECOND);
    assert_eq!(fs::read(&log.paths.log).unwrap(), b"three");
    File::options().write(true).open(&log.paths.log).unwrap().set_len(0).unwrap();
    put(&mut log, b"four", 4 * SECOND);
    log.flush();
    assert_eq!(fs::read(&log.paths.log).unwrap(), b"four");
    assert_eq!(numbers(&log.paths.index), [(4 * SECOND, 0)]);
}

#[test]
fn what_cannot_be_written_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log_in(dir.path());
    fs::create_dir(log.paths.log.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/dev/full", &log.paths.log).unwrap();
    let unwritten = Unwritten { bytes: 4, errno: libc::ENOSPC, on_disk: false };
    assert_eq!(log.append(1, b"lost", 1), Err(unwritten));
    assert!(!log.paths.index.exists() && !log.paths.runs.exists());
}

#[test]
fn a_long_file_is_put_aside_at_the_end_of_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = rotating(dir.path(), Rotation { size: 10, keep: 2, ..Rotation::default() });
    put(&mut log, b"0123456789 in one line", 1);
    put(&mut log, b", still\nnext\n", 2);
    put(&mut log, b"more\n", 3);
    log.append(2, b"third\n", 4).unwrap();
    log.flush();
    let first = "0123456789 in one line, still\n";
    let now = [
        pair("x-0.out.1.log", first),
        pair("x-0.out.2.log", "next\nmore\n"),
        pair("x-0.out.log", "third\n"),
    ];
    // `next\nmore\n` is as long as a file may be: what comes goes to another.
    assert_eq!(texts(&log), now);
    let live = log.paths.log.clone();
    let beside = |name: &str| live.with_file_name(name);
    assert_eq!(numbers(&beside("x-0.out.1.idx")), [(1, 0), (2, 22)]);
    assert_eq!(numbers(&beside("x-0.out.2.idx")), [(2, 0), (3, 5)]);
    assert_eq!(numbers(&beside("x-0.out.idx")), [(4, 0)]);
    assert_eq!(numbers(&beside("x-0.out.2.runs")), [(0, 1)]);
    assert_eq!(numbers(&beside("x-0.out.runs")), [(0, 2)]);
    // The first goes when there are two later ones.
    put(&mut log, b"long enough\n", 5);
    put(&mut log, b"fourth\n", 6);
    assert_eq!(
        texts(&log),
        [
            pair("x-0.out.2.log", "next\nmore\n"),
            pair("x-0.out.3.log", "third\nlong enough\n"),
            pair("x-0.out.log", "fourth\n"),
        ]
    );
    assert!(!beside("x-0.out.1.idx").exists() && !beside("x-0.out.1.runs").exists());
}

#[test]
fn a_file_becomes_old_though_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let rotation = Rotation { age: 60, keep: 9, ..Rotation::default() };
    let mut log = rotating(dir.path(), rotation);
    assert_eq!(log.old_at(), None);
    put(&mut log, b"a\nhalf ", 5 * SECOND);
    assert_eq!(log.old_at(), None, "within a line");
    put(&mut log, b"a line\n", 6 * SECOND);
    assert_eq!(log.old_at(), Some(65 * SECOND));
    log.flush();
    // The next recorder finds it.
    let mut log = rotating(dir.path(), rotation);
    log.look_for_age(7 * SECOND);
    assert_eq!(log.old_at(), Some(65 * SECOND));
    log.put_aside_if_old(64 * SECOND);
    assert_eq!(texts(&log), [pair("x-0.out.log", "a\nhalf a line\n")]);
    log.put_aside_if_old(65 * SECOND);
    assert_eq!(texts(&log), [pair("x-0.out.1.log", "a\nhalf a line\n")]);
    assert_eq!((log.old_at(), log.take_plain_parts().0.len()), (None, 1));
    // Somebody else has taken it away.
    put(&mut log, b"b\n", 70 * SECOND);
    fs::remove_file(&log.paths.log).unwrap();
    log.put_aside_if_old(130 * SECOND);
    assert_eq!((log.old_at(), texts(&log).len()), (None, 1));
}

#[test]
fn an_old_file_is_put_aside_when_more_comes() {
    let dir = tempfile::tempdir().unwrap();
    let rotation = Rotation { age: 60, keep: 9, ..Rotation::default() };
    let mut log = rotating(dir.path(), rotation);
    put(&mut log, b"one\n", SECOND);
    put(&mut log, b"two\n", 60 * SECOND);
    // Whoever opens it again knows how old it is.
    log.flush();
    let mut log = rotating(dir.path(), rotation);
    put(&mut log, b"three\n", 61 * SECOND);
    put(&mut log, b"four\n", 120 * SECOND);
    assert_eq!(
        texts(&log),
        [pair("x-0.out.1.log", "one\ntwo\n"), pair("x-0.out.log", "three\nfour\n")]
    );
}

#[test]
fn all_files_of_an_app_have_so_many_bytes_at_most() {
    let dir = tempfile::tempdir().unwrap();
    let rotation = Rotation { size: 100, keep: 99, max_total: 1000, ..Rotation::default() };
    let mut log = rotating(dir.path(), rotation);
    for time in 0..100 {
        put(&mut log, format!("{time:099}\n").as_bytes(), time);
    }
    let total: usize = ["log", "idx", "runs"]
        .iter()
        .flat_map(|ending| files(&log, ending))
        .map(|(_, text)| text.len())
        .sum();
    assert!((700..1200).contains(&total), "{total}");
    assert!(texts(&log).last().unwrap().1.contains("99\n"));
}

#[test]
fn a_crash_between_two_steps_of_putting_aside_is_mended() {
    let rotation = Rotation { size: 4, keep: 9, ..Rotation::default() };
    let before = |dir: &Path| {
        let mut log = rotating(dir, rotation);
        put(&mut log, b"one\n", 1);
        log.flush();
        log
    };
    let after = |dir: &Path| {
        let mut log = rotating(dir, rotation);
        put(&mut log, b"two\n", 2);
        put(&mut log, b"three\n", 3);
        log.flush();
        let all: String = texts(&log).into_iter().map(|(_, text)| text).collect();
        assert_eq!(all, "one\ntwo\nthree\n");
        // Every log has exactly its own times.
        for (name, text) in texts(&log) {
            let index = log.paths.log.with_file_name(name.replace(".log", ".idx"));
            let (time, _) = numbers(&index)[0];
            let expected = ["one\n", "two\n", "three\n"].iter().position(|line| *line == text);
            assert_eq!(usize::try_from(time).unwrap(), expected.unwrap() + 1, "{name}");
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let log = before(dir.path());
    let part = |ending: &str| Part::of(&log.paths.log, 1).unwrap().file(ending);
    fs::hard_link(&log.paths.index, part(".idx")).unwrap();
    after(dir.path());

    let dir = tempfile::tempdir().unwrap();
    let log = before(dir.path());
    let part = |ending: &str| Part::of(&log.paths.log, 1).unwrap().file(ending);
    fs::hard_link(&log.paths.index, part(".idx")).unwrap();
    fs::hard_link(&log.paths.runs, part(".runs")).unwrap();
    fs::rename(&log.paths.log, part(".log")).unwrap();
    after(dir.path());

    let dir = tempfile::tempdir().unwrap();
    let log = before(dir.path());
    let part = |ending: &str| Part::of(&log.paths.log, 1).unwrap().file(ending);
    fs::rename(&log.paths.index, part(".idx")).unwrap();
    fs::rename(&log.paths.log, part(".log")).unwrap();
    after(dir.path());
}
