//! What a run wrote last to a log that others write to as well, and that may have been put aside, and
//! compressed, meanwhile.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use super::{
    log_parts::{Form, Listing, Packed, Stem, read_fully},
    log_runs::LogRuns,
};
use crate::model::RunId;

/// So much of what a run wrote last is looked at, in bytes.
const LOOK: u64 = 64 << 10;
/// So many of the parts put aside last are looked at.
const PARTS: usize = 16;
/// So many characters of a line are kept.
const KEEP: usize = 2000;
/// How often a log that is put aside just then is looked at again.
const TRIES: usize = 3;

/// The last `count` lines of a run, in readable form. None if nobody wrote down whose bytes the log
/// has.
pub fn last_lines_of(log: &Path, run: RunId, count: usize) -> Vec<String> {
    let bytes = (0..TRIES).find_map(|_| last_bytes_of(log, run).transpose());
    let Some(Ok(bytes)) = bytes else { return Vec::new() };
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    if text.is_empty() {
        return Vec::new();
    }
    let lines = text.rsplit(|byte| *byte == b'\n').take(count);
    let mut lines: Vec<String> = lines.map(readable).collect();
    lines.reverse();
    lines
}

/// The end of what a run wrote, gathered from the last file on.
#[derive(Debug)]
struct End {
    run: RunId,
    bytes: Vec<u8>,
    /// How many more are wanted.
    left: u64,
}

impl End {
    /// Puts before it what a file of `len` bytes has of the run.
    fn add(&mut self, runs: &LogRuns, len: u64, read: impl Fn(&mut [u8], u64) -> usize) {
        if !runs.is_there() {
            return;
        }
        for range in runs.bytes_of(self.run, 0..len).into_iter().rev() {
            let start = range.start.max(range.end.saturating_sub(self.left));
            let mut bytes = vec![0; usize::try_from(range.end - start).unwrap_or_default()];
            let mut done = 0;
            // Compressed files are read block by block.
            while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
                match read(rest, start.saturating_add(u64::try_from(done).unwrap_or_default())) {
                    0 => break,
                    count => done = done.saturating_add(count),
                }
            }
            bytes.truncate(done);
            self.left -= range.end - start;
            bytes.append(&mut self.bytes);
            self.bytes = bytes;
            if self.left == 0 {
                break;
            }
        }
    }
}

/// `Ok(None)` if the log or a part of it was put aside, compressed or removed meanwhile.
fn last_bytes_of(log: &Path, run: RunId) -> io::Result<Option<Vec<u8>>> {
    let mut end = End { run, bytes: Vec::new(), left: LOOK };
    let live = open_live(log)?;
    if let Some((file, meta)) = &live {
        if !meta.is_file() {
            return Ok(Some(Vec::new()));
        }
        let runs = LogRuns::open(&log.with_extension("runs"));
        end.add(&runs, meta.len(), |buffer, at| read_fully(file, buffer, at));
    }
    let parts_are_there = add_parts(log, &mut end)?;
    let there = open_live(log)?;
    let identity =
        |live: &Option<(File, Metadata)>| live.as_ref().map(|(_, meta)| (meta.dev(), meta.ino()));
    let is_same = identity(&there) == identity(&live);
    Ok((is_same && parts_are_there).then_some(end.bytes))
}

/// Adds what the parts have, the last first; whether all were there.
fn add_parts(log: &Path, end: &mut End) -> io::Result<bool> {
    let Some(stem) = Stem::of(log) else { return Ok(true) };
    let mut listing = Listing::default();
    for (number, form) in listing.parts(&stem).iter().rev().take(PARTS) {
        if end.left == 0 {
            break;
        }
        let runs = LogRuns::open(&stem.runs(*number));
        let Some(file) = open_if_there(&stem.log(*number, *form))? else { return Ok(false) };
        match form {
            Form::Plain => {
                let len = file.metadata()?.len();
                end.add(&runs, len, |buffer, at| read_fully(&file, buffer, at));
            }
            Form::Zstd | Form::Gzip => {
                let packed = Packed::new(file)?;
                end.add(&runs, packed.length(), |buffer, at| packed.read_at(buffer, at));
            }
        }
    }
    Ok(true)
}

fn open_live(log: &Path) -> io::Result<Option<(File, Metadata)>> {
    let Some(file) = open_if_there(log)? else { return Ok(None) };
    let meta = file.metadata()?;
    Ok(Some((file, meta)))
}

fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn readable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
    let extra = text.chars().count().saturating_sub(KEEP);
    if extra == 0 { text } else { std::iter::once('…').chain(text.chars().skip(extra)).collect() }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::host::log_runs::tests::write;

    #[test]
    fn the_last_lines_of_a_run_are_not_those_of_another() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("x.err.log");
        std::fs::write(&log, "one\nhaOTHER\nlf\nNEXT\n").unwrap();
        assert!(last_lines_of(&log, RunId(1), 9).is_empty());
        write(&log.with_extension("runs"), &[(0, 1), (6, 2), (12, 1), (15, 3)]);
        assert_eq!(last_lines_of(&log, RunId(1), 9), ["one", "half"]);
        assert_eq!(last_lines_of(&log, RunId(1), 1), ["half"]);
        assert_eq!(last_lines_of(&log, RunId(2), 9), ["OTHER"]);
        assert!(last_lines_of(&log, RunId(4), 9).is_empty());
    }

    #[test]
    fn lines_before_a_rotation_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| -> PathBuf { dir.path().join(name) };
        let log = path("x.err.log");
        std::fs::write(path("x.err.1.log"), "oldest\n").unwrap();
        write(&path("x.err.1.runs"), &[(0, 1)]);
        std::fs::write(path("x.err.2.log"), "one\nOTHER\ntwo\n").unwrap();
        write(&path("x.err.2.runs"), &[(0, 1), (4, 2), (10, 1)]);
        // Nothing was written after it.
        assert_eq!(last_lines_of(&log, RunId(1), 9), ["oldest", "one", "two"]);
        std::fs::write(&log, "three\nNEXT\n").unwrap();
        write(&path("x.err.runs"), &[(0, 1), (6, 3)]);
        assert_eq!(last_lines_of(&log, RunId(1), 9), ["oldest", "one", "two", "three"]);
        assert_eq!(last_lines_of(&log, RunId(2), 9), ["OTHER"]);
        assert_eq!(last_lines_of(&log, RunId(3), 9), ["NEXT"]);
    }
}
