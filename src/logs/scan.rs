//! Finding lines in a log, from either end, with one buffer of fixed size.

use super::source::Data;

/// Bytes read at once, if not too many files are read together.
const BLOCK: usize = 64 * 1024;
/// Bytes of all buffers of files that are read together.
const TOGETHER: usize = 32 * 1024 * 1024;

/// How large the buffer of each of `files` files may be.
pub(super) fn block_size(files: usize) -> usize {
    (TOGETHER / files.max(1)).clamp(4096, BLOCK)
}

/// Walks a log forward in pieces of lines.
#[derive(Debug)]
pub(super) struct Forward {
    buffer: Vec<u8>,
    /// What of the buffer was read and not given out yet.
    from: usize,
    to: usize,
    /// The place in the log of what comes next.
    at: u64,
    end: u64,
    block: usize,
}

impl Forward {
    pub(super) fn new(start: u64, end: u64, block: usize) -> Self {
        Self { buffer: Vec::new(), from: 0, to: 0, at: start, end, block }
    }

    /// The place of the next byte; `None` at the end.
    pub(super) fn place(&self) -> Option<u64> {
        (self.at < self.end).then_some(self.at)
    }

    /// The next bytes: up to and with a newline, or as much as is in the buffer. Empty at the end,
    /// which comes early if the file was truncated meanwhile.
    pub(super) fn piece(&mut self, data: &Data) -> &[u8] {
        if self.from == self.to {
            self.load(data);
        }
        let loaded = self.buffer.get(self.from..self.to).unwrap_or_default();
        let length =
            loaded.iter().position(|byte| *byte == b'\n').map_or(loaded.len(), |at| at + 1);
        self.from += length;
        self.at += u64::try_from(length).unwrap_or_default();
        loaded.get(..length).unwrap_or_default()
    }

    fn load(&mut self, data: &Data) {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(self.block);
        self.buffer.resize(left.min(self.block), 0);
        self.from = 0;
        self.to = data.read_fully(&mut self.buffer, self.at);
        if self.to == 0 {
            self.end = self.at;
        }
    }
}

/// Walks a log backward from line to line.
#[derive(Debug)]
pub(super) struct Backward {
    buffer: Vec<u8>,
    /// The place in the log of the buffer's first byte.
    base: u64,
    /// The end of the line that comes next.
    at: u64,
    floor: u64,
    block: usize,
}

impl Backward {
    /// From `end` to `floor`, which is the beginning of a line.
    pub(super) fn new(floor: u64, end: u64, block: usize) -> Self {
        Self { buffer: Vec::new(), base: end, at: end, floor, block }
    }

    /// The beginning of the line before the last one that was given.
    pub(super) fn line(&mut self, data: &Data) -> Option<u64> {
        if self.at <= self.floor {
            return None;
        }
        // The newline that ends the line itself is not looked at.
        let newline = self.newline_before(data, self.at - 1);
        self.at = newline.map_or(self.floor, |newline| newline + 1);
        Some(self.at)
    }

    /// The place of the last newline before `end`.
    pub(super) fn newline_before(&mut self, data: &Data, end: u64) -> Option<u64> {
        let mut end = end;
        while self.floor < end {
            if end <= self.base {
                self.load(data, end);
            }
            let inside = usize::try_from(end.checked_sub(self.base)?).ok()?;
            let seen = self.buffer.get(..inside)?;
            if let Some(at) = seen.iter().rposition(|byte| *byte == b'\n') {
                return Some(self.base + u64::try_from(at).ok()?);
            }
            end = self.base;
        }
        None
    }

    /// Reads what lies before `end`. What cannot be read, because the file was truncated, reads
    /// as zeros, which are no newlines.
    fn load(&mut self, data: &Data, end: u64) {
        let block = u64::try_from(self.block).unwrap_or(4096);
        self.base = end.saturating_sub(block).max(self.floor);
        self.buffer.clear();
        self.buffer.resize(usize::try_from(end - self.base).unwrap_or_default(), 0);
        data.read_fully(&mut self.buffer, self.base);
    }
}
