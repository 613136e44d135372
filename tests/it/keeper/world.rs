//! A keeper of its own for each test, and the test in the controller's place.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader},
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use eco::protocol::{
    Blocking, Event, Member, Message, Queue, Record, Request, Scope, Sink, SpawnSpec, State, Step,
    Stream, receive, send, write_sealed,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{AddressFamily, SocketAddrUnix, SocketType, sockopt::socket_peercred},
    process::{Pid, Signal, kill_process, kill_process_group, test_kill_process},
};

/// Nothing a test waits for takes this long, however loaded the machine is.
const PATIENCE: i64 = 60;

/// The test program. `cargo test --test it` does not build examples, so it is built when it is
/// older than what it is linked with.
pub(crate) fn naughty() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let eco = Path::new(env!("CARGO_BIN_EXE_eco"));
        let path = eco.with_file_name("examples").join("naughty");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/naughty.rs");
        let age = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
        let is_fresh = age(&path).is_some_and(|made| {
            age(eco).is_some_and(|at| at <= made) && age(&source).is_some_and(|at| at <= made)
        });
        if !is_fresh {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "--example", "naughty"]);
            if eco.parent().is_some_and(|dir| dir.ends_with("release")) {
                cargo.arg("--release");
            }
            let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
            assert!(built.success(), "cannot build naughty");
        }
        path
    })
}

/// A keeper, and the test as its controller.
pub(crate) struct World {
    dir: tempfile::TempDir,
    child: Child,
    listener: OwnedFd,
    /// The stand-in's connection; it ends when this is closed.
    stand_in: Option<OwnedFd>,
    channel: Option<OwnedFd>,
    pub(crate) records: BTreeMap<u64, Record>,
    pub(crate) refused: Vec<(u64, Step, i32)>,
    /// Bytes of removed parts of logs, as told.
    pub(crate) removed: BTreeMap<u64, u64>,
    /// The cohorts that have sockets, as told.
    pub(crate) cohorts: Vec<u64>,
    /// The processes of a run, as told last.
    pub(crate) members: Vec<Member>,
    /// Queues of cohorts, or of single runs, as told last.
    pub(crate) queues: BTreeMap<(u64, u64), Queue>,
    /// Open, closed and queued connections, as told for requests.
    pub(crate) counts: Vec<(u32, u32, u32)>,
    pub(crate) recorder: Pid,
    pub(crate) list_ends: u32,
    seq: u64,
}

pub(crate) fn pid(number: u32) -> Pid {
    Pid::from_raw(number.cast_signed()).unwrap()
}

/// Whether there is such a process, a zombie excepted.
pub(crate) fn lives(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.is_ok_and(|text| !text.rsplit(')').next().unwrap().starts_with(" Z"))
}

/// The parent of a process.
pub(crate) fn parent(of: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", of.as_raw_nonzero())).ok()?;
    Pid::from_raw(stat.rsplit(')').next()?.split_ascii_whitespace().nth(1)?.parse().ok()?)
}

/// Waits until `done`, looking again and again.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begin = std::time::Instant::now();
    while !done() {
        assert!(begin.elapsed().as_secs() < PATIENCE.unsigned_abs(), "waited in vain: {what}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn readable(fd: impl AsFd, seconds: i64) -> bool {
    let timeout = Timespec { tv_sec: seconds, tv_nsec: 0 };
    let fd = fd.as_fd();
    poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout)).unwrap() != 0
}

/// Starts a keeper of a directory, with a stand-in for the controller that comes to a socket.
fn start_keeper(run: &Path, socket: &Path, restraint: Option<&str>) -> Child {
    let mut child = Command::new(naughty())
        .arg("keeper")
        .args([run.as_os_str(), env!("CARGO_BIN_EXE_eco").as_ref(), socket.as_os_str()])
        .args(restraint)
        .env("LEAK", "from the caller")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "ready\n");
    child
}

impl World {
    pub(crate) fn new() -> Self {
        Self::under(None)
    }

