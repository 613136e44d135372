//! Alerts that are not quiet, so that the next controller neither tells of them twice nor forgets to
//! say that they are over.

use std::{collections::BTreeMap, fs, io, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::atomic;
use crate::{
    host::home::Home,
    model::{AlertPhase, AppKey},
};

/// What is known of alerts, as it lies on disk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredAlerts {
    /// Version of this format.
    pub schema: u32,
    /// The boot in which the times are times.
    pub boot: String,
    /// The number of the next message to a receiver.
    pub next: u64,
    /// Those that are not quiet, or of which somebody is still to be told.
    pub alerts: Vec<StoredAlert>,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredAlert {
    /// Its app.
    pub key: AppKey,
    /// As in the file.
    pub words: String,
    /// How it stands.
    pub phase: AlertPhase,
    /// Since when its condition has held, for people: RFC 3339, UTC.
    pub since: String,
    /// Who is still to be told, and of what.
    #[serde(default)]
    pub owed: BTreeMap<String, OwedAlert>,
    /// Why telling somebody has failed.
    #[serde(default)]
    pub error: Option<String>,
}

/// What a receiver is still to be told of an alert: the newest only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwedAlert {
    /// Whether that it is over.
    pub resolved: bool,
    /// Since when its condition had held.
    pub since: String,
    /// What was seen, in words.
    pub message: String,
    /// The value seen, in the unit of the metric.
    pub value: Option<f64>,
    /// So often it has failed.
    pub tries: u32,
    /// The number of the message that is on its way.
    pub sent_as: Option<u64>,
}

impl StoredAlerts {
    /// The version this one writes.
    const SCHEMA: u32 = 1;

    fn path(home: &Home) -> PathBuf {
        home.state.join("alerts.json")
    }

    /// Reads what an earlier controller has kept; the default if there is nothing or it cannot be
    /// read. Of an earlier boot only what has to be told is left, and that alerts fire.
    pub fn read(home: &Home) -> Self {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let boot = boot.trim().to_owned();
        let stored = fs::read(Self::path(home)).ok();
        let stored = stored.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        let mut stored = stored.unwrap_or_default();
        if stored.boot != boot {
            for alert in &mut stored.alerts {
                alert.phase = match alert.phase {
                    AlertPhase::Quiet | AlertPhase::Pending { .. } => AlertPhase::Quiet,
                    AlertPhase::Firing { .. } => {
                        AlertPhase::Firing { since: crate::model::Time::default(), over: None }
                    }
                };
            }
        }
        Self { schema: Self::SCHEMA, boot, ..stored }
    }

    /// Keeps it for the next controller. Not synced: at worst a power cut lets something be told
    /// twice.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, home: &Home) -> io::Result<()> {
        let path = Self::path(home);
        if self.alerts.is_empty() && !path.exists() {
            return Ok(());
        }
        atomic::replace_unsynced(&path, &serde_json::to_vec(self)?)
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, time::Duration};

    use super::*;
    use crate::model::Time;

    #[test]
    fn what_fires_is_kept_over_a_boot_and_what_is_pending_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path()).unwrap();
        home.create().unwrap();
        let mut kept = StoredAlerts::read(&home);
        let since = Time(Duration::from_secs(7));
        let key = AppKey { project: "shop".parse().unwrap(), app: "web".parse().unwrap() };
        let alert = |words: &str, phase| StoredAlert {
            key: key.clone(),
            words: words.to_owned(),
            phase,
            since: String::new(),
            owed: BTreeMap::new(),
            error: None,
        };
        kept.alerts = vec![
            alert("down", AlertPhase::Firing { since, over: Some(since) }),
            alert("degraded", AlertPhase::Pending { since }),
        ];
        kept.write(&home).unwrap();
        assert_eq!(StoredAlerts::read(&home), kept);
        let mode = fs::metadata(StoredAlerts::path(&home)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        StoredAlerts { boot: "another".to_owned(), ..kept }.write(&home).unwrap();
        let phases: Vec<_> =
            StoredAlerts::read(&home).alerts.into_iter().map(|it| it.phase).collect();
        let firing = AlertPhase::Firing { since: Time::default(), over: None };
        assert_eq!(phases, [firing, AlertPhase::Quiet]);
        fs::write(StoredAlerts::path(&home), b"{").unwrap();
        assert!(StoredAlerts::read(&home).alerts.is_empty());
    }
}
