//! The file the keeper writes for each run, so that a later keeper can find it again.

use super::{
    record::Record,
    sink::Sink,
    wire::{Malformed, Reader, Writer},
};

const MAGIC: u32 = 0x6f63_7231;

/// The content of `runs/<RunId>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordFile {
    /// What the keeper knew when it last wrote it: at the start and at the exit.
    pub record: Record,
    /// The boot it belongs to: pids and times mean nothing in another.
    pub boot_id: Vec<u8>,
    /// Inodes of the pipes that are its stdout and stderr.
    pub pipes: [u64; 2],
    /// Where its output goes.
    pub sink: Sink,
}

impl RecordFile {
    /// The content of the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u32(MAGIC);
        out.bytes(&self.boot_id);
        self.pipes.iter().for_each(|inode| out.u64(*inode));
        self.sink.write(&mut out);
        self.record.write(&mut out);
        out.into_bytes()
    }

    /// Reads the content of a file.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader::new(bytes);
        if from.u32()? != MAGIC {
            return Err(Malformed::Value);
        }
        let boot_id = from.bytes(64)?.to_vec();
        let pipes = [from.u64()?, from.u64()?];
        let sink = Sink::read(&mut from)?;
        let record = Record::read(&mut from)?;
        from.end()?;
        Ok(Self { record, boot_id, pipes, sink })
    }
}
