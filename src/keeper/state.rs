//! Everything a keeper knows, as bytes, for the next program in its place: what is not a descriptor,
//! and the numbers of those that are.

use rustix::process::Rlimit;

use crate::protocol::{Kept, Malformed, Reader, RecordFile, Writer};

const MAGIC: u32 = 0x6f63_6b73;
const VERSION: u16 = 1;
/// A run's file is far shorter.
const LONGEST_FILE: usize = 1 << 16;
/// Where there is no descriptor.
pub(super) const NONE: i32 = -1;

/// One of the keeper's own children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SavedRole {
    pub(super) pid: u32,
    pub(super) channel: i32,
    /// The pidfd of one that is another keeper's child.
    pub(super) foreign: i32,
    pub(super) starts: u32,
}

/// A run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SavedRun {
    pub(super) id: u64,
    pub(super) forgotten: bool,
    /// Which of its pipes the recorder was given.
    pub(super) given: [bool; 2],
    pub(super) file: RecordFile,
    pub(super) descriptors: Vec<(Kept, i32)>,
}

/// A keeper.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SavedKeeper {
    pub(super) open_files: Rlimit,
    pub(super) started_at: u64,
    /// Whether the controller has said hello.
    pub(super) greeted: bool,
    /// Lock, API listener, the controller's log, slate.
    pub(super) own: [i32; 4],
    pub(super) controller: SavedRole,
    pub(super) recorder: SavedRole,
    pub(super) runs: Vec<SavedRun>,
    /// Sockets by their inodes.
    pub(super) sockets: Vec<(u64, i32)>,
}

impl SavedKeeper {
    /// As bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u32(MAGIC);
        out.u16(VERSION);
        for limit in [self.open_files.current, self.open_files.maximum] {
            out.u64(limit.unwrap_or(u64::MAX));
        }
        out.u64(self.started_at);
        out.u8(u8::from(self.greeted));
        for fd in self.own {
            out.i32(fd);
        }
        for role in [self.controller, self.recorder] {
            out.u32(role.pid);
            out.i32(role.channel);
            out.i32(role.foreign);
            out.u32(role.starts);
        }
        out.count(self.runs.len());
        for run in &self.runs {
            out.u64(run.id);
            for flag in [run.forgotten, run.given[0], run.given[1]] {
                out.u8(u8::from(flag));
            }
            out.bytes(&run.file.encode());
            out.count(run.descriptors.len());
            for (kind, fd) in &run.descriptors {
                out.u8(kind.number());
                out.i32(*fd);
            }
        }
        out.count(self.sockets.len());
        for (inode, fd) in &self.sockets {
            out.u64(*inode);
            out.i32(*fd);
        }
        out.into_bytes()
    }

    /// Reads such bytes.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader::new(bytes);
        let from = &mut from;
        if from.u32()? != MAGIC {
            return Err(Malformed::Value);
        }
        let version = from.u16()?;
        if version != VERSION {
            return Err(Malformed::Version(version));
        }
        let limit = |number: u64| (number != u64::MAX).then_some(number);
        let open_files = Rlimit { current: limit(from.u64()?), maximum: limit(from.u64()?) };
        let (started_at, greeted) = (from.u64()?, from.flag()?);
        let own = [from.i32()?, from.i32()?, from.i32()?, from.i32()?];
        let (controller, recorder) = (read_role(from)?, read_role(from)?);
        let runs = from.list(19, read_run)?;
        let sockets = from.list(12, |from| Ok((from.u64()?, from.i32()?)))?;
        from.end()?;
        Ok(Self { open_files, started_at, greeted, own, controller, recorder, runs, sockets })
    }
}

fn read_role(from: &mut Reader<'_>) -> Result<SavedRole, Malformed> {
    Ok(SavedRole {
        pid: from.u32()?,
        channel: from.i32()?,
        foreign: from.i32()?,
        starts: from.u32()?,
    })
}

fn read_run(from: &mut Reader<'_>) -> Result<SavedRun, Malformed> {
    Ok(SavedRun {
        id: from.u64()?,
        forgotten: from.flag()?,
        given: [from.flag()?, from.flag()?],
        file: RecordFile::decode(from.bytes(LONGEST_FILE)?)?,
        descriptors: from.list(5, |from| Ok((Kept::from_number(from.u8()?)?, from.i32()?)))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Record, Sink};

    fn saved() -> SavedKeeper {
        let (dir, stem, app) = ("/srv/logs".into(), "web-0".into(), "web".into());
        let sink = Sink { dir, stem, app, ..Sink::default() };
        let file = RecordFile {
            record: Record { pid: 77, tag: b"{}".to_vec(), ..Record::default() },
            boot_id: b"11111111-2222-4333-8444-555555555555".to_vec(),
            pipes: [1, 2],
            sink,
            ports: None,
            cgroup: None,
        };
        let role = SavedRole { pid: 5, channel: 6, foreign: NONE, starts: 1 };
        let descriptors = vec![(Kept::Process, 20), (Kept::Filter, 21)];
        SavedKeeper {
            open_files: Rlimit { current: Some(1024), maximum: None },
            started_at: 9,
            greeted: true,
            own: [3, 4, 5, 6],
            controller: role,
            recorder: SavedRole { foreign: 9, ..role },
            runs: vec![SavedRun {
                id: 8,
                forgotten: false,
                given: [true, false],
                file,
                descriptors,
            }],
            sockets: vec![(4711, 30)],
        }
    }

    /// Written by the first version that could be upgraded.
    const FIRST: &[u8] = include_bytes!("recorded/state.1");

    #[test]
    fn what_is_saved_can_be_read_and_nothing_else() {
        let bytes = saved().encode();
        assert_eq!(SavedKeeper::decode(&bytes), Ok(saved()));
        for cut in 0..bytes.len() {
            assert!(SavedKeeper::decode(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        assert_eq!(SavedKeeper::decode(FIRST), Ok(saved()));
    }
}
