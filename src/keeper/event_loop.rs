//! The keeper's loop: wait, look at what happened, send what is to be sent.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    os::fd::{AsFd as _, OwnedFd},
    process::ExitCode,
};

use rustix::{
    event::epoll::{self, CreateFlags, EventData, EventFlags},
    process::Pid,
    time::Timespec,
};

use super::{
    Config,
    adopt::FIRST_ADOPTED,
    answers::{Answers, Item},
    connections::Known,
    disk::RunFiles,
    keeping::Keeping,
    left,
    members::Mark,
    notice::{FIRST_NOTIFY, NotifySockets},
    requests::Seen,
    role::{Gifts, Manner, Role},
    run::Run,
    said::AllSaid,
    share::{FIRST_NOTIFIER, Share},
    slate::Slate,
    start::{StartError, Started},
    sys,
    upgrade::Upgrade,
};
use crate::protocol::Member;

const SIGNALS: u64 = 0;
const CONTROLLER: u64 = 1;
const RECORDER: u64 = 2;
/// The end of a recorder that is another keeper's child.
const FOREIGN_RECORDER: u64 = 3;
/// Shared sockets that a program has shut down.
const SHUT: u64 = 4;
/// Queues of shared sockets in which something waits.
const WAITING: u64 = 5;
/// Launches are called by this and their descriptor's number.
pub(super) const FIRST_LAUNCH: u64 = 16;

/// How long the keeper's own children may take to end once it was told to quit, in ns.
const QUIT_WITHIN: u64 = 10_000_000_000;

/// A quit under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quitting {
    leave: bool,
    /// When whoever is left is killed.
    deadline: u64,
}

/// The whole state of a keeper.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) poll: OwnedFd,
    pub(super) started: Started,
    pub(super) started_at: u64,
    pub(super) run_dir: std::path::PathBuf,
    /// What tells this keeper's runs from those of others and of earlier boots.
    pub(super) mark: Mark,
    pub(super) files: RunFiles,
    pub(super) notify_sockets: NotifySockets,
    pub(super) runs: BTreeMap<u64, Run>,
    /// The runs by their first process, as long as it is not reaped.
    pub(super) leaders: HashMap<Pid, u64>,
    /// The runs being launched, by what they are called in the loop.
    pub(super) launching: BTreeMap<u64, u64>,
    /// Runs whose first process ended and which are not known to be gone.
    pub(super) exited: BTreeSet<u64>,
    /// Runs whose files do not say what has become of them.
    pub(super) unwritten: BTreeSet<u64>,
    /// When these are looked at again though no child ended.
    pub(super) look_again_at: Option<u64>,
    pub(super) controller: Role,
    pub(super) answers: Answers,
    /// Processes of runs, by the request they were asked for with.
    pub(super) members_found: BTreeMap<u64, (u64, Vec<Member>)>,
    pub(super) said: AllSaid,
    /// Whether this controller has said hello.
    pub(super) greeted: bool,
    /// Counts changes of records.
    pub(super) changes: u64,
    pub(super) recorder: Role,
    /// Runs the recorder is to be told about, each once.
    pub(super) for_recorder: VecDeque<u64>,
    /// What the recorder is to hold.
    pub(super) keeping: Keeping,
    /// Sharing of ports.
    pub(super) share: Share,
    /// What the next keeper has to know about that.
    pub(super) slate: Slate,
    /// What is remembered of connections.
    pub(super) connections: Known,
    pub(super) tell_quit: bool,
    /// Whether the recorder is to end and leave its pipes to the next one.
    pub(super) tell_leave: bool,
    pub(super) upgrade: Option<Upgrade>,
    pub(super) quitting: Option<Quitting>,
}

