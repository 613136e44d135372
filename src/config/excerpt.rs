//! A text made fit to be printed: very long lines cut around what is underlined, and nothing in
//! it that a terminal would act on.

use super::fault::Span;

/// Lines up to this many bytes are shown whole.
const WHOLE: usize = 200;
/// How much is kept before and after an underlined place of a longer line.
const AROUND: usize = 40;
/// How much of an underlined place itself is kept.
const UNDERLINED: usize = 60;
/// Stands for what was cut.
const CUT: &str = "…";

/// A printable copy of a text.
pub(super) struct Excerpt {
    /// The copy: as many lines as the original.
    pub(super) text: String,
    /// Pieces that were kept: where in the original, where in the copy. In order.
    kept: Vec<(Span, usize)>,
}

impl Excerpt {
    /// Cuts `text` so that all `places` can still be seen.
    pub(super) fn new(text: &str, places: &[Span]) -> Self {
        let mut made = Self { text: String::with_capacity(text.len()), kept: Vec::new() };
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let whole = Span::new(start, start + line.len());
            if line.len() <= WHOLE {
                made.keep(text, whole);
            } else {
                made.keep_parts(text, whole, places);
            }
            start = whole.end;
        }
        made
    }

    fn keep(&mut self, text: &str, span: Span) {
        self.kept.push((span, self.text.len()));
        let part = text.get(span.start..span.end).unwrap_or_default();
        for c in part.chars() {
            if c.is_control() && c != '\n' && c != '\t' {
                // As many bytes as it had, so that places stay right.
                self.text
                    .extend(std::iter::repeat_n(if c == '\r' { ' ' } else { '?' }, c.len_utf8()));
            } else {
                self.text.push(c);
            }
        }
    }

    fn keep_parts(&mut self, text: &str, line: Span, places: &[Span]) {
        let inside =
            places.iter().filter(|place| line.start <= place.start && place.start < line.end);
        let mut windows: Vec<Span> = inside
            .map(|place| {
                let end = place.end.min(place.start + UNDERLINED) + AROUND;
                let from = place.start.saturating_sub(AROUND).max(line.start);
                Span::new(floor(text, from), floor(text, end.min(line.end)))
            })
            .collect();
        if windows.is_empty() {
            windows.push(Span::new(line.start, floor(text, line.start + AROUND + UNDERLINED)));
        }
        windows.sort_unstable();
        let mut at = line.start;
        for window in windows {
            let window = Span::new(window.start.max(at), window.end);
            if window.is_empty() {
                continue;
            }
            if at < window.start {
                self.text.push_str(CUT);
            }
            self.keep(text, window);
            at = window.end;
        }
        if at < line.end {
            self.text.push_str(CUT);
            self.text.push('\n');
        }
    }

    /// Where a place of the original is in the copy.
    pub(super) fn place(&self, span: Span) -> Span {
        let start = self.map(span.start);
        Span::new(start, self.map(span.end).max(start))
    }

    fn map(&self, at: usize) -> usize {
        let index = self.kept.partition_point(|(piece, _)| piece.start <= at);
        let Some((piece, copy)) = index.checked_sub(1).and_then(|index| self.kept.get(index))
        else {
            return 0;
        };
        copy + at.min(piece.end).saturating_sub(piece.start)
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_around_places() {
        let text = format!("a: 1\nb: {}X{}\nc: 2\n", "é".repeat(5_000), "z".repeat(5_000));
        let x = text.find('X').unwrap();
        let excerpt = Excerpt::new(&text, &[Span::new(x, x + 1)]);
        assert!(excerpt.text.len() < 300);
        assert_eq!(excerpt.text.lines().count(), 3);
        let place = excerpt.place(Span::new(x, x + 1));
        assert_eq!(&excerpt.text[place.start..place.end], "X");
        let c = text.find('c').unwrap();
        let place = excerpt.place(Span::new(c, c + 1));
        assert_eq!(&excerpt.text[place.start..place.end], "c");
    }
}
