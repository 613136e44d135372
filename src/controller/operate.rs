//! The operator's commands on apps: overrides of what the file says, and signals.

use std::collections::BTreeSet;

use tokio::sync::mpsc;

use super::{
    accept,
    calls::Lines,
    events::{OPERATOR, Told},
    going_back::Asked,
    jobs,
    lookup::{self, Meant},
    projects::Reason,
    state::State,
    wait::Waiter,
};
use crate::{
    api::{ApiError, EventType, Operation, OperationRequest, Progress},
    host::clock,
    model::{
        App, AppKey, AppName, AppState, Generation, KillScope, Phase, Project, ProjectName, Signal,
        Time,
    },
    reconcile,
};

impl State {
    /// Does what an operator asks of some apps.
    pub(super) fn operate(
        &mut self,
        request: &OperationRequest,
    ) -> Result<Lines<Progress>, ApiError> {
        let meant = lookup::apps(&request.target, &self.metas, &self.desired)?;
        check_instances(&meant, &request.operation)?;
        if let Operation::Scale(count) = request.operation {
            accept::check_count(count)?;
        }
        let (sender, lines) = mpsc::unbounded_channel();
        let asked = self.ask_jobs(&meant, request)?;
        if let Operation::Signal(signal) = request.operation {
            self.send_signal(&meant, signal)?;
        }
        let mut names: BTreeSet<_> = meant.apps.keys().map(|key| key.project.clone()).collect();
        if request.operation == Operation::Down {
            names.extend(lookup::projects(&request.target, &self.metas)?);
        }
        // One answer ends with one result; with several projects, only the last is waited for.
        for name in &names {
            let scope = if let Operation::Rollback(to) = request.operation {
                let whole = request.target.apps.is_empty();
                self.go_back_to(name, &meant, Asked { to, whole })?
            } else {
                self.operate_project(name, &meant, &request.operation)?
            };
            let wait = request.wait && !matches!(request.operation, Operation::Signal(_));
            self.wait(name, scope, (wait, request.timeout), sender.clone());
            if let Some(waiter) = self.waiters.last_mut().filter(|it| it.project == *name) {
                waiter.ask(&asked);
            }
            if request.operation == Operation::Await {
                self.resume_last_waiter(name);
            }
        }
        Ok(lines)
    }

    fn operate_project(
        &mut self,
        name: &ProjectName,
        meant: &Meant,
        operation: &Operation,
    ) -> Result<BTreeSet<AppName>, ApiError> {
        let mine = meant.apps.iter().filter(|(key, _)| key.project == *name);
        let mut scope: BTreeSet<_> = mine.clone().map(|(key, _)| key.app.clone()).collect();
        let before = self.present(name);
        let mut project = before.clone();
        let next = before.generation.next();
        let mut replaced = BTreeSet::new();
        for (key, instances) in mine {
            if *operation == Operation::Reload && self.reload_by_signal(key, instances) {
                continue;
            }
            let retry = self.needs_retry(key);
            let Some(app) = project.apps.get_mut(&key.app) else { continue };
            if jobs::restarts(operation) {
                // A job was asked to run, if it was named.
                if app.spec.is_job() {
                    continue;
                }
                replaced.extend(instances.is_empty().then(|| key.app.clone()));
            }
            change(app, operation, (instances, next, retry));
        }
        scope.extend(jobs::restart_with(&mut project, &replaced, next));
        let ending = *operation == Operation::Down;
        if project == before && !ending {
            return Ok(scope);
        }
        project.generation = next;
        let words: Vec<_> = scope.iter().map(ToString::to_string).collect();
        let text = format!("{} {}", word(operation), words.join(", "));
        let who = self.caller.clone();
        let reason = Reason { who, ..Reason::new(OPERATOR, text.clone()) };
        self.store_project(name, project, &reason, ending)?;
        self.tell(Told::about(EventType::Operated, name, text).by(OPERATOR));
        Ok(scope)
    }

