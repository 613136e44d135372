//! Reading, merging and following the log files of instances.
//!
//! Bytes in, bytes out: a line is what ends with a newline, whatever else is in it. Files that are
//! missing are empty; an index that is missing, short or wrong only makes times less exact.

mod command;
mod follow;
mod print;
mod tail;

use std::{io::Write, os::fd::BorrowedFd, time::SystemTime};

pub(super) use command::{LogsArgs, run, stream_until_signal};
pub use follow::follow;
pub use print::print;
pub use tail::last_lines;

use crate::api::LogFile;

/// Which lines, and how they look.
#[derive(Clone, Debug)]
pub struct Query {
    /// Only so many of the last lines, over all files together; `None` is all of them.
    pub last: Option<usize>,
    /// Only lines written at or after this time.
    pub since: Option<SystemTime>,
    /// Whether each line says whose it is. Without, the stored bytes come out as they are.
    pub prefix: bool,
    /// Whether prefixes are coloured.
    pub color: bool,
}

/// What a follower asks and heeds besides the files.
pub struct Hooks<'a> {
    /// Asked now and then (at most every 2 s, sooner when an unknown file appears) for the files
    /// as they are now; `None` leaves them as they were.
    pub refresh: &'a mut dyn FnMut() -> Option<Vec<LogFile>>,
    /// Following ends when the reader of this pipe is gone; usually standard output.
    pub until_closed: Option<BorrowedFd<'a>>,
}

impl std::fmt::Debug for Hooks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks").field("until_closed", &self.until_closed).finish_non_exhaustive()
    }
}

/// What lines are written to.
type Out<'a> = &'a mut dyn Write;
