//! A process of a run, as the keeper tells it for people to read.

use super::wire::{Malformed, Reader, Writer};

/// So many are told at most.
pub const MAX_MEMBERS: usize = 48;
/// What the system keeps of a name.
const MAX_NAME: usize = 16;

/// A process of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// Its number.
    pub pid: u32,
    /// Whether it is proved to be of this run. If not it is a child of the keeper, so of some run,
    /// but has left session, parent and environment behind; it is never signalled.
    pub proved: bool,
    /// What it calls itself; at most 16 bytes are sent.
    pub name: Vec<u8>,
}

pub(super) fn write(members: &[Member], out: &mut Writer) {
    out.count(members.len().min(MAX_MEMBERS));
    for member in members.iter().take(MAX_MEMBERS) {
        out.u32(member.pid);
        out.u8(u8::from(member.proved));
        out.bytes(member.name.get(..MAX_NAME).unwrap_or(&member.name));
    }
}

pub(super) fn read(from: &mut Reader<'_>) -> Result<Vec<Member>, Malformed> {
    let count = from.count(9)?;
    if MAX_MEMBERS < count {
        return Err(Malformed::Long);
    }
    let member = |from: &mut Reader<'_>| {
        let (pid, proved) = (from.u32()?, from.flag()?);
        Ok(Member { pid, proved, name: from.bytes(MAX_NAME)?.to_vec() })
    };
    (0..count).map(|_| member(from)).collect()
}
