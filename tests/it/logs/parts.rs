//! Logs of which parts were put aside, plain and compressed.

use std::{fs, path::PathBuf, process::Command};

use eco::{
    api::{LogFile, Stream},
    logs::{Query, print},
    protocol::Compression,
    recorder::pack_part,
};
use proptest::prelude::*;

use super::{ALL, RAW, at, bytes, following::Following, log, now, printed, record};

/// Puts the log aside as the recorder does.
fn put_aside(file: &LogFile, number: u64) {
    let part = |ending: &str| beside(file, number, ending);
    fs::hard_link(&file.index, part("idx")).unwrap();
    fs::rename(&file.log, part("log")).unwrap();
    fs::remove_file(&file.index).unwrap();
}

fn beside(file: &LogFile, number: u64, ending: &str) -> PathBuf {
    file.log.with_extension(format!("{number}.{ending}"))
}

fn pack(file: &LogFile, number: u64, how: Compression) {
    pack_part(&file.log, number, how).unwrap();
    assert!(!beside(file, number, "log").exists());
}

#[test]
fn parts_are_read_as_one_log() {
    let dir = tempfile::tempdir().unwrap();
    let files = [
        log(dir.path(), "a.out", "web/0", Stream::Out),
        log(dir.path(), "b.out", "web/1", Stream::Out),
    ];
    record(&files[0], 10, b"one\ntwo\nthr");
    put_aside(&files[0], 9);
    record(&files[1], 20, b"between\n");
    record(&files[0], 30, b"ee\nfour\n");
    put_aside(&files[0], 10);
    record(&files[0], 40, b"five\n");
    let all = "one\ntwo\nthree\nbetween\nfour\nfive\n";
    for how in [Compression::None, Compression::Zstd, Compression::Gzip] {
        if how != Compression::None {
            if how == Compression::Gzip {
                pack(&files[0], 10, how);
            } else {
                pack(&files[0], 9, how);
            }
        }
        assert_eq!(printed(&files, &RAW), all);
        for (count, _) in all.match_indices('\n').enumerate() {
            let lines: Vec<&str> = all.split_inclusive('\n').collect();
            let tail = printed(&files, &Query { last: Some(count), ..RAW });
            assert_eq!(tail, lines[lines.len() - count..].concat());
        }
        let since = |nanos| printed(&files, &Query { since: Some(at(nanos)), ..RAW });
        assert_eq!(since(11), "between\nfour\nfive\n");
        assert_eq!(since(30), "four\nfive\n");
        assert_eq!(since(31), "five\n");
    }
    // The log itself may not be there yet.
    fs::remove_file(&files[0].log).unwrap();
    assert_eq!(printed(&files[..1], &RAW), "one\ntwo\nthree\nfour\n");
}

#[test]
fn what_is_compressed_is_read_by_the_usual_programs_too() {
    let dir = tempfile::tempdir().unwrap();
    let file = log(dir.path(), "a.out", "web/0", Stream::Out);
    let mut all: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    all.extend((0..40_000_u32).flat_map(|line| format!("line {line} of some\n").into_bytes()));
    let mut state = 7_u32;
    all.extend((0..300_000).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    }));
    for (number, how, ending, program) in [
        (1, Compression::Zstd, "log.zst", ["zstd", "-dcq"]),
        (2, Compression::Gzip, "log.gz", ["gzip", "-dc"]),
    ] {
        record(&file, 1, &all);
        put_aside(&file, number);
        pack(&file, number, how);
        let path = beside(&file, number, ending);
        let len = usize::try_from(fs::metadata(&path).unwrap().len()).unwrap();
        assert!(len < all.len() * 2 / 3, "{len} of {}", all.len());
        let [name, option] = program;
        match Command::new(name).arg(option).arg(&path).output() {
            Ok(output) => assert!(output.stdout == all, "{name} reads something else"),
            Err(_) => eprintln!("not compared: there is no `{name}` here"),
        }
    }
    assert!(bytes(std::slice::from_ref(&file), &RAW) == all.repeat(2));
    // A part that another program compressed is not passed over in silence.
    fs::write(beside(&file, 3, "log.gz"), b"\x1f\x8b something").unwrap();
    let error = print(std::slice::from_ref(&file), &RAW, &mut Vec::new()).unwrap_err().to_string();
    assert!(error.contains("a.out.3.log.gz") && error.contains("decompress"), "{error}");
}

