//! Where the output of a run goes.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use super::wire::{Malformed, Reader, Writer};

const MAX_DIR: usize = 3072;
/// More than an address of a socket can have.
const MAX_SOCKET: usize = 128;
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

/// When a log file is put aside, and what becomes of those that were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Put aside from so many bytes on; 0 is never.
    pub size: u64,
    /// Put aside once its first byte is so many seconds old; 0 is never.
    pub age: u64,
    /// How many that were put aside are kept, for each stream.
    pub keep: u32,
    /// How those are compressed.
    pub compression: Compression,
    /// The files of all instances of the app together have at most so many bytes; 0 is any number.
    pub max_total: u64,
}

/// What takes a run's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Destination {
    /// The files.
    #[default]
    File,
    /// Nobody: it is read, so that the run never waits, and forgotten.
    Nowhere,
    /// The journal, in its native protocol.
    Journal,
    /// Syslog, as RFC 5424 has it.
    Syslog,
    /// The recorder's own standard output; the files where that is `/dev/null`.
    Output(Form),
}

/// How lines look at the standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Each with the name of its instance before it.
    Text,
    /// The same, with its time too.
    TimedText,
    /// The bytes as they are.
    Raw,
    /// Each as a JSON object.
    Json,
}

/// Whether this process's standard output leads anywhere: it does where eco runs in the foreground.
pub fn has_output() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let of = |path: &str| std::fs::metadata(path).map(|found| found.rdev());
    match (of("/proc/self/fd/1"), of("/dev/null")) {
        (Ok(output), Ok(null)) => output != null,
        (Err(_), _) | (_, Err(_)) => false,
    }
}

impl Destination {
    fn number(self) -> u8 {
        match self {
            Self::File => 0,
            Self::Nowhere => 1,
            Self::Journal => 2,
            Self::Syslog => 3,
            Self::Output(Form::Text) => 4,
            Self::Output(Form::TimedText) => 5,
            Self::Output(Form::Raw) => 6,
            Self::Output(Form::Json) => 7,
        }
    }

    fn from_number(number: u8) -> Result<Self, Malformed> {
        match number {
            0 => Ok(Self::File),
            1 => Ok(Self::Nowhere),
            2 => Ok(Self::Journal),
            3 => Ok(Self::Syslog),
            4 => Ok(Self::Output(Form::Text)),
            5 => Ok(Self::Output(Form::TimedText)),
            6 => Ok(Self::Output(Form::Raw)),
            7 => Ok(Self::Output(Form::Json)),
            8.. => Err(Malformed::Value),
        }
    }
}

/// How rotated files are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// As `zstd` does.
    Zstd,
    /// As `gzip` does.
    Gzip,
}

impl Compression {
    fn number(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Zstd => 1,
            Self::Gzip => 2,
        }
    }

    fn from_number(number: u8) -> Result<Self, Malformed> {
        match number {
            0 => Ok(Self::None),
            1 => Ok(Self::Zstd),
            2 => Ok(Self::Gzip),
            3.. => Err(Malformed::Value),
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
    /// The app: what the names of the files of all its instances start with.
    pub app: OsString,
    /// When files are put aside.
    pub rotation: Rotation,
    /// Whether there are files at all.
    pub to: Destination,
    /// Where a log service listens, if it goes to one.
    pub socket: PathBuf,
    /// The project, for a log service.
    pub project: OsString,
    /// The instance's index, for a log service.
    pub instance: u32,
}

impl Sink {
    /// The log file of a stream.
    pub fn log(&self, stream: Stream) -> PathBuf {
        self.file(stream, "log")
    }

    /// The list beside it of whose bytes follow.
    pub fn runs(&self, stream: Stream) -> PathBuf {
        self.file(stream, "runs")
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
        let Rotation { size, age, keep, compression, max_total } = self.rotation;
        out.u64(size);
        out.u64(age);
        out.u32(keep);
        out.u8(compression.number());
        out.u64(max_total);
        out.bytes(self.dir.as_os_str().as_bytes());
        out.bytes(self.stem.as_bytes());
        out.bytes(self.app.as_bytes());
        out.u8(self.to.number());
        out.bytes(self.socket.as_os_str().as_bytes());
        out.bytes(self.project.as_bytes());
        out.u32(self.instance);
    }

    /// Takes its fields; refuses a directory that is not absolute and a stem that is not a name.
    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let rotation = Rotation {
            size: from.u64()?,
            age: from.u64()?,
            keep: from.u32()?,
            compression: Compression::from_number(from.u8()?)?,
            max_total: from.u64()?,
        };
        let (dir, stem, app) = (from.bytes(MAX_DIR)?, from.bytes(MAX_STEM)?, from.bytes(MAX_STEM)?);
        let to = Destination::from_number(from.u8()?)?;
        let (socket, project) = (from.bytes(MAX_SOCKET)?, from.bytes(MAX_STEM)?);
        Ok(Self {
            rotation,
            to,
            socket: path(socket),
            project: OsStr::from_bytes(project).to_owned(),
            instance: from.u32()?,
            ..Self::of(dir, stem, app)?
        })
    }

    /// Takes the fields it had in the first version: files, of which none was put aside.
    pub(super) fn read_first(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (_format, _size, _keep) = (from.u8()?, from.u64()?, from.u32()?);
        let (dir, stem) = (from.bytes(MAX_DIR)?, from.bytes(MAX_STEM)?);
        Self::of(dir, stem, stem)
    }

    /// Plain files of these names.
    fn of(dir: &[u8], stem: &[u8], app: &[u8]) -> Result<Self, Malformed> {
        let is_name =
            |name: &[u8]| !name.is_empty() && name.iter().all(|byte| !matches!(byte, 0 | b'/'));
        if !dir.starts_with(b"/") || dir.contains(&0) || !is_name(stem) || !is_name(app) {
            return Err(Malformed::Value);
        }
        Ok(Self {
            dir: path(dir),
            stem: OsStr::from_bytes(stem).to_owned(),
            app: OsStr::from_bytes(app).to_owned(),
            ..Self::default()
        })
    }
}

fn path(bytes: &[u8]) -> PathBuf {
    Path::new(OsStr::from_bytes(bytes)).to_owned()
}
