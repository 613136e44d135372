//! Does the actions of a plan, by the keeper. No `if` here is a decision.

use std::collections::BTreeSet;

use super::{environment, node, report, state::State, surroundings};
use crate::{
    api::{EventType, Stream},
    host::{clock, crash, home::Home},
    model::{
        Action, App, AppKey, AppSpec, Cohort, Event, InstanceId, KillScope, LiveProbe,
        LogCompression, LogDestination, LogFormat, LogPolicy, Observe, ReadyProbe, RunId, RunTag,
        Signal, SpawnFailure, SpawnStep, StopReason, Time,
    },
    protocol::{self, Destination, Form, Rotation, Sink, SpawnSpec},
    reconcile,
};

impl State {
    /// Plans every app whose plan may have changed, and does what the plans say, until none says
    /// anything more.
    pub(super) fn converge(&mut self) {
        // A plan asks for nothing twice, so a few rounds settle it. The bound turns a fault in the
        // core into a delay instead of a spin.
        const MAX_ROUNDS: usize = 64;
        for _ in 0..MAX_ROUNDS {
            let Some(batch) = self.take_dirty() else { return };
            for key in batch {
                self.converge_app(&key);
            }
        }
        tracing::error!(apps = self.dirty.len(), "plans do not settle");
    }

    fn take_dirty(&mut self) -> Option<BTreeSet<AppKey>> {
        (!self.dirty.is_empty()).then(|| std::mem::take(&mut self.dirty))
    }

    fn converge_app(&mut self, key: &AppKey) {
        let now = clock::now();
        self.find_ready(key, now);
        self.note_schedule(key);
        self.look_around(key, now);
        self.find_live(key, now);
        self.expect_memory(key, now);
        let app = self.desired.app(key);
        let generation = self.generation(&key.project);
        let observed = self.observed.apps.get(key);
        let plan = reconcile::plan_app(key, generation, app, observed, now);
        self.timers.set(key, plan.wake_at);
        for action in &plan.actions {
            self.ask_for_left(action);
            self.execute(action, now);
            self.touch(key);
        }
        self.note_step(key, now);
        self.drop_if_gone(key);
    }

    fn execute(&mut self, action: &Action, now: Time) {
        if let Action::Drain { id, run, reason: StopReason::NotReady }
        | Action::StopByCommand { id, run, reason: StopReason::NotReady }
        | Action::Stop { id, run, reason: StopReason::NotReady, .. } = action
        {
            self.note_not_ready(id, *run);
        }
        let started = reconcile::issue(&mut self.observed, action, now);
        crash::point("an action is issued");
        match action {
            Action::Start { id, revision, generation, cohort } => {
                let Some(run) = started else { return };
                let mut tag = RunTag::new(id.clone(), *revision, *generation);
                self.note_output(run, &mut tag);
                self.start(run, &tag, *cohort);
            }
            Action::Drain { id, run, reason } => {
                self.note_stop(*run);
                crash::point("a drain is noted");
                self.drain(*run, false);
                crash::point("a drain is asked for");
                let text = format!("no new connections, to stop it: {reason}");
                self.tell_of_run(EventType::Stopping, (id, *run), text);
            }
            Action::Steer { key, weights } => {
                let sent = self.keeper.steer(key, weights);
                self.asked(sent);
                crash::point("a steering is asked for");
            }
            Action::Retire { cohort, .. } => {
                let sent = self.keeper.retire(*cohort);
                self.asked(sent);
                crash::point("a cohort is retired");
            }
            Action::RollBack { key, failure } => {
                crash::point("a roll-back begins");
                self.roll_back(key, failure);
                crash::point("a roll-back is stored");
            }
            Action::Complete { key } => {
                self.complete(key);
                crash::point("a change is complete");
            }
            Action::StopByCommand { id, run, reason } => self.stop_by_command(id, *run, *reason),
            Action::Stop { id, run, signal, scope, reason } => {
                self.stop_by_signal((id, *run), (*signal, *scope), *reason);
            }
            Action::Kill { id, run } => {
                let written = self.journal.kill(*run, now);
                self.noted(written);
                crash::point("a kill is noted");
                let sent = self.keeper.signal(*run, Signal::KILL, KillScope::Group);
                self.asked(sent);
                crash::point("a kill is asked for");
                let text = "it did not stop in time: SIGKILL";
                self.tell_of_run(EventType::Killed, (id, *run), text);
            }
        }
    }

    fn stop_by_signal(
        &mut self,
        (id, run): (&InstanceId, RunId),
        (signal, scope): (Signal, KillScope),
        reason: StopReason,
    ) {
        self.note_stop(run);
        crash::point("a stop is noted");
        let sent = self.keeper.signal(run, signal, scope);
        self.asked(sent);
        crash::point("a stop is asked for");
        let text = format!("{signal} to stop it: {reason}");
        self.tell_of_run(EventType::Stopping, (id, run), text);
    }

    /// A stop is noted before it is sent: whoever learns of the exit later has to know.
    pub(super) fn note_stop(&mut self, run: RunId) {
        let found = self.observed.run(run);
        let Some(stopping) = found.and_then(|(_, run)| run.stopping) else { return };
        let written = self.journal.stop(run, &stopping);
        self.noted(written);
    }