    /// Makes `project` the desired state, on disk first.
    pub(super) fn store_project(
        &mut self,
        name: &ProjectName,
        project: Project,
        reason: &Reason,
        ending: bool,
    ) -> Result<(), ApiError> {
        self.keep_readiness(name, &project);
        let Some(meta) = self.metas.get_mut(name) else { return Ok(()) };
        meta.ending |= ending;
        if meta.ending {
            meta.followed = false;
        }
        let stored = meta.to_stored(name, &project, reason);
        self.store.save(&stored).map_err(|error| {
            ApiError::failed("store", format!("cannot store the new state: {error}"))
                .help("nothing was changed; make room or mend the disk and try again")
        })?;
        self.tell_begun(name, &project, reason);
        self.desired.projects.insert(name.clone(), project);
        self.await_result(name);
        self.touch_project(name);
        self.follow_file(name);
        self.watch_sources(name);
        self.drop_if_empty(name);
        Ok(())
    }

    /// Whether an app has instances that wait after failures, or are not tried again; of one that is
    /// stopped, whether it had when it was.
    fn needs_retry(&self, key: &AppKey) -> bool {
        let Some(app) = self.desired.app(key) else { return false };
        let app = App { stopped: false, ..app.clone() };
        let status = reconcile::status(key, &app, self.observed.apps.get(key), clock::now());
        match status.state {
            AppState::Degraded | AppState::CrashLooping | AppState::Done | AppState::Failed => true,
            AppState::Ready | AppState::Converging | AppState::Stopped | AppState::Off => false,
        }
    }

    fn send_signal(&mut self, meant: &Meant, signal: Signal) -> Result<(), ApiError> {
        let mut runs = Vec::new();
        for (key, instances) in &meant.apps {
            let live = self.observed.apps.get(key).into_iter().flat_map(|app| &app.runs);
            let live =
                live.filter(|(_, run)| instances.is_empty() || instances.contains(&run.index));
            let ready = live.filter(|(_, run)| match run.phase {
                Phase::Starting { .. } | Phase::Ready { .. } => true,
                Phase::Launching | Phase::Exited { .. } => false,
            });
            runs.extend(ready.map(|(run, found)| (*run, key.instance(found.index))));
        }
        if runs.is_empty() {
            return Err(ApiError::refused("nothing_runs", "no instance of these apps runs")
                .help("see `eco status`"));
        }
        for (run, id) in runs {
            let sent = self.keeper.signal(run, signal, KillScope::Main);
            self.asked(sent);
            let revision = self.observed.run(run).map(|(_, found)| found.revision);
            let told = Told::of(EventType::Operated, &id, format!("{signal} was sent"));
            self.tell(told.by(OPERATOR).maybe_revision(revision));
        }
        Ok(())
    }

    /// Replaces an app because its sources were edited.
    pub(super) fn replace_for_sources(&mut self, key: &AppKey, text: &str) {
        let mut project = self.present(&key.project);
        let next = project.generation.next();
        let Some(app) = project.apps.get_mut(&key.app) else { return };
        // A file that changes never brings back what an operator stopped.
        if app.wanted() == 0 {
            return;
        }
        app.begin_change(next);
        app.restart_after = next;
        jobs::restart_with(&mut project, &BTreeSet::from([key.app.clone()]), next);
        project.generation = next;
        let reason = Reason::new("file", text);
        match self.store_project(&key.project, project, &reason, false) {
            Ok(()) => {
                let told = Told::about_app(EventType::SourceChanged, key, text);
                self.tell(told.by("file"));
            }
            Err(error) => tracing::error!(%error, "cannot replace {key} for an edit"),
        }
    }

    /// Lets every app stop, in memory only: what should run is what it was, once eco is back.
    pub(super) fn stop_everything(&mut self) {
        // What is to be written a moment later has to be so before.
        let unsaved: Vec<_> = self.unsaved.keys().cloned().collect();
        for name in unsaved {
            self.save_good(&name);
        }
        self.end_alert_commands();
        for project in self.desired.projects.values_mut() {
            for app in project.apps.values_mut() {
                app.stopped = true;
            }
        }
        let names: Vec<_> = self.desired.projects.keys().cloned().collect();
        for name in names {
            self.touch_project(&name);
        }
    }

    /// An app that was taken away and has no process left is forgotten.
    pub(super) fn drop_if_gone(&mut self, key: &AppKey) {
        let removed = self.desired.app(key).is_some_and(|app| app.removed);
        let runs = self.observed.apps.get(key).map_or(0, |app| app.runs.len());
        if !removed || runs != 0 {
            return;
        }
        if let Some(project) = self.desired.projects.get_mut(&key.project) {
            project.apps.remove(&key.app);
        }
        self.timers.set(key, None);
        self.steps.remove(key);
        reconcile::forget(&mut self.observed, key);
        self.seen.retain(|id, _| id.key != *key);
        self.traffic.forget_app(key);
        let written = self.journal.forget(key);
        self.noted(written);
        self.touched.insert(key.clone());
        self.drop_if_empty(&key.project);
    }

