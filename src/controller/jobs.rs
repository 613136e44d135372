//! Jobs that are asked to run, and what is due by a schedule.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use jiff::{Timestamp, tz::TimeZone};

use super::{
    accept::Accepted,
    events::{OPERATOR, Told},
    lookup::Meant,
    projects::Reason,
    report::rfc3339,
    state::State,
};
use crate::{
    api::{ApiError, EventType, Operation, OperationRequest, Selector},
    host::{clock, crash, store::Looked, wall_timer::WallTimer},
    model::{
        AppKey, AppName, AppState, Asked, Cron, Generation, Overlap, Project, ProjectName, RunId,
    },
    reconcile::{self, Due, Look},
};

/// The schedules of all apps.
#[derive(Debug)]
pub(super) struct Schedules {
    /// Up to when each was looked at, and with which cron expression.
    looked: BTreeMap<AppKey, Looked>,
    /// When each is due next. One that never is, or is not known yet, is absent.
    next: BTreeMap<AppKey, Timestamp>,
    /// Those that were not looked at since eco started.
    fresh: BTreeSet<AppKey>,
    pub(super) timer: WallTimer,
}

impl Schedules {
    /// As the journal has them.
    pub(super) fn new(looked: BTreeMap<AppKey, Looked>, timer: WallTimer) -> Self {
        let fresh = looked.keys().cloned().collect();
        Self { looked, next: BTreeMap::new(), fresh, timer }
    }

    /// When an app is due next.
    pub(super) fn next(&self, key: &AppKey) -> Option<Timestamp> {
        self.next.get(key).copied()
    }

    fn forget(&mut self, key: &AppKey) {
        self.looked.remove(key);
        self.next.remove(key);
        self.fresh.remove(key);
    }

    fn set_timer(&mut self) {
        self.timer.set(self.next.values().min().copied().map(SystemTime::from));
    }
}

fn now() -> Timestamp {
    Timestamp::try_from(clock::wall()).unwrap_or_default()
}

/// The zone a schedule is read in; `None` if this machine does not know it.
fn zone(cron: &Cron) -> Option<TimeZone> {
    match &cron.timezone {
        Some(name) => TimeZone::get(name).ok(),
        None => Some(TimeZone::system()),
    }
}

impl State {
    /// Looks at the schedule of an app if it is new or another one: never is anything due for that.
    pub(super) fn note_schedule(&mut self, key: &AppKey) {
        // What becomes due while eco ends was missed.
        if self.ending.is_some() {
            return;
        }
        let app = self.desired.app(key).filter(|app| !app.removed);
        let Some(cron) = app.and_then(|app| app.spec.cron()).cloned() else {
            self.schedules.forget(key);
            return;
        };
        let is_known = self.schedules.looked.get(key).is_some_and(|looked| looked.cron == cron);
        if is_known && !self.schedules.fresh.contains(key) {
            return;
        }
        if !is_known {
            self.schedules.fresh.remove(key);
            self.note_looked(key, (cron, now()), None);
        }
        self.look_at_schedule(key);
        self.schedules.set_timer();
    }

    /// Looks at the schedules that are due by the clock, or at all of them once it was set.
    pub(super) fn ring_schedules(&mut self) {
        if self.ending.is_some() {
            return self.schedules.timer.set(None);
        }
        let now = now();
        let next = |key: &AppKey| self.schedules.next(key);
        let is_due = |(key, looked): &(&AppKey, &Looked)| {
            now < looked.to || next(key).is_some_and(|due| due <= now)
        };
        let keys: Vec<AppKey> =
            self.schedules.looked.iter().filter(is_due).map(|(key, _)| key.clone()).collect();
        for key in keys {
            // One of a project that is gone, or of before the controller has come so far.
            if self.desired.app(&key).is_some_and(|app| !app.removed) {
                self.look_at_schedule(&key);
            }
        }
        self.schedules.set_timer();
    }

