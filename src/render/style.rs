//! How text is to look, and the few colours it may have.

use jiff::tz::TimeZone;

/// How text is to look. The caller finds it out: terminal, `NO_COLOR`, `COLUMNS`, locale.
#[derive(Clone, Debug)]
pub struct Style {
    /// Whether escape codes may be used for colour.
    pub color: bool,
    /// Columns of a line.
    pub width: usize,
    /// Whether characters beyond ASCII may be used for decoration.
    pub unicode: bool,
    /// The zone in which points in time are written.
    pub zone: TimeZone,
}

impl Style {
    /// No colour, times in UTC: for files and tests.
    pub fn plain(width: usize) -> Self {
        Self { color: false, width, unicode: true, zone: TimeZone::UTC }
    }
}
