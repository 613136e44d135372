//! Taking over what an earlier keeper left: its recorder, and the runs that live on.
//!
//! A process counts as a run's only if its file is of this boot, and pid, start time and user fit
//! while a pidfd holds the process fast. Everything else is left alone and never signalled. From here
//! on a run that was taken over differs from others only in how its end is learnt: this keeper is not
//! its parent, so the system tells no wait status by itself.

use std::{
    fs, io,
    os::{fd::OwnedFd, unix::fs::MetadataExt as _},
};

use rustix::{
    event::epoll::{self, EventData, EventFlags},
    fs::{Mode, OFlags},
    process::{Pid, PidfdFlags, pidfd_open},
};

use super::{
    cgroup::Cgroup,
    event_loop::Keeper,
    kill::end_unknown,
    left::Left,
    members::{Mark, others_of},
    proc::{self, Stat},
    run::{ForRecorder, Pipe, Run},
    slate::Slate,
    spawn::launch_token,
    start::StartError,
    sys::{self, Reaped},
};
use crate::protocol::{Kept, Of, Record, RecordFile, State, Stream};

/// The first processes of runs that were taken over are called by this and the run.
pub(super) const FIRST_ADOPTED: u64 = 1 << 62;

/// What became of a run's first process.
#[derive(Debug)]
enum First {
    /// It lives, or has ended just now.
    Known(OwnedFd),
    /// It ended, and nobody saw how.
    Unseen,
}

/// A run that was taken up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    id: u64,
    /// Whether its first process ended and nobody saw how.
    unseen: bool,
}

fn failed(source: io::Error) -> StartError {
    StartError::Failed { what: "cannot take over the running apps", source }
}

impl Keeper {
    /// Takes over whatever an earlier keeper left.
    pub(super) fn adopt(&mut self) -> Result<(), StartError> {
        let (files, removed) = self.files.left().map_err(failed)?;
        end_unknown(&removed, &self.mark);
        let mut left = Left::ask(&self.run_dir);
        let mut taken = Vec::new();
        for (id, file) in files {
            taken.extend(self.take_up_run(id, file, &mut left, true).map_err(failed)?);
        }
        if let Some(slate) = left.take(Of::Keeper, 0, Kept::Slate)
            && let Ok(slate) = Slate::open(slate)
        {
            self.slate = slate;
        }
        let sockets = left.take_all(Of::Socket, Kept::Socket);
        let filters = left.take_all(Of::Run, Kept::Filter);
        self.recover_sharing(sockets, filters);
        taken.into_iter().try_for_each(|run| self.go_on(run)).map_err(failed)?;
        self.find_unanswered();
        self.answer_left();
        self.notify_sockets.remove_others();
        if let Some(recorder) = left.recorder {
            self.keep_all();
            self.recorder.take(recorder, &self.poll).map_err(failed)?;
        }
        self.look_for_gone();
        Ok(())
    }

    /// Takes up a run, of another keeper if it is `adopted`; else it is this process's child. It goes
    /// on once it is known what is shared: its launch may have a filter to hand over yet.
    pub(super) fn take_up_run(
        &mut self,
        id: u64,
        file: RecordFile,
        left: &mut Left,
        adopted: bool,
    ) -> io::Result<Option<Taken>> {
        let RecordFile { record, pipes, sink, ports, cgroup, .. } = file;
        // A file that names no process was written before there was one.
        let Some(leader) = sys::pid(record.pid) else {
            self.files.remove(id);
            return Ok(None);
        };
        let ended = match record.state {
            State::Launching | State::Running => false,
            State::Failed { .. } | State::Exited | State::Gone => true,
        };
        let held = left.take(Of::Run, id, Kept::Process);
        let first = match held {
            Some(pidfd) if !adopted => Some(First::Known(pidfd)),
            held if adopted && !ended => Some(identify(held, leader, &record, &pipes)?),
            Some(_) | None => None,
        };
        let [out, err] = pipes;
        let mut pipe = |stream, inode| {
            let end = left.take(Of::Run, id, Kept::Pipe(stream));
            Pipe { stream, given: end.is_some(), end, inode }
        };
        let pipes = [pipe(Stream::Out, out), pipe(Stream::Err, err)];
        let (pidfd, unseen) = match first {
            Some(First::Known(pidfd)) => (Some(pidfd), false),
            Some(First::Unseen) => (None, true),
            None => (None, false),
        };
        let mut run = Run {
            id,
            record: Record { adopted, ..record },
            sink,
            leader,
            pidfd,
            status: left.take(Of::Run, id, Kept::Status),
            pipes,
            ports,
            removed: 0,
            // One that is gone has no processes.
            cgroup: cgroup.and_then(|path| Cgroup::open(&path).ok()),
            killed: false,
            forgotten: false,
            dirty: false,
            for_recorder: ForRecorder::Nothing,
        };
        if adopted {
            find_pipes(&mut run, &self.mark);
        }
        if let Some(notify) = left.take(Of::Run, id, Kept::Notify) {
            self.notify_sockets.take(id, notify, &self.poll)?;
        }
        let reopened = run.pipes.iter().any(|pipe| pipe.end.is_some() && !pipe.given);
        self.runs.insert(id, run);
        if reopened {
            self.tell_recorder(id, ForRecorder::Open);
        }
        self.changed(id);
        Ok(Some(Taken { id, unseen }))
    }

