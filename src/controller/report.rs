//! Answers to questions: status, describe, logs. Reads the state, changes nothing.

use std::{collections::BTreeSet, path::PathBuf, time::SystemTime};

use crate::{
    api::{
        AppReply, DescribedApp, ExitReply, FileReply, FileState, InstanceReply, JobRun,
        ListenReply, LogDestination, LogFile, SCHEMA, StatusReply, Stream, TrafficSource,
    },
    config,
    host::{clock, home::Home},
    import,
    model::{
        App, AppKey, AppObserved, AppSpec, Exit, ExitStatus, History, InstanceId, LogPolicy,
        Project, ProjectName, StopReason, Time, human_duration,
    },
    protocol,
    reconcile::{self, InstanceStatus},
};

use super::{
    evidence,
    projects::Meta,
    state::State,
    surroundings, traffic,
    usage::Usage,
    words::{app_hold, explained, named},
};

/// A time as everything prints it: RFC 3339, UTC, milliseconds.
pub(super) fn rfc3339(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map(|stamp| format!("{stamp:.3}")).unwrap_or_default()
}

/// When somebody looks, and whether at what was seen of memory and processors too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) now: Time,
    pub(super) memory: bool,
}

fn stamp(time: Time) -> String {
    rfc3339(clock::wall_of(time))
}

/// How one project stands.
pub(super) fn status(
    state: &State,
    name: &ProjectName,
    meant: impl Fn(&AppKey) -> bool,
    look: Look,
) -> StatusReply {
    let meta = state.metas.get(name);
    let apps = state.desired.projects.get(name).into_iter().flat_map(|project| &project.apps);
    let apps = apps.filter_map(|(app_name, app)| {
        let key = AppKey { project: name.clone(), app: app_name.clone() };
        meant(&key).then(|| app_reply(state, &key, app, look))
    });
    StatusReply {
        schema: SCHEMA,
        project: Some(name.to_string()),
        file: meta.map(|meta| file_reply(meta, state.desired.projects.get(name))),
        apps: apps.collect(),
        metrics: meta.and_then(|meta| state.metrics_state(meta)),
        dashboard: meta.and_then(|meta| state.dashboard_state(meta)),
        alerts: state.alert_replies(name, &meant),
    }
}

fn file_reply(meta: &Meta, project: Option<&Project>) -> FileReply {
    let (state, error) = match file_state(meta) {
        (FileState::InSync, None) => {
            let undone = project.and_then(undone).or_else(|| went_back(meta));
            undone.unwrap_or((FileState::InSync, None))
        }
        other => other,
    };
    FileReply { path: meta.file.clone(), followed: meta.followed, state, error }
}

/// What the file says was tried and failed.
fn undone(project: &Project) -> Option<(FileState, Option<String>)> {
    let (name, why) = project.apps.iter().find_map(|(name, app)| {
        let why = app.rolled_back.as_ref()?;
        Some((name, why))
    })?;
    let text = if why.by_operator {
        format!("{name} was rolled back by an operator; `eco apply` brings the file in again")
    } else {
        format!("{name} was rolled back: instance {}: {}", why.index, why.reason)
    };
    Some((FileState::RolledBack, Some(text)))
}

/// Nothing failed, and no app is another one for it.
fn went_back(meta: &Meta) -> Option<(FileState, Option<String>)> {
    let text = "it was rolled back by an operator; `eco apply` brings the file in again";
    meta.went_back.then(|| (FileState::RolledBack, Some(text.to_owned())))
}

/// Compares the file as it is now with what was accepted.
fn file_state(meta: &Meta) -> (FileState, Option<String>) {
    let Ok(bytes) = std::fs::read(&meta.file) else {
        let text = format!("{}: not there; the last good state stands", meta.file.display());
        return (FileState::Missing, Some(text));
    };
    if let Some(fault) = &meta.fault {
        return (FileState::Broken, Some(fault.clone()));
    }
    if let Some(held) = &meta.held {
        return (FileState::Held, Some(held.clone()));
    }
    if config::text_digest(&bytes) == meta.file_digest {
        return other_file_state(meta).unwrap_or((FileState::InSync, None));
    }
    let options = import::Options { lenient: meta.lenient };
    match import::check_static(&meta.file, &bytes, options) {
        Ok(()) => (FileState::Ahead, None),
        Err(faults) => (FileState::Broken, Some(faults.one_line())),
    }
}

