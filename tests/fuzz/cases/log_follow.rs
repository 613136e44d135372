//! Following a log to which bytes come, which is put aside, emptied, taken away and replaced.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use eco::{
    api::{LogFile, LogFormat, Stream},
    logs::{Form, Query, fuzzing::Followed},
    protocol::Compression,
    recorder::pack_part,
};

use super::Case;

/// The input is a list of steps; see [`Step`].
pub const CASE: Case = Case { name: "log_follow", run, seeds };

const QUERY: Query =
    Query { last: None, since: None, until: None, matching: None, form: Form::Bytes, color: false };
/// Longer than a line without its end is held back.
const LATER: Duration = Duration::from_secs(1);
/// More steps are no news, but take long.
const MOST: usize = 200;

enum Step<'a> {
    Write(&'a [u8]),
    /// The log is looked at, with its last line due or not.
    Look {
        later: bool,
    },
    PutAside,
    /// The part put aside last is compressed.
    Pack,
    Empty,
    Remove,
}

impl<'a> Step<'a> {
    /// One byte, and for writing as many more as that says.
    fn take(bytes: &mut &'a [u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        Some(match first {
            0..=199 => {
                let (text, rest) = rest.split_at(usize::from(*first).min(rest.len()));
                *bytes = rest;
                Self::Write(text)
            }
            200..=219 => Self::Look { later: first % 2 == 0 },
            220..=239 => Self::PutAside,
            240..=247 => Self::Pack,
            248..=251 => Self::Empty,
            252..=255 => Self::Remove,
        })
    }
}

fn run(bytes: &[u8]) -> bool {
    let mut bytes = bytes;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let log = path("a.out.log");
    let file = LogFile {
        id: "a/0".to_owned(),
        stream: Stream::Out,
        log: log.clone(),
        index: path("a.out.idx"),
        format: LogFormat::Text,
        timestamps: false,
    };
    let mut followed = Followed::new(file).unwrap();
    let (mut now, mut parts) = (Instant::now(), 0);
    let (mut written, mut out) = (Vec::new(), Vec::new());
    // What is emptied, removed, or compressed before it was looked at, may never be seen.
    let mut is_whole = true;
    for _ in 0..MOST {
        let Some(step) = Step::take(&mut bytes) else { break };
        match step {
            Step::Write(text) => {
                append(&log, text);
                written.extend_from_slice(text);
            }
            Step::Look { later } => {
                now += if later { LATER } else { Duration::ZERO };
                followed.look(now, &QUERY, &mut out).unwrap();
            }
            Step::PutAside if log.exists() => {
                parts += 1;
                fs::rename(&log, path(&format!("a.out.{parts}.log"))).unwrap();
            }
            Step::Pack if 0 < parts => {
                followed.look(now, &QUERY, &mut out).unwrap();
                pack_part(&log, parts, Compression::Zstd).ok();
            }
            Step::PutAside | Step::Pack => {}
            Step::Empty => {
                is_whole &= !log.exists();
                if log.exists() {
                    fs::write(&log, "").unwrap();
                }
            }
            Step::Remove => is_whole &= fs::remove_file(&log).is_err(),
        }
    }
    // A file is gone on with once another lies at its path.
    append(&log, b"\n");
    written.push(b'\n');
    for _ in 0..2 {
        now += LATER;
        followed.look(now, &QUERY, &mut out).unwrap();
    }
    if is_whole {
        assert!(out == written, "{:?} is not {:?}", text(&out), text(&written));
    }
    is_whole && 1 < written.len()
}

fn append(log: &Path, bytes: &[u8]) {
    File::options().create(true).append(true).open(log).unwrap().write_all(bytes).unwrap();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn seeds() -> Vec<Vec<u8>> {
    vec![
        b"\x04one\n\xc8\x03two\xc8\x05 end\n\xc9".to_vec(),
        b"\x04one\n\xc8\xdc\x04two\n\xdc\x06three\n\xc9\xf0\x05four\n\xc8".to_vec(),
        b"\x03one\xdc\xc8\x05 end\n\xc9\xdc\xf0\xc8\x04two\n".to_vec(),
    ]
}
