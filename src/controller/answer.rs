//! Answers the calls of the API.

use tokio::sync::mpsc;

use super::{
    calls::{Call, Lines},
    events::{OPERATOR, Told},
    lookup,
    report::{self, Look},
    results,
    state::{Ending, State},
};
use crate::{
    api::{
        ApiError, DaemonReply, DaemonStopRequest, DescribeReply, ElsewhereLogged, EventType,
        HistoryEntry, HistoryReply, LogsReply, Outcome, Progress, SCHEMA, StatusAllReply, Target,
    },
    host::{clock, marker},
    model::AppKey,
};

impl State {
    /// Answers one call. A caller that went away is not waited for.
    pub(super) fn answer(&mut self, call: Call) {
        match call {
            Call::By(who, call) => {
                self.caller = Some(who);
                self.answer(*call);
                self.caller = None;
            }
            Call::Lookup(request, to) => drop(to.send(Ok(self.lookup(&request)))),
            Call::Status(target, to) => drop(to.send(self.status(&target))),
            Call::Describe(target, to) => drop(to.send(self.describe(&target))),
            Call::Logs(target, to) => drop(to.send(self.logs(&target))),
            Call::History(target, to) => drop(to.send(self.history(&target))),
            Call::Prune(request, to) => drop(to.send(self.prune_history(&request))),
            Call::RollbackDiff(request, to) => drop(to.send(self.rollback_diff(&request))),
            Call::Diff(request, to) => drop(to.send(self.diff(&request))),
            Call::Apply(request, to) => drop(to.send(self.apply(&request))),
            Call::Operate(request, to) => drop(to.send(self.operate(&request))),
            Call::Events(request, to) => drop(to.send(self.listen(request))),
            Call::Notify(request, to) => drop(to.send(self.try_receivers(&request))),
            Call::Dashboard(request, to) => drop(to.send(self.make_link(&request))),
            Call::Pending(project, to) => self.read_pending(project, to),
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
            who: found.who.map(Into::into),
            git: found.git,
            dirty: found.dirty,
            summary: found.summary,
            result: results::shown(found.result, found.current),
            current: found.current,
        });
        Ok(HistoryReply { schema: SCHEMA, revisions: revisions.collect() })
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
        let text = if request.leave_apps {
            "eco ends and leaves the apps as they are"
        } else {
            "eco ends and stops every app"
        };
        self.tell(Told::eco(EventType::Eco, text).by(OPERATOR));
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