/// What a file beside it, which says what apps are too, has to tell.
fn other_file_state(meta: &Meta) -> Option<(FileState, Option<String>)> {
    meta.other_digests.iter().find_map(|(path, accepted)| match std::fs::read(path) {
        Ok(bytes) if config::text_digest(&bytes) == *accepted => None,
        Ok(_) => Some((FileState::Ahead, None)),
        Err(error) => {
            Some((FileState::Broken, Some(format!("{}: not readable: {error}", path.display()))))
        }
    })
}

/// How one app stands.
pub(super) fn app_reply(state: &State, key: &AppKey, app: &App, look: Look) -> AppReply {
    let observed = state.observed.apps.get(key);
    let status = reconcile::status(key, app, observed, look.now);
    let mut overrides = Vec::new();
    if app.stopped {
        overrides.push("stopped".to_owned());
    }
    if let Some(count) = app.scale.filter(|count| *count != app.spec.instances) {
        overrides.push(format!("scaled to {count}"));
    }
    if app.removed {
        overrides.push("being removed".to_owned());
    }
    AppReply {
        name: key.app.to_string(),
        desired: status.wanted,
        ready: status.ready,
        revision: app.revision.to_string(),
        state: status.state,
        hold: app_hold(&status, (&app.spec, key), &state.seen),
        hold_code: status.hold.as_ref().map(|hold| hold.code().to_owned()),
        overrides,
        tags: app.spec.tags.iter().cloned().collect(),
        listen: listen_reply(app, observed),
        next: state
            .schedules
            .next(key)
            .filter(|_| app.wanted() != 0)
            .map(|due| rfc3339(due.into())),
        unkept: if app.wanted() == 0 { Vec::new() } else { state.unkept_in_words(&app.spec) },
        traffic: state
            .traffic
            .app(key)
            .map(|series| traffic::reply(series, TrafficSource::Agent, look.now)),
        queues: state.queue_replies(key, app, look),
        instances: status
            .instances
            .iter()
            .map(|found| {
                let hold = found.hold.as_ref();
                let hold =
                    hold.map(|hold| explained(hold, (&app.spec, key), Some(found), &state.seen));
                let dropped = state.dropped.get(&found.id).map(|it| it.words.clone());
                let usage =
                    found.run.filter(|_| look.memory).map(|run| state.metrics.usages.of(run));
                let Usage { memory, cpu } = usage.unwrap_or_default();
                let reply = InstanceReply { dropped, memory, cpu, ..instance_reply(found, hold) };
                state.measured(found.run, look.now, reply)
            })
            .collect(),
    }
}

/// The ports of an app, and how its instances come by them.
fn listen_reply(app: &App, observed: Option<&AppObserved>) -> Option<ListenReply> {
    let listen = app.spec.listen.as_ref()?;
    let runs = || observed.into_iter().flat_map(|observed| observed.runs.values());
    let shared: BTreeSet<u16> = runs().flat_map(|run| run.sockets.shared.iter().copied()).collect();
    let ports = match listen.ports.as_slice() {
        [] => shared.iter().map(u16::to_string).collect(),
        declared => declared.iter().map(ToString::to_string).collect(),
    };
    let sharing = observed.map(AppObserved::sharing).unwrap_or_default();
    Some(ListenReply { ports, sharing })
}

fn instance_reply(instance: &InstanceStatus, hold: Option<String>) -> InstanceReply {
    InstanceReply {
        id: instance.id.short(),
        pid: instance.pid,
        phase: instance.phase,
        restarts: instance.restarts,
        since: instance.since.map(stamp),
        revision: instance.revision.map(|revision| revision.to_string()),
        generation: instance.generation.map(|generation| generation.0),
        hold,
        hold_code: instance.hold.as_ref().map(|hold| hold.code().to_owned()),
        dropped: None,
        exit: instance.exit.map(|exit| exit_reply(&exit)),
        memory: None,
        cpu: None,
        traffic: None,
        probes: None,
        node: None,
    }
}

fn exit_reply(exit: &Exit) -> ExitReply {
    let (code, signal) = match exit.status {
        ExitStatus::Code(code) => (Some(code), None),
        ExitStatus::Signal(signal) => (None, Some(signal.to_string())),
        ExitStatus::Unknown => (None, None),
    };
    ExitReply { code, signal, at: stamp(exit.ended), requested: exit.requested }
}

