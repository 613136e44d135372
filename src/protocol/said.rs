//! What an agent inside a process of a run says, as it came.

use super::wire::{Malformed, Reader, Writer};

/// The longest message of an agent, in bytes.
pub const MAX_SAID: usize = 4000;

/// A message of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The process.
    pub pid: u32,
    /// Its message, at most [`MAX_SAID`] bytes.
    pub bytes: Vec<u8>,
}

impl Said {
    pub(super) fn write(&self, out: &mut Writer) {
        out.u32(self.pid);
        out.bytes(&self.bytes);
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { pid: from.u32()?, bytes: from.bytes(MAX_SAID)?.to_vec() })
    }
}
