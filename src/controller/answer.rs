//! Answers the calls of the API.

use std::collections::BTreeSet;

use tokio::sync::mpsc;

use super::{
    calls::{Call, EventLines, Lines},
    events, lookup,
    report::{self, Look},
    state::{Ending, Listener, State},
};
use crate::{
    api::{
        ApiError, DaemonReply, DaemonStopRequest, DescribeReply, ElsewhereLogged, EventReply,
        EventsRequest, HistoryEntry, HistoryReply, LogsReply, Outcome, Progress, SCHEMA,
        StatusAllReply, Target,
    },
    host::{clock, marker, store::EventQuery},
    model::AppKey,
};

/// So many events may wait for somebody who follows them: more than one turn of the loop makes.
const BEHIND: usize = 16 * 1024;
/// So many callers may follow the events.
const LISTENERS: usize = 256;

impl State {
    /// Answers one call. A caller that went away is not waited for.
    pub(super) fn answer(&mut self, call: Call) {
        match call {
            Call::Lookup(request, to) => drop(to.send(Ok(self.lookup(&request)))),
            Call::Status(target, to) => drop(to.send(self.status(&target))),
            Call::Describe(target, to) => drop(to.send(self.describe(&target))),
            Call::Logs(target, to) => drop(to.send(self.logs(&target))),
            Call::History(target, to) => drop(to.send(self.history(&target))),
            Call::Diff(request, to) => drop(to.send(self.diff(&request))),
            Call::Apply(request, to) => drop(to.send(self.apply(&request))),
            Call::Operate(request, to) => drop(to.send(self.operate(&request))),
            Call::Events(request, to) => drop(to.send(self.listen(&request))),
            Call::Daemon(to) => drop(to.send(Ok(self.daemon()))),
            Call::DaemonStop(request, to) => drop(to.send(self.end(&request))),
            Call::DaemonUpgrade(request, to) => drop(to.send(self.upgrade(&request))),
        }
    }

    fn status(&mut self, target: &Target) -> Result<StatusAllReply, ApiError> {
        let look = Look { now: clock::now(), memory: target.memory };
        let names = lookup::projects(target, &self.metas)?;
        let meant = if target.apps.is_empty() {
            None
        } else {
            Some(lookup::apps(target, &self.metas, &self.desired)?)
        };
        let wanted = |key: &AppKey| meant.as_ref().is_none_or(|meant| meant.apps.contains_key(key));
        if look.memory {
            self.look_at_usage(|key| names.contains(&key.project) && wanted(key));
        }
        let projects = names.iter().map(|name| report::status(self, name, wanted, look));
        Ok(StatusAllReply {
            schema: SCHEMA,
            projects: projects.collect(),
            faults: self.faults.clone(),
        })
    }

    fn describe(&mut self, target: &Target) -> Result<DescribeReply, ApiError> {
        let look = Look { now: clock::now(), memory: target.memory };
        let meant = lookup::apps(target, &self.metas, &self.desired)?;
        if look.memory {
            self.look_at_usage(|key| meant.apps.contains_key(key));
        }
        let project = meant.apps.keys().next().map(|key| key.project.to_string());
        let apps = meant.apps.keys().filter_map(|key| {
            let app = self.desired.app(key)?;
            Some(report::described(self, key, app, look))
        });
        Ok(DescribeReply {
            schema: SCHEMA,
            apps: apps.collect(),
            project: project.unwrap_or_default(),
        })
    }

    fn logs(&self, target: &Target) -> Result<LogsReply, ApiError> {
        let meant = lookup::apps(target, &self.metas, &self.desired)?;
        let files = meant.apps.iter().flat_map(|(key, instances)| {
            let app = self.desired.app(key).filter(|app| report::is_in_files(&app.spec.logs));
            let files = app.map(|app| report::log_files(&self.home, key, app));
            files.unwrap_or_default().into_iter().filter(|file| {
                let index = file.id.rsplit('/').next().and_then(|text| text.parse().ok());
                instances.is_empty() || index.is_some_and(|index: u32| instances.contains(&index))
            })
        });
        let elsewhere = meant.apps.keys().filter_map(|key| {
            let policy = &self.desired.app(key)?.spec.logs;
            let (project, app) = (key.project.to_string(), key.app.to_string());
            let elsewhere = ElsewhereLogged { project, app, to: policy.to };
            (!report::is_in_files(policy)).then_some(elsewhere)
        });
        Ok(LogsReply { schema: SCHEMA, files: files.collect(), elsewhere: elsewhere.collect() })
    }

