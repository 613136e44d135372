//! The frame every message has: version, kind, sequence number, run; then the fields of its kind.

use super::{
    MAX_MESSAGE, VERSION,
    wire::{Malformed, Reader, Writer},
};

/// What a message says: one enum for each direction of each channel.
pub trait Body: Sized {
    /// The number of its kind.
    fn kind(&self) -> u16;

    /// Whether a message of this kind is read whatever its version: versions are agreed with it.
    fn any_version(kind: u16) -> bool;

    /// Appends its fields.
    fn write(&self, out: &mut Writer);

    /// Takes the fields of a message of this kind.
    fn read(kind: u16, from: &mut Reader<'_>) -> Result<Self, Malformed>;
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<B> {
    /// Of a request: its number, which an answer repeats. Of a record: grows with every change.
    pub seq: u64,
    /// The run it is about; 0 where it is about none.
    pub run: u64,
    /// What it says.
    pub body: B,
}

impl<B: Body> Message<B> {
    /// Its bytes. Fails with [`Malformed::Long`] if they are more than a message may have.
    pub fn encode(&self) -> Result<Vec<u8>, Malformed> {
        let mut out = Writer::default();
        out.u16(VERSION);
        out.u16(self.body.kind());
        out.u32(0);
        out.u64(self.seq);
        out.u64(self.run);
        self.body.write(&mut out);
        let bytes = out.into_bytes();
        if MAX_MESSAGE < bytes.len() { Err(Malformed::Long) } else { Ok(bytes) }
    }

    /// Reads a message.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if MAX_MESSAGE < bytes.len() {
            return Err(Malformed::Long);
        }
        let mut from = Reader::new(bytes);
        let version = from.u16()?;
        let kind = from.u16()?;
        from.u32()?;
        let seq = from.u64()?;
        let run = from.u64()?;
        if version != VERSION && !B::any_version(kind) {
            return Err(Malformed::Version(version));
        }
        let body = B::read(kind, &mut from)?;
        from.end()?;
        Ok(Self { seq, run, body })
    }
}
