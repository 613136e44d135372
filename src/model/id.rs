//! Names and numbers that identify things: projects, apps, instances, runs, revisions.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("a name cannot be empty")]
    Empty,
    /// Over 63 characters.
    #[error("a name has at most 63 characters")]
    TooLong,
    /// The first character is not a letter, digit or underscore.
    #[error("a name starts with a letter, a digit or `_`, not `{0}`")]
    BadStart(char),
    /// A later character is not allowed.
    #[error("a name has only letters, digits, `_`, `-` and `.`, not `{0}`")]
    BadChar(char),
    /// An app name of digits only would look like an index.
    #[error("an app's name cannot be digits only")]
    AllDigits,
}

const MAX_NAME: usize = 63;

fn check_name(text: &str) -> Result<(), NameError> {
    let Some(first) = text.chars().next() else { return Err(NameError::Empty) };
    if !(first.is_ascii_alphanumeric() || first == '_') {
        return Err(NameError::BadStart(first));
    }
    if let Some(bad) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || "_-.".contains(*c))) {
        return Err(NameError::BadChar(bad));
    }
    if MAX_NAME < text.len() { Err(NameError::TooLong) } else { Ok(()) }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $pattern:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text of the name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                check_name(text)?;
                let check: fn(&str) -> Result<(), NameError> = $check;
                check(text)?;
                Ok(Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "maxLength": MAX_NAME })
            }
        }
    };
}

name_type! {
    /// Name of a project: what one ecosystem file describes.
    ProjectName, "^[A-Za-z0-9_][A-Za-z0-9._-]*$", |_| Ok(())
}

name_type! {
    /// Name of an app within its project.
    AppName, "^(?![0-9]+$)[A-Za-z0-9_][A-Za-z0-9._-]*$", |text| {
        if text.bytes().all(|b| b.is_ascii_digit()) { Err(NameError::AllDigits) } else { Ok(()) }
    }
}

impl ProjectName {
    /// Makes a name of a directory's name: characters a name cannot have become `-`.
    pub fn from_directory(name: &str) -> Self {
        let mut text: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '-' })
            .take(MAX_NAME)
            .collect();
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            text.insert(0, '_');
            text.truncate(MAX_NAME);
        }
        Self(text.into())
    }
}

/// An app of a project: the unit that is planned at once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AppKey {
    /// The project.
    pub project: ProjectName,
    /// The app within it.
    pub app: AppName,
}

impl AppKey {
    /// Instance `index` of this app.
    pub fn instance(&self, index: u32) -> InstanceId {
        InstanceId { key: self.clone(), index }
    }
}

impl fmt::Display for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.project, self.app)
    }
}

/// A stable slot of an app: `0…n−1`. Its env, log names and history follow it across runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InstanceId {
    /// The app.
    pub key: AppKey,
    /// The index within the app, dense from 0.
    pub index: u32,
}

impl InstanceId {
    /// `web/0`: how the instance is written within one project.
    pub fn short(&self) -> String {
        format!("{}/{}", self.key.app, self.index)
    }
}

impl fmt::Display for InstanceId {
    /// `shop:web/0`: how the instance is written across projects.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.key.project, self.key.app, self.index)
    }
}

/// One incarnation of an instance. Never reused, unlike a pid.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct RunId(pub u64);

/// Counts the accepted changes of a project: applies, restarts, overrides.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl Generation {
    /// The generation after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The set of runs of an app that share listening sockets: those of one revision since the same
/// restart, or of these only those of one instance. It is derived from these, so nobody has to
/// remember it; but what was replaced for its memory gave its successors another one, and that is
/// known by the runs that have it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Cohort(pub u64);

impl Cohort {
    /// The cohort of no run: nothing is shared.
    pub const NONE: Self = Self(0);

    /// The cohort of the runs of `key` with this revision that are not older than `fresh_from`.
    pub fn of(key: &AppKey, revision: Revision, fresh_from: Generation) -> Self {
        Self(mix(&[key.group().0, revision.0, fresh_from.0]).max(1))
    }

    /// The cohort of the run that takes the place of `run`, which is of this one and goes on meanwhile.
    #[must_use]
    pub fn in_place_of(self, run: RunId) -> Self {
        Self(mix(&[self.0, run.0, u64::MAX]).max(1))
    }

    /// Of these, the cohort of one instance.
    #[must_use]
    pub fn of_instance(self, index: u32) -> Self {
        Self(mix(&[self.0, u64::from(index)]).max(1))
    }
}

/// The set of an app's cohorts: their sockets stand side by side at the same ports.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct CohortGroup(pub u64);

impl AppKey {
    /// The group of this app's cohorts.
    pub fn group(&self) -> CohortGroup {
        let name = |text: &str| {
            text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            })
        };
        CohortGroup(mix(&[name(self.project.as_str()), name(self.app.as_str())]).max(1))
    }
}

/// Mixes numbers into one that differs for different ones; the finishing steps of splitmix64.
fn mix(numbers: &[u64]) -> u64 {
    numbers.iter().fold(0x9e37_79b9_7f4a_7c15, |mixed: u64, number| {
        let hash = mixed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ number;
        let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    })
}

/// Hash of what needs a replacement to take effect. Scaling changes no revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012x}", self.0 >> 16)
    }
}

impl Serialize for Revision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{:016x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Revision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(de::Error::custom)
    }
}

/// What the keeper carries for the controller with each run: who it is.
///
/// Written as JSON; it has to fit in the 512 bytes the keeper gives a tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTag {
    /// The instance this run is an incarnation of.
    pub id: InstanceId,
    /// The revision it was started with.
    pub revision: Revision,
    /// The generation in which it was started.
    pub generation: Generation,
    /// Set for a command: the run it asks about, or stops. Then this is no incarnation of the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_of: Option<RunId>,
    /// Whether it stops that run instead of asking about it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stops: bool,
    /// Set for a command that tells of alerts: the number of its message. It belongs to no run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<u64>,
    /// Where the run's part of its log files begins, out and err, if its readiness is told there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_from: Option<[u64; 2]>,
    /// Within how many microseconds the run was told to say that it lives, again and again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watchdog_us: Option<u64>,
}

impl RunTag {
    /// The tag of an incarnation of an instance.
    pub fn new(id: InstanceId, revision: Revision, generation: Generation) -> Self {
        Self {
            id,
            revision,
            generation,
            probe_of: None,
            stops: false,
            alert: None,
            log_from: None,
            watchdog_us: None,
        }
    }
}
