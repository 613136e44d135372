//! Which part of the screen is where. Drawing and the mouse go by the same.

use ratatui::layout::Rect;

/// The parts of the screen, from top to bottom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Areas {
    pub(super) header: Rect,
    /// The list, its headings first.
    pub(super) list: Rect,
    /// The curves of what is selected.
    pub(super) strip: Rect,
    pub(super) tabs: Rect,
    pub(super) pane: Rect,
    pub(super) footer: Rect,
}

impl Areas {
    /// Divides a screen whose list has so many lines.
    pub(super) fn of((width, height): (u16, u16), rows: usize) -> Self {
        let mut left = height;
        let mut take = |wanted: u16| {
            let taken = wanted.min(left);
            left -= taken;
            taken
        };
        let footer = take(1);
        let header = take(if height < 20 { 1 } else { 2 });
        let list_least = take(3);
        let tabs = take(1);
        let strip = take(u16::from(18 <= height));
        // What the list does not need is for the pane, which has half of it in any case.
        let needs = u16::try_from(rows + 1).unwrap_or(u16::MAX).saturating_sub(list_least);
        let more = take(needs.min((height / 2).saturating_sub(header + list_least)));
        let pane = left;
        let mut y = 0;
        let mut place = |height: u16| {
            let area = Rect { x: 0, y, width, height };
            y += height;
            area
        };
        Self {
            header: place(header),
            list: place(list_least + more),
            strip: place(strip),
            tabs: place(tabs),
            pane: place(pane),
            footer: place(footer),
        }
    }

    /// Lines of the list without its headings.
    pub(super) fn list_height(&self) -> usize {
        usize::from(self.list.height.saturating_sub(1))
    }

    pub(super) fn pane_height(&self) -> usize {
        usize::from(self.pane.height)
    }
}

/// A box in the middle of the screen, as large as wanted if there is so much room.
pub(super) fn middle((width, height): (u16, u16), wanted_width: u16, wanted_height: u16) -> Rect {
    let (box_width, box_height) = (wanted_width.min(width), wanted_height.min(height));
    Rect {
        x: (width - box_width) / 2,
        y: (height - box_height) / 2,
        width: box_width,
        height: box_height,
    }
}

/// Whether a point is in an area.
pub(super) fn is_in(area: Rect, x: u16, y: u16) -> bool {
    area.x <= x && x < area.x + area.width && area.y <= y && y < area.y + area.height
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_fill_every_screen_and_never_more() {
        for height in 0..=70 {
            for rows in [0, 1, 5, 20, 1000] {
                let areas = Areas::of((80, height), rows);
                let parts =
                    [areas.header, areas.list, areas.strip, areas.tabs, areas.pane, areas.footer];
                assert_eq!(parts.iter().map(|part| part.height).sum::<u16>(), height);
                let is_usable = 3 <= areas.list.height && 5 <= areas.pane.height;
                assert!(is_usable || height < 13, "{height} {areas:?}");
            }
        }
    }
}
