//! A world of its own for a black-box test: a home, a project directory, and the real binary.
//!
//! Nothing of one test is visible to another, and nothing is left running: when a `TestEnv` goes
//! away it stops its eco and fails the test if any of its processes still lives.

mod call;
mod machine;
mod process;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

pub(crate) use self::{
    call::{Call, Output, Running},
    machine::{free_port, http_get, installed, program, repository},
    process::{Process, Signal, alive, send},
};

/// How long a condition may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(15);

/// One home, one project directory, and everything that runs for them.
#[derive(Debug)]
pub(crate) struct TestEnv {
    root: tempfile::TempDir,
}

impl TestEnv {
    /// A fresh world whose project directory is called `shop`.
    pub(crate) fn new() -> Self {
        // Short: a socket's path has to fit into 90 bytes.
        let base = std::env::temp_dir().canonicalize().unwrap();
        let root = tempfile::Builder::new().prefix("e").rand_bytes(7).tempdir_in(base).unwrap();
        for dir in ["shop", "home"] {
            fs::create_dir(root.path().join(dir)).unwrap();
        }
        Self { root }
    }

    /// A fresh world with this text below `apps:` of its file.
    pub(crate) fn with_apps(apps: &str) -> Self {
        let env = Self::new();
        env.apps(apps);
        env
    }

    /// The project directory.
    pub(crate) fn dir(&self) -> PathBuf {
        self.root.path().join("shop")
    }

