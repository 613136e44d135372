//! What is in the files now.

use std::io;

use eco::{
    api::{LogFile, Stream},
    logs::{Query, last_lines, print},
};
use proptest::prelude::*;

use super::{ALL, RAW, append, at, bytes, log, printed, record};

fn pair(dir: &std::path::Path) -> [LogFile; 3] {
    let files = [
        log(dir, "a.out", "web/0", Stream::Out),
        log(dir, "a.err", "web/0", Stream::Err),
        log(dir, "b.out", "worker/11", Stream::Out),
    ];
    record(&files[0], 10, b"one\n");
    record(&files[1], 20, b"two\nthree\n");
    record(&files[2], 15, b"between\n");
    record(&files[0], 30, b"four, without an end");
    files
}

#[test]
fn lines_say_whose_they_are_and_come_in_order_of_time() {
    let dir = tempfile::tempdir().unwrap();
    let files = pair(dir.path());
    insta::assert_snapshot!(printed(&files, &ALL), @r"
    web/0        │ one
    worker/11    │ between
    web/0     err│ two
    web/0     err│ three
    web/0        │ four, without an end
    ");
    let colored = printed(&files[..2], &Query { color: true, ..ALL });
    insta::assert_snapshot!(colored.replace('\u{1b}', "␛"));
}

#[test]
fn the_last_lines_and_those_since_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let files = pair(dir.path());
    let all = printed(&files, &RAW);
    let last = |count| printed(&files, &Query { last: Some(count), ..RAW });
    assert_eq!(last(0), "");
    assert_eq!(last(2), "three\nfour, without an end");
    assert_eq!(last(5), all);
    assert_eq!(last(usize::MAX), all);
    let since = |nanos| printed(&files, &Query { since: Some(at(nanos)), ..RAW });
    assert_eq!(since(0), all);
    assert_eq!(since(16), "two\nthree\nfour, without an end");
    assert_eq!(since(30), "four, without an end");
    assert_eq!(since(31), "");
    let both = Query { since: Some(at(15)), last: Some(3), ..RAW };
    assert_eq!(printed(&files, &both), "two\nthree\nfour, without an end");
}

#[test]
fn a_line_has_the_time_of_its_first_byte() {
    let dir = tempfile::tempdir().unwrap();
    let files = pair(dir.path());
    record(&files[0], 100, b" (it ends here)\nlater\n");
    record(&files[2], 50, b"earlier\n");
    let query = Query { since: Some(at(30)), ..RAW };
    assert_eq!(printed(&files, &query), "four, without an end (it ends here)\nearlier\nlater\n");
    // The rest of a line belongs to its beginning, which is older.
    let query = Query { since: Some(at(100)), ..RAW };
    assert_eq!(printed(&files, &query), "later\n");
}

#[test]
fn any_bytes_come_out_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let file = log(dir.path(), "a.out", "web/0", Stream::Out);
    let all: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    record(&file, 1, &all);
    let files = [file];
    assert_eq!(bytes(&files, &RAW), all);
    let lines = all.split(|byte| *byte == b'\n').count() - 1;
    let tail = bytes(&files, &Query { last: Some(lines), ..RAW });
    assert_eq!(tail, all[11..]);
}

#[test]
fn a_line_may_be_huge() {
    let dir = tempfile::tempdir().unwrap();
    let files =
        [log(dir.path(), "a.out", "a/0", Stream::Out), log(dir.path(), "b", "b/0", Stream::Out)];
    let huge = [vec![b'x'; 10_000_000], b"\nafter\n".to_vec()].concat();
    record(&files[0], 1, &huge);
    record(&files[1], 2, b"other\n");
    let tail = bytes(&files, &Query { last: Some(3), ..RAW });
    assert_eq!(tail.len(), huge.len() + 6);
    assert_eq!(last_lines(&files[0].log, 1), ["after"]);
    let two = last_lines(&files[0].log, 2);
    assert!(two[0].starts_with('…') && two[0].chars().count() < 3000, "{}", two[0].len());
}

#[test]
fn the_last_lines_of_a_huge_file_are_found_from_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let files = [log(dir.path(), "a.out", "a/0", Stream::Out)];
    record(&files[0], 1, b"the first line");
    // A terabyte without a newline: read as a whole, this test would not end today.
    let file = std::fs::OpenOptions::new().write(true).open(&files[0].log).unwrap();
    file.set_len(1 << 40).unwrap();
    record(&files[0], 2, b"\none\ntwo\n");
    record(&files[0], 3, b"three\n");
    let tail = printed(&files, &Query { last: Some(3), ..RAW });
    assert_eq!(tail, "one\ntwo\nthree\n");
    let tail = printed(&files, &Query { since: Some(at(3)), ..RAW });
    assert_eq!(tail, "three\n");
    assert_eq!(last_lines(&files[0].log, 2), ["two", "three"]);
}

