//! Following one log look by look, for the fuzz targets and the tests of their inputs.

use std::{
    io::{self, Write},
    time::Instant,
};

use super::{
    Query, follow::go_on, merge, printer::Printer, quietly, source::Source, stream::Stream,
};
use crate::{api::LogFile, host::log_parts::Listing};

/// A log that is followed from its beginning.
#[derive(Debug)]
pub struct Followed(Stream);

impl Followed {
    /// Begins.
    pub fn new(file: LogFile) -> io::Result<Self> {
        let source = Source::open(&file, &mut Listing::default())?;
        Ok(Self(Stream::new(0, file, source, 0)))
    }

    /// Looks at it as `eco logs -f` does, at this time, and writes what is to be written then.
    pub fn look(&mut self, now: Instant, query: &Query, out: &mut dyn Write) -> io::Result<()> {
        let mut printer = Printer::new(out, query);
        go_on(&mut self.0, &mut printer)?;
        let mut pieces: Vec<_> = self.0.ready(now).into_iter().collect();
        quietly(merge::write(&mut pieces, &mut printer).and_then(|()| printer.flush()))
    }
}
