//! Another program takes the keeper's place, in the same process: nothing has to be taken over by
//! anybody, its children stay its children.
//!
//! The new program first reads a copy of the state in a process of its own; one that cannot be
//! executed or cannot read it changes nothing. Meanwhile the keeper goes on as ever. Then it executes
//! the program with its descriptors, whose numbers are in the state.

use std::{
    ffi::CString,
    io::{self, Write as _},
    os::{
        fd::{AsFd as _, AsRawFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    process::ExitCode,
};

use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::Pid,
};

use super::{
    answers::Item,
    child::{self, RoleStart},
    event_loop::Keeper,
    image::Strings,
    role::{Role, own_environment},
    spawn::Refusal,
    state::{NONE, SavedKeeper, SavedRole, SavedRun},
    sys,
};
use crate::protocol::{
    CHANNEL_FD, Kept, Of, RecordFile, Step, inherited, kind, read_sealed, write_sealed,
};

/// The option by which a program only reads a state.
pub(super) const CHECK: &str = "--check";
/// The option by which a program goes on from a state.
pub(super) const RESUME: &str = "--resume";
/// How one ends that could read it. Most programs that are no eco at all end with 0, whatever they are
/// told.
const CHECKED: u8 = 94;
/// And one that could, but not what the controller keeps.
const STORED_UNREAD: u8 = 95;
/// How long a program may take to read a copy of the state, in ns.
const PATIENCE: u64 = 20_000_000_000;

/// An upgrade under way.
#[derive(Debug)]
pub(super) struct Upgrade {
    exe: OwnedFd,
    seq: u64,
    /// The process that reads a copy of the state; `None` once it could.
    check: Option<Pid>,
    /// When it is killed.
    deadline: u64,
}

impl Keeper {
    /// Begins to have a program take this one's place.
    pub(super) fn upgrade(&mut self, seq: u64, descriptors: Vec<OwnedFd>) -> Result<(), Refusal> {
        let refuse = |errno| Err((Step::Prepare, errno));
        if self.quitting.is_some() {
            return refuse(libc::ESHUTDOWN);
        }
        if self.upgrade.is_some() {
            return refuse(libc::EALREADY);
        }
        let Some(exe) = descriptors.into_iter().next() else { return refuse(libc::EBADF) };
        match self.start_check(&exe) {
            Ok(pid) => {
                let deadline = sys::now().saturating_add(PATIENCE);
                self.upgrade = Some(Upgrade { exe, seq, check: Some(pid), deadline });
                Ok(())
            }
            Err(error) => refuse(error.raw_os_error().unwrap_or(libc::EIO)),
        }
    }

    fn start_check(&self, exe: &OwnedFd) -> io::Result<Pid> {
        let copy = write_sealed(&self.saved().encode())?;
        child::fork_role(&RoleStart {
            exe: exe.as_fd(),
            argv: &Strings::new(vec![c"eco".into(), c"__keeper".into(), CString::new(CHECK)?]),
            envp: &Strings::new(own_environment()),
            descriptors: [Some(self.started.controller_log.as_fd()), Some(copy.as_fd()), None],
            ignores_end: false,
            open_files: self.started.open_files,
        })
    }

    /// Whether it was the process that reads a copy of the state; if so, what it found counts.
    pub(super) fn check_ended(&mut self, pid: Pid, wait_status: i32) -> bool {
        let Some(upgrade) = self.upgrade.as_mut().filter(|it| it.check == Some(pid)) else {
            return false;
        };
        let code = libc::WIFEXITED(wait_status).then(|| libc::WEXITSTATUS(wait_status));
        if code == Some(CHECKED.into()) {
            upgrade.check = None;
        } else {
            self.refuse_upgrade(match code {
                // Who cannot be executed at all.
                Some(127) => libc::ENOEXEC,
                Some(code) if code == i32::from(STORED_UNREAD) => libc::ENODATA,
                Some(_) | None => libc::EBADMSG,
            });
        }
        true
    }

    fn refuse_upgrade(&mut self, errno: i32) {
        let Some(Upgrade { seq, .. }) = self.upgrade.take() else { return };
        let (request, step) = (kind::UPGRADE, Step::Prepare);
        self.answers.push(Item::Refused { seq, run: 0, request, step, errno });
    }

    /// When a check that hangs is ended.
    pub(super) fn check_deadline(&self) -> Option<u64> {
        self.upgrade.as_ref().filter(|it| it.check.is_some()).map(|it| it.deadline)
    }

    /// The process that reads a copy of the state.
    pub(super) fn checking(&self) -> Option<Pid> {
        self.upgrade.as_ref()?.check
    }

    /// Ends a check that hangs.
    pub(super) fn end_check(&mut self) {
        if let Some(upgrade) = &mut self.upgrade
            && let Some(pid) = upgrade.check
        {
            upgrade.deadline = u64::MAX;
            drop(sys::signal_process(pid, libc::SIGKILL));
        }
    }

    /// Executes the program that is to take this one's place, once nobody waits for an answer. Only
    /// returns if that could not be done; then all goes on as before.
    pub(super) fn execute_upgrade(&mut self) {
        let ready = self.upgrade.as_ref().is_some_and(|upgrade| upgrade.check.is_none());
        if !ready || self.answers.first().is_some() || self.quitting.is_some() {
            return;
        }
        self.note_sharing();
        let Some(upgrade) = &self.upgrade else { return };
        let error = self.try_execute(&upgrade.exe).err();
        self.refuse_upgrade(error.and_then(|error| error.raw_os_error()).unwrap_or(libc::EIO));
    }

    fn try_execute(&self, exe: &OwnedFd) -> io::Result<()> {
        let state = write_sealed(&self.saved().encode())?;
        let dir = CString::new(self.run_dir.as_os_str().as_bytes())?;
        let number = CString::new(state.as_raw_fd().to_string())?;
        let words = vec![c"eco".into(), c"__keeper".into(), dir, CString::new(RESUME)?, number];
        let (argv, envp) = (Strings::new(words), Strings::new(own_environment()));
        let mut kept = self.descriptors();
        kept.push(state.as_fd());
        kept.iter().try_for_each(|fd| fcntl_setfd(fd, FdFlags::empty()))?;
        let error = sys::execute(exe, &argv, &envp);
        for fd in kept {
            fcntl_setfd(fd, FdFlags::CLOEXEC).ok();
        }
        Err(error)
    }

    /// Every descriptor the next program needs.
    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let started = &self.started;
        let own = [&started.lock, &started.listener, &started.controller_log];
        let roles = [&self.controller, &self.recorder];
        let of_roles = roles.into_iter().flat_map(|role| [&role.channel, &role.foreign]);
        let mut all: Vec<BorrowedFd<'_>> = own.map(OwnedFd::as_fd).to_vec();
        all.extend(of_roles.flatten().map(OwnedFd::as_fd));
        all.push(self.slate.as_fd());
        for (id, run) in &self.runs {
            all.extend(self.kept(Of::Run, *id).into_iter().map(|(_, fd)| fd));
            all.extend(run.pipes.iter().filter_map(|pipe| Some(pipe.end.as_ref()?.as_fd())));
        }
        all.extend(self.share.all_inodes().filter_map(|inode| self.share.socket(inode)));
        all
    }

    /// Everything this keeper knows.
    fn saved(&self) -> SavedKeeper {
        let number = |fd: Option<&OwnedFd>| fd.map_or(NONE, AsRawFd::as_raw_fd);
        let role = |role: &Role| SavedRole {
            pid: role.pid_number(),
            channel: number(role.channel.as_ref()),
            foreign: number(role.foreign.as_ref()),
            starts: role.starts,
        };
        let started = &self.started;
        let [lock, listener, log] =
            [&started.lock, &started.listener, &started.controller_log].map(AsRawFd::as_raw_fd);
        let runs = self.runs.iter().map(|(id, run)| {
            let kept = self.kept(Of::Run, *id).into_iter();
            let mut descriptors: Vec<_> = kept.map(|(kind, fd)| (kind, fd.as_raw_fd())).collect();
            let pipes = run.pipes.iter();
            descriptors.extend(pipes.filter_map(|pipe| {
                Some((Kept::Pipe(pipe.stream), pipe.end.as_ref()?.as_raw_fd()))
            }));
            SavedRun {
                id: *id,
                forgotten: run.forgotten,
                given: run.pipes.each_ref().map(|pipe| pipe.given),
                file: RecordFile {
                    record: run.record.clone(),
                    boot_id: started.boot_id.clone(),
                    pipes: run.pipes.each_ref().map(|pipe| pipe.inode),
                    sink: run.sink.clone(),
                    ports: run.ports.clone(),
                    cgroup: run.cgroup.as_ref().map(|group| group.path().to_owned()),
                },
                descriptors,
            }
        });
        let sockets = self.share.all_inodes();
        let sockets = sockets.filter_map(|it| Some((it, self.share.socket(it)?.as_raw_fd())));
        SavedKeeper {
            open_files: started.open_files,
            started_at: self.started_at,
            greeted: self.greeted,
            own: [lock, listener, log, self.slate.as_fd().as_raw_fd()],
            controller: role(&self.controller),
            recorder: role(&self.recorder),
            runs: runs.collect(),
            sockets: sockets.collect(),
        }
    }
}

/// Reads a copy of the state, and what others keep, and says by the exit code whether it could.
pub(super) fn check(others: fn() -> Result<(), String>) -> ExitCode {
    let content = inherited(CHANNEL_FD).and_then(read_sealed);
    match content.map(|content| SavedKeeper::decode(&content)) {
        Ok(Ok(_)) => {}
        Ok(Err(_)) | Err(_) => return ExitCode::FAILURE,
    }
    let Err(why) = others() else { return ExitCode::from(CHECKED) };
    // The controller's log.
    drop(writeln!(io::stderr(), "upgrade refused: {why}"));
    ExitCode::from(STORED_UNREAD)
}