    /// What `ECO_HOME` is.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("h")
    }

    /// A path in the project directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// Writes a file of the project at once: no reader sees half of it.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let draft = self.root.path().join("draft");
        fs::write(&draft, text).unwrap();
        fs::rename(&draft, &path).unwrap();
        path
    }

    /// Writes a program of the project.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.write(name, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Writes `ecosystem.yaml` with this text below `apps:`; instances count as good after 100 ms.
    pub(crate) fn apps(&self, apps: &str) {
        self.write("ecosystem.yaml", &file_of("shop", apps));
    }

    /// The text of a file of the project; empty if there is none.
    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(name)).unwrap_or_default()).into_owned()
    }

    /// Runs eco in the project directory.
    pub(crate) fn eco(&self, args: &[&str]) -> Output {
        self.call(args).run()
    }

    /// Prepares a run of eco in the project directory with a small clean environment.
    pub(crate) fn call(&self, args: &[&str]) -> Call {
        self.call_by(&[], args)
    }

    /// The same, started by another program: its words come first.
    pub(crate) fn call_by(&self, starter: &[&str], args: &[&str]) -> Call {
        let words = [starter, &[env!("CARGO_BIN_EXE_eco")], args].concat();
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .current_dir(self.dir())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.root.path().join("home"))
            .env("LANG", "C.UTF-8")
            .env("COLUMNS", "200")
            .env("NO_COLOR", "1")
            .env("ECO_HOME", self.home())
            .stdin(Stdio::null());
        Call::new(command, format!("eco {}", args.join(" ")))
    }

    /// Prepares a request to the API by curl: its words, the path last.
    pub(crate) fn curl(&self, args: &[&str]) -> Call {
        let (path, options) = args.split_last().unwrap();
        let url = format!("http://eco{path}");
        let mut command = Command::new(program("curl"));
        command.args(["-sS", "--no-buffer", "--unix-socket"]).arg(self.api_socket());
        command.args(options).arg(&url).current_dir(self.dir()).stdin(Stdio::null());
        Call::new(command, format!("curl {} {url}", options.join(" ")))
    }

    /// Prepares a line of a shell, which finds the socket as a person does.
    pub(crate) fn shell(&self, line: &str) -> Call {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec {line}")]).env("ECO_HOME", self.home());
        command.current_dir(self.dir()).stdin(Stdio::null());
        Call::new(command, line.to_owned())
    }

    /// Where the API is.
    pub(crate) fn api_socket(&self) -> PathBuf {
        self.home().join("run/api.sock")
    }

    /// `eco apply`, which has to converge.
    pub(crate) fn apply(&self) -> Output {
        self.eco(&["apply"]).ok()
    }

    /// `eco status --json` of this project.
    pub(crate) fn status(&self) -> Value {
        let output = self.eco(&["status", "--json"]);
        assert!(matches!(output.code, Some(0 | 1)), "status has to answer\n{output}");
        output.json()
    }

    /// The entry of one app in the status; null if there is none.
    pub(crate) fn app(&self, name: &str) -> Value {
        app_of(&self.status(), name)
    }

    /// The pids of an app's instances by id. An instance without a process is left out.
    pub(crate) fn pids(&self, app: &str) -> BTreeMap<String, u32> {
        pids_of(&self.app(app))
    }

    /// The pid of an app's only instance.
    pub(crate) fn pid(&self, app: &str) -> u32 {
        let pids = self.pids(app);
        assert_eq!(pids.len(), 1, "{app} has to run once: {}", self.status());
        *pids.values().next().unwrap()
    }

    /// Whether an app is in this state.
    pub(crate) fn is(&self, app: &str, state: &str) -> bool {
        self.app(app)["state"] == state
    }

    /// Waits until an app is in this state.
    pub(crate) fn wait_state(&self, app: &str, state: &str) {
        self.wait_for(&format!("{app} to be {state}"), || self.is(app, state));
    }

    /// `eco events --json`, oldest first.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.eco(&["events", "--json"]).ok().ndjson()
    }

    /// All that an app has written so far, without prefixes.
    pub(crate) fn log(&self, app: &str) -> String {
        self.eco(&["logs", app, "--no-prefix", "-n", "100000000"]).ok().stdout
    }

    /// `eco daemon status --json`.
    pub(crate) fn daemon(&self) -> Value {
        self.eco(&["daemon", "status", "--json"]).ok().json()
    }

    /// The pid of the `keeper`, `recorder` or `controller`.
    pub(crate) fn daemon_pid(&self, role: &str) -> u32 {
        let status = self.daemon();
        let pid = status[format!("{role}_pid")].as_u64();
        u32::try_from(pid.unwrap_or_else(|| panic!("no {role} in {status}"))).unwrap()
    }

    /// Kills some of eco's own processes and gives what they were.
    pub(crate) fn kill_roles(&self, roles: &[&str]) -> Vec<u32> {
        let pids: Vec<u32> = roles.iter().map(|role| self.daemon_pid(role)).collect();
        // None of them sees another die.
        for pid in &pids {
            send(*pid, Signal::STOP);
        }
        for pid in &pids {
            send(*pid, Signal::KILL);
        }
        self.wait_for("their end", || pids.iter().all(|pid| !alive(*pid)));
        pids
    }

    /// Waits until `condition` holds.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, mut condition: impl FnMut() -> bool) {
        self.wait_until(what, || condition().then_some(()));
    }

    /// Waits until `look` finds something.
    #[track_caller]
    pub(crate) fn wait_until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}\n{}", self.dump());
            thread::sleep(LOOK);
        }
    }

    /// What a person would look at after a failure.
    pub(crate) fn dump(&self) -> String {
        let status = self.call(&["status", "--json"]).try_run();
        let events = self.call(&["events"]).try_run();
        let mut text = format!("--- status\n{status}\n--- events\n{events}\n");
        for dir in ["logs", "state", "run"] {
            let log = self.home().join(dir).join("controller.log");
            if let Ok(log) = fs::read_to_string(log) {
                let from = log.len().saturating_sub(8_000);
                text.push_str("--- controller.log\n");
                text.push_str(log.get(from..).unwrap_or(&log));
            }
        }
        text
    }

    /// Every live process of this world: those with our home in their environment, or a working
    /// directory below ours, and all their descendants.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let all = Process::all();
        let mark = format!("ECO_HOME={}\0", self.home().display());
        let mut ours: Vec<u32> = Vec::new();
        for process in &all {
            let environ = fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
            let cwd = fs::read_link(format!("/proc/{}/cwd", process.pid)).unwrap_or_default();
            let marked = environ.windows(mark.len()).any(|part| part == mark.as_bytes());
            if marked || cwd.starts_with(self.root.path()) {
                ours.push(process.pid);
            }
        }
        loop {
            let more: Vec<u32> = all
                .iter()
                .filter(|process| ours.contains(&process.parent) && !ours.contains(&process.pid))
                .map(|process| process.pid)
                .collect();
            if more.is_empty() {
                break;
            }
            ours.extend(more);
        }
        all.into_iter().filter(|process| ours.contains(&process.pid)).collect()
    }

    /// Whether one of these processes, or one that has come since, lives.
    fn any_alive(&self, known: &mut Vec<Process>) -> bool {
        for process in self.processes() {
            if !known.contains(&process) {
                known.push(process);
            }
        }
        known.retain(Process::is_alive);
        !known.is_empty()
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        let mut known = self.processes();
        let stop = if known.is_empty() {
            String::new()
        } else {
            // A stopped process cannot stop others.
            for process in &known {
                process.signal(Signal::CONT);
            }
            self.call(&["daemon", "stop"]).try_run()
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while !thread::panicking() && Instant::now() < deadline && self.any_alive(&mut known) {
            thread::sleep(LOOK);
        }
        let left: Vec<String> =
            known.iter().filter(|process| process.is_alive()).map(ToString::to_string).collect();
        // The keeper may put another in a killed one's place until it is dead itself.
        while self.any_alive(&mut known) {
            for process in &known {
                process.signal(Signal::KILL);
            }
            thread::sleep(LOOK);
        }
        machine::remove_groups(&self.home().join("run"));
        let left = left.join("\n");
        let fine = left.is_empty() || thread::panicking();
        assert!(fine, "left running after `daemon stop`:\n{left}\n{stop}");
    }
}

/// The text of a whole file.
pub(crate) fn file_of(project: &str, apps: &str) -> String {
    let head = "defaults: { rollout: { min_ready: 100ms } }";
    format!("version: 1\nname: {project}\n{head}\napps:\n{apps}")
}

/// The entry of one app in a status; null if there is none.
pub(crate) fn app_of(status: &Value, name: &str) -> Value {
    let apps = status["apps"].as_array().map(Vec::as_slice).unwrap_or_default();
    apps.iter().find(|app| app["name"] == name).cloned().unwrap_or(Value::Null)
}

/// The pids in the entry of an app, by instance id.
pub(crate) fn pids_of(app: &Value) -> BTreeMap<String, u32> {
    let instances = app["instances"].as_array().map(Vec::as_slice).unwrap_or_default();
    instances
        .iter()
        .filter_map(|instance| {
            let pid = u32::try_from(instance["pid"].as_u64()?).ok()?;
            (pid != 0).then(|| (instance["id"].as_str().unwrap().to_owned(), pid))
        })
        .collect()
}
