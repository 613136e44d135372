//! What the keeper holds of one run, and how its state moves.

use std::os::fd::OwnedFd;

use rustix::process::Pid;

use super::{cgroup::Cgroup, sys::Reaped};
use crate::protocol::{Ports, Record, Sink, State, Step, Stream};

/// The read end of one of a run's two pipes.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) stream: Stream,
    /// `None` once the recorder has read it to its end.
    pub(super) end: Option<OwnedFd>,
    pub(super) inode: u64,
    /// Whether this recorder was given it.
    pub(super) given: bool,
}

/// What the recorder has to be told about a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ForRecorder {
    /// Nothing.
    Nothing,
    /// Where it goes now.
    Sink,
    /// Everything: its pipes and where they go.
    Open,
}

/// What the keeper holds of one run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: u64,
    pub(super) record: Record,
    pub(super) sink: Sink,
    pub(super) leader: Pid,
    /// `None` once the leader is reaped, or is known to have ended if it is not this keeper's child:
    /// nothing may be signalled through it then.
    pub(super) pidfd: Option<OwnedFd>,
    /// The keeper's end of the socket on which a launch succeeds or fails.
    pub(super) status: Option<OwnedFd>,
    pub(super) pipes: [Pipe; 2],
    /// What its cohort shares.
    pub(super) ports: Option<Ports>,
    /// Bytes of parts of its log that were removed because the disk is full.
    pub(super) removed: u64,
    /// The control group that it alone was started in.
    pub(super) cgroup: Option<Cgroup>,
    /// Whether all of it was to be killed: what of it is found later is killed too.
    pub(super) killed: bool,
    /// The controller no longer wants it; it stays until it is drained and reaped.
    pub(super) forgotten: bool,
    /// It waits to be sent to the controller.
    pub(super) dirty: bool,
    pub(super) for_recorder: ForRecorder,
}

impl Run {
    /// Whether the first process is still there, alive or not yet reaped.
    pub(super) fn has_leader(&self) -> bool {
        self.pidfd.is_some()
    }

    /// Whether nothing of it is left and nothing is left to be read.
    pub(super) fn is_finished(&self) -> bool {
        self.is_over() && self.record.drained
    }

    /// Whether no process of it is left.
    pub(super) fn is_over(&self) -> bool {
        self.has_ended() && !self.has_leader()
    }

    /// Whether its record says that it came to its end, and may be forgotten.
    pub(super) fn has_ended(&self) -> bool {
        match self.record.state {
            State::Failed { .. } | State::Gone => true,
            State::Launching | State::Running | State::Exited => false,
        }
    }

    /// The program was executed.
    pub(super) fn executed(&mut self, now: u64) {
        if self.record.state == State::Launching {
            self.record.state = State::Running;
            self.record.started = now;
        }
    }

    /// The program could not be executed.
    pub(super) fn failed(&mut self, step: Step, errno: i32) {
        if self.record.state == State::Launching {
            self.record.state = State::Failed { step, errno };
        }
    }

    /// The first process was reaped.
    pub(super) fn leader_ended(&mut self, reaped: &Reaped, now: u64) {
        self.pidfd = None;
        self.record.wait_status = reaped.status;
        self.record.user_us = reaped.user_us;
        self.record.system_us = reaped.system_us;
        self.record.max_rss_kib = reaped.max_rss_kib;
        self.record.exited = now;
        match self.record.state {
            State::Launching | State::Running => self.record.state = State::Exited,
            State::Failed { .. } | State::Exited | State::Gone => {}
        }
    }

    /// Nothing of it is left.
    pub(super) fn all_gone(&mut self, now: u64) {
        if self.record.state == State::Exited {
            self.record.state = State::Gone;
            self.record.gone = now;
        }
    }

    /// The recorder read a stream to its end.
    pub(super) fn closed(&mut self, stream: Stream) {
        for pipe in self.pipes.iter_mut().filter(|pipe| pipe.stream == stream) {
            pipe.end = None;
        }
        self.record.drained = self.pipes.iter().all(|pipe| pipe.end.is_none());
    }
}