    fn look_at_schedule(&mut self, key: &AppKey) {
        let (Some(looked), Some(app)) = (self.schedules.looked.get(key), self.desired.app(key))
        else {
            return;
        };
        let cron = looked.cron.clone();
        let Some(zone) = zone(&cron) else {
            // It was known when the file was accepted.
            tracing::warn!(%key, "the time zone of `{cron}` is not known here any more");
            self.schedules.next.remove(key);
            self.schedules.fresh.remove(key);
            return;
        };
        let catches_up = app.spec.schedule.as_ref().is_some_and(|it| it.catch_up);
        let down = self.schedules.fresh.remove(key).then_some(catches_up);
        let (seen_to, now) = (looked.to, now());
        let next = |after: Timestamp| reconcile::next_due(&cron, &zone, after);
        match reconcile::look((seen_to, now), down, next) {
            Look::Due => self.on_due(key, (&cron, now)),
            Look::Missed(due) => {
                let text = format!("not run: eco was down when it was due, at {}", stamp(due));
                self.note_looked(key, (cron.clone(), now), None);
                self.tell(Told::about_app(EventType::Scheduled, key, text));
            }
            Look::Anew => self.note_looked(key, (cron.clone(), now), None),
            Look::Wait(_) => {}
        }
        let seen_to = self.schedules.looked.get(key).map_or(now, |looked| looked.to);
        match next(seen_to) {
            Some(due) => _ = self.schedules.next.insert(key.clone(), due),
            None => _ = self.schedules.next.remove(key),
        }
    }

    /// Notes up to when a schedule was looked at, and in the same breath what follows from that.
    fn note_looked(&mut self, key: &AppKey, (cron, to): (Cron, Timestamp), asked: Option<Asked>) {
        let looked = Looked { cron, to };
        let written = self.journal.looked(key, &looked, asked);
        self.noted(written);
        crash::point("a schedule is noted");
        self.schedules.looked.insert(key.clone(), looked);
    }

    fn on_due(&mut self, key: &AppKey, (cron, now): (&Cron, Timestamp)) {
        let Some(app) = self.desired.app(key) else { return };
        let looked = (cron.clone(), now);
        if !app.spec.is_job() {
            self.note_looked(key, looked, None);
            self.replace_by_schedule(key);
            return;
        }
        let text = match reconcile::due(key, app, &self.observed, None) {
            Due::Asked(asked) => {
                self.note_looked(key, looked, Some(asked));
                self.observe(&reconcile::asked(key, asked));
                "it is due"
            }
            Due::Overlaps => {
                self.note_looked(key, looked, None);
                "not run: it is due, but its run before goes on"
            }
            // That it is stopped is no news.
            Due::Off => return self.note_looked(key, looked, None),
        };
        self.tell(Told::about_app(EventType::Scheduled, key, text));
    }

    /// Replaces an app at its time, as `eco restart` does.
    fn replace_by_schedule(&mut self, key: &AppKey) {
        let mut project = self.present(&key.project);
        let next = project.generation.next();
        let Some(app) = project.apps.get_mut(&key.app).filter(|app| app.wanted() != 0) else {
            return;
        };
        app.begin_change(next);
        app.restart_after = next;
        restart_with(&mut project, &BTreeSet::from([key.app.clone()]), next);
        project.generation = next;
        let reason = Reason::new("eco", format!("restart {} by its `restart.cron`", key.app));
        match self.store_project(&key.project, project, &reason, false) {
            Ok(()) => {
                let text = "replaced by its `restart.cron`";
                self.tell(Told::about_app(EventType::Scheduled, key, text));
            }
            Err(error) => tracing::error!(%error, "cannot replace {key} by its schedule"),
        }
    }

