//! The file the keeper writes for each run, so that a later keeper can find it again.

use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

use super::{
    ports::Ports,
    record::Record,
    sink::Sink,
    wire::{Malformed, Reader, Writer},
};

/// The first form, without a version and without ports.
const FIRST_MAGIC: u32 = 0x6f63_7231;
const MAGIC: u32 = 0x6f63_7266;
/// Without a control group.
const SECOND_VERSION: u16 = 2;
const VERSION: u16 = 3;
const MAX_PATH: usize = 4096;

/// The content of `runs/<RunId>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordFile {
    /// What the keeper knew when it last wrote it.
    pub record: Record,
    /// The boot it belongs to: pids and times mean nothing in another.
    pub boot_id: Vec<u8>,
    /// Inodes of the pipes that are its stdout and stderr.
    pub pipes: [u64; 2],
    /// Where its output goes.
    pub sink: Sink,
    /// What its cohort shares.
    pub ports: Option<Ports>,
    /// The control group it was started in, if it has one of its own.
    pub cgroup: Option<PathBuf>,
}

impl RecordFile {
    /// The content of the file: what it is, its version, how long the rest is, the rest. It may be
    /// written over a longer one, whose end is then left behind it.
    pub fn encode(&self) -> Vec<u8> {
        let mut rest = Writer::default();
        rest.bytes(&self.boot_id);
        self.pipes.iter().for_each(|inode| rest.u64(*inode));
        self.sink.write(&mut rest);
        self.record.write(&mut rest);
        rest.u8(u8::from(self.ports.is_some()));
        if let Some(ports) = &self.ports {
            ports.write(&mut rest);
        }
        rest.bytes(self.cgroup.as_deref().unwrap_or(Path::new("")).as_os_str().as_bytes());
        let rest = rest.into_bytes();
        let mut out = Writer::default();
        out.u32(MAGIC);
        out.u16(VERSION);
        out.count(rest.len());
        let mut whole = out.into_bytes();
        whole.extend(rest);
        whole
    }

    /// Reads the content of a file, also one of the first form.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader::new(bytes);
        let magic = from.u32()?;
        if magic == FIRST_MAGIC {
            return Self::read_first(&mut from);
        }
        if magic != MAGIC {
            return Err(Malformed::Value);
        }
        let version = from.u16()?;
        if version != VERSION && version != SECOND_VERSION {
            return Err(Malformed::Version(version));
        }
        let length = from.count(1)?;
        Self::read(&mut from.part(length)?, version)
    }

    fn read(from: &mut Reader<'_>, version: u16) -> Result<Self, Malformed> {
        let boot_id = from.bytes(64)?.to_vec();
        let pipes = [from.u64()?, from.u64()?];
        let (sink, record) = (Sink::read(from)?, Record::read(from)?);
        let ports = from.flag()?.then(|| Ports::read(from)).transpose()?;
        let cgroup = match version {
            VERSION => PathBuf::from(OsString::from_vec(from.bytes(MAX_PATH)?.to_vec())),
            _ => PathBuf::new(),
        };
        from.end()?;
        let cgroup = Some(cgroup).filter(|path| path.is_absolute());
        Ok(Self { record, boot_id, pipes, sink, ports, cgroup })
    }

    fn read_first(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let boot_id = from.bytes(64)?.to_vec();
        let pipes = [from.u64()?, from.u64()?];
        let (sink, record) = (Sink::read_first(from)?, Record::read_first(from)?);
        from.end()?;
        Ok(Self { record, boot_id, pipes, sink, ports: None, cgroup: None })
    }
}
