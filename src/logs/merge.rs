//! Lines of several files in order of time.

use std::{cmp::Reverse, collections::BinaryHeap, io};

use super::{
    printer::Printer,
    scan::{Forward, block_size},
    source::Source,
};
use crate::api::LogFile;

/// A part of a file that is to be written.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    /// Tells streams apart, and puts them in order where times are the same.
    pub(super) key: usize,
    pub(super) file: &'a LogFile,
    pub(super) source: &'a mut Source,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// Writes all pieces merged by time. The order of lines within a file is never changed; where its
/// times go backward, because the clock was set, that only shifts it against other files.
pub(super) fn write(pieces: &mut [Piece<'_>], printer: &mut Printer<'_>) -> io::Result<()> {
    let block = block_size(pieces.len());
    let mut scans: Vec<Forward> =
        pieces.iter().map(|piece| Forward::new(piece.start, piece.end, block)).collect();
    let mut oldest = BinaryHeap::new();
    for (place, (piece, scan)) in pieces.iter_mut().zip(&scans).enumerate() {
        oldest.extend(next_time(piece, scan).map(|time| Reverse((time, place))));
    }
    while let Some(Reverse((mut time, place))) = oldest.pop() {
        let (Some(piece), Some(scan)) = (pieces.get_mut(place), scans.get_mut(place)) else {
            break;
        };
        loop {
            write_line(piece, scan, time, printer)?;
            let Some(next) = next_time(piece, scan) else { break };
            time = next;
            let next = Reverse((time, place));
            if oldest.peek().is_some_and(|other| next < *other) {
                oldest.push(next);
                break;
            }
        }
    }
    Ok(())
}

fn next_time(piece: &mut Piece<'_>, scan: &Forward) -> Option<u64> {
    scan.place().map(|place| piece.source.times.time_at(place))
}

fn write_line(
    piece: &Piece<'_>,
    scan: &mut Forward,
    time: u64,
    printer: &mut Printer<'_>,
) -> io::Result<()> {
    loop {
        let bytes = scan.piece(&piece.source.data);
        if !bytes.is_empty() {
            printer.write(piece.key, piece.file, time, bytes)?;
        }
        if bytes.is_empty() || bytes.ends_with(b"\n") {
            return Ok(());
        }
    }
}
