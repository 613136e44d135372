//! One run of eco: preparing it, running it, and what it said.

use std::{
    fmt,
    io::{Read, Seek as _, SeekFrom, Write as _},
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::process::{Signal, send};

/// How long one command may take; over `apply`'s own patience in these tests.
const COMMAND: Duration = Duration::from_secs(150);

/// A run of eco being prepared.
#[derive(Debug)]
pub(crate) struct Call {
    command: Command,
    line: String,
}

impl Call {
    pub(super) fn new(command: Command, line: String) -> Self {
        Self { command, line }
    }

    /// Sets a variable of the caller.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it somewhere else.
    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Gives it a text to read from its standard input.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        self.command.stdin(file);
        self
    }

    /// Starts it and goes on.
    pub(crate) fn spawn(mut self) -> Running {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let stdout = drain(child.stdout.take().unwrap());
        let stderr = drain(child.stderr.take().unwrap());
        Running { child, line: self.line, stdout, stderr, seen: Vec::new() }
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn run(self) -> Output {
        let line = self.line.clone();
        match self.spawn().finish(COMMAND) {
            Ok(output) => output,
            Err(problem) => panic!("`{line}` {problem}"),
        }
    }

    /// Runs it to its end; what went wrong is text, too. For use where a panic would hide one.
    pub(super) fn try_run(self) -> String {
        match self.spawn().finish(Duration::from_secs(45)) {
            Ok(output) => output.to_string(),
            Err(problem) => problem,
        }
    }
}

fn drain(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// A run of eco that goes on beside the test. It is killed when it goes out of scope.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    line: String,
    stdout: mpsc::Receiver<Vec<u8>>,
    stderr: mpsc::Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Running {
    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        send(self.child.id(), signal);
    }

    /// What it has written to stdout so far.
    pub(crate) fn stdout(&mut self) -> String {
        self.seen.extend(self.stdout.try_iter().flatten());
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(self) -> Output {
        let line = self.line.clone();
        self.finish(COMMAND).unwrap_or_else(|problem| panic!("`{line}` {problem}"))
    }

    fn finish(mut self, limit: Duration) -> Result<Output, String> {
        let deadline = Instant::now() + limit;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if deadline < Instant::now() {
                let so_far = self.stdout();
                return Err(format!("has not ended after {limit:?}; so far:\n{so_far}"));
            }
            thread::sleep(Duration::from_millis(2));
        };
        let mut stdout = std::mem::take(&mut self.seen);
        let mut stderr = Vec::new();
        let closing = Instant::now() + Duration::from_secs(20);
        for (pipe, bytes) in [(&self.stdout, &mut stdout), (&self.stderr, &mut stderr)] {
            loop {
                match pipe.recv_timeout(closing.saturating_duration_since(Instant::now())) {
                    Ok(part) => bytes.extend(part),
                    Err(mpsc::RecvTimeoutError::Disconnected) => break,
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        return Err("has ended, but something holds its output open".to_owned());
                    }
                }
            }
        }
        Ok(Output::new(&self.line, status, &stdout, &stderr))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.child.kill().unwrap_or_default();
            self.child.wait().map(drop).unwrap_or_default();
        }
    }
}

/// What a run of eco said.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub(crate) line: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    signal: Option<i32>,
}

impl Output {
    fn new(line: &str, status: ExitStatus, stdout: &[u8], stderr: &[u8]) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let (code, signal) = (status.code(), status.signal());
        Self { line: line.to_owned(), stdout: text(stdout), stderr: text(stderr), code, signal }
    }

    /// It has to have ended well.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.exits(0)
    }

    /// It has to have ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "`{}`\n{self}", self.line);
        self
    }

    /// It has to have said this on stdout or stderr.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        let said = self.stdout.contains(words) || self.stderr.contains(words);
        assert!(said, "`{}` does not say {words:?}\n{self}", self.line);
        self
    }

    /// Its stdout as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("`{}` wrote no JSON: {error}\n{self}", self.line),
        }
    }

    /// Its stdout as one JSON value per line.
    #[track_caller]
    pub(crate) fn ndjson(&self) -> Vec<Value> {
        let parse = |line: &str| match serde_json::from_str(line) {
            Ok(value) => value,
            Err(error) => panic!("`{}` wrote no JSON: {error}: {line}", self.line),
        };
        self.stdout.lines().map(parse).collect()
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stdout)?;
        if !self.stderr.is_empty() {
            write!(f, "--- stderr\n{}", self.stderr)?;
        }
        match (self.code, self.signal) {
            (Some(code), _) => writeln!(f, "[exit {code}]"),
            (None, signal) => writeln!(f, "[signal {}]", signal.unwrap_or_default()),
        }
    }
}
