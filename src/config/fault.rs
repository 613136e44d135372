//! What is wrong with a file, and where: the public face of every complaint of this layer.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Serialize;

/// A range of bytes of a file's text (without its byte order mark).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
}

impl Span {
    /// The bytes from `start` to before `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Whether it covers nothing.
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }
}

/// A text that faults point into.
#[derive(Debug)]
pub(crate) struct SourceText {
    /// The name to show: relative if the file was named so.
    pub(crate) name: PathBuf,
    /// The text, without a byte order mark.
    pub(crate) text: String,
    line_starts: Vec<usize>,
    /// How many characters there are before each block: a line may be a whole file.
    before_blocks: Vec<usize>,
}

/// So many bytes of a text are a block.
const BLOCK: usize = 1024;

impl SourceText {
    pub(crate) fn new(name: PathBuf, text: String) -> Self {
        let breaks = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let line_starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        let mut before = 0;
        let mut before_blocks = vec![0];
        for block in text.as_bytes().chunks(BLOCK) {
            before += characters(block);
            before_blocks.push(before);
        }
        Self { name, text, line_starts, before_blocks }
    }

    /// How many characters begin before `at`.
    fn characters_before(&self, at: usize) -> usize {
        let block = at / BLOCK;
        let rest = self.text.as_bytes().get(block * BLOCK..at).unwrap_or_default();
        self.before_blocks.get(block).map_or(0, |before| before + characters(rest))
    }

    /// Line and column in characters, both from 1.
    pub(crate) fn position(&self, at: usize) -> (u32, u32) {
        let line = self.line_starts.partition_point(|&start| start <= at).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let column = self.characters_before(at).saturating_sub(self.characters_before(start));
        (number(line), number(column + 1))
    }

    /// The part of `span` on its first line, on character boundaries: what gets underlined.
    pub(crate) fn on_first_line(&self, span: Span) -> Span {
        let mut start = span.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = span.end.clamp(start, self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let covered = self.text.get(start..end).unwrap_or_default();
        let first = covered.split('\n').next().unwrap_or_default().trim_end();
        Span::new(start, start + first.len())
    }
}

/// How many characters begin in a part of a text in UTF-8.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// One thing that is wrong with a file.
#[derive(Clone, Debug, Serialize)]
pub struct Fault {
    /// The file, as it was named.
    pub file: PathBuf,
    /// Line of the first label, from 1; 0 if the fault is not at a place.
    pub line: u32,
    /// Column of the first label in characters, from 1; 0 if the fault is not at a place.
    pub col: u32,
    /// Stable word for programs: `unknown_key`, `not_found`.
    pub code: &'static str,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The places, with what to say at each. The first is the main one.
    #[serde(skip)]
    pub labels: Vec<(Span, String)>,
    #[serde(skip)]
    pub(crate) source: Option<Arc<SourceText>>,
}

impl Fault {
    /// A fault of a whole file that could not even be read.
    pub(crate) fn of_file(file: &Path, code: &'static str, message: String) -> Self {
        let file = file.to_owned();
        Self { file, line: 0, col: 0, code, message, help: None, labels: vec![], source: None }
    }

    /// `ecosystem.yaml:3:5: message`.
    pub fn one_line(&self) -> String {
        let file = self.file.display();
        if self.line == 0 {
            format!("{file}: {}", self.message)
        } else {
            format!("{file}:{}:{}: {}", self.line, self.col, self.message)
        }
    }
}

/// A fault before it is known which text it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) labels: Vec<(Span, String)>,
    pub(crate) help: Option<String>,
}

impl Problem {
    pub(crate) fn new(
        code: &'static str,
        message: impl Into<String>,
        span: Span,
        label: impl Into<String>,
    ) -> Self {
        Self { code, message: message.into(), labels: vec![(span, label.into())], help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = self.help.or(help);
        self
    }

    pub(crate) fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.labels.push((span, label.into()));
        self
    }

    /// Binds the problem to its text.
    pub(crate) fn in_source(self, source: &Arc<SourceText>) -> Fault {
        let labels: Vec<_> = self
            .labels
            .into_iter()
            .map(|(span, label)| (source.on_first_line(span), printable(label)))
            .collect();
        let start = labels.first().map_or(0, |(span, _)| span.start);
        let (line, col) = source.position(start);
        Fault {
            file: source.name.clone(),
            line,
            col,
            code: self.code,
            message: printable(self.message),
            help: self.help.map(printable),
            labels,
            source: Some(Arc::clone(source)),
        }
    }
}

/// The text without anything a terminal would act on: names and values of the file are in it.
fn printable(text: String) -> String {
    let acts = |c: char| c.is_control() && c != '\n';
    if text.contains(acts) { text.replace(acts, "\u{fffd}") } else { text }
}

/// All faults of a file, in the order of their places. As an error it is never empty.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    faults: Vec<Fault>,
    inputs: Vec<PathBuf>,
}

impl Faults {
    pub(crate) fn one(fault: Fault) -> Self {
        Self { faults: vec![fault], inputs: Vec::new() }
    }

    /// Sorts by place; faults of `main` come before those of the files it names.
    pub(crate) fn sorted(mut faults: Vec<Fault>, main: &Path) -> Self {
        faults.sort_by(|a, b| {
            let key = |fault: &Fault| (fault.file != main, fault.line, fault.col);
            key(a).cmp(&key(b)).then_with(|| a.file.cmp(&b.file))
        });
        Self { faults, inputs: Vec::new() }
    }

    /// The same, of what was made of these files too.
    pub(crate) fn made_of(self, inputs: Vec<PathBuf>) -> Self {
        Self { inputs, ..self }
    }

    /// The same with others, in the order of their places.
    pub(crate) fn and(self, others: Vec<Fault>, main: &Path) -> Self {
        let Self { mut faults, inputs } = self;
        faults.extend(others);
        Self { inputs, ..Self::sorted(faults, main) }
    }

    /// Other files that were read before the faults showed, absolute, as far as they are known: an
    /// edit of one of them may mend it.
    pub fn inputs(&self) -> &[PathBuf] {
        &self.inputs
    }

    /// The faults in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.faults.iter()
    }

    /// Whether there are none (only so for warnings).
    pub fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.faults.len()
    }

    /// The first fault as `file:line:col: message`, and how many more there are.
    pub fn one_line(&self) -> String {
        let more = match self.faults.len() {
            0 | 1 => String::new(),
            2 => " (and 1 more fault)".to_owned(),
            count => format!(" (and {} more faults)", count - 1),
        };
        self.faults.first().map(Fault::one_line).unwrap_or_default() + &more
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for Faults {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.faults.serialize(serializer)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.one_line())
    }
}

impl std::error::Error for Faults {}

#[cfg(test)]
mod tests {
    use super::SourceText;

    #[test]
    fn a_position_is_counted_in_characters_in_lines_of_any_length() {
        let text = format!("{}\n{}\nlast", "aé€😀".repeat(700), "x😀".repeat(900));
        let source = SourceText::new("a.yaml".into(), text.clone());
        for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            let (before, _) = text.split_at(at);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
            let wanted = (u32::try_from(line).unwrap(), u32::try_from(column).unwrap());
            assert_eq!(source.position(at), wanted, "{at}");
        }
        assert_eq!(source.position(text.len() + 5000).0, 3, "past its end");
    }
}
