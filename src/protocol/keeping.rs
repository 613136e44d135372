//! What the recorder holds for the keeper besides pipes: descriptors that cannot be made again.

use super::{
    MAX_DESCRIPTORS,
    sink::Stream,
    wire::{Malformed, Reader, Writer},
};

/// Whose descriptors they are; a number beside it says which one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    /// The keeper's own; the number is 0.
    Keeper,
    /// A run's; the number is its id.
    Run,
    /// One that stands for itself: a listening socket; the number is its inode.
    Socket,
}

/// What a descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// The pidfd of a run's first process.
    Process,
    /// The keeper's end of the socket on which a launch succeeds or fails.
    Status,
    /// Of seccomp: where the calls of a run wait for answers.
    Filter,
    /// The datagram socket on which a run tells about itself.
    Notify,
    /// The read end of a run's pipe.
    Pipe(Stream),
    /// A listening socket, or one bound to listen.
    Socket,
    /// The memory in which the keeper notes what it shares.
    Slate,
}

impl Of {
    fn number(self) -> u8 {
        match self {
            Self::Keeper => 0,
            Self::Run => 1,
            Self::Socket => 2,
        }
    }

    fn from_number(number: u8) -> Result<Self, Malformed> {
        match number {
            0 => Ok(Self::Keeper),
            1 => Ok(Self::Run),
            2 => Ok(Self::Socket),
            3.. => Err(Malformed::Value),
        }
    }
}

impl Kept {
    /// Its number in messages.
    pub fn number(self) -> u8 {
        match self {
            Self::Process => 0,
            Self::Status => 1,
            Self::Filter => 2,
            Self::Notify => 3,
            Self::Pipe(Stream::Out) => 4,
            Self::Pipe(Stream::Err) => 5,
            Self::Socket => 6,
            Self::Slate => 7,
        }
    }

    /// What has this number.
    pub fn from_number(number: u8) -> Result<Self, Malformed> {
        match number {
            0 => Ok(Self::Process),
            1 => Ok(Self::Status),
            2 => Ok(Self::Filter),
            3 => Ok(Self::Notify),
            4 => Ok(Self::Pipe(Stream::Out)),
            5 => Ok(Self::Pipe(Stream::Err)),
            6 => Ok(Self::Socket),
            7 => Ok(Self::Slate),
            8.. => Err(Malformed::Value),
        }
    }
}

/// Appends whose descriptors come along and what they are, in their order.
pub(super) fn write(out: &mut Writer, of: Of, kinds: &[Kept]) {
    out.u8(of.number());
    out.count(kinds.len());
    for kind in kinds {
        out.u8(kind.number());
    }
}

/// Takes the same.
pub(super) fn read(from: &mut Reader<'_>) -> Result<(Of, Vec<Kept>), Malformed> {
    let of = Of::from_number(from.u8()?)?;
    let count = from.count(1)?;
    if MAX_DESCRIPTORS < count {
        return Err(Malformed::Long);
    }
    let kinds = (0..count).map(|_| Kept::from_number(from.u8()?));
    Ok((of, kinds.collect::<Result<_, Malformed>>()?))
}
