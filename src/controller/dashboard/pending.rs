//! What an edit of a project's file would do: the file is read aside from the loop, as when it is
//! followed, and then planned for as `eco diff` does.

use super::super::{
    calls::{Answer, Internal, LoadFault},
    following,
    state::State,
};
use crate::{
    api::{ApiError, DiffReply},
    config, import,
    model::ProjectName,
};

/// A file that was read for somebody who wants to know what it would do.
#[derive(Debug)]
pub(in crate::controller) struct Pending {
    project: ProjectName,
    result: Result<config::Loaded, LoadFault>,
    to: Answer<DiffReply>,
}

impl State {
    /// Reads a project's file to tell what it would do.
    pub(in crate::controller) fn read_pending(&self, name: ProjectName, to: Answer<DiffReply>) {
        let Some(meta) = self.metas.get(&name) else {
            let error = ApiError::input("unknown_project", format!("there is no project `{name}`"));
            drop(to.send(Err(error)));
            return;
        };
        let (file, profile, env) =
            (meta.file.clone(), meta.profile.clone(), meta.source_env.clone());
        let options = import::Options { lenient: meta.lenient };
        let (internal, home) = (self.internal.clone(), self.home.clone());
        tokio::task::spawn_blocking(move || {
            let result = following::load(&file, profile.as_deref(), &env, options, &home);
            let pending = Box::new(Pending { project: name, result, to });
            // The loop may be gone; then nobody needs the result.
            let _ignored = internal.send(Internal::Pending(pending));
        });
    }

    /// Tells it.
    pub(in crate::controller) fn tell_pending(&self, pending: Pending) {
        let Pending { project, result, to } = pending;
        let answer = match result {
            Ok(loaded) if loaded.name == project => self.diff(&following::request_of(&loaded)),
            Ok(loaded) => {
                let text = format!("the file says `name: {}`, not `{project}`", loaded.name);
                Err(ApiError::refused("other_name", text))
            }
            Err(LoadFault::Missing(text) | LoadFault::Key(text)) => {
                Err(ApiError::refused("file", text))
            }
            Err(LoadFault::Faults(faults)) => Err(ApiError::refused("file", faults.one_line())
                .help("see `eco validate`, which shows each place")),
        };
        // Who went away needs no answer.
        drop(to.send(answer));
    }
}
