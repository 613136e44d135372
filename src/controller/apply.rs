//! Applies: takes a new desired state in, stores it, and lets the caller wait for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::sync::mpsc;

use super::{
    accept::{self, Accepted, Asker},
    calls::Lines,
    events::{OPERATOR, Told},
    lookup, own_keys, preview,
    projects::{Meta, Reason},
    report,
    state::State,
    surroundings,
    wait::{Waiter, World},
};
use crate::{
    api::{
        ApiError, ApplyRequest, ChangeReply, DiffReply, EventType, LookupReply, LookupRequest,
        Outcome, OutcomeKind, Progress, SCHEMA, Stream,
    },
    host::{clock, crash},
    model::{AppKey, AppName, Change, Effect, Generation, Project, ProjectName},
    reconcile,
};

/// Nobody waits longer than this.
const MAX_WAIT: Duration = Duration::from_secs(7 * 24 * 3600);

impl State {
    /// What is recorded for a directory.
    pub(super) fn lookup(&self, request: &LookupRequest) -> LookupReply {
        let project = lookup::bound_to(&request.dir, &self.metas);
        let meta = project.as_ref().and_then(|name| self.metas.get(name));
        let profile = meta.and_then(|meta| meta.profile.clone());
        LookupReply { schema: SCHEMA, project, profile }
    }

    /// What an apply would do.
    pub(super) fn diff(&self, request: &ApplyRequest) -> Result<DiffReply, ApiError> {
        self.check_binding(request)?;
        let present = self.present(&request.name);
        let mut accepted = accept::accept(&present, request, Asker::Operator)?;
        let before = self.metas.get(&request.name);
        let own = own_keys::accept(before, request, &mut accepted);
        let mut plan = self.preview(request, &present, &accepted);
        plan.changes.splice(..0, own);
        plan.notes.extend(undone_notes(&present));
        Ok(plan)
    }

    /// Takes in what an operator applies.
    pub(super) fn apply(&mut self, request: &ApplyRequest) -> Result<Lines<Progress>, ApiError> {
        if self.ending.is_some() {
            return Err(ApiError::failed("ending", "eco is ending")
                .help("run the command again in a moment"));
        }
        self.check_binding(request)?;
        let present = self.present(&request.name);
        let mut accepted = accept::accept(&present, request, Asker::Operator)?;
        self.retry_jobs(&request.name, &mut accepted);
        let before = self.metas.get(&request.name);
        let own = own_keys::accept(before, request, &mut accepted);
        let mut plan = self.preview(request, &present, &accepted);
        plan.notes.extend(self.binding_notes(request));
        let reason = Reason {
            by: OPERATOR,
            who: self.caller.clone(),
            git: request.git.clone(),
            dirty: request.dirty,
            summary: summary(&accepted.changes, &own),
        };
        plan.changes.splice(..0, own);
        let meta = Meta::of(request, self.metas.get(&request.name));
        self.take_over(&request.name, meta, &accepted, &reason)?;
        plan.notes.extend(self.metrics_notes(&request.name));
        plan.notes.extend(self.dashboard_notes(&request.name));
        let (sender, lines) = mpsc::unbounded_channel();
        // The receiver is in our hands.
        let _ignored = sender.send(Progress::Plan(plan));
        self.wait(&request.name, accepted.scope, (request.wait, request.timeout), sender);
        Ok(lines)
    }

    /// The desired state a project has; none is an empty one. One whose stored state could not
    /// be read goes on above the generations it had.
    pub(super) fn present(&self, name: &ProjectName) -> Project {
        let floor = || Project {
            generation: self.floors.get(name).copied().unwrap_or_default(),
            apps: BTreeMap::new(),
        };
        self.desired.projects.get(name).cloned().unwrap_or_else(floor)
    }

    fn preview(&self, request: &ApplyRequest, present: &Project, accepted: &Accepted) -> DiffReply {
        let view = (request.show_values, clock::now());
        let mut plan = preview::preview(&request.name, present, accepted, &self.observed, view);
        plan.notes.extend(self.sharing_notes(&request.name, accepted));
        plan.notes.extend(surroundings::notes(accepted, |spec| self.unkept(spec)));
        plan
    }