    /// Lets those jobs run that an operator asks to: by name, also with `eco restart`. The run that
    /// each of them was asked for comes after the one that is returned.
    pub(super) fn ask_jobs(
        &mut self,
        meant: &Meant,
        request: &OperationRequest,
    ) -> Result<BTreeMap<AppKey, RunId>, ApiError> {
        let operation = &request.operation;
        let token = if let Operation::RunJob(token) = operation { Some(*token) } else { None };
        let is_named = |key: &AppKey| {
            request.target.apps.iter().any(|selector| match selector {
                Selector::App { app, .. } => *app == key.app,
                Selector::All | Selector::Tag(_) => false,
            })
        };
        let mut asked = BTreeMap::new();
        for key in meant.apps.keys() {
            let is_job = self.desired.app(key).is_some_and(|app| app.spec.is_job());
            if token.is_some() && !is_job && is_named(key) {
                let text = format!("`{}` is no job: it runs all the time", key.app);
                let error = ApiError::input("no_job", text);
                return Err(error.help(format!("`eco restart {}` replaces it", key.app)));
            }
            if is_job && matches!(operation, Operation::Scale(count) if 1 < *count) {
                let text = format!("`{}` is a job, which has one run at a time", key.app);
                return Err(ApiError::input("job", text).help("`eco run-job` runs it once more"));
            }
            if *operation == Operation::Await {
                let known = self.observed.apps.get(key).and_then(|app| app.asked);
                asked.extend(known.filter(|_| is_job).map(|it| (key.clone(), it.after)));
            }
            let after = match token {
                Some(token) if is_job => self.ask_job(key, None, token)?,
                None if is_job && restarts(operation) && is_named(key) => {
                    self.ask_job(key, Some(Overlap::Replace), 0)?
                }
                Some(_) | None => continue,
            };
            if token.is_some() {
                let told = Told::about_app(EventType::Operated, key, "asked to run now");
                self.tell(told.by(OPERATOR));
            }
            asked.insert(key.clone(), after);
        }
        Ok(asked)
    }

    /// Lets those jobs be tried again that failed, when what they are part of is applied again.
    pub(super) fn retry_jobs(&self, name: &ProjectName, accepted: &mut Accepted) {
        let next = self.generation(name).next();
        let now = clock::now();
        for app_name in &accepted.scope {
            let key = AppKey { project: name.clone(), app: app_name.clone() };
            let Some(app) = accepted.project.apps.get_mut(app_name) else { continue };
            let status = reconcile::status(&key, app, self.observed.apps.get(&key), now);
            if app.spec.is_job() && !app.good && status.state == AppState::Failed {
                app.retry_after = next;
                accepted.project.generation = next;
                accepted.changed = true;
            }
        }
    }

    /// Asks a job to run because an operator wants it to; the run it asks for comes after the one
    /// that is returned.
    pub(super) fn ask_job(
        &mut self,
        key: &AppKey,
        overlap: Option<Overlap>,
        token: u64,
    ) -> Result<RunId, ApiError> {
        let name = &key.app;
        let Some(app) = self.desired.app(key) else {
            return Err(ApiError::refused("no_job", format!("there is no job `{name}`")));
        };
        let known = self.observed.apps.get(key).and_then(|app| app.asked);
        if let Some(known) = known.filter(|known| token != 0 && known.token == token) {
            return Ok(known.after);
        }
        match reconcile::due(key, app, &self.observed, overlap) {
            Due::Asked(asked) => {
                let asked = Asked { token, ..asked };
                let written = self.journal.asked(key, asked);
                self.noted(written);
                crash::point("a job is asked to run");
                self.observe(&reconcile::asked(key, asked));
                Ok(asked.after)
            }
            Due::Overlaps => {
                let text = format!("`{name}` runs already, or is about to");
                let error = ApiError::refused("job_runs", text);
                Err(error.help("wait for its end, or run it again at once with `eco restart`"))
            }
            Due::Off => Err(ApiError::refused("job_off", format!("`{name}` is stopped"))
                .help(format!("`eco start {name}` lets it run again"))),
        }
    }
}

/// Whether an operation lets instances be replaced.
pub(super) fn restarts(operation: &Operation) -> bool {
    match operation {
        Operation::Restart | Operation::RestartNow | Operation::Reload => true,
        Operation::Start
        | Operation::Stop
        | Operation::Rollback(_)
        | Operation::Scale(_)
        | Operation::Signal(_)
        | Operation::Down
        | Operation::RunJob(_)
        | Operation::Await => false,
    }
}

/// Restarts those apps of a project too that say so of one of `roots`.
pub(super) fn restart_with(
    project: &mut Project,
    roots: &BTreeSet<AppName>,
    next: Generation,
) -> BTreeSet<AppName> {
    let with = reconcile::restarted_with(project, roots);
    for name in &with {
        let Some(app) = project.apps.get_mut(name) else { continue };
        app.begin_change(next);
        app.restart_after = next;
    }
    with
}

fn stamp(time: Timestamp) -> String {
    rfc3339(time.into())
}
