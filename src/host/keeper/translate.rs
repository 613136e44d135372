//! What the keeper tells, in the model's nouns.

use super::{Dropped, Found, KeeperEvent, QueueSeen, Used};
use crate::{
    model::{
        Cohort, CohortGroup, ExitStatus, Notify, RunId, RunRecord, RunState, Sharing, Signal,
        Sockets, SpawnFailure, SpawnStep, Time,
    },
    protocol::{self, Event, Message, Queue, Record, Said, State, Step, kind},
};

pub(super) fn translate(message: Message<Event>) -> KeeperEvent {
    let run = RunId(message.run);
    let some_pid = |pid| (pid != 0).then_some(pid);
    match message.body {
        Event::Hello { version, keeper, recorder, started } => KeeperEvent::Hello {
            version,
            keeper_pid: keeper,
            recorder_pid: some_pid(recorder),
            started: Time::from_nanos(started),
        },
        Event::Record(record) => translate_record(run, &record),
        Event::ListEnd => KeeperEvent::ListEnd,
        Event::Refused { request: kind::SPAWN, step, errno } => {
            KeeperEvent::Refused { run, failure: SpawnFailure { step: model_step(step), errno } }
        }
        Event::Refused { request: kind::UPGRADE, errno, .. } => {
            KeeperEvent::UpgradeRefused { errno }
        }
        Event::Refused { request, errno, .. } => KeeperEvent::Declined { run, request, errno },
        Event::Connections { open, closed, queued } => {
            KeeperEvent::Connections { run, open, closed, queued }
        }
        Event::Cohort { cohort, group } => {
            KeeperEvent::Cohort { cohort: Cohort(cohort), group: CohortGroup(group) }
        }
        Event::Queue(Queue { cohort, address, waiting, room, since }) => {
            KeeperEvent::Queue(QueueSeen {
                cohort: Cohort(cohort),
                of: (run != RunId(0)).then_some(run),
                address,
                waiting,
                room,
                since: (since != 0).then(|| Time::from_nanos(since)),
            })
        }
        Event::Said(Said { pid, bytes }) => KeeperEvent::Said { run, pid, bytes },
        Event::Removed { bytes } => KeeperEvent::Removed { run, bytes },
        Event::Members(members) => {
            let found = members.into_iter().map(|member| Found {
                pid: member.pid,
                name: String::from_utf8_lossy(&member.name).into_owned(),
                proved: member.proved,
            });
            KeeperEvent::Members { run, found: found.collect() }
        }
        Event::Recorder { pid, restarts } => KeeperEvent::Recorder { pid: some_pid(pid), restarts },
    }
}

fn translate_record(run: RunId, record: &Record) -> KeeperEvent {
    let state = model_state(record);
    let Ok(tag) = serde_json::from_slice(&record.tag) else {
        return KeeperEvent::Foreign { run, pid: record.pid, state };
    };
    let time = |nanos| (nanos != 0).then(|| Time::from_nanos(nanos));
    let used = Used {
        user_us: record.user_us,
        system_us: record.system_us,
        max_rss_kib: record.max_rss_kib,
    };
    KeeperEvent::Record {
        record: RunRecord {
            run,
            tag,
            pid: record.pid,
            state,
            started: time(record.started),
            exited: time(record.exited),
            cohort: Cohort(record.cohort),
            sockets: model_sockets(record),
            notify: model_notify(record),
        },
        drained: record.drained,
        dropped: Dropped { bytes: record.dropped, errno: record.dropped_errno },
        used: (record.exited != 0).then_some(used),
    }
}

fn model_sockets(record: &Record) -> Sockets {
    let ports = |shared| {
        let mut ports: Vec<u16> =
            record.ports.iter().filter(|it| it.shared == shared).map(|it| it.port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    };
    let refused = record.bind_failure;
    Sockets {
        shared: ports(true),
        elsewhere: ports(false),
        refused: (refused.errno != 0).then_some((refused.port, refused.errno)),
        unanswered: record.lost.seccomp || record.lost.sockets,
        sharing: match record.sharing {
            protocol::Sharing::None => Sharing::None,
            protocol::Sharing::Injected => Sharing::Injected,
            protocol::Sharing::InjectedBlind => Sharing::InjectedBlind,
            protocol::Sharing::Fds => Sharing::Fds,
            protocol::Sharing::Unavailable => Sharing::Unavailable,
        },
    }
}

fn model_notify(record: &Record) -> Notify {
    let said = &record.notify;
    Notify {
        ready: said.ready,
        reloading: said.reloading,
        stopping: said.stopping,
        extended_to: (said.extend != 0).then(|| Time::from_nanos(said.extend)),
        watchdog: (said.watchdog != 0).then(|| Time::from_nanos(said.watchdog)),
        status: String::from_utf8_lossy(&said.status).into_owned(),
    }
}

fn model_state(record: &Record) -> RunState {
    match record.state {
        State::Launching => RunState::Launching,
        State::Failed { step, errno } => {
            RunState::Failed(SpawnFailure { step: model_step(step), errno })
        }
        State::Running => RunState::Running,
        State::Exited => RunState::Exited(exit_status(record)),
        State::Gone => RunState::Gone(exit_status(record)),
    }
}

fn exit_status(record: &Record) -> ExitStatus {
    if record.lost.exit_code {
        return ExitStatus::Unknown;
    }
    let status = record.wait_status;
    if libc::WIFEXITED(status) {
        return ExitStatus::Code(libc::WEXITSTATUS(status));
    }
    Signal::from_number(libc::WTERMSIG(status)).map_or(ExitStatus::Unknown, ExitStatus::Signal)
}

fn model_step(step: Step) -> SpawnStep {
    match step {
        Step::Prepare => SpawnStep::Prepare,
        Step::Fork => SpawnStep::Fork,
        Step::Session => SpawnStep::Session,
        Step::Cgroup => SpawnStep::Cgroup,
        Step::Limits => SpawnStep::Limits,
        Step::User => SpawnStep::User,
        Step::Cwd => SpawnStep::Cwd,
        Step::Exec => SpawnStep::Exec,
    }
}
