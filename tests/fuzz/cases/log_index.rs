//! Logs and the times beside them, as people read them and as the recorder finds them again.

use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use eco::{
    api::{LogFile, LogFormat, Stream},
    logs::{Form, Query, last_lines, print},
    recorder::fuzzing::check_index,
};

use super::{Case, take};

/// The input: how many last lines (255 is all), whether the log is repeated until it is long, since when
/// (ns, u64), the length of the index (u16), then index and log.
pub const CASE: Case = Case { name: "log_index", run, seeds };

const RECORD: usize = 16;
/// More than the readers take in at once, so that lines lie across the borders of what they take.
const LONG: usize = 80 << 10;
/// From this value on the log is repeated: seldom, because that takes long.
const REPEAT: u8 = 250;
const ALL: Query = query(Form::Bytes);
const PREFIXED: Query = query(Form::Text { times: false });

const fn query(form: Form) -> Query {
    Query { last: None, since: None, until: None, matching: None, form, color: false }
}

struct Input {
    last: Option<usize>,
    since: u64,
    index: Vec<u8>,
    log: Vec<u8>,
}

impl Input {
    fn of(mut bytes: &[u8]) -> Self {
        let ([last, repeat], since) = (take(&mut bytes), u64::from_le_bytes(take(&mut bytes)));
        let length = usize::from(u16::from_le_bytes(take(&mut bytes)));
        let (index, log) = bytes.split_at(length.min(bytes.len()));
        let times = if repeat < REPEAT { 1 } else { LONG / log.len().max(1) };
        let log = log.repeat(times.max(1));
        let last = (last != u8::MAX).then_some(usize::from(last));
        Self { last, since, index: index.to_vec(), log }
    }
}

fn run(bytes: &[u8]) -> bool {
    let input = Input::of(bytes);
    let dir = tempfile::tempdir().unwrap();
    let files = ["a", "b"].map(|id| file(dir.path(), id));
    fs::write(&files[0].log, &input.log).unwrap();
    fs::write(&files[0].index, &input.index).unwrap();
    // The other log is the same backwards, and what were offsets are times.
    let reversed: Vec<u8> = input.log.iter().rev().copied().collect();
    fs::write(&files[1].log, &reversed).unwrap();
    fs::write(&files[1].index, input.index.get(8..).unwrap_or_default()).unwrap();

    lines_of_one(&input, &files[0]);
    lines_of_both(&input, [&input.log, &reversed], &files);
    ends(&input, &files[0]);
    let kept = is_checked(&input, &files[0].index);
    // What the recorder left of the index is as good.
    lines_of_one(&input, &files[0]);
    kept && !input.log.is_empty()
}

fn file(dir: &Path, id: &str) -> LogFile {
    let (log, index) = (dir.join(format!("{id}.out.log")), dir.join(format!("{id}.out.idx")));
    let (format, timestamps) = (LogFormat::Text, false);
    LogFile { id: id.to_owned(), stream: Stream::Out, log, index, format, timestamps }
}

fn printed(files: &[LogFile], query: &Query) -> Vec<u8> {
    let mut out = Vec::new();
    print(files, query, &mut out).unwrap();
    out
}