    /// What is not as it should be about the ports of these apps on this system.
    fn sharing_notes(&self, name: &ProjectName, accepted: &Accepted) -> Vec<String> {
        let lacks = accepted.scope.iter().filter_map(|app| {
            let key = AppKey { project: name.clone(), app: app.clone() };
            let lack = self.observed.apps.get(&key)?.sharing().lack()?;
            Some(format!("{app}: {lack}"))
        });
        lacks.collect()
    }

    /// A project belongs to one directory, and a directory to one project.
    fn check_binding(&self, request: &ApplyRequest) -> Result<(), ApiError> {
        if let Some(meta) = self.metas.get(&request.name)
            && meta.dir != request.dir
            && !request.take_over
        {
            let text = format!(
                "project `{}` belongs to {}, not to {}",
                request.name,
                meta.dir.display(),
                request.dir.display()
            );
            return Err(ApiError::input("other_directory", text).help(
                "give this file another `name:`, or move the project here with `eco apply --move`",
            ));
        }
        match lookup::bound_to(&request.dir, &self.metas) {
            Some(name) if name != request.name && !request.take_over => {
                let text = format!(
                    "{} belongs to project `{name}`, but the file says `name: {}`",
                    request.dir.display(),
                    request.name
                );
                Err(ApiError::input("other_name", text)
                    .help(format!("to rename it, run `eco down -p {name}` first; its apps stop")))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn binding_notes(&self, request: &ApplyRequest) -> Vec<String> {
        let Some(meta) = self.metas.get(&request.name) else { return Vec::new() };
        let mut notes = Vec::new();
        if meta.dir != request.dir {
            notes.push(format!("moved here from {}", meta.dir.display()));
        } else if meta.file != request.file {
            notes.push(format!("takes over from {}", meta.file.display()));
        }
        notes
    }

    /// Makes an accepted state the desired one, on disk first.
    pub(super) fn take_over(
        &mut self,
        name: &ProjectName,
        meta: Meta,
        accepted: &Accepted,
        reason: &Reason,
    ) -> Result<(), ApiError> {
        let same_meta = self.metas.get(name) == Some(&meta);
        if accepted.changed || !same_meta {
            self.keep_readiness(name, &accepted.project);
            let mut stored = meta.to_stored(name, &accepted.project, reason);
            if !accepted.changed {
                // Another text that says the same: what is in force came about as it did.
                self.store.keep_reason(&mut stored);
            }
            crash::point("before the state is stored");
            self.store.save(&stored).map_err(|error| {
                ApiError::failed("store", format!("cannot store the new state: {error}"))
                    .help("nothing was changed; make room or mend the disk and try again")
            })?;
            crash::point("the state is stored");
        }
        self.metas.insert(name.clone(), meta);
        if accepted.changed {
            self.replace(name, accepted, reason);
        }
        self.follow_file(name);
        self.watch_sources(name);
        self.settle_endpoints_now();
        self.settle_dashboard_now();
        Ok(())
    }

    fn replace(&mut self, name: &ProjectName, accepted: &Accepted, reason: &Reason) {
        let moved: BTreeSet<&AppName> =
            accepted.changes.iter().filter(|it| it.field == "logs.dir").map(|it| &it.app).collect();
        self.tell_begun(name, &accepted.project, reason);
        self.desired.projects.insert(name.clone(), accepted.project.clone());
        self.await_result(name);
        self.floors.remove(name);
        self.supersede(name, &accepted.changes);
        self.touch_project(name);
        self.send_sinks(|key| key.project == *name && moved.contains(&key.app));
        let text = format!("generation {}: {}", accepted.project.generation.0, reason.summary);
        self.tell(Told::about(EventType::Applied, name, text).by(reason.by));
    }

    /// Callers that wait for what an app no longer should be are told so.
    fn supersede(&mut self, name: &ProjectName, changes: &[Change]) {
        for waiter in self.waiters.iter_mut().filter(|waiter| waiter.project == *name) {
            let replaced =
                changes.iter().any(|it| Effect::Live < it.effect && waiter.waits_for(&it.app));
            if replaced {
                waiter.supersede();
            }
        }
    }

    /// Lets a caller wait for apps, or answers at once.
    pub(super) fn wait(
        &mut self,
        name: &ProjectName,
        scope: BTreeSet<AppName>,
        (wait, seconds): (bool, f64),
        lines: mpsc::UnboundedSender<Progress>,
    ) {
        let generation = self.generation(name);
        if !wait {
            let outcome = Outcome::accepted(generation.0);
            // A caller that went away is noticed when its connection closes.
            let _ignored = lines.send(Progress::Result(outcome));
            return;
        }
        let now = clock::now();
        let patience = Duration::try_from_secs_f64(seconds).unwrap_or(MAX_WAIT).min(MAX_WAIT);
        for app in &scope {
            self.touched.insert(AppKey { project: name.clone(), app: app.clone() });
        }
        let times = (now, now.after(patience));
        self.waiters.push(Waiter::new((name.clone(), generation), scope, times, lines));
    }

    /// The caller who came last waits for what it has asked an earlier controller for. If that was
    /// undone meanwhile, it has failed.
    pub(super) fn resume_last_waiter(&mut self, name: &ProjectName) {
        let project = self.present(name);
        let undone = |generation: Generation| {
            let mut roll_backs = project.apps.values().filter_map(|app| app.rolled_back.as_ref());
            roll_backs.any(|it| !it.by_operator && it.generation == generation)
        };
        let mut asked = project.generation;
        while undone(asked) {
            asked = Generation(asked.0.saturating_sub(1));
        }
        if let Some(waiter) = self.waiters.last_mut().filter(|waiter| waiter.project == *name) {
            waiter.generation = asked;
        }
    }

    /// Tells those who wait what became of the apps that were touched, and lets go of those who
    /// need wait no longer.
    pub(super) fn answer_waiters(&mut self) {
        let touched = std::mem::take(&mut self.touched);
        if self.waiters.is_empty() {
            return;
        }
        let waiters = std::mem::take(&mut self.waiters);
        let world = World {
            desired: &self.desired,
            observed: &self.observed,
            seen: &self.seen,
            now: clock::now(),
        };
        let waiting = waiters.into_iter().filter_map(|mut waiter| {
            for app in waiter.to_look_at(&touched, world.now) {
                waiter.look(&app, world);
            }
            self.answer_waiter(waiter, world)
        });
        self.waiters = waiting.collect();
    }

    /// Gives the waiter back if it has to wait on.
    fn answer_waiter(&self, waiter: Waiter, world: World<'_>) -> Option<Waiter> {
        // A caller wants to show the last lines of what failed.
        let writing = self
            .undrained
            .values()
            .any(|(key, _)| key.project == waiter.project && waiter.waits_for(&key.app));
        match waiter.outcome(world.now) {
            Some(kind) if !writing || kind == OutcomeKind::Superseded => {
                waiter.finish(kind, world, |key, index| {
                    let app = world.desired.app(key)?;
                    let id = key.instance(index);
                    Some(report::log_file(&self.home, &id, app, Stream::Err).log)
                });
                None
            }
            Some(_) | None => (!waiter.lines.is_closed()).then_some(waiter),
        }
    }
}

/// The apps whose file is ahead because what it says was undone.
fn undone_notes(present: &Project) -> impl Iterator<Item = String> {
    present.apps.iter().filter_map(|(name, app)| {
        let why = app.rolled_back.as_ref()?;
        Some(if why.by_operator {
            format!("the file is ahead: {name} was rolled back by an operator")
        } else {
            format!("the file is ahead: {name} was rolled back ({})", why.reason)
        })
    })
}

/// What changed, of apps and of the project itself, in a few words.
pub(super) fn summary(changes: &[Change], own: &[ChangeReply]) -> String {
    let shown = reconcile::effects(changes).into_iter().take(5);
    let mut parts: Vec<String> = shown
        .map(|(app, effect)| match effect {
            Effect::Create => format!("+{app}"),
            Effect::Remove => format!("-{app}"),
            Effect::None | Effect::Live | Effect::Scale | Effect::Rolling | Effect::Recreate => {
                let fields = changes.iter().filter(|change| change.app == app);
                let fields: Vec<_> = fields.take(3).map(|change| change.field.as_str()).collect();
                format!("{app} ({})", fields.join(", "))
            }
        })
        .collect();
    let apps = reconcile::effects(changes).len();
    if parts.len() < apps {
        parts.push(format!("and {} more", apps - parts.len()));
    }
    parts.extend(own.iter().map(|change| change.field.clone()));
    if parts.is_empty() { "no change".to_owned() } else { parts.join(", ") }
}
