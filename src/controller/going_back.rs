//! Going back to an accepted state, because an operator wants to: by the same rollout as a change.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    accept::{self, Accepted},
    events::{OPERATOR, Told},
    lookup::{self, Meant},
    own_keys::OwnKeys,
    preview,
    projects::Reason,
    state::State,
};
use crate::{
    api::{ApiError, DiffReply, EventType, PruneReply, PruneRequest, RollbackRequest, SCHEMA},
    host::{
        clock,
        store::{StoredProject, StoredResult},
    },
    model::{App, AppName, AppSpec, Generation, Project, ProjectName, RolledBack},
    reconcile,
};

/// How far a command goes back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// To which generation; without one, to what was before the last change.
    pub(super) to: Option<u64>,
    /// No app was named: all of the project goes back, apps that were added or removed and its own
    /// keys too.
    pub(super) whole: bool,
}

/// What a project becomes by that.
#[derive(Debug)]
struct Back {
    project: Project,
    own: OwnKeys,
    scope: BTreeSet<AppName>,
    to: Generation,
}

impl State {
    /// Brings an earlier state back; gives the apps that are concerned.
    pub(super) fn go_back_to(
        &mut self,
        name: &ProjectName,
        meant: &Meant,
        asked: Asked,
    ) -> Result<BTreeSet<AppName>, ApiError> {
        let back = self.back(name, meant, asked)?;
        let Some(meta) = self.metas.get_mut(name) else { return Ok(back.scope) };
        let before = meta.clone();
        let is_same = |project: &Project| project.apps == back.project.apps;
        let keeps_own = OwnKeys::from(&*meta) == back.own;
        if self.desired.projects.get(name).is_some_and(is_same) && keeps_own {
            return Ok(back.scope);
        }
        back.own.give(meta);
        meta.went_back = true;
        let words: Vec<_> = back.scope.iter().map(ToString::to_string).collect();
        let text = format!("roll back to generation {}: {}", back.to.0, words.join(", "));
        let who = self.caller.clone();
        let reason = Reason { who, ..Reason::new(OPERATOR, text.clone()) };
        if let Err(error) = self.store_project(name, back.project, &reason, false) {
            self.metas.insert(name.clone(), before);
            return Err(error);
        }
        self.send_sinks(|key| key.project == *name);
        self.settle_endpoints_now();
        self.settle_dashboard_now();
        self.tell(Told::about(EventType::Operated, name, text).by(OPERATOR));
        Ok(back.scope)
    }

    /// What that would change, do and interrupt.
    pub(super) fn rollback_diff(&self, request: &RollbackRequest) -> Result<DiffReply, ApiError> {
        let meant = lookup::apps(&request.target, &self.metas, &self.desired)?;
        let names: BTreeSet<_> = meant.apps.keys().map(|key| &key.project).collect();
        let [name] = names.into_iter().collect::<Vec<_>>()[..] else {
            let text = "only one project can be looked at at a time";
            return Err(ApiError::input("projects", text).help("name it with `-p PROJECT`"));
        };
        let asked = Asked { to: request.to, whole: request.target.apps.is_empty() };
        let back = self.back(name, &meant, asked)?;
        let present = self.present(name);
        let accepted = compared(&present, back.project, back.scope);
        let view = (request.show_values, clock::now());
        let mut plan = preview::preview(name, &present, &accepted, &self.observed, view);
        plan.changes.splice(..0, OwnKeys::of(self.metas.get(name)).changes(&back.own));
        plan.notes.push(format!("generation {} is compared with what is wanted now", back.to.0));
        Ok(plan)
    }

    fn back(&self, name: &ProjectName, meant: &Meant, asked: Asked) -> Result<Back, ApiError> {
        let mine = meant.apps.keys().filter(|key| key.project == *name);
        let mut scope: BTreeSet<_> = mine.map(|key| key.app.clone()).collect();
        let present = self.present(name);
        let stored = match asked.to {
            Some(to) => self.generation_of(name, Generation(to))?,
            None => self.earlier(name, &scope, asked.whole)?,
        };
        let next = present.generation.next();
        let earlier = &stored.project.apps;
        let mut apps = present.apps;
        for app_name in &scope {
            let Some(app) = apps.get_mut(app_name) else { continue };
            match earlier.get(app_name).filter(|before| !before.removed) {
                Some(before) => go_back(app, before, (next, asked)),
                None if asked.whole => app.removed = true,
                None => {}
            }
        }
        for (app_name, before) in accept::visible(earlier).iter().filter(|_| asked.whole) {
            if apps.get(app_name).is_none_or(|app| app.removed && !scope.contains(app_name)) {
                apps.insert(app_name.clone(), anew(before, next));
                scope.insert(app_name.clone());
            }
        }
        let own =
            if asked.whole { OwnKeys::from(&stored) } else { OwnKeys::of(self.metas.get(name)) };
        let project = Project { generation: next, apps };
        Ok(Back { project, own, scope, to: stored.project.generation })
    }

    fn generation_of(
        &self,
        name: &ProjectName,
        generation: Generation,
    ) -> Result<StoredProject, ApiError> {
        self.store.revision(name, generation).map_err(|error| {
            no_generation(name, generation, &self.store.generations(name), &error.to_string())
        })
    }

