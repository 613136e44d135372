//! What a Node program is started with that is to say when it is ready, to hear that it is to end, or
//! to end its requests first.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::ffi::OsStrExt as _,
};

use serde_json::json;

use super::environment::Program;
use crate::{
    host::{home::Home, node},
    model::AppSpec,
    protocol,
};

const OPTIONS: &str = "NODE_OPTIONS";
/// What is wanted of the program, for what is loaded into it.
const WANTED: &str = "ECO_NODE";

/// Puts it into the environment of an instance; takes away what came from an eco around this one.
///
/// # Errors
/// What is to be loaded cannot be written where the program finds it.
pub(super) fn put_in(program: &mut Program, spec: &AppSpec, home: &Home) -> io::Result<()> {
    for name in [WANTED, protocol::NOTIFY_FD_VARIABLE] {
        program.env.retain(|(known, _)| known != name);
    }
    let message = spec.ready.probe.message();
    if message.is_none() && spec.stop.message.is_none() && !spec.stop.close {
        return Ok(());
    }
    let preload = node::preload(home)?;
    let known = program.env.iter().find(|(name, _)| name == OPTIONS);
    let others = known.map_or(OsStr::new(""), |(_, value)| value);
    let options = node::options(&preload, others.as_bytes());
    let wanted =
        json!({ "ready": message, "shutdown": spec.stop.message, "close": spec.stop.close });
    set(program, OPTIONS, options);
    set(program, WANTED, wanted.to_string().into());
    if message.is_some() {
        set(program, protocol::NOTIFY_FD_VARIABLE, protocol::NOTIFY_FD.to_string().into());
    }
    Ok(())
}

fn set(program: &mut Program, name: &str, value: OsString) {
    program.env.retain(|(known, _)| known != name);
    program.env.push((name.into(), value));
}
