//! The mark that an operator ended eco: it is not to be started again by the way.

use std::{fs, io, path::PathBuf};

use super::home::Home;

fn path(home: &Home) -> PathBuf {
    home.state.join("ended")
}

/// Whether eco was ended by an operator, and if so, whether the apps were left running.
pub fn read(home: &Home) -> Option<bool> {
    fs::read_to_string(path(home)).ok().map(|text| text.trim() == "leave-apps")
}

/// Notes that an operator ends eco.
pub fn set(home: &Home, leave_apps: bool) -> io::Result<()> {
    fs::write(path(home), if leave_apps { "leave-apps\n" } else { "stop-apps\n" })
}

/// An operator starts eco again.
pub fn clear(home: &Home) -> io::Result<()> {
    match fs::remove_file(path(home)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
