//! Where the output of a run goes.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use super::wire::{Malformed, Reader, Writer};

const MAX_DIR: usize = 3072;
/// A file name has at most 255 bytes, and the longest ending needs `.out.log` and a rotation number.
const MAX_STEM: usize = 240;

/// One of the two outputs of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl Stream {
    /// Both, in the order in which their descriptors are sent.
    pub const BOTH: [Self; 2] = [Self::Out, Self::Err];

    /// Its number in messages.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Out => 0,
            Self::Err => 1,
        }
    }

    /// The stream of this number.
    pub(super) fn from_number(number: u8) -> Result<Self, Malformed> {
        match number {
            0 => Ok(Self::Out),
            1 => Ok(Self::Err),
            2.. => Err(Malformed::Value),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Err => "err",
        }
    }
}

/// Where the output of a run goes: `<dir>/<stem>.out.log` and `<dir>/<stem>.err.log`, each with
/// its index beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sink {
    /// Directory of the files, absolute; made when missing.
    pub dir: PathBuf,
    /// What the files' names start with.
    pub stem: OsString,
    /// Form of the log; 0 is raw, the only one yet.
    pub format: u8,
    /// Rotate at this many bytes; 0 is never. Not acted upon yet.
    pub rotate_size: u64,
    /// How many rotated files are kept. Not acted upon yet.
    pub rotate_keep: u32,
}

impl Sink {
    /// The log file of a stream.
    pub fn log(&self, stream: Stream) -> PathBuf {
        self.file(stream, "log")
    }

    /// The index of a stream's log file.
    pub fn index(&self, stream: Stream) -> PathBuf {
        self.file(stream, "idx")
    }

    fn file(&self, stream: Stream, ending: &str) -> PathBuf {
        let mut name = self.stem.clone();
        name.push(format!(".{}.{ending}", stream.word()));
        self.dir.join(name)
    }

    /// Appends its fields.
    pub(super) fn write(&self, out: &mut Writer) {
        out.u8(self.format);
        out.u64(self.rotate_size);
        out.u32(self.rotate_keep);
        out.bytes(self.dir.as_os_str().as_bytes());
        out.bytes(self.stem.as_bytes());
    }

    /// Takes its fields; refuses a directory that is not absolute and a stem that is not a name.
    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (format, rotate_size, rotate_keep) = (from.u8()?, from.u64()?, from.u32()?);
        let dir = from.bytes(MAX_DIR)?;
        let stem = from.bytes(MAX_STEM)?;
        let has_nul = dir.contains(&0) || stem.contains(&0);
        if has_nul || !dir.starts_with(b"/") || stem.is_empty() || stem.contains(&b'/') {
            return Err(Malformed::Value);
        }
        Ok(Self {
            dir: Path::new(OsStr::from_bytes(dir)).to_owned(),
            stem: OsStr::from_bytes(stem).to_owned(),
            format,
            rotate_size,
            rotate_keep,
        })
    }
}
