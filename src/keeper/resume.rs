//! Going on in the place of another program: the same process, its children and descriptors, and its
//! state.

use std::{io, os::fd::OwnedFd};

use super::{
    Config,
    adopt::Taken,
    answers::Item,
    event_loop::Keeper,
    left::Left,
    run::ForRecorder,
    slate::Slate,
    start::{self, StartError},
    state::{SavedKeeper, SavedRun},
    sys,
};
use crate::protocol::{Kept, Of, State, read_sealed};

/// A keeper that goes on from the state in the descriptor of this number.
pub(super) fn resume(config: Config, descriptor: i32) -> Result<Keeper, StartError> {
    let failed = |source: io::Error| StartError::Failed { what: "cannot go on", source };
    let content = sys::own(descriptor).and_then(read_sealed).map_err(failed)?;
    let saved = SavedKeeper::decode(&content).map_err(|fault| failed(fault.into()))?;
    let [lock, listener, log, slate] = saved.own;
    let own = [lock, listener, log].map(sys::own);
    let [lock, listener, log] = own.map(|fd| fd.map_err(failed));
    let started = start::again(lock?, listener?, log?, saved.open_files)?;
    let mut keeper = Keeper::new(config, started)?;
    keeper.slate = sys::own(slate).and_then(Slate::open).map_err(failed)?;
    keeper.go_on_from(saved).map_err(failed)?;
    Ok(keeper)
}

impl Keeper {
    fn go_on_from(&mut self, saved: SavedKeeper) -> io::Result<()> {
        self.started_at = saved.started_at;
        for (role, was) in
            [(&mut self.controller, saved.controller), (&mut self.recorder, saved.recorder)]
        {
            let Some(pid) = sys::pid(was.pid) else { continue };
            let foreign = sys::own(was.foreign).ok();
            role.go_on(&self.poll, pid, sys::own(was.channel).ok(), foreign)?;
            role.starts = was.starts;
        }
        if self.recorder.channel.is_none() {
            self.recorder_hung_up();
        }
        let mut left = Left::default();
        for (inode, fd) in saved.sockets {
            left.put(Of::Socket, inode, Kept::Socket, sys::own(fd)?);
        }
        let mut taken = Vec::new();
        for run in saved.runs {
            taken.extend(self.go_on_with_run(run, &mut left)?);
        }
        let sockets = left.take_all(Of::Socket, Kept::Socket);
        let filters = left.take_all(Of::Run, Kept::Filter);
        self.recover_sharing(sockets, filters);
        taken.into_iter().try_for_each(|run| self.go_on(run))?;
        self.find_unanswered();
        self.greeted = saved.greeted;
        if self.greeted {
            self.answers.push(Item::Hello { seq: 0 });
            self.list(0);
        }
        self.keep_all();
        // The recorder is of the former program: it ends, and the next one is given everything.
        self.tell_leave = true;
        self.reap();
        self.look_for_gone();
        Ok(())
    }

    fn go_on_with_run(&mut self, saved: SavedRun, left: &mut Left) -> io::Result<Option<Taken>> {
        let SavedRun { id, forgotten, given, file, descriptors } = saved;
        for (kind, fd) in descriptors {
            left.put(Of::Run, id, kind, sys::own(fd)?);
        }
        let adopted = file.record.adopted;
        let taken = self.take_up_run(id, file, left, adopted)?;
        let Some(run) = self.runs.get_mut(&id) else { return Ok(None) };
        run.forgotten = forgotten;
        for (pipe, given) in run.pipes.iter_mut().zip(given) {
            pipe.given = given;
        }
        if !adopted && run.has_leader() {
            self.leaders.insert(run.leader, id);
        }
        if run.record.state == State::Exited {
            self.exited.insert(id);
        }
        self.tell_recorder(id, ForRecorder::Open);
        Ok(taken)
    }
}

impl Left {
    fn put(&mut self, of: Of, id: u64, kind: Kept, fd: OwnedFd) {
        self.kept.entry((of, id)).or_default().push((kind, fd));
    }
}
