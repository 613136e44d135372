//! Reading, merging and following the log files of instances, for the command and for the API.
//!
//! Bytes in, bytes out: a line is what ends with a newline, whatever else is in it. Files that are
//! missing are empty; an index that is missing, short or wrong only makes times less exact.

mod follow;
#[doc(hidden)]
pub mod fuzzing;
mod index;
mod merge;
pub(super) mod moment;
mod printer;
mod scan;
mod select;
mod source;
mod stream;
mod tail;
mod watch;

use std::{
    fmt,
    io::{self, Write},
    os::fd::BorrowedFd,
    time::SystemTime,
};

pub use follow::follow;
pub use moment::{Moment, moment};
pub use tail::last_lines;

use regex::bytes::Regex;

use self::{merge::Piece, printer::Printer, source::Source};
use crate::{api::LogFile, host::log_parts::Listing};

/// Which lines, and how they look.
#[derive(Clone, Debug)]
pub struct Query {
    /// Only so many of the last lines, over all files together; `None` is all of them.
    pub last: Option<usize>,
    /// Only lines written at or after this time.
    pub since: Option<SystemTime>,
    /// Only lines written at or before this time.
    pub until: Option<SystemTime>,
    /// Only lines that match.
    pub matching: Option<Regex>,
    /// What they look like.
    pub form: Form,
    /// Whether prefixes are coloured.
    pub color: bool,
}

/// What lines look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The stored bytes.
    Bytes,
    /// Each line says whose it is.
    Text {
        /// And when it was written.
        times: bool,
    },
    /// Each line is a JSON object.
    Json,
    /// As the app's file says.
    AsConfigured,
}

/// What a follower asks and heeds besides the files.
pub struct Hooks<'a> {
    /// Asked every 2 s, sooner when an unknown log file appears, for the files as they are now;
    /// `None` leaves them as they were.
    pub refresh: &'a mut dyn FnMut() -> Option<Vec<LogFile>>,
    /// Following ends when the reader of this pipe is gone; usually standard output.
    pub until_closed: Option<BorrowedFd<'a>>,
    /// Following ends, with what is in the files by then, when the writer of this pipe is gone.
    pub until: Option<BorrowedFd<'a>>,
}

impl fmt::Debug for Hooks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("until_closed", &self.until_closed)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// Writes the lines of `files` that `query` asks for, merged by time. A closed pipe is no error.
pub fn print(files: &[LogFile], query: &Query, out: &mut dyn Write) -> io::Result<()> {
    quietly(print_now(files, query, out))
}

fn print_now(files: &[LogFile], query: &Query, out: &mut dyn Write) -> io::Result<()> {
    source::make_room(files.len());
    let mut sources = open_all(files)?;
    let ranges = select::ranges(&mut sources, query);
    let mut printer = Printer::new(out, query);
    printer.align(files.iter().map(|file| file.id.as_str()));
    let mut pieces: Vec<Piece<'_>> = sources
        .iter_mut()
        .zip(files)
        .zip(ranges)
        .enumerate()
        .map(|(key, ((source, file), range))| Piece {
            key,
            file,
            source,
            start: range.start,
            end: range.end,
        })
        .collect();
    merge::write(&mut pieces, &mut printer)?;
    printer.finish()
}

/// Opens logs, with each of their directories listed once.
fn open_all(files: &[LogFile]) -> io::Result<Vec<Source>> {
    let mut listing = Listing::default();
    files.iter().map(|file| Source::open(file, &mut listing)).collect()
}

/// The reader of a pipe may have seen enough.
fn quietly(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
