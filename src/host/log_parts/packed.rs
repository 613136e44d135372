//! Reading a compressed part of a log at any place.
//!
//! It is a series of blocks of at most 128 KiB, each compressed for itself, so that any of them can
//! be read without the others; to `zstd -d` and `gzip -d` the file is one like any other. Before each
//! block stand 16 bytes, where readers that do not know them look away: `eco1`, then as `u32` in
//! little-endian order the length of the block as it is stored, its length as it was, and the CRC-32
//! of what it was. With zstd they are a skippable frame of kind 0, with gzip the subfield `EC` of the
//! member's extra field.

use std::{
    cell::RefCell,
    fs::File,
    io::{self, Read as _},
    os::unix::fs::FileExt as _,
};

use flate2::{Crc, read::DeflateDecoder};
use ruzstd::decoding::StreamingDecoder;

use super::read_fully;

const MARK: [u8; 4] = *b"eco1";
/// What stands before the 16 bytes, by which a kind of compression is known.
const ZSTD: [u8; 8] = [0x50, 0x2a, 0x4d, 0x18, 16, 0, 0, 0];
const GZIP: [u8; 16] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 20, 0, b'E', b'C', 16, 0];
/// A block is never longer, stored or as it was: what says so is damaged.
const LONGEST: u32 = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Zstd,
    Gzip,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    kind: Kind,
    /// Where it is stored.
    at: u64,
    stored: u32,
    /// Where in the part it begins.
    start: u64,
    len: u32,
    crc: u32,
}

/// A compressed part.
#[derive(Debug)]
pub struct Packed {
    file: File,
    blocks: Vec<Block>,
    len: u64,
    /// The block that was read last, and its bytes.
    cache: RefCell<(Option<usize>, Vec<u8>)>,
}

impl Packed {
    /// Finds the blocks of a file.
    pub fn new(file: File) -> io::Result<Self> {
        let end = file.metadata()?.len();
        let (mut at, mut len) = (0, 0);
        let mut blocks = Vec::new();
        while at < end {
            let block = block_at(&file, at, len)?;
            at = block.at + u64::from(block.stored);
            len += u64::from(block.len);
            blocks.push(block);
        }
        Ok(Self { file, blocks, len, cache: RefCell::default() })
    }

    /// Bytes of the part as it was.
    pub fn length(&self) -> u64 {
        self.len
    }

    /// Reads from `offset` on, up to the end of a block; how many bytes that were. In the place of a
    /// block that is damaged stands a line that says so, as long as the block was.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let number = self.blocks.partition_point(|block| block.start <= offset);
        let Some(number) = number.checked_sub(1) else { return 0 };
        let Some(block) = self.blocks.get(number) else { return 0 };
        let mut cache = self.cache.borrow_mut();
        if cache.0 != Some(number) {
            let bytes = self.unpack(*block).unwrap_or_else(|_| in_its_place(block.len));
            *cache = (Some(number), bytes);
        }
        let from = usize::try_from(offset - block.start).unwrap_or(usize::MAX);
        let found = cache.1.get(from..).unwrap_or_default();
        let count = found.len().min(buffer.len());
        if let (Some(to), Some(found)) = (buffer.get_mut(..count), found.get(..count)) {
            to.copy_from_slice(found);
        }
        count
    }

    fn unpack(&self, block: Block) -> io::Result<Vec<u8>> {
        let mut stored = vec![0; usize::try_from(block.stored).unwrap_or_default()];
        self.file.read_exact_at(&mut stored, block.at)?;
        let mut bytes = Vec::with_capacity(usize::try_from(block.len).unwrap_or_default());
        let most = u64::from(LONGEST);
        match block.kind {
            Kind::Zstd => {
                let decoder = StreamingDecoder::new(stored.as_slice()).map_err(|_| damaged())?;
                decoder.take(most).read_to_end(&mut bytes)?;
            }
            // What follows the compressed bytes is gzip's own sum: the same as ours.
            Kind::Gzip => {
                DeflateDecoder::new(stored.as_slice()).take(most).read_to_end(&mut bytes)?;
            }
        }
        let mut crc = Crc::new();
        crc.update(&bytes);
        if crc.sum() == block.crc && u32::try_from(bytes.len()) == Ok(block.len) {
            Ok(bytes)
        } else {
            Err(damaged())
        }
    }
}

fn block_at(file: &File, at: u64, start: u64) -> io::Result<Block> {
    let mut head = [0; GZIP.len() + 16];
    let read = read_fully(file, &mut head, at);
    let head = head.get(..read).unwrap_or_default();
    let (kind, rest) = if let Some(rest) = head.strip_prefix(&ZSTD) {
        (Kind::Zstd, rest)
    } else if let Some(rest) = head.strip_prefix(&GZIP) {
        (Kind::Gzip, rest)
    } else {
        return Err(damaged());
    };
    let before = u64::try_from(read - rest.len()).unwrap_or_default();
    let number = |place: usize| -> io::Result<u32> {
        let bytes = rest.get(place..place + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_le_bytes).ok_or_else(damaged)
    };
    let (stored, len, crc) = (number(4)?, number(8)?, number(12)?);
    if !rest.starts_with(&MARK) || LONGEST < stored || LONGEST < len || stored == 0 {
        return Err(damaged());
    }
    Ok(Block { kind, at: at + before + 16, stored, start, len, crc })
}

/// What is read where a block of this length cannot be.
fn in_its_place(len: u32) -> Vec<u8> {
    let length = usize::try_from(len).unwrap_or_default();
    let mut line = format!("[eco: {len} bytes of this log are damaged]").into_bytes();
    line.resize(length.saturating_sub(1), b' ');
    line.resize(length, b'\n');
    line
}

fn damaged() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "it is damaged, or was compressed by another program; if so, decompress it again",
    )
}