    fn drop_if_empty(&mut self, name: &ProjectName) {
        let empty = self.desired.projects.get(name).is_none_or(|project| project.apps.is_empty());
        let ending = self.metas.get(name).is_some_and(|meta| meta.ending);
        if !empty {
            return;
        }
        if ending {
            self.desired.projects.remove(name);
            self.metas.remove(name);
            self.follower.unfollow(name);
            if let Err(error) = self.store.remove(name) {
                tracing::error!(%error, "cannot remove the state of {name}");
            }
        }
    }

    /// When something other than a plan is due.
    pub(super) fn next_chore(&self) -> Option<Time> {
        let waiters = self.waiters.iter().map(Waiter::wake_at);
        let undrained = self.undrained.values().map(|(_, deadline)| *deadline);
        let undrained = undrained.chain(self.next_look_for_evidence());
        let others = self
            .unsaved
            .values()
            .copied()
            .chain(self.next_look())
            .chain(self.next_look_for_results());
        let others = others.chain(self.next_memory_look).chain(self.queues.next_look);
        let others =
            others.chain(self.next_late_stop_command()).chain(self.metrics.endpoints.next_try());
        let others = others.chain(self.dashboard.endpoints.next_try());
        waiters.chain(undrained).chain(others).min()
    }
}

/// Changes what one app should be.
fn change(
    app: &mut App,
    operation: &Operation,
    (instances, next, retry): (&BTreeSet<u32>, Generation, bool),
) {
    match operation {
        Operation::Start => {
            app.stopped = false;
            if retry {
                app.retry_after = next;
            }
        }
        Operation::Stop => app.stopped = true,
        Operation::Restart | Operation::RestartNow | Operation::Reload => {
            app.begin_change(next);
            if *operation == Operation::RestartNow {
                app.restart_now_after = next;
            }
            app.stopped = false;
            if instances.is_empty() {
                app.restart_after = next;
            }
            for index in instances {
                app.restart_instance_after.insert(*index, next);
            }
        }
        Operation::Scale(count) => {
            app.scale = (*count != app.spec.instances).then_some(*count);
        }
        Operation::Down => app.removed = true,
        // What is brought back is known outside.
        Operation::Rollback(_) | Operation::Signal(_) | Operation::RunJob(_) | Operation::Await => {
        }
    }
}

fn word(operation: &Operation) -> String {
    match operation {
        Operation::Start => "start".to_owned(),
        Operation::Stop => "stop".to_owned(),
        Operation::Restart => "restart".to_owned(),
        Operation::RestartNow => "restart now".to_owned(),
        Operation::Reload => "reload".to_owned(),
        Operation::Rollback(None) => "roll back".to_owned(),
        Operation::Rollback(Some(to)) => format!("roll back to generation {to}:"),
        Operation::Scale(count) => format!("scale to {count}:"),
        Operation::Signal(signal) => format!("send {signal} to"),
        Operation::Down => "down".to_owned(),
        Operation::RunJob(_) => "run job".to_owned(),
        Operation::Await => "wait for".to_owned(),
    }
}

/// Single instances can be restarted and signalled; starting or stopping one would leave a gap in
/// the indices, which are always 0…n−1.
fn check_instances(meant: &Meant, operation: &Operation) -> Result<(), ApiError> {
    let single = meant.apps.iter().find(|(_, instances)| !instances.is_empty());
    match (operation, single) {
        (
            Operation::Restart | Operation::RestartNow | Operation::Reload | Operation::Signal(_),
            _,
        )
        | (_, None) => Ok(()),
        (
            Operation::Start
            | Operation::Stop
            | Operation::Scale(_)
            | Operation::Down
            | Operation::Rollback(_)
            | Operation::RunJob(_)
            | Operation::Await,
            Some((key, _)),
        ) => {
            let text = "single instances can only be restarted or signalled";
            Err(ApiError::input("not_an_app", text)
                .help(format!("name the app: `{}`; `eco scale` changes how many run", key.app)))
        }
    }
}
