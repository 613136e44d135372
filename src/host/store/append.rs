//! An append-only file of lines that may not be writable at times.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::atomic;

/// How many lines wait in memory while the file cannot be written; the oldest go first after that.
const MAX_WAITING: usize = 16_384;

/// How many bytes are written at once, but for the last line of them.
const PART: usize = 16 << 10;

/// Lines are whole in it whatever happens, but for the last one after a power cut or a crash.
#[derive(Debug)]
pub(super) struct AppendFile {
    path: PathBuf,
    file: Option<File>,
    /// Bytes in the file, all of them whole lines unless `torn`.
    len: u64,
    /// Whether the file ends within a line, so that a newline has to come first.
    torn: bool,
    waiting: VecDeque<Vec<u8>>,
}

impl AppendFile {
    /// The file at `path`, not opened yet: the first write does that.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: None, len: 0, torn: false, waiting: VecDeque::new() }
    }

    /// Adds a line (without its newline) to what waits and writes all that waits. On an error it
    /// stays waiting.
    pub(super) fn push(&mut self, line: Vec<u8>) -> io::Result<()> {
        self.wait(line);
        self.flush()
    }

    /// Adds a line to what waits.
    pub(super) fn wait(&mut self, mut line: Vec<u8>) {
        line.push(b'\n');
        if self.waiting.len() == MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(line);
    }

    /// Writes all that waits, a bounded part at a time: on a full disk each call is an attempt, and
    /// must stay cheap however much waits.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.waiting.is_empty() {
            self.open()?;
            let mut bytes = if self.torn { b"\n".to_vec() } else { Vec::new() };
            let mut lines = 0;
            for line in &self.waiting {
                bytes.extend(line);
                lines += 1;
                if PART < bytes.len() {
                    break;
                }
            }
            self.write(&bytes)?;
            self.waiting.drain(..lines);
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        match file.write_all(bytes) {
            Ok(()) => {
                self.len += u64::try_from(bytes.len()).unwrap_or_default();
                self.torn = false;
                Ok(())
            }
            Err(error) => {
                // What was written of it is cut off again, or the next line would stick to it.
                if file.set_len(self.len).is_err() {
                    self.file = None;
                }
                Err(error)
            }
        }
    }

    /// Bytes in the file.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Lines not written yet, oldest first.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &[u8]> {
        self.waiting.iter().map(Vec::as_slice)
    }

    /// Forgets the open file: the next write opens what lies at the path then.
    pub(super) fn reopen(&mut self) {
        self.file = None;
    }

    fn open(&mut self) -> io::Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        if let Some(dir) = self.path.parent() {
            atomic::make_dir(dir)?;
        }
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(libc::O_NONBLOCK)
            .open(&self.path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        self.len = meta.len();
        self.torn = ends_within_a_line(&file, self.len)?;
        self.file = Some(file);
        Ok(())
    }
}

fn ends_within_a_line(file: &File, len: u64) -> io::Result<bool> {
    let Some(last) = len.checked_sub(1) else { return Ok(false) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte != *b"\n")
}
