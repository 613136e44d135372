//! One client: a connection of its own, one request at a time, HTTP/1.1.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::TcpStream,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    Options,
    counts::{Outcome, Tally},
};

/// How long a client waits for a connection, and for a whole answer.
const PATIENCE: Duration = Duration::from_secs(8);

#[derive(Debug)]
pub(super) struct Client {
    options: Options,
    request: String,
    kept: Option<TcpStream>,
}

/// What an answer's head says that matters here.
#[derive(Debug, Default)]
struct Head {
    /// Bytes of the head, the empty line included.
    size: usize,
    good: bool,
    /// Whether the connection may be used again.
    keep: bool,
    length: Option<usize>,
    chunked: bool,
    pid: String,
}

impl Client {
    pub(super) fn new(options: Options) -> Self {
        let close = if options.keep_alive { "" } else { "Connection: close\r\n" };
        let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\n{close}\r\n", options.path);
        Self { options, request, kept: None }
    }

    /// How long it is to wait between an answer and its next request.
    pub(super) fn think(&self) -> Duration {
        self.options.think
    }

    /// Asks once and adds what became of it; whether it was answered.
    pub(super) fn ask(&mut self, tally: &Mutex<Tally>) -> bool {
        let tally = || tally.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = Instant::now();
        let kept = self.kept.take();
        let had_one = kept.is_some();
        let kept = kept.filter(is_open);
        if had_one && kept.is_none() {
            tally().closed_idle();
        }
        let reused = kept.is_some();
        let connected = match kept {
            Some(stream) => Ok(stream),
            None => self.connect(),
        };
        let outcome = match connected {
            Ok(stream) => {
                if !reused {
                    tally().connected();
                }
                self.converse(stream, reused)
            }
            Err(error) => not_connected(&error),
        };
        let answered = matches!(outcome, Outcome::Ok(_));
        tally().add(begin, outcome);
        answered
    }

    /// Connects; after a refusal by one address to the other, which is the first choice from then.
    fn connect(&mut self) -> io::Result<TcpStream> {
        let connected = TcpStream::connect_timeout(&self.options.address, PATIENCE);
        match (connected, self.options.also) {
            (Err(error), Some(also)) if error.kind() == ErrorKind::ConnectionRefused => {
                self.options.also = Some(self.options.address);
                self.options.address = also;
                TcpStream::connect_timeout(&also, PATIENCE)
            }
            (connected, _) => connected,
        }
    }

    /// Sends the request and reads the answer. Keeps the connection if that is allowed.
    fn converse(&mut self, mut stream: TcpStream, reused: bool) -> Outcome {
        let sent = Instant::now();
        let ended = |received: usize| match (received, reused) {
            (0, true) => Outcome::Reused(sent.elapsed()),
            (0, false) => Outcome::Fresh,
            (_, _) => Outcome::Partial,
        };
        if let Err(error) = stream.set_nodelay(true) {
            return Outcome::Other(format!("set_nodelay: {error}"));
        }
        if stream.write_all(self.request.as_bytes()).is_err() {
            return ended(0);
        }
        let mut answer = Vec::new();
        let mut part = vec![0; 16_384];
        loop {
            let left = PATIENCE.saturating_sub(sent.elapsed());
            if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
                return Outcome::Timeout;
            }
            let end = match stream.read(&mut part) {
                Ok(0) => true,
                Ok(count) => {
                    answer.extend_from_slice(&part[..count]);
                    false
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Outcome::Timeout,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return ended(answer.len()),
            };
            let head = Head::read(&answer);
            if let Some(head) = &head
                && head.is_whole(&answer, end)
            {
                if !head.good {
                    return Outcome::BadStatus;
                }
                if self.options.keep_alive && head.keep && !end {
                    self.kept = Some(stream);
                }
                return Outcome::Ok(head.pid.clone());
            }
            if end {
                return ended(answer.len());
            }
        }
    }
}

impl Head {
    /// The head of an answer, once it is there.
    fn read(answer: &[u8]) -> Option<Self> {
        let size = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let text = String::from_utf8_lossy(&answer[..size]);
        let mut lines = text.lines();
        let first = lines.next()?;
        let good = first.split(' ').nth(1).is_some_and(|status| status.starts_with('2'));
        let mut head = Self { size, good, keep: first.starts_with("HTTP/1.1"), ..Self::default() };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => head.length = value.parse().ok(),
                "transfer-encoding" => head.chunked = value.eq_ignore_ascii_case("chunked"),
                "connection" if value.eq_ignore_ascii_case("close") => head.keep = false,
                "connection" if value.eq_ignore_ascii_case("keep-alive") => head.keep = true,
                "x-pid" => value.clone_into(&mut head.pid),
                _ => (),
            }
        }
        Some(head)
    }

    /// Whether the answer is whole; one that says no length ends with its connection.
    fn is_whole(&self, answer: &[u8], end: bool) -> bool {
        match self.length {
            Some(length) => answer.len() >= self.size + length,
            None if self.chunked => answer[self.size..].ends_with(b"0\r\n\r\n"),
            None => end,
        }
    }
}

fn not_connected(error: &io::Error) -> Outcome {
    let kinds = [
        (ErrorKind::ConnectionRefused, Outcome::Refused),
        (ErrorKind::TimedOut, Outcome::ConnectTimeout),
        (ErrorKind::ConnectionReset, Outcome::Fresh),
    ];
    let known = kinds.into_iter().find(|(kind, _)| *kind == error.kind());
    known.map_or_else(|| Outcome::Other(format!("connect: {error}")), |(_, outcome)| outcome)
}

/// Whether nothing has come on an idle connection, its end least of all.
fn is_open(stream: &TcpStream) -> bool {
    let nothing = |stream: &TcpStream| -> io::Result<bool> {
        stream.set_nonblocking(true)?;
        let looked = stream.peek(&mut [0]);
        stream.set_nonblocking(false)?;
        Ok(looked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock))
    };
    nothing(stream).unwrap_or(false)
}
