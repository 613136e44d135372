//! The end of one file, for messages about a failure.

use std::{fs::File, path::Path};

use crate::host::log_parts::read_fully;

/// Bytes of the file that are looked at.
const LOOK: u64 = 64 * 1024;
/// Characters of a line that are kept.
const KEEP: usize = 2000;

/// The last `count` lines of a log in readable form; of a very long line its end. A log that cannot
/// be read has none.
pub fn last_lines(log: &Path, count: usize) -> Vec<String> {
    let Some((bytes, is_whole)) = end_of(log) else { return Vec::new() };
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    if text.is_empty() {
        return Vec::new();
    }
    let mut lines: Vec<String> = text
        .rsplit(|byte| *byte == b'\n')
        .take(count)
        .map(|line| shortened(&String::from_utf8_lossy(line)))
        .collect();
    // The oldest line begins before what was looked at.
    let is_cut = !is_whole && text.split(|byte| *byte == b'\n').count() <= count;
    if is_cut && let Some(first) = lines.pop() {
        lines.push(format!("…{first}"));
    }
    lines.reverse();
    lines
}

/// The last bytes of a file, and whether that is all of it.
fn end_of(log: &Path) -> Option<(Vec<u8>, bool)> {
    let file = File::open(log).ok()?;
    let len = file.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
    let start = len.saturating_sub(LOOK);
    let mut bytes = vec![0; usize::try_from(len - start).ok()?];
    let read = read_fully(&file, &mut bytes, start);
    bytes.truncate(read);
    Some((bytes, start == 0))
}

fn shortened(line: &str) -> String {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let extra = line.chars().count().saturating_sub(KEEP);
    if extra == 0 {
        return line.to_owned();
    }
    std::iter::once('…').chain(line.chars().skip(extra)).collect()
}
