//! Columns, wrapping and widths of text on a terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::style::{Glyph, Paint, Style};

/// A piece of text of one colour.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    text: String,
    paint: Paint,
    /// Whether it stands at the right edge of its column, as numbers do.
    right: bool,
}

/// A line of a table.
#[derive(Clone, Debug)]
enum Row {
    Cells(Vec<Cell>),
    Note { indent: usize, text: String, paint: Paint },
}

/// Aligned columns with sentences between them.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    /// The columns that may be left out when lines are too long, the first of them first.
    optional: Vec<usize>,
}

const GAP: usize = 2;

impl Cell {
    pub(super) fn new(text: impl AsRef<str>) -> Self {
        Self::painted(text, Paint::Plain)
    }

    pub(super) fn painted(text: impl AsRef<str>, paint: Paint) -> Self {
        Self { text: clean(text.as_ref()), paint, right: false }
    }

    /// The same at the right edge of its column.
    #[must_use]
    pub(super) fn at_right(self) -> Self {
        Self { right: true, ..self }
    }

    fn width(&self) -> usize {
        self.text.width()
    }
}

impl Table {
    /// A table that leaves out these columns one by one, in this order, when lines get too long.
    pub(super) fn new(optional: &[usize]) -> Self {
        Self { rows: Vec::new(), optional: optional.to_vec() }
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(Row::Cells(cells));
    }

    /// A sentence over the whole width.
    pub(super) fn note(&mut self, indent: usize, text: &str, paint: Paint) {
        self.rows.push(Row::Note { indent, text: text.to_owned(), paint });
    }

    pub(super) fn render(&self, style: &Style) -> String {
        let mut widths = self.widths();
        for column in &self.optional {
            if line_width(&widths) <= style.width {
                break;
            }
            if let Some(width) = widths.get_mut(*column) {
                *width = 0;
            }
        }
        self.rows
            .iter()
            .map(|row| match row {
                Row::Cells(cells) => line(cells, &widths, style),
                Row::Note { indent, text, paint } => paragraph(text, *indent, *paint, style),
            })
            .collect()
    }

    /// Of each column; a column of width 0 is not there.
    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            let Row::Cells(cells) = row else { continue };
            widths.resize(widths.len().max(cells.len()), 0);
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.width());
            }
        }
        widths
    }
}

fn line_width(widths: &[usize]) -> usize {
    let shown = widths.iter().filter(|width| 0 < **width).count();
    widths.iter().sum::<usize>() + GAP * shown.saturating_sub(1)
}

/// One line of cells. Names are never cut, since people copy them: only the last cell is, if it
/// begins within the line.
fn line(cells: &[Cell], widths: &[usize], style: &Style) -> String {
    let mut out = String::new();
    let mut gap = 0;
    let mut column = 0;
    let last = cells.len().saturating_sub(1);
    let shown = cells.iter().zip(widths).enumerate().filter(|(_, (_, width))| 0 < **width);
    for (index, (cell, width)) in shown {
        let missing = width.saturating_sub(cell.width());
        if !cell.text.is_empty() {
            if cell.right {
                gap += missing;
            }
            out.extend(std::iter::repeat_n(' ', gap));
            column += gap;
            gap = 0;
            let room = style.width.saturating_sub(column);
            let is_cut = index == last && 0 < room;
            let text = if is_cut { cut(&cell.text, room, style) } else { cell.text.clone() };
            out.push_str(&style.paint(cell.paint, &text));
            column += cell.width();
        }
        gap += if cell.right && !cell.text.is_empty() { 0 } else { missing } + GAP;
    }
    out.push('\n');
    out
}

/// Lines of a text that is wrapped at spaces, each indented.
pub(super) fn paragraph(text: &str, indent: usize, paint: Paint, style: &Style) -> String {
    hanging("", text, indent, paint, style)
}

/// The same with `lead` before the first line; further lines are indented to stand below it.
pub(super) fn hanging(
    lead: &str,
    text: &str,
    indent: usize,
    paint: Paint,
    style: &Style,
) -> String {
    let lead = clean(lead);
    let hang = indent + lead.width();
    let room = style.width.saturating_sub(hang).max(20);
    let mut out = String::new();
    for (index, line) in wrap(&clean(text), room).iter().enumerate() {
        let before = if index == 0 { indent } else { hang };
        out.extend(std::iter::repeat_n(' ', before));
        if index == 0 {
            out.push_str(&lead);
        }
        out.push_str(&style.paint(paint, line));
        out.push('\n');
    }
    out
}

/// `text` in lines of at most `room` columns, broken at spaces, and in words that are longer.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let needs = if line.is_empty() { 0 } else { line.width() + 1 } + word.width();
        if room < needs && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for character in word.chars() {
            if room < line.width() + character.width().unwrap_or(0) {
                lines.push(std::mem::take(&mut line));
            }
            line.push(character);
        }
    }
    lines.push(line);
    lines
}

/// `text` in at most `room` columns, with an ellipsis if something is missing.
pub(super) fn cut(text: &str, room: usize, style: &Style) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let ellipsis = style.glyph(Glyph::Ellipsis);
    let room = room.saturating_sub(ellipsis.width());
    let mut used = 0;
    let kept = text.chars().take_while(|character| {
        used += character.width().unwrap_or(0);
        used <= room
    });
    kept.chain(ellipsis.chars()).collect()
}

/// `text` padded with spaces to `width` columns.
pub(super) fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.width());
    text.chars().chain(std::iter::repeat_n(' ', missing)).collect()
}

/// How many columns `text` takes.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// `text` without what could move a cursor, change colours or reorder characters: escape sequences
/// go, line ends and tabs become spaces, other such characters are written as codes.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' if rest.as_str().starts_with('[') => {
                rest.next();
                // A control sequence ends with its first character in this range.
                rest.by_ref().find(|c| ('@'..='~').contains(c));
            }
            '\n' | '\t' => out.push(' '),
            '\r' if rest.as_str().starts_with('\n') || rest.as_str().is_empty() => {}
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.extend(character.escape_unicode());
            }
            _ if character.is_control() => out.extend(character.escape_unicode()),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_at_spaces_and_in_long_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("日本語 x", 4), ["日本", "語 x"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn what_is_cut_fits() {
        let style = Style::plain(80);
        assert_eq!(cut("日本語", 6, &style), "日本語");
        assert_eq!(cut("日本語x", 6, &style), "日本…");
        assert_eq!(cut("abc", 3, &style), "abc");
    }

    #[test]
    fn text_from_outside_cannot_act_on_the_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\u{1b}[0m\r\n"), "ab ");
        assert_eq!(clean("x\u{7}\u{1b}]0;t"), "x\\u{7}\\u{1b}]0;t");
        assert_eq!(clean("\u{202e}abc"), "\\u{202e}abc");
    }
}
