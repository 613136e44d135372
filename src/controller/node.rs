//! What a Node program is started with that is to say when it is ready, to hear that it is to end, to
//! end its requests first, or to be measured.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::ffi::OsStrExt as _,
    path::Path,
};

use serde_json::json;

use super::environment::Program;
use crate::{
    host::{home::Home, node},
    model::{AppSpec, Observe},
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
    let observed = match spec.observe {
        Observe::Off => false,
        Observe::Node => true,
    };
    let asked = message.is_some() || spec.stop.message.is_some() || spec.stop.close;
    if !asked && !observed {
        return Ok(());
    }
    if observed {
        load(program, &node::agent(home)?);
    }
    if asked {
        load(program, &node::preload(home)?);
    }
    let mut wanted =
        json!({ "ready": message, "shutdown": spec.stop.message, "close": spec.stop.close });
    if let Some(wanted) = wanted.as_object_mut().filter(|_| observed) {
        wanted.insert("observe".to_owned(), true.into());
    }
    set(program, WANTED, wanted.to_string().into());
    if message.is_some() || observed {
        set(program, protocol::NOTIFY_FD_VARIABLE, protocol::NOTIFY_FD.to_string().into());
    }
    Ok(())
}

/// Has a file loaded before all others.
fn load(program: &mut Program, file: &Path) {
    let known = program.env.iter().find(|(name, _)| name == OPTIONS);
    let others = known.map_or(OsStr::new(""), |(_, value)| value);
    let options = node::options(file, others.as_bytes());
    set(program, OPTIONS, options);
}

fn set(program: &mut Program, name: &str, value: OsString) {
    program.env.retain(|(known, _)| known != name);
    program.env.push((name.into(), value));
}
