//! Where the log files of instances lie. The caller reads them itself.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::model::{LogDestination, LogFormat};

/// The log files of the apps that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ElsewhereLogged {
    /// Its project.
    pub project: String,
    /// Its name.
    pub app: String,
    /// What takes its output.
    pub to: LogDestination,
}

/// The log of one stream of one instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// A line that an app has printed, as `eco logs --json` and the stream of logs write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    /// The version of the shape.
    pub schema: u32,
    /// When it was written.
    pub time: String,
    /// `web/0`.
    pub id: String,
    /// The app.
    pub app: String,
    /// The instance's index.
    pub instance: Option<u32>,
    /// Which output.
    pub stream: Stream,
    /// Whether some of its bytes are no text; they stand as replacement characters.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lossy: bool,
    /// Whether it has no end yet, or is a piece of a very long line.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// What was printed, without the line's end.
    pub line: String,
}

/// One of a program's two outputs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}
