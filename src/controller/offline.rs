//! What can be said without a running controller.

use std::path::{Path, PathBuf};

use super::{
    accept::{self, Asker},
    metrics, preview, surroundings,
};
use crate::{
    api::{ApiError, ApplyRequest, DiffReply, LogFile},
    host::{cgroup::Cgroups, clock, home::Home, store::Store},
    model::{AppKey, AppSpec, Observed, Project, ProjectName},
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
    let own = metrics::accept(None, request, &mut accepted);
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
