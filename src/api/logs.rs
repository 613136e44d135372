//! Where the log files of instances lie. The caller reads them itself.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use crate::model::{LogDestination, LogFormat};

/// The log files of the apps that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsReply {
    /// The version of the shape.
    pub schema: u32,
    /// One per instance and stream; a file may not exist yet.
    pub files: Vec<LogFile>,
    /// Apps whose output does not go to files.
    #[serde(default)]
    pub elsewhere: Vec<ElsewhereLogged>,
}

/// An app whose output does not go to files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElsewhereLogged {
    /// Its project.
    pub project: String,
    /// Its name.
    pub app: String,
    /// What takes its output.
    pub to: LogDestination,
}

/// The log of one stream of one instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFile {
    /// `web/0`.
    pub id: String,
    /// Which stream.
    pub stream: Stream,
    /// The raw bytes.
    pub log: PathBuf,
    /// 16-byte records beside it: realtime in ns and offset, both little-endian u64.
    pub index: PathBuf,
    /// How `eco run` prints it.
    #[serde(default)]
    pub format: LogFormat,
    /// Whether `eco run` prints the times of its lines.
    #[serde(default)]
    pub timestamps: bool,
}

/// One of a program's two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}
