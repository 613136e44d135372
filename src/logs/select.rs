//! Where in each file the lines begin that were asked for.

use std::{collections::BinaryHeap, ops::Range};

use super::{
    Query,
    scan::{Backward, Forward, block_size},
    source::{Source, nanos},
};

/// The part of each log whose lines are wanted: always whole lines.
pub(super) fn ranges(sources: &mut [Source], query: &Query) -> Vec<Range<u64>> {
    let after = query.until.map(|until| nanos(until).saturating_add(1));
    let ends: Vec<u64> = sources
        .iter()
        .map(|source| after.map_or(source.len(), |after| line_since(source, after)))
        .collect();
    let starts = starts(sources, query, &ends);
    starts.into_iter().zip(ends).map(|(start, end)| start.min(end)..end).collect()
}

fn starts(sources: &mut [Source], query: &Query, ends: &[u64]) -> Vec<u64> {
    let since = query.since.map(nanos);
    let floors: Vec<u64> =
        sources.iter().map(|source| since.map_or(0, |since| line_since(source, since))).collect();
    let bytes: u64 = ends
        .iter()
        .zip(&floors)
        .map(|(end, floor)| end.saturating_sub(*floor))
        .fold(0, u64::saturating_add);
    // Which are the last that match is known only once all were looked at.
    match query.last.filter(|_| query.matching.is_none()) {
        // A line has at least one byte: there is nothing to leave out.
        Some(last) if u64::try_from(last).unwrap_or(u64::MAX) < bytes => {
            last_lines(sources, &floors, ends, last)
        }
        Some(_) | None => floors,
    }
}

/// The first line whose first byte was written at `since` (ns) or later.
pub(super) fn line_since(source: &Source, since: u64) -> u64 {
    let len = source.len();
    let Some(offset) = source.times.offset_since(since).filter(|offset| *offset < len) else {
        return len;
    };
    if offset == 0 {
        return 0;
    }
    // A read may begin in the middle of a line, which then belongs to the read before.
    let mut scan = Forward::new(offset - 1, len, block_size(1));
    loop {
        let piece = scan.piece(&source.data);
        if piece.is_empty() || piece.ends_with(b"\n") {
            return scan.place().unwrap_or(len);
        }
    }
}

/// The beginnings of the last `count` lines of all files together, found from their ends: always
/// the file whose last line is the youngest gives one more.
fn last_lines(sources: &mut [Source], floors: &[u64], ends: &[u64], count: usize) -> Vec<u64> {
    let mut starts = ends.to_vec();
    let block = block_size(sources.len());
    let mut scans: Vec<Backward> =
        floors.iter().zip(&starts).map(|(floor, end)| Backward::new(*floor, *end, block)).collect();
    let mut youngest = BinaryHeap::new();
    for (key, (source, scan)) in sources.iter_mut().zip(&mut scans).enumerate() {
        youngest.extend(before(source, scan).map(|(time, start)| (time, key, start)));
    }
    for left in (0..count).rev() {
        let Some((_, key, start)) = youngest.pop() else { break };
        let (Some(kept), Some(source), Some(scan)) =
            (starts.get_mut(key), sources.get_mut(key), scans.get_mut(key))
        else {
            break;
        };
        *kept = start;
        if left == 0 {
            break;
        }
        youngest.extend(before(source, scan).map(|(time, start)| (time, key, start)));
    }
    starts
}

/// Time and beginning of the next line towards the beginning of a file.
fn before(source: &mut Source, scan: &mut Backward) -> Option<(u64, u64)> {
    let start = scan.line(&source.data)?;
    Some((source.times.time_at(start), start))
}
