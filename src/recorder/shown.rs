//! Lines for eco's own standard output, where it runs in the foreground: a container's log, or a
//! service manager's.

use std::{io, os::fd::AsFd as _};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};

use super::{
    begun::{Begun, Line},
    lines::utc,
    log::Unwritten,
};
use crate::protocol::{Form, Sink, Stream};

/// The longest line; longer ones become several. So much is kept of each stream.
const LONGEST: usize = 256 << 10;

/// The output of one stream of one run, as it is shown.
#[derive(Debug)]
pub(super) struct Shown {
    form: Form,
    sink: Sink,
    stream: Stream,
    begun: Begun,
}

impl Shown {
    pub(super) fn new(form: Form, sink: &Sink, stream: Stream) -> Self {
        Self { form, sink: sink.clone(), stream, begun: Begun::default() }
    }

    /// Shows the lines that end in this reading; all of them at once, so that no other process that
    /// writes there gets between.
    pub(super) fn append(&mut self, bytes: &[u8], time: u64) -> Result<(), Unwritten> {
        let mut out = Vec::new();
        let mut rest = bytes;
        if self.form == Form::Raw {
            out.extend_from_slice(bytes);
            rest = &[];
        }
        while let Some(line) = self.begun.next(&mut rest, time, LONGEST) {
            self.put(&mut out, &line);
        }
        write_all(&out).map_err(|error| Unwritten {
            bytes: bytes.len(),
            errno: error.raw_os_error().unwrap_or(libc::EIO),
            on_disk: false,
        })
    }

    /// Shows what has no end and will get none.
    pub(super) fn finish(&mut self) {
        let Some(line) = self.begun.last() else { return };
        let mut out = Vec::new();
        self.put(&mut out, &line);
        write_all(&out).ok();
    }

    fn put(&self, out: &mut Vec<u8>, line: &Line) {
        match self.form {
            Form::Raw => out.extend_from_slice(&line.bytes),
            Form::Text | Form::TimedText => self.put_text(out, line),
            Form::Json => self.put_json(out, line),
        }
        out.push(b'\n');
    }

    fn id(&self) -> String {
        format!("{}/{}", self.sink.app.to_string_lossy(), self.sink.instance)
    }

    /// As `eco run` has it, without a width that all names have.
    fn put_text(&self, out: &mut Vec<u8>, line: &Line) {
        if self.form == Form::TimedText {
            out.extend_from_slice(millis(line.time).as_bytes());
            out.push(b' ');
        }
        let mark = match self.stream {
            Stream::Out => "   ",
            Stream::Err => "err",
        };
        out.extend_from_slice(format!("{} {mark}│ ", self.id()).as_bytes());
        out.extend_from_slice(&line.bytes);
    }

    /// With the names that `eco logs --json` has.
    fn put_json(&self, out: &mut Vec<u8>, line: &Line) {
        let text = String::from_utf8_lossy(&line.bytes);
        let stream = match self.stream {
            Stream::Out => "out",
            Stream::Err => "err",
        };
        let head = format!(
            r#"{{"schema":1,"time":"{}","id":{},"app":{},"instance":{},"stream":"{stream}""#,
            millis(line.time),
            quoted(&self.id()),
            quoted(&self.sink.app.to_string_lossy()),
            self.sink.instance,
        );
        out.extend_from_slice(head.as_bytes());
        if std::str::from_utf8(&line.bytes).is_err() {
            out.extend_from_slice(br#","lossy":true"#);
        }
        if !line.is_whole {
            out.extend_from_slice(br#","partial":true"#);
        }
        out.extend_from_slice(format!(r#","line":{}}}"#, quoted(&text)).as_bytes());
    }
}

/// A time in ns since 1970 as everything prints it: to the millisecond.
fn millis(nanos: u64) -> String {
    let mut text = utc(nanos);
    text.truncate(text.len().saturating_sub("000Z".len()));
    text.push('Z');
    text
}

/// A text as a JSON string (RFC 8259 §7).
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' => out.extend(["\\u", &format!("{:04x}", u32::from(letter))]),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Writes all of it to the standard output, which waits for its reader, as a disk is waited for.
fn write_all(mut bytes: &[u8]) -> io::Result<()> {
    let stdout = io::stdout();
    let out = stdout.as_fd();
    while !bytes.is_empty() {
        match rustix::io::write(out, bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            // Whoever shares it may have made it so that nothing waits.
            Err(Errno::AGAIN) => {
                poll(&mut [PollFd::new(&out, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(form: Form, stream: Stream, line: &[u8], is_whole: bool) -> String {
        let sink = Sink { app: "web".into(), instance: 2, ..Sink::default() };
        let line = Line { bytes: line.to_vec(), time: 1_772_600_767_123_456_789, is_whole };
        let mut out = Vec::new();
        Shown::new(form, &sink, stream).put(&mut out, &line);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_look_as_configured() {
        assert_eq!(shown(Form::Text, Stream::Out, b"hello", true), "web/2    │ hello\n");
        assert_eq!(
            shown(Form::TimedText, Stream::Err, b"oh", true),
            "2026-03-04T05:06:07.123Z web/2 err│ oh\n"
        );
        assert_eq!(shown(Form::Raw, Stream::Out, b"hello", true), "hello\n");
    }

    #[test]
    fn json_can_be_read_whatever_is_in_a_line() {
        let text = shown(Form::Json, Stream::Err, b"a\"\\\x01\t\xff\xc3\xa9", false);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "schema": 1, "time": "2026-03-04T05:06:07.123Z", "id": "web/2", "app": "web",
                "instance": 2, "stream": "err", "lossy": true, "partial": true,
                "line": "a\"\\\u{1}\t\u{fffd}é",
            })
        );
    }
}
