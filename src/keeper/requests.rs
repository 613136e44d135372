//! What the controller asks for.

use std::{io, os::fd::OwnedFd};

use super::{answers::Item, event_loop::Keeper, run::ForRecorder, spawn::Refusal, sys};
use crate::protocol::{
    Blocking, Body as _, Message, Received, Request, Scope, Sink, Step, VERSION, receive,
};

/// So many requests are done before other events are looked at again.
const AT_ONCE: usize = 64;
const LAST_SIGNAL: i32 = 64;

/// What a look at the channel showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Perhaps there is more, later.
    Open,
    /// The other side has closed and everything it sent was taken.
    Closed,
}

fn refuse(errno: i32) -> Result<(), Refusal> {
    Err((Step::Prepare, errno))
}

impl Keeper {
    /// Does what the controller asked for so far, as long as its answers have room.
    pub(super) fn take_requests(&mut self) -> Seen {
        for _ in 0..AT_ONCE {
            if self.answers.are_enough() {
                return Seen::Open;
            }
            match self.take_request() {
                Ok(Seen::Open) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Seen::Open,
                Ok(Seen::Closed) | Err(_) => return Seen::Closed,
            }
        }
        Seen::Open
    }

    /// Does everything a dead controller still asked for; its answers are for nobody.
    pub(super) fn take_last_requests(&mut self) {
        while self.controller.channel.is_some() {
            match self.take_request() {
                Ok(Seen::Open) => self.answers.clear(),
                Ok(Seen::Closed) | Err(_) => break,
            }
        }
    }

    fn take_request(&mut self) -> io::Result<Seen> {
        let Some(channel) = &self.controller.channel else { return Ok(Seen::Closed) };
        let packet = receive(channel, Blocking::Never)?;
        if packet.bytes.is_empty() && packet.descriptors.is_empty() {
            return Ok(Seen::Closed);
        }
        self.take_packet(packet);
        Ok(Seen::Open)
    }

    /// Does one request. What cannot be read is refused too: its sender waits for an answer.
    fn take_packet(&mut self, packet: Received) {
        let read = Message::<Request>::decode(&packet.bytes);
        let (seq, run, request, done) = match read {
            Ok(message) if !packet.truncated => {
                let Message { seq, run, body } = message;
                let kind = body.kind();
                (seq, run, kind, self.execute(seq, run, body, packet.descriptors))
            }
            Ok(message) => (message.seq, message.run, message.body.kind(), refuse(libc::EMSGSIZE)),
            Err(_) => (0, 0, 0, refuse(libc::EBADMSG)),
        };
        if let Err((step, errno)) = done {
            self.answers.push(Item::Refused { seq, run, request, step, errno });
        }
    }

    fn execute(
        &mut self,
        seq: u64,
        run: u64,
        request: Request,
        descriptors: Vec<OwnedFd>,
    ) -> Result<(), Refusal> {
        match request {
            Request::Hello { min, max } => self.greet(seq, min, max),
            Request::Spawn { .. } if self.quitting.is_some() => refuse(libc::ESHUTDOWN),
            Request::Spawn { cohort } => self.spawn(run, cohort, descriptors),
            Request::Signal { signal, to } => self.signal(run, signal, to),
            Request::Forget => self.forget(run),
            Request::List => {
                self.list(seq);
                Ok(())
            }
            Request::Sink(sink) => self.set_sink(run, sink),
            Request::Quit { leave } => {
                self.quit(leave);
                Ok(())
            }
            Request::Quiesce => self.quiesce(run),
            Request::Connections(closing) => self.connections(seq, run, closing),
            Request::Ports(ports) => self.share_ports(ports),
            Request::Steer { group, weights } => {
                self.steer(group, weights);
                Ok(())
            }
            Request::Retire { cohort } => {
                self.retire(cohort);
                Ok(())
            }
            Request::Members => self.tell_members(seq, run),
            Request::Upgrade => self.upgrade(seq, descriptors),
            Request::Later(_) => refuse(libc::ENOSYS),
        }
    }

    fn greet(&mut self, seq: u64, min: u16, max: u16) -> Result<(), Refusal> {
        if !(min..=max).contains(&VERSION) {
            return refuse(libc::EPROTONOSUPPORT);
        }
        self.greeted = true;
        self.answers.push(Item::Hello { seq });
        self.list(seq);
        Ok(())
    }

    fn signal(&mut self, id: u64, signal: i32, to: Scope) -> Result<(), Refusal> {
        if !(1..=LAST_SIGNAL).contains(&signal) {
            return refuse(libc::EINVAL);
        }
        let Some(run) = self.runs.get_mut(&id).filter(|run| !run.forgotten) else {
            return refuse(libc::ESRCH);
        };
        if let (Scope::Group, libc::SIGKILL) = (to, signal) {
            run.killed = true;
        }
        let Some(run) = self.runs.get(&id) else { return refuse(libc::ESRCH) };
        let sent = match (to, &run.pidfd) {
            // Before it has a session of its own the child is in the keeper's group.
            (Scope::Group, Some(pidfd)) if run.status.is_some() => sys::signal_pidfd(pidfd, signal),
            (Scope::Group, _) => self.signal_all(run, signal),
            (Scope::Leader, Some(pidfd)) => sys::signal_pidfd(pidfd, signal),
            (Scope::Leader, None) => return refuse(libc::ESRCH),
        };
        sent.map_err(|error| (Step::Prepare, error.raw_os_error().unwrap_or(libc::ESRCH)))
    }

    fn forget(&mut self, id: u64) -> Result<(), Refusal> {
        match self.runs.get_mut(&id) {
            None => refuse(libc::ESRCH),
            Some(run) if !run.has_ended() => refuse(libc::EBUSY),
            Some(run) => {
                run.forgotten = true;
                self.files.remove(id);
                self.drop_if_forgotten(id);
                Ok(())
            }
        }
    }

    fn set_sink(&mut self, id: u64, sink: Sink) -> Result<(), Refusal> {
        let Some(run) = self.runs.get_mut(&id) else { return refuse(libc::ESRCH) };
        run.sink = sink;
        if !run.forgotten {
            drop(self.files.write(id, run));
        }
        self.tell_recorder(id, ForRecorder::Sink);
        Ok(())
    }
}