/// One app in full.
pub(super) fn described(state: &State, key: &AppKey, app: &App, look: Look) -> DescribedApp {
    let (home, observed) = (&state.home, state.observed.apps.get(key));
    let exits = observed
        .into_iter()
        .flat_map(|app| &app.history)
        .flat_map(|(index, history)| exits_in_words(*index, history, &app.spec));
    let last_exits = observed.into_iter().flat_map(|app| &app.history);
    let last_exits = last_exits
        .filter_map(|(index, history)| Some((key.instance(*index), history.exits.back()?)));
    let mut fields = super::describe::fields(app);
    fields.extend(surroundings::fields(&app.spec.process, &state.unkept(&app.spec)));
    let memory = observed.into_iter().flat_map(|app| &app.runs).filter_map(|(run, it)| {
        let id = key.instance(it.index);
        Some((format!("memory of {}", id.short()), state.memory_in_words(*run, &id)?))
    });
    fields.extend(memory);
    let remarks = state.left.remarks.iter().filter(|(id, _)| id.key == *key);
    fields
        .extend(remarks.map(|(id, remark)| (format!("remark on {}", id.short()), remark.clone())));
    let files = is_in_files(&app.spec.logs).then(|| log_files(home, key, app));
    DescribedApp {
        origins: state.origins(key, app, &fields),
        files: state.files_read(key, app),
        alerts: Vec::new(),
        status: app_reply(state, key, app, look),
        fields,
        logs: files.into_iter().flatten().map(|file| file.log).collect(),
        exits: exits.collect(),
        runs: job_runs(app, observed),
        probes: state.last_tries(key, look.now),
        last_output: evidence::last_outputs(home, app, last_exits),
    }
}

/// So many runs of a job are told of.
const RUNS: usize = 10;

fn job_runs(app: &App, observed: Option<&AppObserved>) -> Vec<JobRun> {
    let history = observed.and_then(|it| it.history.get(&0)).filter(|_| app.spec.is_job());
    let exits = history.into_iter().flat_map(|history| history.exits.iter().rev().take(RUNS));
    let run = |exit: &Exit| JobRun {
        started: stamp(exit.started),
        exit: exit_reply(exit),
        words: match exit.failure {
            Some(failure) => named(&failure, &app.spec),
            None if exit.requested => format!("stopped: {}", exit.status),
            None => exit.status.to_string(),
        },
    };
    exits.map(run).collect()
}

fn exits_in_words(index: u32, history: &History, spec: &AppSpec) -> Vec<String> {
    let exits = history.exits.iter().rev().take(5);
    exits
        .map(|exit| {
            let how = match exit.failure {
                Some(failure) => named(&failure, spec),
                None => exit.status.to_string(),
            };
            let why = match (exit.unfit, exit.requested) {
                (Some(unfit), _) => unfit.why.to_string(),
                (None, false) if exit.not_ready => StopReason::NotReady.to_string(),
                (None, true) => "asked to stop".to_owned(),
                (None, false) => "by itself".to_owned(),
            };
            let lived = human_duration(exit.ended.since(exit.started));
            format!("instance {index}: {how}, {why}, after {lived}, at {}", stamp(exit.ended))
        })
        .collect()
}

/// Whether an app's output goes to files here.
pub(super) fn is_in_files(policy: &LogPolicy) -> bool {
    policy.to.has_files() && (policy.to == LogDestination::File || !protocol::has_output())
}

/// The log files of every instance of an app. What was written to files before an app's output went
/// elsewhere stays there, and is no longer what the app prints.
pub(super) fn log_files(home: &Home, key: &AppKey, app: &App) -> Vec<LogFile> {
    let count = app.scale.unwrap_or(0).max(app.spec.instances);
    (0..count)
        .flat_map(|index| {
            let id = key.instance(index);
            [Stream::Out, Stream::Err].map(|stream| log_file(home, &id, app, stream))
        })
        .collect()
}

/// The log file of one stream of an instance.
pub(super) fn log_file(home: &Home, id: &InstanceId, app: &App, stream: Stream) -> LogFile {
    let (dir, stem) = sink(home, id, app);
    let word = match stream {
        Stream::Out => "out",
        Stream::Err => "err",
    };
    LogFile {
        id: id.short(),
        stream,
        log: dir.join(format!("{stem}.{word}.log")),
        index: dir.join(format!("{stem}.{word}.idx")),
        format: app.spec.logs.format,
        timestamps: app.spec.logs.timestamps,
    }
}

/// The directory and the stem of an instance's log files.
pub(super) fn sink(home: &Home, id: &InstanceId, app: &App) -> (PathBuf, String) {
    let own = || home.logs.join(id.key.project.as_str());
    let dir = app.spec.logs.dir.clone().unwrap_or_else(own);
    (dir, format!("{}-{}", id.key.app, id.index))
}
