//! Starting a run, on the keeper's side of the fork.

use std::{
    collections::btree_map::Entry,
    io,
    os::{
        fd::{AsFd as _, AsRawFd as _, OwnedFd},
        unix::net::UnixStream,
    },
};

use rustix::{
    event::epoll::{self, EventData, EventFlags},
    fs::{Mode, OFlags},
    pipe::{PipeFlags, pipe_with},
    process::{Pid, PidfdFlags, pidfd_open},
};

use super::{
    cgroup::Cgroup,
    child::{self, AppStart},
    event_loop::{FIRST_LAUNCH, Keeper},
    image::Image,
    members::MARK,
    proc,
    run::{ForRecorder, Pipe, Run},
    share::{FILTERED, UNFILTERED, Way},
    surroundings::Surroundings,
    sys,
};
use crate::protocol::{
    Blocking, NOTIFY_FD_VARIABLE, Of, Received, Record, Sharing, SpawnSpec, State, Step, Stream,
    read_sealed, receive,
};

/// Why nothing was started: the step and the system's error number.
pub(super) type Refusal = (Step, i32);

fn refusal(step: Step) -> impl Fn(io::Error) -> Refusal {
    move |error| (step, error.raw_os_error().unwrap_or(libc::EINVAL))
}

/// A pipe whose writing side is opened for reading too: an app that holds it gets no `EPIPE`
/// whoever else dies.
fn output_pipe(stream: Stream) -> io::Result<(Pipe, OwnedFd)> {
    let (read, _write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    let inode = rustix::fs::fstat(&read)?.st_ino;
    let path = format!("/proc/self/fd/{}", read.as_raw_fd());
    let app = rustix::fs::open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    Ok((Pipe { stream, end: Some(read), inode, given: false }, app))
}

impl Keeper {
    /// Starts a run, or says why nothing was started. What happens after the fork is told by the
    /// run's record.
    pub(super) fn spawn(
        &mut self,
        id: u64,
        cohort: u64,
        descriptors: Vec<OwnedFd>,
    ) -> Result<(), Refusal> {
        let mut descriptors = descriptors.into_iter();
        let memfd = descriptors.next().ok_or((Step::Prepare, libc::EBADF))?;
        if descriptors.next().is_some() {
            return Err((Step::Cgroup, libc::EOPNOTSUPP));
        }
        if self.runs.contains_key(&id) {
            return Err((Step::Prepare, libc::EEXIST));
        }
        let content = read_sealed(memfd).map_err(refusal(Step::Prepare))?;
        let spec =
            SpawnSpec::decode(cohort, &content).map_err(|_| (Step::Prepare, libc::EINVAL))?;
        let mut own = vec![(MARK, self.mark.of(id))];
        if spec.notify {
            let opened = self.notify_sockets.open(id, spec.ids.is_some(), &self.poll);
            if let Some(name) = opened.map_err(refusal(Step::Prepare))? {
                own.push(("NOTIFY_SOCKET", name));
            }
        }
        let done = self.start_process(id, spec, &own);
        if done.is_err() {
            self.notify_sockets.close(id);
        }
        done
    }

    fn start_process(
        &mut self,
        id: u64,
        spec: SpawnSpec,
        own: &[(&str, String)],
    ) -> Result<(), Refusal> {
        let way = self.way(spec.cohort);
        let sockets = match &way {
            Way::Alone | Way::Filter => 0,
            Way::Sockets(sockets) => sockets.len(),
        };
        let image = Image::new(&spec, sockets, own).ok_or((Step::Prepare, libc::EINVAL))?;
        let run = self.fork_run(id, spec, &image, &way)?;
        self.admit(id, run)
    }

    /// Makes pipes and the process, which waits to be released.
    fn fork_run(
        &self,
        id: u64,
        spec: SpawnSpec,
        image: &Image,
        way: &Way<'_>,
    ) -> Result<Run, Refusal> {
        let cgroup = spec.cgroup.as_deref().map(Cgroup::open).transpose();
        let cgroup = cgroup.map_err(refusal(Step::Cgroup))?;
        let surroundings = Surroundings::new(&spec, self.started.open_files);
        let mut surroundings = surroundings.map_err(refusal(Step::Cgroup))?;
        if spec.notify && spec.variable(NOTIFY_FD_VARIABLE).is_some() {
            let socket = self.notify_sockets.connected(id).map_err(refusal(Step::Prepare))?;
            surroundings.notify = Some(socket);
        }
        let (out, app_out) = output_pipe(Stream::Out).map_err(refusal(Step::Prepare))?;
        let (err, app_err) = output_pipe(Stream::Err).map_err(refusal(Step::Prepare))?;
        surroundings.own([app_out.as_fd(), app_err.as_fd()]);
        let (ours, theirs) = UnixStream::pair().map_err(refusal(Step::Prepare))?;
        ours.set_nonblocking(true).map_err(refusal(Step::Prepare))?;
        let leader = child::fork_app(&AppStart {
            image,
            out: app_out.as_fd(),
            err: app_err.as_fd(),
            status: theirs.as_fd(),
            keeper_status: ours.as_fd(),
            surroundings: &surroundings,
            sharing: way,
        })
        .map_err(refusal(Step::Fork))?;
        // Without a pidfd the child is not released: the end of `ours` ends it.
        let pidfd = pidfd_open(leader, PidfdFlags::empty())
            .map_err(|error| refusal(Step::Fork)(error.into()))?;
        let pid = leader.as_raw_nonzero().get().unsigned_abs();
        let (sharing, ports) = match way {
            Way::Alone | Way::Filter => (Sharing::None, Vec::new()),
            Way::Sockets(_) => (Sharing::Fds, self.share.ports(spec.cohort)),
        };
        Ok(Run {
            id,
            record: Record {
                tag: spec.tag,
                cohort: spec.cohort,
                pid,
                start_ticks: proc::start_ticks(pid).unwrap_or_default(),
                state: State::Launching,
                ports,
                sharing,
                ..Record::default()
            },
            sink: spec.sink,
            leader,
            pidfd: Some(pidfd),
            status: Some(ours.into()),
            pipes: [out, err],
            ports: self.share.declared(spec.cohort),
            removed: 0,
            cgroup,
            killed: false,
            forgotten: false,
            dirty: false,
            for_recorder: ForRecorder::Nothing,
        })
    }

    /// Takes a new run in: record on disk, descriptors to the recorder, then the child goes on.
    fn admit(&mut self, id: u64, run: Run) -> Result<(), Refusal> {
        self.files.begin(id, &run).map_err(refusal(Step::Prepare))?;
        let status = run.status.as_ref().ok_or((Step::Prepare, libc::EBADF))?;
        let token = launch_token(status);
        if let Err(error) =
            epoll::add(&self.poll, status, EventData::new_u64(token), EventFlags::IN)
        {
            self.files.remove(id);
            return Err((Step::Prepare, error.raw_os_error()));
        }
        let leader = run.leader;
        let Entry::Vacant(place) = self.runs.entry(id) else {
            return Err((Step::Prepare, libc::EEXIST));
        };
        let run = place.insert(run);
        self.leaders.insert(leader, id);
        self.launching.insert(token, id);
        let released = run.status.as_ref().map(|status| rustix::io::write(status, &[1]));
        if !matches!(released, Some(Ok(1))) {
            // The child died before it was released: its end is told like any other's.
            run.failed(Step::Fork, libc::ECHILD);
        }
        self.tell_recorder(id, ForRecorder::Open);
        self.keep(Of::Run, id);
        self.changed(id);
        Ok(())
    }

    /// Something was said about a launch: it has a filter, it has succeeded or failed, or its process
    /// died during it.
    pub(super) fn launched(&mut self, token: u64) {
        let Some(id) = self.launching.get(&token).copied() else { return };
        while let Some(status) = self.runs.get(&id).and_then(|run| run.status.as_ref()) {
            match receive(status, Blocking::Never) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Ok(said) if !said.bytes.is_empty() => self.launch_said(id, said),
                Ok(_) | Err(_) => self.launch_ended(token, id),
            }
        }
    }

    fn launch_said(&mut self, id: u64, said: Received) {
        let mut filter = said.descriptors.into_iter().next();
        for text in said.bytes.chunks_exact(5) {
            let [step, a, b, c, d] = *text else { continue };
            let Some(run) = self.runs.get_mut(&id) else { return };
            match (step, filter.take()) {
                (FILTERED, Some(filter)) => self.filtered(id, filter),
                (FILTERED | UNFILTERED, _) => run.record.sharing = Sharing::Unavailable,
                (step, _) => {
                    let step = Step::from_number(step).unwrap_or(Step::Exec);
                    run.failed(step, i32::from_le_bytes([a, b, c, d]));
                }
            }
        }
    }

    fn launch_ended(&mut self, token: u64, id: u64) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        // Whatever failed was said before.
        run.executed(sys::now());
        if let Some(status) = run.status.take() {
            epoll::delete(&self.poll, &status).ok();
        }
        self.launching.remove(&token);
        self.keep(Of::Run, id);
        self.changed(id);
    }

    /// Looks at a launch before its process is reaped, so that a failure is not taken for an exit.
    pub(super) fn settle_launch(&mut self, leader: Pid) {
        let id = self.leaders.get(&leader);
        let status = id.and_then(|id| self.runs.get(id)).and_then(|run| run.status.as_ref());
        if let Some(token) = status.map(launch_token) {
            self.launched(token);
        }
    }
}

/// What a launch is called in the event loop: descriptors are unique while they are open.
pub(super) fn launch_token(status: &OwnedFd) -> u64 {
    let number = u64::try_from(status.as_raw_fd()).unwrap_or_default();
    FIRST_LAUNCH.saturating_add(number)
}