    /// Notes where the output of a run begins that is told by it to be ready, and how often it is to
    /// say that it lives.
    fn note_output(&mut self, run: RunId, tag: &mut RunTag) {
        let Some(app) = self.desired.app(&tag.id.key) else { return };
        tag.watchdog_us = watchdog(&app.spec);
        if let ReadyProbe::Log(_) = app.spec.ready.probe {
            let from = [Stream::Out, Stream::Err].map(|stream| {
                let file = report::log_file(&self.home, &tag.id, app, stream).log;
                std::fs::metadata(file).map_or(0, |found| found.len())
            });
            tag.log_from = Some(from);
            self.log_from.insert(run, from);
        }
    }

    fn start(&mut self, run: RunId, tag: &RunTag, cohort: Cohort) {
        let Some(app) = self.desired.app(&tag.id.key) else { return };
        if let Some(listen) = app.spec.listen.as_ref().filter(|_| cohort != Cohort::NONE) {
            let sent = self.keeper.ports(cohort, &tag.id.key, listen);
            self.asked(sent);
            crash::point("ports are asked for");
        }
        let limits = &app.spec.process.limits;
        let cgroup = self.cgroups.create(run, &tag.id.key, limits);
        let made = spawn_spec(&self.home, (run, tag, cohort), app);
        let failure = match made.map(|spec| SpawnSpec { cgroup, ..spec }) {
            Ok(spec) => match self.keeper.spawn(run, &spec) {
                Ok(()) => {
                    crash::point("a start is asked for");
                    return;
                }
                Err(error) => failed(SpawnStep::Prepare, &error),
            },
            Err(failure) => failure,
        };
        self.cgroups.remove(run, &tag.id.key);
        self.observe(&Event::Refused { run, failure });
    }
}

const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";
const WATCHDOG_USEC: &str = "WATCHDOG_USEC";

/// Within how many microseconds a run has to say that it lives, if that is asked of it.
fn watchdog(spec: &AppSpec) -> Option<u64> {
    let live = spec.live.as_ref().filter(|live| live.probe == LiveProbe::Notify)?;
    Some(u64::try_from(live.interval.as_micros()).unwrap_or(u64::MAX).max(1))
}

fn failed(step: SpawnStep, error: &std::io::Error) -> SpawnFailure {
    SpawnFailure { step, errno: error.raw_os_error().unwrap_or(libc::EIO) }
}

fn spawn_spec(
    home: &Home,
    (run, tag, cohort): (RunId, &RunTag, Cohort),
    app: &App,
) -> Result<SpawnSpec, SpawnFailure> {
    let program = environment::compose(&tag.id, &app.spec, &app.spec.command);
    let mut program = program.map_err(|error| failed(SpawnStep::Environment, &error))?;
    let watchdog = watchdog(&app.spec);
    let put = node::put_in(&mut program, &app.spec, home);
    put.map_err(|error| failed(SpawnStep::Preload, &error))?;
    let says_ready = matches!(app.spec.ready.probe, ReadyProbe::Notify | ReadyProbe::Message(_));
    // The agent speaks at the same socket.
    let notify = says_ready || watchdog.is_some() || app.spec.observe == Observe::Node;
    if notify {
        let path = protocol::notify_path(&home.run, run.0);
        program.env.retain(|(name, _)| name != NOTIFY_SOCKET);
        program.env.push((NOTIFY_SOCKET.into(), path.into()));
    }
    if let Some(every) = watchdog {
        program.env.retain(|(name, _)| name != WATCHDOG_USEC);
        program.env.push((WATCHDOG_USEC.into(), every.to_string().into()));
    }
    let mut spawn = SpawnSpec {
        cohort: cohort.0,
        notify,
        argv: program.argv,
        env: program.env,
        cwd: app.spec.cwd.clone(),
        tag: serde_json::to_vec(tag).map_err(|error| failed(SpawnStep::Prepare, &error.into()))?,
        sink: sink(home, &tag.id, app),
        ..SpawnSpec::default()
    };
    let done = surroundings::put_in(&mut spawn, &app.spec);
    done.map_err(|error| failed(SpawnStep::User, &error))?;
    Ok(spawn)
}

/// How an instance's output is shown.
fn form(policy: &LogPolicy) -> Form {
    match policy.format {
        LogFormat::Text if policy.timestamps => Form::TimedText,
        LogFormat::Text => Form::Text,
        LogFormat::Raw => Form::Raw,
        LogFormat::Json => Form::Json,
    }
}

/// Where an instance's output goes.
pub(super) fn sink(home: &Home, id: &InstanceId, app: &App) -> Sink {
    let (dir, stem) = report::sink(home, id, app);
    let policy = &app.spec.logs;
    let rotation = policy.rotate.map_or_else(Rotation::default, |rotate| Rotation {
        size: rotate.size,
        age: rotate.age.map_or(0, |age| age.as_secs().max(1)),
        keep: rotate.keep,
        compression: match policy.compress {
            LogCompression::None => protocol::Compression::None,
            LogCompression::Zstd => protocol::Compression::Zstd,
            LogCompression::Gzip => protocol::Compression::Gzip,
        },
        max_total: policy.max_total.unwrap_or(0),
    });
    let (to, socket) = match policy.to {
        LogDestination::File => (Destination::File, ""),
        LogDestination::None => (Destination::Nowhere, ""),
        LogDestination::Journald => (Destination::Journal, "/run/systemd/journal/socket"),
        LogDestination::Syslog => (Destination::Syslog, "/dev/log"),
        LogDestination::Stdout => (Destination::Output(form(policy)), ""),
    };
    Sink {
        dir,
        stem: stem.into(),
        app: id.key.app.as_str().into(),
        rotation,
        to,
        socket: socket.into(),
        project: id.key.project.as_str().into(),
        instance: id.index,
    }
}
