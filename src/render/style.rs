//! How text is to look, and the few colours it may have.

use anstyle::{AnsiColor, Effects};
use jiff::{Timestamp, tz::TimeZone};

use crate::model::{AppState, InstancePhase};

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

/// What a colour says. The text beside it says the same in words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Paint {
    /// No colour.
    #[default]
    Plain,
    /// As desired.
    Good,
    /// On its way, or worth a look.
    Warn,
    /// Failed.
    Bad,
    /// Of little weight.
    Dim,
    /// A heading or name.
    Strong,
}

/// A character of decoration, with what stands for it in ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glyph {
    Arrow,
    Bar,
    Dash,
    Ellipsis,
    Dot,
    On,
    Moving,
    Bad,
    Off,
}

impl Style {
    /// No colour, times in UTC: for files and tests.
    pub fn plain(width: usize) -> Self {
        Self { color: false, width, unicode: true, zone: TimeZone::UTC }
    }

    /// `text` in the colour of `paint`, if there may be colours.
    pub(super) fn paint(&self, paint: Paint, text: &str) -> String {
        let style = match paint {
            Paint::Plain => return text.to_owned(),
            Paint::Good => AnsiColor::Green.on_default(),
            Paint::Warn => AnsiColor::Yellow.on_default(),
            Paint::Bad => AnsiColor::Red.on_default(),
            Paint::Dim => anstyle::Style::new().effects(Effects::DIMMED),
            Paint::Strong => anstyle::Style::new().effects(Effects::BOLD),
        };
        if self.color && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn glyph(&self, glyph: Glyph) -> &'static str {
        let (unicode, ascii) = match glyph {
            Glyph::Arrow => ("→", "->"),
            Glyph::Bar => ("│", "|"),
            Glyph::Dash => ("–", "-"),
            Glyph::Ellipsis => ("…", "..."),
            Glyph::Dot => ("·", "-"),
            Glyph::On => ("●", "*"),
            Glyph::Moving => ("◐", "~"),
            Glyph::Bad => ("✗", "x"),
            Glyph::Off => ("○", "-"),
        };
        if self.unicode { unicode } else { ascii }
    }

    /// A point in time as people write it; what is no time stays as it is.
    pub(super) fn time(&self, time: &str) -> String {
        time.parse::<Timestamp>().map_or_else(
            |_| super::layout::clean(time),
            |at| at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        )
    }
}

/// How long ago `time` (RFC 3339) was; zero for the future, `None` if it is no time.
pub(super) fn ago(time: &str, now: Timestamp) -> Option<std::time::Duration> {
    let at: Timestamp = time.parse().ok()?;
    Some(std::time::Duration::try_from(now.duration_since(at)).unwrap_or_default())
}

/// The state in words, its colour and its mark.
pub(super) fn state_look(state: AppState) -> (&'static str, Paint, Glyph) {
    match state {
        AppState::Ready => ("ready", Paint::Good, Glyph::On),
        AppState::Converging => ("converging", Paint::Warn, Glyph::Moving),
        AppState::Degraded => ("degraded", Paint::Warn, Glyph::Bad),
        AppState::CrashLooping => ("crash-looping", Paint::Bad, Glyph::Bad),
        AppState::Stopped => ("stopped", Paint::Dim, Glyph::Off),
        AppState::Off => ("off", Paint::Dim, Glyph::Off),
        AppState::Done => ("done", Paint::Dim, Glyph::Off),
        AppState::Failed => ("failed", Paint::Bad, Glyph::Bad),
    }
}

/// The phase in words and its colour.
pub(super) fn phase_look(phase: InstancePhase) -> (&'static str, Paint) {
    match phase {
        InstancePhase::Waiting => ("waiting", Paint::Warn),
        InstancePhase::Starting => ("starting", Paint::Warn),
        InstancePhase::Ready => ("ready", Paint::Good),
        InstancePhase::Stopping => ("stopping", Paint::Warn),
        InstancePhase::Exited => ("exited", Paint::Warn),
        InstancePhase::Done => ("done", Paint::Dim),
        InstancePhase::Failed => ("failed", Paint::Bad),
    }
}
