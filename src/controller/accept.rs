//! From a file's apps to the project's next desired state: what an apply, explicit or by
//! following, makes of the present one. Pure: nothing is stored or touched here.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    api::{ApiError, ApplyRequest},
    model::{App, AppName, AppSpec, Change, Generation, MOST_INSTANCES, Project},
    reconcile,
};

/// Who asks for a new desired state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// `eco apply`: clears the overrides of the apps in scope.
    Operator,
    /// A followed file: leaves overrides alone.
    File,
}

/// The next desired state of a project, and how it differs from the present one.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    /// The next state; its generation is counted up only if something changed.
    pub(super) project: Project,
    /// Field by field.
    pub(super) changes: Vec<Change>,
    /// The apps that were asked about, present ones that go away included.
    pub(super) scope: BTreeSet<AppName>,
    /// Whether it differs at all from what is stored.
    pub(super) changed: bool,
}

/// Makes the next desired state of a project of what a file says.
pub(super) fn accept(
    present: &Project,
    request: &ApplyRequest,
    asker: Asker,
) -> Result<Accepted, ApiError> {
    check_only(present, request)?;
    request.apps.values().try_for_each(|spec| check_count(spec.instances))?;
    let in_scope = |name: &AppName| request.only.is_empty() || request.only.contains(name);
    let mut apps = BTreeMap::new();
    let mut scope = BTreeSet::new();
    for (name, spec) in request.apps.iter().filter(|(name, _)| in_scope(name)) {
        let next = present.generation.next();
        let app = next_app(present.apps.get(name), spec, (request.refresh_env, next), asker);
        scope.insert(name.clone());
        apps.insert(name.clone(), app);
    }
    for (name, app) in &present.apps {
        if apps.contains_key(name) {
            continue;
        }
        let mut app = app.clone();
        if in_scope(name) && (request.prune || !request.only.is_empty()) {
            app.removed = true;
            scope.insert(name.clone());
        }
        apps.insert(name.clone(), app);
    }
    let mut project = Project { generation: present.generation, apps };
    restart_dependents(present, &mut project, &scope);
    let apps = project.apps;
    let changes = reconcile::diff(&visible(&present.apps), &visible(&apps));
    let differs = apps != present.apps;
    let generation = if differs { present.generation.next() } else { present.generation };
    Ok(Accepted { project: Project { generation, apps }, changes, scope, changed: differs })
}

/// Restarts those apps in scope that say so of one that is another one now.
fn restart_dependents(present: &Project, project: &mut Project, scope: &BTreeSet<AppName>) {
    let other = |name: &&AppName| {
        let revision = |from: &Project| from.apps.get(*name).map(|app| app.revision);
        revision(present).is_some_and(|before| revision(project).is_some_and(|now| before != now))
    };
    let roots: BTreeSet<AppName> = scope.iter().filter(other).cloned().collect();
    let next = present.generation.next();
    for name in reconcile::restarted_with(project, &roots).intersection(scope) {
        // One that is new comes after it anyway.
        if let (Some(app), true) = (project.apps.get_mut(name), present.apps.contains_key(name)) {
            app.begin_change(next);
            app.restart_after = next;
        }
    }
}

/// Apps that are not on their way out: what a person thinks of as the project's apps.
pub(super) fn visible(apps: &BTreeMap<AppName, App>) -> BTreeMap<AppName, App> {
    let staying = apps.iter().filter(|(_, app)| !app.removed);
    staying.map(|(name, app)| (name.clone(), app.clone())).collect()
}

fn check_only(present: &Project, request: &ApplyRequest) -> Result<(), ApiError> {
    let known =
        |name: &&AppName| request.apps.contains_key(*name) || present.apps.contains_key(*name);
    match request.only.iter().find(|name| !known(name)) {
        None => Ok(()),
        Some(name) => {
            let names: Vec<_> = request.apps.keys().map(|name| format!("`{name}`")).collect();
            Err(ApiError::input("unknown_app", format!("the file has no app `{name}`"))
                .help(format!("it has {}", names.join(", "))))
        }
    }
}

/// A number of instances that no machine is meant to run would keep the plan busy for ever.
pub(super) fn check_count(instances: u32) -> Result<(), ApiError> {
    if instances <= MOST_INSTANCES {
        return Ok(());
    }
    let text = format!("{instances} instances are too many");
    Err(ApiError::input("too_many_instances", text)
        .help(format!("one app may have {MOST_INSTANCES} at most")))
}

/// One app's next state: captured variables are reused while the revision stays the same.
/// A revision that was rolled back comes again only if someone asks for it.
fn next_app(
    present: Option<&App>,
    written: &AppSpec,
    (refresh_env, next): (bool, Generation),
    asker: Asker,
) -> App {
    let mut spec = written.clone();
    let Some(old) = present else {
        let revision = reconcile::revision(&spec);
        return App::new(spec, revision);
    };
    spec.inherited_epoch = old.spec.inherited_epoch;
    if refresh_env && spec.inherited != old.spec.inherited {
        spec.inherited_epoch = spec.inherited_epoch.saturating_add(1);
    }
    let revision = reconcile::revision(&spec);
    if revision == old.revision && spec.inherit_env == old.spec.inherit_env {
        spec.inherited = old.spec.inherited.clone();
    }
    let undone = old.rolled_back.as_ref().is_some_and(|it| it.revision == revision);
    if asker == Asker::File && undone && !old.removed {
        return old.clone();
    }
    let mut app = old.clone();
    if revision != old.revision {
        app.begin_change(next);
        if spec.is_job() {
            // It runs again, whatever became of this revision before.
            app.retry_after = next;
        }
    }
    app = App { spec: Arc::new(spec), revision, removed: false, rolled_back: None, ..app };
    if asker == Asker::Operator {
        app.stopped = false;
        app.scale = None;
    }
    app
}
