//! Readings cut into lines.

/// A line, or a part of one that is too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Without its end.
    pub(super) bytes: Vec<u8>,
    /// When it was begun, in ns since 1970.
    pub(super) time: u64,
    /// Whether it had an end.
    pub(super) is_whole: bool,
}

/// What is there of a line that has no end yet.
#[derive(Debug, Default)]
pub(super) struct Begun {
    bytes: Vec<u8>,
    time: u64,
}

impl Begun {
    /// Takes the next line out of a reading made at `time`; `None` once all of it is taken and no
    /// line ends there. One longer than `longest` comes in parts.
    pub(super) fn next(&mut self, rest: &mut &[u8], time: u64, longest: usize) -> Option<Line> {
        if rest.is_empty() {
            return None;
        }
        if self.bytes.is_empty() {
            self.time = time;
        }
        let room = longest.saturating_sub(self.bytes.len());
        let end = rest.iter().take(room).position(|byte| *byte == b'\n');
        let taken = end.unwrap_or_else(|| room.min(rest.len()));
        self.bytes.extend_from_slice(rest.get(..taken).unwrap_or_default());
        let is_whole = end.is_some();
        *rest = rest.get(taken.saturating_add(usize::from(is_whole))..).unwrap_or_default();
        (is_whole || longest <= self.bytes.len()).then(|| self.take(is_whole))
    }

    /// What has no end and will get none.
    pub(super) fn last(&mut self) -> Option<Line> {
        (!self.bytes.is_empty()).then(|| self.take(false))
    }

    fn take(&mut self, is_whole: bool) -> Line {
        Line { bytes: std::mem::take(&mut self.bytes), time: self.time, is_whole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(begun: &mut Begun, mut bytes: &[u8], time: u64) -> Vec<(String, u64, bool)> {
        let next = std::iter::from_fn(|| begun.next(&mut bytes, time, 4));
        let text = |line: Line| String::from_utf8(line.bytes).unwrap();
        next.map(|line| (line.time, line.is_whole, text(line))).map(|(t, w, x)| (x, t, w)).collect()
    }

    #[test]
    fn readings_become_lines() {
        let mut begun = Begun::default();
        let line = |text: &str, time, is_whole| (text.to_owned(), time, is_whole);
        assert_eq!(lines(&mut begun, b"a\n\nbc", 1), [line("a", 1, true), line("", 1, true)]);
        assert_eq!(
            lines(&mut begun, b"d\nefghi", 2),
            [line("bcd", 1, true), line("efgh", 2, false)]
        );
        assert_eq!(lines(&mut begun, b"", 3), []);
        assert_eq!(begun.last().map(|line| line.bytes), Some(b"i".to_vec()));
        assert_eq!(begun.last(), None);
    }
}
