//! Compressing parts, in a thread of its own that gives way to others.
//!
//! What is written is described in `host::log_parts::packed`, which reads it: blocks that are compressed
//! each for itself, in a file that `zstd -d` and `gzip -d` read like any other. Nothing is believed:
//! a block that does not become again what it was is stored uncompressed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Read as _, Write},
    os::unix::fs::OpenOptionsExt as _,
    panic,
    sync::mpsc,
    thread,
};

use flate2::{Crc, write::DeflateEncoder};
use ruzstd::{
    decoding::StreamingDecoder,
    encoding::{CompressionLevel, compress_to_vec},
};

use super::parts::Part;
use crate::protocol::Compression;

/// What is compressed for itself.
const BLOCK: u64 = 128 << 10;
const MARK: [u8; 4] = *b"eco1";
const ZSTD: [u8; 8] = [0x50, 0x2a, 0x4d, 0x18, 16, 0, 0, 0];
const GZIP: [u8; 16] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 20, 0, b'E', b'C', 16, 0];
/// A tenth of what a program usually gets. With the lowest priority nothing would ever be compressed
/// on a machine that is always busy.
const LOW_PRIORITY: i32 = 10;

/// The thread, started with the first part.
#[derive(Debug, Default)]
pub(super) struct Packer {
    jobs: Option<mpsc::Sender<(Part, Compression)>>,
}

impl Packer {
    /// Has a part compressed. If that cannot be done it stays as it is.
    pub(super) fn pack(&mut self, part: Part, how: Compression) {
        if how == Compression::None {
            return;
        }
        let Err(mpsc::SendError(job)) = self.send((part, how)) else { return };
        let (jobs, inbox) = mpsc::channel();
        let thread = thread::Builder::new().name("eco-packer".to_owned());
        if thread.spawn(move || run(&inbox)).is_ok() {
            self.jobs = Some(jobs);
            self.send(job).ok();
        }
    }

    fn send(&self, job: (Part, Compression)) -> Result<(), mpsc::SendError<(Part, Compression)>> {
        match &self.jobs {
            Some(jobs) => jobs.send(job),
            None => Err(mpsc::SendError(job)),
        }
    }
}

fn run(jobs: &mpsc::Receiver<(Part, Compression)>) {
    let own = rustix::thread::gettid();
    rustix::process::setpriority_process(Some(own), LOW_PRIORITY).ok();
    while let Ok((part, how)) = jobs.recv() {
        // It is tried again with the next part.
        pack(&part, how).ok();
    }
}

/// Compresses a part, if it is there and is not compressed yet.
pub(super) fn pack(part: &Part, how: Compression) -> io::Result<()> {
    let (new, packed) = match how {
        Compression::None => return Ok(()),
        Compression::Zstd => (".log.zst.new", ".log.zst"),
        Compression::Gzip => (".log.gz.new", ".log.gz"),
    };
    let plain = File::open(part.file(".log"))?;
    let written = write_packed(&plain, &part.file(new), how);
    let done = written.and_then(|()| fs::rename(part.file(new), part.file(packed)));
    if let Err(error) = done {
        fs::remove_file(part.file(new)).ok();
        return Err(error);
    }
    // Somebody may have removed the part meanwhile.
    if fs::remove_file(part.file(".log")).is_err_and(|it| it.kind() == io::ErrorKind::NotFound) {
        part.remove()?;
    }
    Ok(())
}

fn write_packed(mut plain: &File, path: &std::path::Path, how: Compression) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let mut out = BufWriter::new(file);
    let mut block = Vec::new();
    loop {
        block.clear();
        (&mut plain).take(BLOCK).read_to_end(&mut block)?;
        if block.is_empty() {
            break;
        }
        write_block(&mut out, &block, how)?;
    }
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    // Its age decides which part goes first.
    file.set_modified(plain.metadata()?.modified()?)?;
    // The plain one is removed after this.
    file.sync_all()
}

fn write_block(out: &mut impl Write, block: &[u8], how: Compression) -> io::Result<()> {
    let mut crc = Crc::new();
    crc.update(block);
    let (head, stored) = match how {
        Compression::None => return Ok(()),
        Compression::Zstd => (ZSTD.as_slice(), zstd(block)),
        Compression::Gzip => {
            let mut deflate = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
            deflate.write_all(block)?;
            let mut stored = deflate.finish()?;
            stored.extend_from_slice(&crc.sum().to_le_bytes());
            stored.extend_from_slice(&crc.amount().to_le_bytes());
            (GZIP.as_slice(), stored)
        }
    };
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidData);
    out.write_all(head)?;
    out.write_all(&MARK)?;
    out.write_all(&length(&stored)?.to_le_bytes())?;
    out.write_all(&length(block)?.to_le_bytes())?;
    out.write_all(&crc.sum().to_le_bytes())?;
    out.write_all(&stored)
}

fn zstd(block: &[u8]) -> Vec<u8> {
    let packed = panic::catch_unwind(|| {
        let packed = compress_to_vec(block, CompressionLevel::Fastest);
        is_packed(&packed, block).then_some(packed)
    });
    let plain = || compress_to_vec(block, CompressionLevel::Uncompressed);
    packed.ok().flatten().unwrap_or_else(plain)
}

fn is_packed(packed: &[u8], block: &[u8]) -> bool {
    let mut again = Vec::with_capacity(block.len());
    StreamingDecoder::new(packed)
        .is_ok_and(|mut decoder| decoder.read_to_end(&mut again).is_ok() && again == block)
}