#[test]
fn a_part_in_two_forms_is_read_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = log(dir.path(), "a.out", "web/0", Stream::Out);
    record(&file, 1, b"one\n");
    put_aside(&file, 1);
    fs::copy(beside(&file, 1, "log"), dir.path().join("kept")).unwrap();
    pack(&file, 1, Compression::Zstd);
    fs::rename(dir.path().join("kept"), beside(&file, 1, "log")).unwrap();
    record(&file, 2, b"two\n");
    assert_eq!(printed(std::slice::from_ref(&file), &RAW), "one\ntwo\n");
}

#[test]
fn who_follows_misses_no_part() {
    let dir = tempfile::tempdir().unwrap();
    let file = log(dir.path(), "web-0.out", "web/0", Stream::Out);
    record(&file, now(), b"one\n");
    put_aside(&file, 4);
    record(&file, now(), b"two\n");
    let following = Following::of(std::slice::from_ref(&file), &ALL);
    following.shows("web/0    │ one\nweb/0    │ two\n");
    // Twice at once, with a line that is cut, and the first compressed before anybody looked.
    record(&file, now(), b"three\nfo");
    put_aside(&file, 5);
    record(&file, now(), b"ur\nfive\n");
    put_aside(&file, 6);
    record(&file, now(), b"six\n");
    let all: String = ["one", "two", "three", "four", "five", "six"]
        .map(|it| format!("web/0    │ {it}\n"))
        .concat();
    following.shows(&all);
    pack(&file, 5, Compression::Gzip);
    record(&file, now(), b"seven\n");
    following.shows(&format!("{all}web/0    │ seven\n"));
}

#[test]
fn who_follows_while_logs_are_put_aside_sees_every_line_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = log(dir.path(), "web-0.out", "web/0", Stream::Out);
    let following = Following::of(std::slice::from_ref(&file), &RAW);
    let mut all = String::new();
    // The last of them stays: a log is put aside only when more comes.
    for number in 1..=198 {
        let line = format!("line {number}\n");
        record(&file, now(), line.as_bytes());
        all.push_str(&line);
        if number % 3 != 0 {
            put_aside(&file, number);
        }
        // A reader that begins at any time has all of it, too.
        if number % 20 == 0 {
            assert_eq!(printed(std::slice::from_ref(&file), &RAW), all);
        }
    }
    following.shows(&all);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn where_files_end_makes_no_difference(
        writes in proptest::collection::vec(
            (proptest::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(b'\n')], 1..40), 0..4_u8),
            1..40,
        ),
        count in 0..30_usize, since in 0..50_u64,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let whole = [log(dir.path(), "whole", "a/0", Stream::Out)];
        let cut = [log(dir.path(), "cut", "a/0", Stream::Out)];
        let mut number = 0;
        for (time, (bytes, then)) in (1..).zip(&writes) {
            record(&whole[0], time, bytes);
            record(&cut[0], time, bytes);
            if *then != 0 {
                number += 1;
                put_aside(&cut[0], number);
                match then {
                    2 => pack(&cut[0], number, Compression::Zstd),
                    3 => pack(&cut[0], number, Compression::Gzip),
                    _ => {}
                }
            }
        }
        for query in [
            RAW,
            Query { last: Some(count), ..RAW },
            Query { since: Some(at(since)), ..RAW },
            Query { since: Some(at(since)), last: Some(count), ..RAW },
        ] {
            prop_assert_eq!(bytes(&whole, &query), bytes(&cut, &query));
        }
    }
}
