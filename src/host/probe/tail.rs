//! Reads the lines that a run appends to its log file, across its rotation, and no other run's.

use std::{
    fs::{self, File, Metadata},
    io,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::Path,
};

use super::Output;
use crate::host::log_runs::LogRuns;

/// So many bytes are read at once.
pub(super) const CHUNK: usize = 64 << 10;
/// So many in one go, before others have their turn.
const TURN: usize = 4;
/// So much of a line is looked at.
const LINE: usize = 64 << 10;

/// How far a file was read.
#[derive(Debug)]
pub(super) struct Tail {
    output: Output,
    file: Option<File>,
    /// Whose bytes the file has.
    runs: LogRuns,
    offset: u64,
    /// The unfinished line at the end.
    line: Vec<u8>,
}

/// What a turn of reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// A line was the wanted one.
    Found,
    /// There is more to read.
    More,
    /// All that is there was read.
    End,
}

impl Tail {
    pub(super) fn new(output: Output) -> Self {
        Self { file: None, runs: LogRuns::default(), offset: output.from, output, line: Vec::new() }
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.output.path
    }

    /// Reads on, by way of `buffer`, until a whole line is `wanted`. A file that does not exist
    /// yet is as one that is empty.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        wanted: impl Fn(&[u8]) -> bool,
    ) -> io::Result<Turn> {
        for _ in 0..TURN {
            let Some(file) = &self.file else {
                if !self.open()? {
                    return Ok(Turn::End);
                }
                continue;
            };
            let count = match file.read_at(buffer, self.offset) {
                Ok(0) if self.is_current(file)? => return Ok(Turn::End),
                Ok(0) => {
                    (self.file, self.offset) = (None, 0);
                    self.runs = LogRuns::default();
                    self.line.clear();
                    continue;
                }
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let start = self.offset;
            self.offset += u64::try_from(count).unwrap_or_default();
            self.look_whose()?;
            for own in self.runs.bytes_of(self.output.run, start..self.offset) {
                let place = |at: u64| usize::try_from(at - start).unwrap_or(usize::MAX);
                let bytes = buffer.get(place(own.start)..place(own.end)).unwrap_or_default();
                if self.take(bytes, &wanted) {
                    return Ok(Turn::Found);
                }
            }
        }
        Ok(Turn::More)
    }

    /// Opens the file; whether there is one.
    fn open(&mut self) -> io::Result<bool> {
        let file = match File::open(&self.output.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        // Shorter than where the run began: it is another file by now, and all of it is new.
        if file.metadata()?.len() < self.offset {
            self.offset = 0;
        }
        self.file = Some(file);
        Ok(true)
    }

    /// Learns whose the bytes are that were read. The list is made before the first byte is written;
    /// where there is none, a version of eco wrote that kept none, and all bytes may be the run's.
    fn look_whose(&mut self) -> io::Result<()> {
        if self.runs.is_there() {
            self.runs.refresh();
            return Ok(());
        }
        let runs = LogRuns::open(&self.output.path.with_extension("runs"));
        // It is the open file's if that is still at its place.
        if let Some(file) = &self.file
            && self.is_current(file)?
        {
            self.runs = runs;
        }
        Ok(())
    }

    /// Whether an open file that was read to its end is still the one to read.
    fn is_current(&self, file: &File) -> io::Result<bool> {
        let open = file.metadata()?;
        let same = |there: &Metadata| (there.dev(), there.ino()) == (open.dev(), open.ino());
        match fs::metadata(&self.output.path) {
            Ok(there) => Ok(same(&there) && self.offset <= open.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Takes what was appended; whether it ends a wanted line.
    fn take(&mut self, mut bytes: &[u8], wanted: impl Fn(&[u8]) -> bool) -> bool {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (head, rest) = bytes.split_at(end);
            self.append(head);
            if wanted(self.line.strip_suffix(b"\r").unwrap_or(&self.line)) {
                return true;
            }
            self.line.clear();
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.append(bytes);
        false
    }

    fn append(&mut self, bytes: &[u8]) {
        let room = LINE.saturating_sub(self.line.len()).min(bytes.len());
        self.line.extend_from_slice(bytes.get(..room).unwrap_or_default());
    }
}