    /// Goes on with a run from where it was.
    pub(super) fn go_on(&mut self, Taken { id, unseen }: Taken) -> io::Result<()> {
        let Some(run) = self.runs.get_mut(&id) else { return Ok(()) };
        if let Some(status) = &run.status {
            let token = launch_token(status);
            epoll::add(&self.poll, status, EventData::new_u64(token), EventFlags::IN)?;
            self.launching.insert(token, id);
            self.launched(token);
        } else {
            // What it said about its launch is lost, except that it lives or lived.
            run.executed(sys::now());
        }
        let Some(run) = self.runs.get_mut(&id) else { return Ok(()) };
        if let Some(pidfd) = run.pidfd.as_ref().filter(|_| run.record.adopted) {
            let data = EventData::new_u64(FIRST_ADOPTED | id);
            epoll::add(&self.poll, pidfd, data, EventFlags::IN)?;
        }
        if unseen {
            self.leader_ended_unseen(id);
        } else if run.record.state == State::Exited {
            self.exited.insert(id);
        }
        Ok(())
    }

    /// The first process of a run that was taken over has ended.
    pub(super) fn adopted_ended(&mut self, id: u64) {
        let Some(run) = self.runs.get(&id) else { return };
        if let Some(token) = run.status.as_ref().map(launch_token) {
            self.launched(token);
        }
        let Some(run) = self.runs.get(&id) else { return };
        let Some(pidfd) = &run.pidfd else { return };
        epoll::delete(&self.poll, pidfd).ok();
        let (pid, start) = (run.record.pid, run.record.start_ticks);
        let zombie = || proc::stat(pid).filter(|stat| stat.zombie && stat.start_ticks == start);
        // Before it is reaped the one, after that the other; perhaps in between.
        let status = sys::wait_status(pidfd)
            .or_else(|| zombie().map(|stat| stat.wait_status))
            .or_else(|| sys::wait_status(pidfd));
        match status {
            Some(status) => self.leader_ended(id, &reaped(run.leader, status)),
            None => self.leader_ended_unseen(id),
        }
        self.look_for_gone();
    }

    fn leader_ended_unseen(&mut self, id: u64) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.record.lost.exit_code = true;
        let leader = run.leader;
        self.leader_ended(id, &reaped(leader, 0));
    }
}

fn reaped(pid: Pid, status: i32) -> Reaped {
    Reaped { pid, status, user_us: 0, system_us: 0, max_rss_kib: 0 }
}

/// Finds out whether the process of a record is still the one it was.
fn identify(
    held: Option<OwnedFd>,
    leader: Pid,
    record: &Record,
    pipes: &[u64; 2],
) -> io::Result<First> {
    let pidfd = match held {
        // It was opened by the process's parent, before anybody else could have its number.
        Some(pidfd) => pidfd,
        None => match pidfd_open(leader, PidfdFlags::empty()) {
            Ok(pidfd) if is_same(record, pipes, proc::stat(record.pid)) => pidfd,
            Ok(_) | Err(rustix::io::Errno::SRCH | rustix::io::Errno::INVAL) => {
                return Ok(First::Unseen);
            }
            Err(error) => return Err(error.into()),
        },
    };
    // While it lives, what was read by its number was its own.
    let stat = proc::stat(record.pid);
    if !sys::has_ended(&pidfd) && !is_same(record, pipes, stat) {
        return Ok(First::Unseen);
    }
    Ok(First::Known(pidfd))
}

/// Whether a process is the one of a record: made at the same time, for this user or, where a
/// privileged program has become another user, with the pipes of this run.
fn is_same(record: &Record, pipes: &[u64; 2], stat: Option<Stat>) -> bool {
    stat.is_some_and(|stat| {
        let own = rustix::process::getuid();
        let same_user = proc::user(record.pid) == Some(own.as_raw());
        let has_pipe =
            || (1..=2).any(|fd| pipe_at(record.pid, fd).is_some_and(|it| pipes.contains(&it)));
        stat.start_ticks == record.start_ticks && (same_user || (own.is_root() && has_pipe()))
    })
}

fn pipe_at(pid: u32, fd: i32) -> Option<u64> {
    fs::metadata(format!("/proc/{pid}/fd/{fd}")).ok().map(|found| found.ino())
}

/// Opens the pipes of a run that nobody reads: its processes have them. One that none of them has is
/// at its end.
fn find_pipes(run: &mut Run, mark: &Mark) {
    let missing = run.pipes.iter().any(|pipe| pipe.end.is_none());
    if missing && !run.record.drained && !run.is_over() {
        let others = others_of(run, mark);
        let mut pids = vec![run.record.pid];
        pids.extend(others.into_iter().map(|pid| pid.as_raw_nonzero().get().unsigned_abs()));
        for pid in pids {
            for pipe in run.pipes.iter_mut().filter(|pipe| pipe.end.is_none()) {
                pipe.end = reopen(pid, pipe.inode);
            }
        }
    }
    run.record.drained = run.pipes.iter().all(|pipe| pipe.end.is_none());
}

/// The read end of a pipe that a process has as its output, or else anywhere.
fn reopen(pid: u32, inode: u64) -> Option<OwnedFd> {
    let usual = [1, 2].map(|fd| format!("/proc/{pid}/fd/{fd}"));
    let all = fs::read_dir(format!("/proc/{pid}/fd")).ok();
    let others = all.into_iter().flatten().flatten();
    let others = others.map(|entry| entry.path().to_string_lossy().into_owned());
    usual.into_iter().chain(others).find_map(|path| {
        let found = fs::metadata(&path).ok()?;
        if found.ino() != inode {
            return None;
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let pipe = rustix::fs::open(&path, flags, Mode::empty()).ok()?;
        let same = rustix::fs::fstat(&pipe).ok()?.st_ino == inode;
        same.then_some(pipe)
    })
}
