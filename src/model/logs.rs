//! What becomes of an app's output: `logs`.

use std::{path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `logs:`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogPolicy {
    /// Directory of the log files, absolute; `None` is the project's own under the home.
    pub dir: Option<PathBuf>,
    /// When a file is put aside and another one begun; `None` is never.
    #[serde(default = "LogPolicy::default_rotation")]
    pub rotate: Option<LogRotation>,
    /// How files that were put aside are compressed.
    #[serde(default)]
    pub compress: LogCompression,
    /// All log files of the app together have at most so many bytes; `None` is any number.
    #[serde(default)]
    pub max_total: Option<u64>,
    /// What takes the output.
    #[serde(default)]
    pub to: LogDestination,
    /// How it is printed, by `eco run` and to a standard output.
    #[serde(default)]
    pub format: LogFormat,
    /// Whether `eco run` prints the time of each line.
    #[serde(default)]
    pub timestamps: bool,
}

/// What takes an app's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogDestination {
    /// Files.
    #[default]
    File,
    /// Nobody: it is forgotten.
    None,
    /// The journal of systemd.
    Journald,
    /// Syslog.
    Syslog,
    /// The standard output of an eco in the foreground; the files where it has none.
    Stdout,
}

/// How output is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// Each line with the name of its instance before it.
    #[default]
    Text,
    /// The bytes as they are.
    Raw,
    /// Each line as a JSON object.
    Json,
}

impl LogDestination {
    /// Whether an eco without a standard output writes files.
    pub fn has_files(self) -> bool {
        match self {
            Self::File | Self::Stdout => true,
            Self::None | Self::Journald | Self::Syslog => false,
        }
    }

    /// Its word in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::None => "none",
            Self::Journald => "journald",
            Self::Syslog => "syslog",
            Self::Stdout => "stdout",
        }
    }
}

impl LogFormat {
    /// Its word in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Raw => "raw",
            Self::Json => "json",
        }
    }
}

/// When a log file is put aside, and how many of those are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogRotation {
    /// From so many bytes on.
    pub size: u64,
    /// Once its first line is so old; `None` is at any age.
    #[serde(default)]
    pub age: Option<Duration>,
    /// So many, for each stream of each instance.
    pub keep: u32,
}

/// How log files are compressed that were put aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogCompression {
    /// Not at all.
    #[default]
    None,
    /// As by `zstd`.
    Zstd,
    /// As by `gzip`.
    Gzip,
}

impl LogPolicy {
    /// The `rotate` of an app that says nothing about it.
    pub fn default_rotation() -> Option<LogRotation> {
        Some(LogRotation::default())
    }
}

impl Default for LogPolicy {
    fn default() -> Self {
        Self {
            dir: None,
            rotate: Self::default_rotation(),
            compress: LogCompression::None,
            max_total: None,
            to: LogDestination::File,
            format: LogFormat::Text,
            timestamps: false,
        }
    }
}

impl Default for LogRotation {
    /// Keeps the last 100 MiB of each stream at least, and 120 MiB at most.
    fn default() -> Self {
        Self { size: 20 << 20, age: None, keep: 5 }
    }
}