impl Keeper {
    /// A keeper that has not begun.
    pub(super) fn new(config: Config, started: Started) -> Result<Self, StartError> {
        let failed = |error: rustix::io::Errno| StartError::Failed {
            what: "cannot wait for events",
            source: error.into(),
        };
        let poll = epoll::create(CreateFlags::CLOEXEC).map_err(failed)?;
        let data = EventData::new_u64(SIGNALS);
        epoll::add(&poll, &started.signals, data, EventFlags::IN).map_err(failed)?;
        let share = Share::new().map_err(|source| StartError::Failed {
            what: "cannot wait for what becomes of sockets",
            source,
        })?;
        epoll::add(&poll, &share.shut, EventData::new_u64(SHUT), EventFlags::IN).map_err(failed)?;
        let waiting = EventData::new_u64(WAITING);
        epoll::add(&poll, share.waiting(), waiting, EventFlags::IN).map_err(failed)?;
        let boot_id = &started.boot_id.clone();
        let files = RunFiles::new(&config.run_dir, boot_id.clone());
        let notify_sockets = NotifySockets::new(&config.run_dir);
        let slate = Slate::new()
            .map_err(|source| StartError::Failed { what: "cannot get shared memory", source })?;
        let controller = Manner { first_wait: 10_000_000, ignores_end: false, token: CONTROLLER };
        let recorder = Manner { first_wait: 0, ignores_end: true, token: RECORDER };
        Ok(Self {
            poll,
            started,
            started_at: sys::now(),
            mark: Mark::new(&config.run_dir, boot_id),
            run_dir: config.run_dir,
            files,
            notify_sockets,
            runs: BTreeMap::new(),
            leaders: HashMap::new(),
            launching: BTreeMap::new(),
            exited: BTreeSet::new(),
            unwritten: BTreeSet::new(),
            look_again_at: None,
            controller: Role::new(config.controller, controller),
            answers: Answers::default(),
            members_found: BTreeMap::new(),
            said: AllSaid::new(),
            greeted: false,
            changes: 0,
            recorder: Role::new(config.recorder, recorder),
            for_recorder: VecDeque::new(),
            keeping: Keeping::default(),
            share,
            slate,
            connections: Known::default(),
            tell_quit: false,
            tell_leave: false,
            upgrade: None,
            quitting: None,
        })
    }

    /// Runs until it is told to quit and its own children have ended.
    pub(super) fn run(&mut self) -> ExitCode {
        let mut events = Vec::with_capacity(64);
        while !self.is_over() {
            self.act_on_time();
            self.deliver_to_recorder();
            self.write_changes();
            self.deliver();
            self.write_ends();
            self.execute_upgrade();
            self.listen_for_changes();
            events.clear();
            let timeout = self.timeout();
            let buffer = rustix::buffer::spare_capacity(&mut events);
            match epoll::wait(&self.poll, buffer, timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return ExitCode::FAILURE,
            }
            for event in &events {
                self.act_on(event.data.u64());
            }
        }
        drop(std::fs::remove_file(self.run_dir.join("api.sock")));
        if self.quitting.is_some_and(|quitting| !quitting.leave) {
            left::close_door(&self.run_dir);
        }
        ExitCode::SUCCESS
    }

    fn act_on(&mut self, token: u64) {
        match token {
            SIGNALS => self.take_signals(),
            CONTROLLER => {
                if self.take_requests() == Seen::Closed {
                    self.controller.hang_up(&self.poll);
                }
            }
            RECORDER => {
                if self.take_reports() == Seen::Closed {
                    self.recorder_hung_up();
                }
            }
            FOREIGN_RECORDER => self.recorder_gone(),
            SHUT => self.revive(),
            WAITING => self.share.something_waits(sys::now()),
            FIRST_NOTIFY.. => self.take_notices(token & !FIRST_NOTIFY),
            FIRST_ADOPTED.. => self.adopted_ended(token & !FIRST_ADOPTED),
            filter if FIRST_NOTIFIER <= filter => self.notified(filter),
            launch => self.launched(launch),
        }
    }

    /// Takes the signals that came: children that ended, or a request to end, which is the
    /// controller's to act on.
    fn take_signals(&mut self) {
        const INFO: usize = 128;
        let mut infos = [0_u8; INFO * 16];
        let mut asked_to_end = false;
        while let Ok(count) = rustix::io::read(&self.started.signals, &mut infos) {
            let numbers = infos.get(..count).unwrap_or_default().chunks(INFO);
            // The number is the first field of each.
            let numbers = numbers.filter_map(|info| info.first_chunk::<4>());
            asked_to_end |= numbers
                .map(|bytes| i32::from_ne_bytes(*bytes))
                .any(|number| number == libc::SIGTERM || number == libc::SIGINT);
        }
        if asked_to_end && let Some(pid) = self.controller.pid {
            drop(sys::signal_process(pid, libc::SIGTERM));
        }
        self.reap();
    }

    /// Deals with the end of one of the keeper's own children.
    pub(super) fn role_ended(&mut self, pid: Pid) -> bool {
        if self.controller.pid == Some(pid) {
            self.take_last_requests();
            self.controller.ended(&self.poll);
            self.forget_controller();
        } else if self.recorder.pid == Some(pid) && self.recorder.foreign.is_none() {
            self.take_reports();
            self.recorder.ended(&self.poll);
            self.answers_recorder_changed();
        } else {
            return false;
        }
        true
    }