    /// The newest state before the present one in which something of the scope was different, and
    /// that did not fail.
    fn earlier(
        &self,
        name: &ProjectName,
        scope: &BTreeSet<AppName>,
        whole: bool,
    ) -> Result<StoredProject, ApiError> {
        let present = self.present(name);
        let own = OwnKeys::of(self.metas.get(name));
        let now = accept::visible(&present.apps);
        let differs = |stored: &StoredProject| {
            let then = accept::visible(&stored.project.apps);
            let spec = |apps: &BTreeMap<AppName, App>, app: &AppName| {
                apps.get(app).map(|app| app.spec.clone())
            };
            if whole {
                let specs = |apps: &BTreeMap<AppName, App>| -> Vec<_> {
                    apps.iter().map(|(name, app)| (name.clone(), app.spec.clone())).collect()
                };
                return OwnKeys::from(stored) != own || specs(&then) != specs(&now);
            }
            scope.iter().any(|app| {
                let (then, now) = (spec(&then, app), spec(&now, app));
                then.is_some_and(|then| now.is_some_and(|now| then != now))
            })
        };
        let summaries = self.store.history(name).into_iter().rev();
        let earlier = summaries.filter(|found| {
            found.generation < present.generation && found.result != StoredResult::RolledBack
        });
        let mut earlier =
            earlier.filter_map(|found| self.store.revision(name, found.generation).ok());
        earlier.find(differs).ok_or_else(|| {
            ApiError::refused("nothing_before", format!("nothing of {name} was different before"))
                .help(format!("see `eco history -p {name}`"))
        })
    }

    /// Forgets the oldest accepted states.
    pub(super) fn prune_history(&mut self, request: &PruneRequest) -> Result<PruneReply, ApiError> {
        let mut reply = PruneReply { schema: SCHEMA, ..PruneReply::default() };
        for name in lookup::projects(&request.target, &self.metas)? {
            let keep = usize::try_from(request.keep).unwrap_or(usize::MAX);
            let needed = self.needed(&name);
            let (removed, kept) = self.store.prune(&name, keep, &needed).map_err(|error| {
                ApiError::failed("store", format!("cannot remove old states of {name}: {error}"))
            })?;
            reply.removed += u64::try_from(removed).unwrap_or_default();
            reply.kept += u64::try_from(kept).unwrap_or_default();
            if removed != 0 {
                let text = format!("{removed} old states forgotten, {kept} kept");
                self.tell(Told::about(EventType::Operated, &name, text).by(OPERATOR));
            }
        }
        Ok(reply)
    }

    /// The states that are never forgotten: the present one, and the one that `eco rollback` brings
    /// back.
    fn needed(&self, name: &ProjectName) -> BTreeSet<Generation> {
        let present = self.present(name);
        let scope = present.apps.keys().cloned().collect();
        let earlier = self.earlier(name, &scope, true).ok();
        let earlier = earlier.map(|stored| stored.project.generation);
        earlier.into_iter().chain([present.generation]).collect()
    }
}

/// What to say of a state that is not there.
pub(super) fn no_generation(
    name: &ProjectName,
    generation: Generation,
    kept: &[Generation],
    why: &str,
) -> ApiError {
    let wanted = generation.0;
    if kept.contains(&generation) || kept.is_empty() {
        let text = format!("cannot read generation {wanted} of {name}: {why}");
        return ApiError::input("no_generation", text).help(format!("see `eco history -p {name}`"));
    }
    let mut parts: Vec<String> = Vec::new();
    for run in kept.chunk_by(|left, right| left.next() == *right) {
        match run {
            [] => {}
            [only] => parts.push(only.0.to_string()),
            [first, .., last] => parts.push(format!("{} to {}", first.0, last.0)),
        }
    }
    ApiError::input("no_generation", format!("there is no generation {wanted} of {name}"))
        .help(format!("there are {}; see `eco history -p {name}`", parts.join(", ")))
}

/// A state that was reached without a file, as a change of the present one.
pub(super) fn compared(present: &Project, next: Project, scope: BTreeSet<AppName>) -> Accepted {
    let changes = reconcile::diff(&accept::visible(&present.apps), &accept::visible(&next.apps));
    let differs = present.apps != next.apps;
    Accepted { project: next, changes, scope, changed: differs }
}

/// An app as it was, that is not there any more.
fn anew(before: &App, next: Generation) -> App {
    let spec: AppSpec = (*before.spec).clone();
    let app = App::new(spec, before.revision);
    App { stopped: before.stopped, scale: before.scale, retry_after: next, ..app }
}

/// Makes an app what it was in an earlier generation.
fn go_back(app: &mut App, earlier: &App, (next, asked): (Generation, Asked)) {
    if asked.whole && asked.to.is_some() {
        // What an operator had said of it belongs to a state that is asked for by its number.
        app.stopped = earlier.stopped;
        app.scale = earlier.scale;
    }
    if app.revision == earlier.revision {
        app.spec = earlier.spec.clone();
        return;
    }
    let why = RolledBack {
        revision: app.revision,
        generation: next,
        index: 0,
        reason: "an operator asked for it".to_owned(),
        by_operator: true,
    };
    app.begin_change(next);
    app.spec = earlier.spec.clone();
    app.revision = earlier.revision;
    app.rolled_back = Some(why);
}