#[test]
fn what_is_missing_or_wrong_only_makes_times_less_exact() {
    let dir = tempfile::tempdir().unwrap();
    let files = pair(dir.path());
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let whole = sorted(&printed(&files, &ALL));
    // Cut in the middle of a record.
    let index = std::fs::read(&files[0].index).unwrap();
    std::fs::write(&files[0].index, &index[..20]).unwrap();
    assert_eq!(sorted(&printed(&files, &ALL)), whole);
    assert_eq!(printed(&files, &Query { since: Some(at(30)), ..RAW }), "");
    std::fs::write(&files[1].index, [0xff; 160]).unwrap();
    assert_eq!(sorted(&printed(&files, &ALL)), whole);
    std::fs::remove_file(&files[2].index).unwrap();
    assert_eq!(sorted(&printed(&files, &ALL)), whole);
    // Without an index, the file's own time counts, and that is now.
    let query = Query { since: Some(at(1_000_000)), ..RAW };
    assert!(printed(&files, &query).contains("between"));
    std::fs::remove_file(&files[2].log).unwrap();
    assert_eq!(printed(&files[2..], &ALL), "");
    assert!(last_lines(&files[2].log, 5).is_empty());
}

#[test]
fn a_log_may_be_shorter_than_its_index_says() {
    let dir = tempfile::tempdir().unwrap();
    let files = [log(dir.path(), "a.out", "web/0", Stream::Out)];
    for time in 1..2000 {
        record(&files[0], time, b"a line of the former file\n");
    }
    std::fs::write(&files[0].log, "").unwrap();
    assert_eq!(printed(&files, &Query { since: Some(at(5)), ..RAW }), "");
    for time in 2000..2300 {
        record(&files[0], time, format!("{time}\n").as_bytes());
    }
    let tail = printed(&files, &Query { last: Some(2), ..RAW });
    assert_eq!(tail, "2298\n2299\n");
    assert_eq!(printed(&files, &ALL).lines().count(), 300);
}

#[test]
fn a_closed_pipe_is_no_error() {
    struct Closed;
    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let files = pair(dir.path());
    print(&files, &ALL, &mut Closed).unwrap();
}

#[test]
fn the_last_lines_for_a_message() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    append(&path, b"one\r\ntwo \xff\n\nlast");
    assert_eq!(last_lines(&path, 3), ["two \u{fffd}", "", "last"]);
    assert_eq!(last_lines(&path, 99), ["one", "two \u{fffd}", "", "last"]);
    assert!(last_lines(&path, 0).is_empty());
    assert!(last_lines(dir.path(), 3).is_empty());
}

/// A write: to which stream, how long after the one before, and what.
fn writes() -> impl Strategy<Value = Vec<(usize, u64, Vec<u8>)>> {
    let byte = prop_oneof![3 => any::<u8>(), 1 => Just(b'\n')];
    let bytes = proptest::collection::vec(byte, 1..40);
    proptest::collection::vec((0..4_usize, 0..3_u64, bytes), 0..60)
}

/// Each line of the files in order: (time of its first byte, stream, bytes).
fn expected(writes: &[(usize, u64, Vec<u8>)]) -> Vec<(u64, usize, Vec<u8>)> {
    let mut lines: Vec<Vec<(u64, usize, Vec<u8>)>> = vec![Vec::new(); 4];
    let mut now = 0;
    for (stream, wait, bytes) in writes {
        now += wait;
        let lines = &mut lines[*stream];
        for byte in bytes {
            match lines.last_mut().filter(|(.., line)| line.last() != Some(&b'\n')) {
                Some((.., line)) => line.push(*byte),
                None => lines.push((now, *stream, vec![*byte])),
            }
        }
    }
    let mut all: Vec<_> = lines.into_iter().flatten().collect();
    all.sort_by_key(|(time, stream, _)| (*time, *stream));
    all
}

/// What comes out for these lines: a newline is added only between streams.
fn joined(lines: &[(u64, usize, Vec<u8>)]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for (.., line) in lines {
        if out.last().is_some_and(|byte| *byte != b'\n') {
            out.push(b'\n');
        }
        out.extend(line);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn streams_are_merged_by_time_and_the_end_is_the_end_of_the_whole(
        writes in writes(), count in 0..40_usize, since in 0..60_u64,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let files: Vec<LogFile> = (0..4)
            .map(|stream| log(dir.path(), &stream.to_string(), &format!("a/{stream}"), Stream::Out))
            .collect();
        let mut now = 0;
        for (stream, wait, bytes) in &writes {
            now += wait;
            record(&files[*stream], now, bytes);
        }
        let all = expected(&writes);
        prop_assert_eq!(bytes(&files, &RAW), joined(&all));
        let tail = &all[all.len().saturating_sub(count)..];
        prop_assert_eq!(bytes(&files, &Query { last: Some(count), ..RAW }), joined(tail));
        let later: Vec<_> = all.iter().filter(|(time, ..)| since <= *time).cloned().collect();
        prop_assert_eq!(bytes(&files, &Query { since: Some(at(since)), ..RAW }), joined(&later));
        let end = &later[later.len().saturating_sub(count)..];
        let query = Query { since: Some(at(since)), last: Some(count), ..RAW };
        prop_assert_eq!(bytes(&files, &query), joined(end));
    }
}