    /// The recorder has closed its channel: it ends. If it is another keeper's child, nobody says when.
    pub(super) fn recorder_hung_up(&mut self) {
        self.recorder.hang_up(&self.poll);
        let Some(process) = &self.recorder.foreign else { return };
        let data = EventData::new_u64(FOREIGN_RECORDER);
        if epoll::add(&self.poll, process, data, EventFlags::IN).is_err() {
            self.recorder_gone();
        }
    }

    /// A recorder that is another keeper's child has ended.
    fn recorder_gone(&mut self) {
        // Closing alone would not end the watch: a child that is not executed yet has a copy. Its
        // next event would be taken for the end of the next recorder.
        let Some(process) = self.recorder.foreign.take() else { return };
        epoll::delete(&self.poll, &process).ok();
        self.recorder.ended(&self.poll);
        self.answers_recorder_changed();
    }

    fn answers_recorder_changed(&mut self) {
        if self.greeted {
            self.answers.push(Item::Recorder);
        }
    }

    fn act_on_time(&mut self) {
        let now = sys::now();
        let is_due = |at: Option<u64>| at.is_some_and(|at| at <= now);
        if is_due(self.look_again_at) {
            self.look_for_gone();
        }
        if is_due(self.check_deadline()) {
            self.end_check();
        }
        if is_due(self.share.wake_at()) {
            self.look_for_silent_listeners(now);
        }
        if is_due(self.share.look_at()) {
            self.look_at_queues(now);
        }
        if let Some(quitting) = self.quitting {
            if quitting.deadline <= now {
                self.controller.kill();
                self.recorder.kill();
            }
            return;
        }
        let open_files = self.started.open_files;
        if is_due(self.recorder.restart_at) {
            let raised = rustix::process::getrlimit(rustix::process::Resource::Nofile);
            let door = left::door(&self.run_dir).ok();
            let listener = door.as_ref().map(OwnedFd::as_fd);
            let gifts = Gifts { log: None, listener, open_files: raised };
            self.tell_leave = false;
            self.recorder.start(&self.poll, &gifts);
            drop(door);
            self.tell_recorder_all();
            self.answers_recorder_changed();
        }
        if is_due(self.controller.restart_at) {
            let log = Some(self.started.controller_log.as_fd());
            let listener = Some(self.started.listener.as_fd());
            let gifts = Gifts { log, listener, open_files };
            self.controller.start(&self.poll, &gifts);
        }
    }

    /// How long to wait at most; `None` for ever, which is the rule.
    fn timeout(&self) -> Option<Timespec> {
        let restarts = match self.quitting {
            Some(quitting) => [Some(quitting.deadline), None],
            None => [self.controller.restart_at, self.recorder.restart_at],
        };
        let first = restarts
            .into_iter()
            .chain([self.look_again_at, self.share.wake_at(), self.share.look_at()])
            .chain([self.check_deadline()])
            .flatten()
            .min()?;
        // Rounded up to the next ms, so that older kernels do not wake early and spin.
        let wait = first.saturating_sub(sys::now()).saturating_add(999_999) / 1_000_000;
        let wait = std::time::Duration::from_millis(wait.min(60_000));
        Timespec::try_from(wait).ok()
    }

    fn listen_for_changes(&mut self) {
        let packets = !self.answers.are_enough();
        let room = self.answers.first().is_some();
        self.controller.listen_for(&self.poll, packets, room);
        let room = !self.for_recorder.is_empty()
            || self.keeping.has_news()
            || self.tell_quit
            || self.tell_leave;
        self.recorder.listen_for(&self.poll, true, room);
    }

    /// Begins to quit: the controller ends by itself, and the recorder once it has written what
    /// the pipes hold. With `leave` it is only left alone.
    pub(super) fn quit(&mut self, leave: bool) {
        if self.quitting.is_some() {
            return;
        }
        let deadline = sys::now().saturating_add(QUIT_WITHIN);
        self.quitting = Some(Quitting { leave, deadline });
        self.tell_quit = !leave;
        if !leave {
            self.retire_all();
        }
    }

    /// Whether there is nothing left to do before the keeper ends.
    fn is_over(&self) -> bool {
        self.quitting.is_some_and(|quitting| {
            self.controller.pid.is_none() && (quitting.leave || self.recorder.pid.is_none())
        })
    }
}
