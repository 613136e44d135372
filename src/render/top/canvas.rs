//! Putting text on the screen: clipped to its area, freed of what could act on the terminal, in the
//! few colours there are.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style as Look},
};

use crate::render::{
    Style,
    layout::{clean, columns, cut},
    style::Paint,
};

/// Where text is put.
pub(super) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    pub(super) style: &'a Style,
}

/// A number of columns or rows; what is more than any screen has is as much as one has at most.
pub(super) fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

impl<'a> Canvas<'a> {
    pub(super) fn new(buffer: &'a mut Buffer, style: &'a Style) -> Self {
        Self { buffer, style }
    }

    /// What a paint looks like.
    pub(super) fn look(&self, paint: Paint) -> Look {
        let color = |color| if self.style.color { Look::new().fg(color) } else { Look::new() };
        match paint {
            Paint::Plain => Look::new(),
            Paint::Good => color(Color::Green),
            Paint::Warn => color(Color::Yellow),
            Paint::Bad => color(Color::Red),
            Paint::Dim => Look::new().add_modifier(Modifier::DIM),
            Paint::Strong => Look::new().add_modifier(Modifier::BOLD),
        }
    }

    /// Puts text into a line of an area, from a column of it on, and gives the column after it. What
    /// has no room ends with an ellipsis.
    pub(super) fn text(&mut self, area: Rect, at: (u16, u16), text: &str, look: Look) -> u16 {
        let (x, y) = at;
        let bounds = self.buffer.area.intersection(area);
        let (column, line) = (area.x.saturating_add(x), area.y.saturating_add(y));
        if bounds.right() <= column || bounds.bottom() <= line || area.width <= x {
            return x;
        }
        let room = usize::from(bounds.right() - column);
        let text = cut(&clean(text), room, self.style);
        self.buffer.set_stringn(column, line, &text, room, look);
        x.saturating_add(cells(columns(&text)))
    }

    /// The same for a paint.
    pub(super) fn put(&mut self, area: Rect, at: (u16, u16), text: &str, paint: Paint) -> u16 {
        let look = self.look(paint);
        self.text(area, at, text, look)
    }

    /// Puts text so that it ends at a column.
    pub(super) fn right(&mut self, area: Rect, (end, y): (u16, u16), text: &str, paint: Paint) {
        let width = cells(columns(text));
        self.put(area, (end.saturating_sub(width), y), text, paint);
    }

    /// Makes an area look so, over what is in it.
    pub(super) fn over(&mut self, area: Rect, look: Look) {
        let area = self.buffer.area.intersection(area);
        self.buffer.set_style(area, look);
    }

    /// Empties an area.
    pub(super) fn clear(&mut self, area: Rect) {
        let area = self.buffer.area.intersection(area);
        for position in area.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.reset();
            }
        }
    }
}
