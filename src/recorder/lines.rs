//! Lines for a log service of the system: the journal's native protocol, or syslog as RFC 5424 has it.
//! Each line is a datagram; a service that does not keep up is waited for, as a disk is.

use std::{
    ffi::OsStr,
    io,
    os::unix::{ffi::OsStrExt as _, net::UnixDatagram},
};

use super::{
    begun::{Begun, Line},
    log::Unwritten,
};
use crate::protocol::{Destination, Sink, Stream};

/// The longest message; longer lines become several.
const LONGEST_JOURNAL: usize = 48 << 10;
const LONGEST_SYSLOG: usize = 8000;
/// Priorities of the system's logs: information, and warning for standard error.
const INFORMATION: u8 = 6;
const WARNING: u8 = 4;
/// The facility of system daemons.
const DAEMON: u8 = 3;

/// Where the lines of one stream of one run go.
#[derive(Debug)]
pub(super) struct Lines {
    sink: Sink,
    stream: Stream,
    socket: Option<UnixDatagram>,
    begun: Begun,
}

impl Lines {
    pub(super) fn new(sink: &Sink, stream: Stream) -> Self {
        Self { sink: sink.clone(), stream, socket: None, begun: Begun::default() }
    }

    /// Sends the lines that end in this reading.
    pub(super) fn append(&mut self, bytes: &[u8], time: u64) -> Result<(), Unwritten> {
        let mut rest = bytes;
        while let Some(line) = self.begun.next(&mut rest, time, self.longest()) {
            self.send(&line).map_err(|error| Unwritten {
                bytes: line.bytes.len().saturating_add(rest.len()),
                errno: error.raw_os_error().unwrap_or(libc::EIO),
                on_disk: false,
            })?;
        }
        Ok(())
    }

    /// Sends what has no end and will get none.
    pub(super) fn finish(&mut self) {
        if let Some(line) = self.begun.last() {
            self.send(&line).ok();
        }
    }

    fn longest(&self) -> usize {
        match self.sink.to {
            Destination::Syslog => LONGEST_SYSLOG,
            Destination::Journal
            | Destination::Output(_)
            | Destination::File
            | Destination::Nowhere => LONGEST_JOURNAL,
        }
    }

    fn send(&mut self, line: &Line) -> io::Result<()> {
        let message = match self.sink.to {
            Destination::Syslog => self.syslog(line),
            Destination::Journal
            | Destination::Output(_)
            | Destination::File
            | Destination::Nowhere => self.journal(&line.bytes),
        };
        self.send_message(&message)
    }

    fn send_message(&mut self, message: &[u8]) -> io::Result<()> {
        // A service that was restarted has another socket at its path.
        if let Some(socket) = &self.socket
            && socket.send(message).is_ok()
        {
            return Ok(());
        }
        let socket = UnixDatagram::unbound()?;
        socket.connect(&self.sink.socket)?;
        socket.send(message)?;
        self.socket = Some(socket);
        Ok(())
    }

    fn priority(&self) -> u8 {
        match self.stream {
            Stream::Out => INFORMATION,
            Stream::Err => WARNING,
        }
    }

    /// Fields are `NAME=value` lines; the line itself has its length before it, since it may have any
    /// bytes.
    fn journal(&self, line: &[u8]) -> Vec<u8> {
        let Sink { app, project, instance, .. } = &self.sink;
        let stream = if self.stream == Stream::Out { "stdout" } else { "stderr" };
        let mut message = Vec::with_capacity(line.len().saturating_add(256));
        for (name, value) in [
            ("PRIORITY", self.priority().to_string().as_bytes()),
            ("SYSLOG_IDENTIFIER", app.as_bytes()),
            ("ECO_PROJECT", project.as_bytes()),
            ("ECO_APP", app.as_bytes()),
            ("ECO_INSTANCE", instance.to_string().as_bytes()),
            ("ECO_STREAM", stream.as_bytes()),
        ] {
            message.extend([name.as_bytes(), b"=", value, b"\n"].concat());
        }
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        message.extend([b"MESSAGE\n", length.to_le_bytes().as_slice(), line, b"\n"].concat());
        message
    }

    fn syslog(&self, line: &Line) -> Vec<u8> {
        let Sink { app, project, instance, .. } = &self.sink;
        let system = rustix::system::uname();
        let host = name(OsStr::from_bytes(system.nodename().to_bytes()), 255);
        let head = format!(
            "<{}>1 {} {host} {} - - [eco@32473 project=\"{}\" instance=\"{instance}\"] ",
            DAEMON.saturating_mul(8).saturating_add(self.priority()),
            utc(line.time),
            name(app, 48),
            name(project, 64),
        );
        [head.as_bytes(), &line.bytes].concat()
    }
}

/// A name of at most so many characters, none of which means anything else; `-` if there are none.
fn name(text: &OsStr, most: usize) -> String {
    let fits = |byte: &u8| byte.is_ascii_graphic() && !b"\"\\]".contains(byte);
    let name: String =
        text.as_bytes().iter().copied().filter(fits).take(most).map(char::from).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

/// A time in ns since 1970, as `2026-03-04T05:06:07.123456Z`.
pub(super) fn utc(nanos: u64) -> String {
    let (seconds, micros) = (nanos / 1_000_000_000, nanos / 1_000 % 1_000_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// Year, month and day of a day since 1970.
fn date(days: u64) -> (u64, u64, u64) {
    let is_leap =
        |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let (mut year, mut rest) = (1970_u64, days);
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if rest < length {
            break;
        }
        rest = rest.saturating_sub(length);
        year = year.saturating_add(1);
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1_u64;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if rest < length {
            break;
        }
        rest = rest.saturating_sub(length);
        month = month.saturating_add(1);
    }
    (year, month, rest.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(utc(951_782_400_000_000_000), "2000-02-29T00:00:00.000000Z");
        assert_eq!(utc(1_772_600_767_123_456_789), "2026-03-04T05:06:07.123456Z");
        assert_eq!(utc(1_798_761_599_000_000_000), "2026-12-31T23:59:59.000000Z");
    }

    #[test]
    fn names_mean_nothing_else() {
        assert_eq!(name(OsStr::new("web \"x]\\1"), 9), "webx1");
        assert_eq!(name(OsStr::new("web"), 2), "we");
        assert_eq!(name(OsStr::new(" "), 2), "-");
    }
}
