//! How lines come out: with the name of their instance before them, as JSON, or as they are.

use std::{
    collections::{HashMap, VecDeque},
    io::{self, BufWriter, Write},
};

use anstyle::{AnsiColor, Reset};
use jiff::Timestamp;
use regex::bytes::Regex;
use serde_json::{Map, Value};

use super::{Form, Query};
use crate::api::{LogFile, LogFormat, SCHEMA, Stream};

/// Colours that tell instances apart; red is kept for standard error.
const COLORS: [AnsiColor; 5] =
    [AnsiColor::Cyan, AnsiColor::Green, AnsiColor::Magenta, AnsiColor::Blue, AnsiColor::Yellow];
/// Where lines are looked at as a whole, a longer one is looked at in pieces.
const LONGEST: usize = 16 << 20;
/// Of the last lines that match so many bytes are kept, and at least one line: who wants more of them
/// says since when.
const KEPT: usize = 64 << 20;

/// Writes lines.
pub(super) struct Printer<'a> {
    out: BufWriter<&'a mut dyn Write>,
    form: Form,
    color: bool,
    matching: Option<Regex>,
    /// Columns of the longest id.
    width: usize,
    /// Whose line was begun and has not ended yet.
    open: Option<usize>,
    /// What is there of lines that have to be whole, by stream.
    begun: HashMap<usize, Line>,
    /// Where only the last of those that match are wanted.
    last: Option<Last>,
}

/// The last lines so far.
struct Last {
    /// How many are wanted.
    count: usize,
    lines: VecDeque<(usize, Line)>,
    /// Their bytes.
    bytes: usize,
}

impl Last {
    fn push(&mut self, key: usize, line: Line) {
        self.bytes += line.bytes.len();
        self.lines.push_back((key, line));
        while self.count < self.lines.len() || (KEPT < self.bytes && 1 < self.lines.len()) {
            let Some((_, first)) = self.lines.pop_front() else { return };
            self.bytes -= first.bytes.len();
        }
    }
}

/// A line, or what is there of it.
struct Line {
    file: LogFile,
    time: u64,
    bytes: Vec<u8>,
}

impl<'a> Printer<'a> {
    pub(super) fn new(out: &'a mut dyn Write, query: &Query) -> Self {
        let out = BufWriter::with_capacity(64 * 1024, out);
        let last = query.last.filter(|_| query.matching.is_some());
        Self {
            out,
            form: query.form,
            color: query.color,
            matching: query.matching.clone(),
            width: 0,
            open: None,
            begun: HashMap::new(),
            last: last.map(|count| Last { count, lines: VecDeque::new(), bytes: 0 }),
        }
    }

