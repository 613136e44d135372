//! How lines come out: with the name of their instance before them, or as they are.

use std::io::{self, BufWriter, Write};

use anstyle::{AnsiColor, Reset};

use super::Query;
use crate::api::{LogFile, Stream};

/// Colours that tell instances apart; red is kept for standard error.
const COLORS: [AnsiColor; 5] =
    [AnsiColor::Cyan, AnsiColor::Green, AnsiColor::Magenta, AnsiColor::Blue, AnsiColor::Yellow];

/// Writes lines.
pub(super) struct Printer<'a> {
    out: BufWriter<&'a mut dyn Write>,
    prefix: bool,
    color: bool,
    /// Columns of the longest id.
    width: usize,
    /// Whose line was begun and has not ended yet.
    open: Option<usize>,
}

impl<'a> Printer<'a> {
    pub(super) fn new(out: &'a mut dyn Write, query: &Query) -> Self {
        let out = BufWriter::with_capacity(64 * 1024, out);
        Self { out, prefix: query.prefix, color: query.color, width: 0, open: None }
    }

    /// Makes room for these ids.
    pub(super) fn align<'b>(&mut self, ids: impl Iterator<Item = &'b str>) {
        self.width = ids.map(|id| id.chars().count()).max().unwrap_or(0).max(self.width);
    }

    /// Writes a part of a line of stream `key`, with its newline if it has one.
    pub(super) fn write(&mut self, key: usize, file: &LogFile, bytes: &[u8]) -> io::Result<()> {
        if self.open != Some(key) {
            // Another stream's line that has not ended is broken off: two in one line would be
            // worse than one in two.
            if self.open.is_some() {
                self.out.write_all(b"\n")?;
            }
            if self.prefix {
                self.write_prefix(file)?;
            }
        }
        self.out.write_all(bytes)?;
        self.open = (!bytes.ends_with(b"\n")).then_some(key);
        Ok(())
    }

    /// `web/0     │ ` for standard output, `web/0  err│ ` for standard error.
    fn write_prefix(&mut self, file: &LogFile) -> io::Result<()> {
        let mark = match file.stream {
            Stream::Out => "   ",
            Stream::Err => "err",
        };
        let (id, width) = (&file.id, self.width);
        if !self.color {
            return write!(self.out, "{id:<width$} {mark}│ ");
        }
        let paint = color_of(id).on_default();
        let red = AnsiColor::Red.on_default();
        // The program may have left a colour of its own switched on.
        write!(self.out, "{Reset}{paint}{id:<width$}{paint:#} {red}{mark}{red:#}{paint}│{paint:#} ")
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Ends what was begun.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if self.prefix && self.open.take().is_some() {
            self.out.write_all(b"\n")?;
        }
        self.out.flush()
    }
}

/// Always the same for an id.
fn color_of(id: &str) -> AnsiColor {
    let sum = id.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    COLORS.get(sum % COLORS.len()).copied().unwrap_or(AnsiColor::Cyan)
}