    /// A keeper that is itself restrained: the word says how, see the test program.
    pub(crate) fn under(restraint: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("test.sock");
        let listener =
            rustix::net::socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
        rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::CLOEXEC).unwrap();
        rustix::net::bind(&listener, &SocketAddrUnix::new(&socket).unwrap()).unwrap();
        rustix::net::listen(&listener, 16).unwrap();
        let run = dir.path().join("run");
        fs::create_dir(&run).unwrap();
        let child = start_keeper(&run, &socket, restraint);
        let mut world = Self {
            dir,
            child,
            listener,
            stand_in: None,
            channel: None,
            records: BTreeMap::new(),
            removed: BTreeMap::new(),
            refused: Vec::new(),
            cohorts: Vec::new(),
            queues: BTreeMap::new(),
            counts: Vec::new(),
            members: Vec::new(),
            recorder: Pid::INIT,
            list_ends: 0,
            seq: 0,
        };
        world.greet();
        world.wait("a recorder", |world| world.recorder != Pid::INIT);
        world
    }

    /// Kills the keeper, and forgets what was known.
    pub(crate) fn kill_keeper(&mut self) {
        let stand_in = self.controller();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.channel = None;
        self.stand_in = None;
        self.records.clear();
        until("the controller's end", || !lives(stand_in));
    }

    /// Starts a keeper in the place of a killed one; the word says how it is restrained.
    pub(crate) fn next_keeper(&mut self, restraint: Option<&str>) {
        self.child = start_keeper(&self.run_dir(), &self.dir.path().join("test.sock"), restraint);
        self.recorder = Pid::INIT;
        self.greet();
        self.wait("a recorder", |world| world.recorder != Pid::INIT);
    }

    /// Waits for a controller stand-in, takes its channel and says hello.
    pub(crate) fn greet(&mut self) {
        self.take_channel();
        let before = self.list_ends;
        self.ask(0, Request::Hello { min: eco::protocol::VERSION, max: eco::protocol::VERSION });
        self.wait("all records", |world| world.list_ends != before);
    }

    /// Waits for a controller stand-in and takes its channel.
    pub(crate) fn take_channel(&mut self) {
        assert!(readable(&self.listener, PATIENCE), "no controller came");
        let stand_in = rustix::net::accept(&self.listener).unwrap();
        rustix::io::fcntl_setfd(&stand_in, rustix::io::FdFlags::CLOEXEC).unwrap();
        let packet = receive(&stand_in, Blocking::Wait).unwrap();
        self.channel = packet.descriptors.into_iter().next();
        self.stand_in = Some(stand_in);
    }

    /// The stand-in's process.
    pub(crate) fn controller(&self) -> Pid {
        socket_peercred(self.stand_in.as_ref().unwrap()).unwrap().pid
    }

    /// Kills the stand-in and forgets what was known.
    pub(crate) fn kill_controller(&mut self) {
        kill_process(self.controller(), Signal::KILL).unwrap();
        self.channel = None;
        self.stand_in = None;
        self.records.clear();
    }

    /// Kills the recorder and waits for the next one.
    pub(crate) fn kill_recorder(&mut self) {
        let old = self.recorder;
        kill_process(old, Signal::KILL).unwrap();
        self.wait("another recorder", |world| world.recorder != old && world.recorder != Pid::INIT);
    }

    pub(crate) fn keeper(&self) -> Pid {
        pid(self.child.id())
    }

    pub(crate) fn run_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.dir.path().join("logs")
    }

    /// The channel itself, for another client.
    pub(crate) fn channel(&self) -> OwnedFd {
        self.channel.as_ref().unwrap().try_clone().unwrap()
    }

    /// What a run of the test program looks like: empty environment, logs named after the run.
    pub(crate) fn spec(&self, run: u64, args: &[&str]) -> SpawnSpec {
        let program = [naughty().as_os_str().to_owned()].into_iter();
        SpawnSpec {
            tag: format!("run {run}").into_bytes(),
            argv: program.chain(args.iter().map(OsString::from)).collect(),
            env: vec![("PATH".into(), "/usr/bin:/bin".into())],
            cwd: self.dir.path().to_owned(),
            sink: self.sink(&format!("x-{run}")),
            ..SpawnSpec::default()
        }
    }

    pub(crate) fn sink(&self, stem: &str) -> Sink {
        Sink { dir: self.logs(), stem: stem.into(), app: stem.into(), ..Sink::default() }
    }

    /// Asks the keeper for something.
    pub(crate) fn ask(&mut self, run: u64, body: Request) {
        self.seq += 1;
        let bytes = Message { seq: self.seq, run, body }.encode().unwrap();
        send(self.channel.as_ref().unwrap(), &bytes, &[], Blocking::Wait).unwrap();
    }

    pub(crate) fn spawn_spec(&mut self, run: u64, spec: &SpawnSpec) {
        self.seq += 1;
        let body = Request::Spawn { cohort: spec.cohort };
        let bytes = Message { seq: self.seq, run, body }.encode().unwrap();
        let memfd = write_sealed(&spec.encode()).unwrap();
        let channel = self.channel.as_ref().unwrap();
        send(channel, &bytes, &[memfd.as_fd()], Blocking::Wait).unwrap();
    }

    pub(crate) fn spawn(&mut self, run: u64, args: &[&str]) {
        self.spawn_spec(run, &self.spec(run, args));
    }

    pub(crate) fn signal(&mut self, run: u64, signal: Signal, to: Scope) {
        self.ask(run, Request::Signal { signal: signal.as_raw(), to });
    }

    /// Takes one message, if one comes in time.
    fn take(&mut self, seconds: i64) -> bool {
        let channel = self.channel.as_ref().unwrap();
        if !readable(channel, seconds) {
            return false;
        }
        let packet = receive(channel, Blocking::Never).unwrap();
        assert!(!packet.bytes.is_empty(), "the keeper has closed the channel");
        let message = Message::<Event>::decode(&packet.bytes).unwrap();
        match message.body {
            Event::Record(record) => drop(self.records.insert(message.run, *record)),
            Event::Refused { step, errno, .. } => self.refused.push((message.run, step, errno)),
            Event::ListEnd => self.list_ends += 1,
            Event::Queue(queue) => drop(self.queues.insert((queue.cohort, message.run), queue)),
            Event::Said(_) => {}
            Event::Members(members) => self.members = members,
            Event::Cohort { cohort, .. } => self.cohorts.push(cohort),
            Event::Removed { bytes } => drop(self.removed.insert(message.run, bytes)),
            Event::Connections { open, closed, queued } => {
                self.counts.push((open, closed, queued));
            }
            Event::Recorder { pid, .. } | Event::Hello { recorder: pid, .. } => {
                self.recorder = Pid::from_raw(pid.cast_signed()).unwrap_or(Pid::INIT);
            }
        }
        true
    }

    /// Takes messages until `done`.
    pub(crate) fn wait(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            assert!(self.take(PATIENCE), "waited in vain: {what}; {:#?}", self.records);
        }
    }

    /// Takes messages until the run's state is as told.
    pub(crate) fn wait_state(&mut self, run: u64, done: impl Fn(&Record) -> bool) -> Record {
        self.wait(&format!("run {run}"), |world| world.records.get(&run).is_some_and(&done));
        self.records[&run].clone()
    }

    pub(crate) fn wait_running(&mut self, run: u64) -> Record {
        self.wait_state(run, |record| record.state == State::Running)
    }

    /// Waits until a run is gone and its output is in the log.
    pub(crate) fn wait_gone(&mut self, run: u64) -> Record {
        self.wait_state(run, |record| record.state == State::Gone && record.drained)
    }

    /// Waits until the next refusal.
    pub(crate) fn wait_refused(&mut self) -> (u64, Step, i32) {
        self.wait("a refusal", |world| !world.refused.is_empty());
        self.refused.remove(0)
    }

    pub(crate) fn log(&self, run: u64, stream: Stream) -> PathBuf {
        self.sink(&format!("x-{run}")).log(stream)
    }

    /// What a run wrote to stdout so far.
    pub(crate) fn out(&self, run: u64) -> Vec<u8> {
        fs::read(self.log(run, Stream::Out)).unwrap_or_default()
    }

    pub(crate) fn out_text(&self, run: u64) -> String {
        String::from_utf8_lossy(&self.out(run)).into_owned()
    }

    /// Waits until a run has written a line that begins so, and gives the number that follows.
    pub(crate) fn said(&self, run: u64, word: &str) -> Pid {
        let find = || {
            let text = self.out_text(run);
            let whole = text.rsplit_once('\n')?.0.to_owned();
            whole.lines().find_map(|line| line.strip_prefix(word)?.trim().parse::<u32>().ok())
        };
        until(word, || find().is_some());
        pid(find().unwrap())
    }

    /// Asks the keeper to quit and waits until it and its children are gone.
    pub(crate) fn quit(mut self) {
        let (controller, recorder) = (self.controller(), self.recorder);
        self.ask(0, Request::Quit { leave: false });
        self.stand_in = None;
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "{ended}");
        assert!(!lives(controller) && !lives(recorder));
        assert!(!self.run_dir().join("api.sock").exists());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The keeper goes first, so that it starts nothing again; the stand-in ends when its
        // connection does, the recorder when nobody can write any more.
        drop(self.child.kill());
        drop(self.child.wait());
        if let Some(stand_in) = &self.stand_in
            && let Ok(peer) = socket_peercred(stand_in)
        {
            kill_process(peer.pid, Signal::KILL).ok();
        }
        for record in self.records.values() {
            let group = pid(record.pid.max(2));
            let is_over = matches!(record.state, State::Gone | State::Failed { .. });
            if !is_over && (lives(group) || test_kill_process(group).is_err()) {
                kill_process_group(group, Signal::KILL).ok();
            }
        }
    }
}
