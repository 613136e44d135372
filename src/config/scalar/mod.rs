//! Values that are one piece of text in the file, each reading its own: numbers, durations,
//! signals, instance counts, names.

mod cron;
mod duration;
mod flag;
mod instances;
mod names;
mod number;
mod port;
mod probe;
mod process;
mod share;
mod signal;
mod size;
mod socket;
mod text;

use std::{fmt, marker::PhantomData};

use serde::{
    Deserializer,
    de::{Error, Visitor},
};

pub(super) use cron::{CronText, ZoneText};
pub(super) use duration::Span as DurationText;
pub(super) use flag::{Flag, Yes};
pub(super) use instances::Instances;
pub(super) use names::{NAME_PATTERN, ProjectText, Tag};
pub(super) use number::{ExitCode, Factor, Failures, Jitter, Kept, Successes, Version};
pub(super) use port::{AddressText, PortText, ProbePort, Target, TargetText, host_of};
pub(super) use probe::{Pattern, StatusText};
pub(super) use process::{
    AccountText, BoundText, CountText, CpuText, NiceText, OomScoreText, UmaskText,
};
pub(super) use share::ShareText;
pub(super) use signal::SignalText;
pub(super) use size::SizeText;
pub(super) use socket::SocketText;
pub(super) use text::Text;

/// Why a text is not what it should be.
#[derive(Clone, Debug)]
pub(super) struct Complaint {
    /// One sentence, to follow the path of the value.
    pub(super) message: String,
    /// To stand under the value.
    pub(super) label: String,
    /// What to do.
    pub(super) help: Option<String>,
}

impl Complaint {
    pub(super) fn new(message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { message: message.into(), label: label.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The way back from `Display`: serde carries errors of our types as text only.
    pub(super) fn from_text(text: &str) -> Self {
        let mut lines = text.splitn(3, '\n').map(str::to_owned);
        let message = lines.next().unwrap_or_default();
        let label = lines.next().unwrap_or_else(|| "this value".to_owned());
        Self { message, label, help: lines.next() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.message, self.label)?;
        self.help.iter().try_for_each(|help| write!(f, "\n{help}"))
    }
}

/// A type that reads one piece of text.
pub(super) trait Scalar: Sized {
    /// What is needed, as in "a duration is needed, not a list".
    const NOUN: &'static str;

    /// Reads the text as written.
    fn read(text: &str) -> Result<Self, Complaint>;
}

/// `Deserialize` of any [`Scalar`].
fn read_scalar<'de, T: Scalar, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct ScalarVisitor<T>(PhantomData<T>);

    impl<T: Scalar> Visitor<'_> for ScalarVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(T::NOUN)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            T::read(text).map_err(E::custom)
        }
    }

    deserializer.deserialize_str(ScalarVisitor(PhantomData))
}

/// Gives a [`Scalar`] its place in serde and in the schema.
macro_rules! scalar {
    ($type:ty, $name:literal, $schema:tt) => {
        scalar!($type, $name, $schema, true);
    };
    ($type:ty, $name:literal, $schema:tt, $fillable:literal) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                super::read_scalar(deserializer)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }

        impl $crate::config::field::Written for $type {
            const FILLABLE: bool = $fillable;
        }
    };
}
use scalar;

/// Reads a duration that does not come from a file.
pub(super) fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    let DurationText(duration) = DurationText::read(text)
        .map_err(|wrong| format!("{}: {}", wrong.message, wrong.help.unwrap_or(wrong.label)))?;
    Ok(duration)
}

/// Whether a text is a cron expression, without the place it has in a file.
pub(super) fn is_cron(text: &str) -> bool {
    CronText::read(text).is_ok()
}