fn lines(log: &[u8]) -> Vec<&[u8]> {
    log.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Whatever the index says, the bytes of a log are its bytes and its last lines its last lines.
fn lines_of_one(input: &Input, file: &LogFile) {
    let log = &input.log;
    let print = |query: &Query| printed(std::slice::from_ref(file), query);
    assert!(print(&ALL) == *log);
    let all = lines(log);
    if let Some(last) = input.last {
        let wanted = all[all.len().saturating_sub(last)..].concat();
        assert!(print(&Query { last: Some(last), ..ALL }) == wanted);
    }
    let since = Some(UNIX_EPOCH + Duration::from_nanos(input.since));
    let newer = print(&Query { since, ..ALL });
    let begins = log.len().checked_sub(newer.len()).expect("no more than there is");
    assert!(log[begins..] == newer);
    assert!(begins == 0 || begins == log.len() || log[begins - 1] == b'\n', "within a line");
    let both = print(&Query { since, last: input.last, ..ALL });
    let newer = lines(&newer);
    let count = input.last.unwrap_or(usize::MAX).min(newer.len());
    assert!(both == newer[newer.len() - count..].concat());
}

/// Merging puts lines into some order, but loses, makes and turns none around.
fn lines_of_both(input: &Input, logs: [&Vec<u8>; 2], files: &[LogFile; 2]) {
    let out = printed(files, &PREFIXED);
    let mut found = [Vec::new(), Vec::new()];
    for line in lines(&out) {
        let (prefix, text) = line.split_at("a    \u{2502} ".len());
        assert!(prefix.ends_with("    \u{2502} ".as_bytes()));
        found[usize::from(prefix[0] == b'b')].extend(text);
    }
    for (log, mut found) in logs.into_iter().zip(found) {
        if !log.is_empty() && !log.ends_with(b"\n") {
            assert_eq!(found.pop(), Some(b'\n'));
        }
        assert!(found == *log);
    }
    if let Some(last) = input.last {
        let out = printed(files, &Query { last: Some(last), ..PREFIXED });
        let there: usize = logs.iter().map(|log| lines(log).len()).sum();
        assert_eq!(lines(&out).len(), last.min(there));
    }
}

/// The last lines for messages.
fn ends(input: &Input, file: &LogFile) {
    let count = input.last.unwrap_or(300);
    let found = last_lines(&file.log, count);
    assert!(found.len() <= count.min(lines(&input.log).len()));
}

/// What the recorder leaves of the index when it opens the log: whole records from its beginning,
/// none beyond the log's end. Says whether there are any.
fn is_checked(input: &Input, index: &Path) -> bool {
    let open = File::options().read(true).append(true).open(index).unwrap();
    check_index(open, u64::try_from(input.log.len()).unwrap()).unwrap();
    let kept = fs::read(index).unwrap();
    assert!(kept.len().is_multiple_of(RECORD) && input.index.starts_with(&kept));
    let within = |record: &&[u8]| {
        let offset = u64::from_le_bytes(record[8..].try_into().unwrap());
        usize::try_from(offset).is_ok_and(|offset| offset < input.log.len())
    };
    assert!(kept.chunks_exact(RECORD).last().as_ref().is_none_or(within));
    let records: Vec<&[u8]> = input.index.chunks_exact(RECORD).collect();
    if records.is_sorted_by_key(|record| u64::from_le_bytes(record[8..].try_into().unwrap())) {
        assert_eq!(kept.len() / RECORD, records.iter().filter(|record| within(record)).count());
    }
    !kept.is_empty()
}

fn seeds() -> Vec<Vec<u8>> {
    let seed = |last: u8, repeat: u8, since: u64, records: &[(u64, u64)], log: &[u8]| {
        let index: Vec<u8> = records
            .iter()
            .flat_map(|(time, offset)| [time.to_le_bytes(), offset.to_le_bytes()].concat())
            .collect();
        let length = u16::try_from(index.len()).unwrap();
        [&[last, repeat], &since.to_le_bytes()[..], &length.to_le_bytes(), &index, log].concat()
    };
    let many: Vec<(u64, u64)> = (0..80).map(|number| (1000 + number, 4 * number)).collect();
    vec![
        seed(2, 0, 20, &[(10, 0), (20, 4), (30, 14)], b"one\ntwo\nthree\nfour, without an end"),
        seed(255, 0, 25, &[(10, 0), (20, 2), (30, 9)], b"a line in two readings\nand more\n"),
        seed(3, 255, 1040, &many, b"abc\n\n\nxyz, a longer line of the log that is repeated\n"),
        // The log was emptied: offsets begin anew.
        seed(1, 0, 5, &[(1, 0), (2, 100), (3, 0), (4, 6)], b"later\nlines\n"),
        // The clock was set back.
        seed(9, 0, 15, &[(30, 0), (20, 4), (10, 8)], b"one\ntwo\nsix\nten\n"),
    ]
}