    /// Makes room for these ids.
    pub(super) fn align<'b>(&mut self, ids: impl Iterator<Item = &'b str>) {
        self.width = ids.map(|id| id.chars().count()).max().unwrap_or(0).max(self.width);
    }

    /// Writes a part of a line of stream `key` that began at `time` (ns), with its newline if it has
    /// one.
    pub(super) fn write(
        &mut self,
        key: usize,
        file: &LogFile,
        time: u64,
        bytes: &[u8],
    ) -> io::Result<()> {
        if self.matching.is_none() && self.form_of(file) != Form::Json {
            return self.put(key, file, time, bytes);
        }
        let line = self.begun.entry(key).or_insert_with(|| Line {
            file: file.clone(),
            time,
            bytes: Vec::new(),
        });
        line.bytes.extend_from_slice(bytes);
        if line.bytes.ends_with(b"\n") || LONGEST <= line.bytes.len() {
            let line = self.begun.remove(&key);
            line.map_or(Ok(()), |line| self.whole(key, line))
        } else {
            Ok(())
        }
    }

    fn whole(&mut self, key: usize, line: Line) -> io::Result<()> {
        let text = line.bytes.strip_suffix(b"\n").unwrap_or(&line.bytes);
        if self.matching.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
            return Ok(());
        }
        let Some(last) = &mut self.last else {
            return self.put(key, &line.file, line.time, &line.bytes);
        };
        last.push(key, line);
        Ok(())
    }

    /// What was written before anybody followed is complete.
    pub(super) fn end_of_past(&mut self) -> io::Result<()> {
        let Some(last) = self.last.take() else { return Ok(()) };
        last.lines
            .into_iter()
            .try_for_each(|(key, line)| self.put(key, &line.file, line.time, &line.bytes))
    }

    fn form_of(&self, file: &LogFile) -> Form {
        match self.form {
            Form::AsConfigured => match file.format {
                LogFormat::Text => Form::Text { times: file.timestamps },
                LogFormat::Raw => Form::Bytes,
                LogFormat::Json => Form::Json,
            },
            form @ (Form::Bytes | Form::Text { .. } | Form::Json) => form,
        }
    }

    fn put(&mut self, key: usize, file: &LogFile, time: u64, bytes: &[u8]) -> io::Result<()> {
        let form = self.form_of(file);
        if self.open != Some(key) {
            // Another stream's line that has not ended is broken off: two in one line would be
            // worse than one in two.
            if self.open.is_some() {
                self.out.write_all(b"\n")?;
            }
            if let Form::Text { times } = form {
                self.write_prefix(file, times.then_some(time))?;
            }
        }
        if form == Form::Json {
            self.open = None;
            return self.write_json(file, time, bytes);
        }
        self.out.write_all(bytes)?;
        self.open = (!bytes.ends_with(b"\n")).then_some(key);
        Ok(())
    }

    /// `web/0     │ ` for standard output, `web/0  err│ ` for standard error.
    fn write_prefix(&mut self, file: &LogFile, time: Option<u64>) -> io::Result<()> {
        let mark = match file.stream {
            Stream::Out => "   ",
            Stream::Err => "err",
        };
        let (id, width) = (&file.id, self.width);
        // The program may have left a colour of its own switched on.
        if self.color {
            write!(self.out, "{Reset}")?;
        }
        if let Some(time) = time {
            write!(self.out, "{} ", stamp(time))?;
        }
        if !self.color {
            return write!(self.out, "{id:<width$} {mark}│ ");
        }
        let paint = color_of(id).on_default();
        let red = AnsiColor::Red.on_default();
        write!(self.out, "{paint}{id:<width$}{paint:#} {red}{mark}{red:#}{paint}│{paint:#} ")
    }

    fn write_json(&mut self, file: &LogFile, time: u64, bytes: &[u8]) -> io::Result<()> {
        let (app, instance) = file.id.rsplit_once('/').unwrap_or((&file.id, ""));
        let (line, is_whole) = match bytes.strip_suffix(b"\n") {
            Some(line) => (line, true),
            None => (bytes, false),
        };
        let text = String::from_utf8_lossy(line);
        let mut object = Map::new();
        let mut add = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        add("schema", SCHEMA.into());
        add("time", stamp(time).into());
        add("id", file.id.as_str().into());
        add("app", app.into());
        add("instance", instance.parse::<u32>().map_or(Value::Null, Value::from));
        add("stream", if file.stream == Stream::Out { "out" } else { "err" }.into());
        if std::str::from_utf8(line).is_err() {
            // Some of its bytes are no text, and stand as replacement characters.
            add("lossy", true.into());
        }
        if !is_whole {
            add("partial", true.into());
        }
        add("line", text.into());
        serde_json::to_writer(&mut self.out, &Value::Object(object))?;
        self.out.write_all(b"\n")
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Ends what was begun.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let mut begun: Vec<_> = self.begun.drain().collect();
        begun.sort_by_key(|(key, line)| (line.time, *key));
        for (key, line) in begun {
            self.whole(key, line)?;
        }
        self.end_of_past()?;
        if self.form != Form::Bytes && self.open.take().is_some() {
            self.out.write_all(b"\n")?;
        }
        self.out.flush()
    }
}

/// A time in ns since 1970 as everything prints it.
fn stamp(nanos: u64) -> String {
    let time = Timestamp::from_nanosecond(i128::from(nanos));
    time.map(|time| format!("{time:.3}")).unwrap_or_default()
}

/// Always the same for an id.
fn color_of(id: &str) -> AnsiColor {
    let sum = id.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    COLORS.get(sum % COLORS.len()).copied().unwrap_or(AnsiColor::Cyan)
}
