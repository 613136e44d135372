//! What can be said without a running controller.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    accept::{self, Accepted, Asker},
    going_back,
    own_keys::{self, OwnKeys},
    preview, surroundings,
};
use crate::{
    api::{ApiError, ApplyRequest, ChangeReply, DiffReply, LogFile},
    host::{
        cgroup::Cgroups,
        clock,
        home::Home,
        store::{Store, StoredProject},
    },
    model::{AppKey, AppSpec, Generation, Observed, Project, ProjectName},
};

/// A project as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its name.
    pub name: ProjectName,
    /// The directory it is bound to.
    pub dir: PathBuf,
    /// The profile of its last apply.
    pub profile: Option<String>,
    /// Its apps.
    pub apps: Vec<String>,
    /// The log files of its apps.
    pub logs: Vec<LogFile>,
}

/// The stored projects.
pub fn recorded(home: &Home) -> Vec<Recorded> {
    if !Path::new(&home.state).exists() {
        return Vec::new();
    }
    let (_, stored, _) = Store::open(home);
    stored
        .into_iter()
        .map(|found| {
            let apps = found.project.apps.iter();
            let logging = apps.filter(|(_, app)| app.spec.logs.to.has_files());
            let logs = logging.flat_map(|(app_name, app)| {
                let key = AppKey { project: found.name.clone(), app: app_name.clone() };
                super::report::log_files(home, &key, app)
            });
            Recorded {
                logs: logs.collect(),
                apps: found.project.apps.keys().map(ToString::to_string).collect(),
                name: found.name,
                dir: found.dir,
                profile: found.profile,
            }
        })
        .collect()
}

/// The generations of a project that can be gone back to, the latest last.
pub fn generations(home: &Home, project: &ProjectName) -> Vec<u64> {
    if !Path::new(&home.state).exists() {
        return Vec::new();
    }
    let (store, ..) = Store::open(home);
    store.history(project).into_iter().map(|found| found.generation.0).collect()
}

/// What an apply would do on a machine where nothing runs.
///
/// # Errors
/// The request names an app that is not in the file.
pub fn preview_alone(request: &ApplyRequest) -> Result<DiffReply, ApiError> {
    let present = Project::default();
    let mut accepted = accept::accept(&present, request, Asker::Operator)?;
    let own = own_keys::accept(None, request, &mut accepted);
    let view = (request.show_values, clock::now());
    let observed = Observed::default();
    let mut plan = preview::preview(&request.name, &present, &accepted, &observed, view);
    plan.changes.splice(..0, own);
    if let Ok(home) = Home::find() {
        let cgroups = Cgroups::look(&home);
        let unkept = |spec: &AppSpec| cgroups.unkept(&spec.process);
        plan.notes.extend(surroundings::notes(&accepted, unkept));
    }
    Ok(plan)
}

/// What a file changes of what another said, or the same one at another time, with nothing running.
///
/// # Errors
/// One of them is refused.
pub fn compare_files(
    before: Option<&ApplyRequest>,
    after: &ApplyRequest,
) -> Result<DiffReply, ApiError> {
    let mut present = Project::default();
    if let Some(before) = before {
        present = accept::accept(&present, before, Asker::Operator)?.project;
    }
    let accepted = accept::accept(&present, after, Asker::Operator)?;
    let own = before.map(OwnKeys::from).unwrap_or_default().changes(&after.into());
    Ok(compared((&after.name, after.show_values), &present, &accepted, own))
}

/// What an accepted state is compared with.
#[derive(Clone, Copy, Debug)]
pub enum Other<'a> {
    /// Another one.
    Generation(u64),
    /// What a file says.
    File(&'a ApplyRequest),
}

/// What became of an accepted state, or would: read from what is stored.
///
/// # Errors
/// There is no such state, or the file is refused.
pub fn compare_generations(
    home: &Home,
    (name, show_values): (&ProjectName, bool),
    from: u64,
    to: Other<'_>,
) -> Result<DiffReply, ApiError> {
    let from = stored(home, name, from)?;
    let present = &from.project;
    let (accepted, after) = match to {
        Other::Generation(to) => {
            let to = stored(home, name, to)?;
            let scope: BTreeSet<_> =
                present.apps.keys().chain(to.project.apps.keys()).cloned().collect();
            let after = OwnKeys::from(&to);
            (going_back::compared(present, to.project, scope), after)
        }
        Other::File(request) => {
            (accept::accept(present, request, Asker::Operator)?, OwnKeys::from(request))
        }
    };
    let own = OwnKeys::from(&from).changes(&after);
    Ok(compared((name, show_values), present, &accepted, own))
}

fn compared(
    (name, show_values): (&ProjectName, bool),
    present: &Project,
    accepted: &Accepted,
    own: Vec<ChangeReply>,
) -> DiffReply {
    let nothing = Observed::default();
    let view = (show_values, clock::now());
    let mut reply = preview::preview(name, present, accepted, &nothing, view);
    // What would have to be done depends on what runs, which is not looked at.
    reply.actions.clear();
    reply.changes.splice(..0, own);
    reply
}

fn stored(home: &Home, name: &ProjectName, generation: u64) -> Result<StoredProject, ApiError> {
    let (store, _, _) = Store::open(home);
    let generation = Generation(generation);
    store.revision(name, generation).map_err(|error| {
        let kept = store.generations(name);
        if kept.is_empty() {
            return ApiError::input(
                "no_project",
                format!("nothing is stored of a project `{name}`"),
            )
            .help("`eco apply` stores what it accepts; see `eco history`");
        }
        going_back::no_generation(name, generation, &kept, &error.to_string())
    })
}
