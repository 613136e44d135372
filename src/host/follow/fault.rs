//! Why files cannot be watched, in words a person can act on.

use std::{io, path::PathBuf};

/// Something cannot be watched. Nothing else is affected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchFault {
    /// The user's inotify watches are used up.
    #[error(
        "cannot watch {path}: this user's inotify watches are used up; raise them with \
         `sysctl fs.inotify.max_user_watches=524288`"
    )]
    Watches {
        /// What could not be watched.
        path: PathBuf,
    },
    /// The user's inotify instances are used up.
    #[error(
        "cannot watch files: this user's inotify instances are used up; raise them with \
         `sysctl fs.inotify.max_user_instances=512`"
    )]
    Instances,
    /// There are more directories than eco watches for one app.
    #[error(
        "cannot watch all of {path}: it has more than {limit} directories; name fewer paths under \
         `watch` or ignore some"
    )]
    TooMany {
        /// The app's directory.
        path: PathBuf,
        /// How many are watched.
        limit: usize,
    },
    /// Another answer of the system.
    #[error("cannot watch {path}: {why}")]
    Other {
        /// What could not be watched.
        path: PathBuf,
        /// The system's answer.
        why: String,
    },
}

impl WatchFault {
    /// The fault for `error`, which came from watching `path`.
    pub(in crate::host) fn of(path: PathBuf, error: &notify::Error) -> Self {
        match &error.kind {
            notify::ErrorKind::MaxFilesWatch => Self::Watches { path },
            notify::ErrorKind::Io(source) => Self::of_io(path, source),
            notify::ErrorKind::Generic(_)
            | notify::ErrorKind::PathNotFound
            | notify::ErrorKind::WatchNotFound
            | notify::ErrorKind::InvalidConfig(_) => Self::Other { path, why: error.to_string() },
        }
    }

    fn of_io(path: PathBuf, error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::ENOSPC) => Self::Watches { path },
            Some(libc::EMFILE) => Self::Instances,
            _ => Self::Other { path, why: error.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_up_limits_name_the_setting() {
        let path = PathBuf::from("/srv/shop");
        let watches = notify::Error::new(notify::ErrorKind::MaxFilesWatch);
        let text = WatchFault::of(path.clone(), &watches).to_string();
        assert!(text.contains("/srv/shop") && text.contains("fs.inotify.max_user_watches"));
        let full = notify::Error::io(io::Error::from_raw_os_error(libc::ENOSPC));
        assert_eq!(WatchFault::of(path.clone(), &full), WatchFault::Watches { path: path.clone() });
        let instances = notify::Error::io(io::Error::from_raw_os_error(libc::EMFILE));
        let text = WatchFault::of(path, &instances).to_string();
        assert!(text.contains("fs.inotify.max_user_instances"));
    }
}