    fn history(&self, target: &Target) -> Result<HistoryReply, ApiError> {
        let names = lookup::projects(target, &self.metas)?;
        let revisions = names.iter().flat_map(|name| self.store.history(name)).rev();
        let revisions = revisions.map(|found| HistoryEntry {
            generation: found.generation.0,
            time: found.changed_at,
            by: found.by,
            git: found.git,
            dirty: None,
            summary: found.summary,
            result: None,
            current: false,
        });
        Ok(HistoryReply { schema: SCHEMA, revisions: revisions.collect() })
    }

    fn listen(&mut self, request: &EventsRequest) -> Result<EventLines, ApiError> {
        let projects = lookup::projects(&request.target, &self.metas)?;
        let projects = (!request.target.every_project).then_some(projects);
        let apps: Option<BTreeSet<AppKey>> = if request.target.apps.is_empty() {
            None
        } else {
            let meant = lookup::apps(&request.target, &self.metas, &self.desired)?;
            Some(meant.apps.into_keys().collect())
        };
        let query = EventQuery { after: request.after, ..EventQuery::default() };
        let past = self.events.read(&query).map_err(|error| {
            ApiError::failed("events", format!("cannot read the events: {error}"))
        })?;
        let (sender, lines) = mpsc::channel(past.len().saturating_add(BEHIND));
        let listener = Listener { projects, apps, lines: sender };
        let mut past: Vec<_> = past
            .into_iter()
            .filter_map(events::reply)
            .filter(|event| listener.fits(event))
            .collect();
        let first = past.len().saturating_sub(request.last);
        for event in past.drain(first..) {
            // The receiver is in our hands, and there is room for all.
            let _ignored = listener.lines.try_send(event);
        }
        if request.follow {
            self.listeners.retain(|listener| !listener.lines.is_closed());
            if LISTENERS <= self.listeners.len() {
                let text = format!("{LISTENERS} callers follow the events already");
                return Err(ApiError::refused("too_many", text).help("end some of them"));
            }
            self.listeners.push(listener);
        }
        Ok(lines)
    }

    fn daemon(&self) -> DaemonReply {
        DaemonReply {
            schema: SCHEMA,
            keeper_pid: self.keeper_pid,
            controller_pid: std::process::id(),
            recorder_pid: self.recorder_pid,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            home: self.home.state.clone(),
            projects: self.metas.keys().map(ToString::to_string).collect(),
        }
    }

    fn end(&mut self, request: &DaemonStopRequest) -> Result<Lines<Progress>, ApiError> {
        marker::set(&self.home, request.leave_apps).map_err(|error| {
            ApiError::failed("store", format!("cannot note that eco is to end: {error}"))
        })?;
        let (sender, lines) = mpsc::unbounded_channel();
        if request.leave_apps {
            self.ending = Some(Ending::LeaveApps);
        } else {
            self.ending = Some(Ending::StopApps);
            self.stop_everything();
        }
        let outcome = Outcome::accepted(0);
        // The receiver is in our hands.
        let _ignored = sender.send(Progress::Result(outcome));
        Ok(lines)
    }
}

impl Listener {
    fn fits(&self, event: &EventReply) -> bool {
        let project_fits = event
            .project
            .as_ref()
            .zip(self.projects.as_ref())
            .is_none_or(|(name, projects)| projects.iter().any(|it| it.as_str() == name));
        let app_fits = match (&self.apps, &event.app) {
            (Some(wanted), Some(app)) => wanted.iter().any(|key| key.app.as_str() == app),
            (Some(_), None) | (None, _) => true,
        };
        project_fits && app_fits
    }
}
