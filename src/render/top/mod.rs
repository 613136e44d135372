//! The screen of `eco top` without a terminal: what it knows, what a key or an answer makes of that,
//! and how it is drawn. All of it is pure: time comes with the answers, wishes go out as effects.

mod actions;
mod areas;
mod ask;
mod canvas;
mod details;
mod draw;
mod event;
mod happened;
mod keys;
mod list;
mod log;
mod mouse;
mod overlay;
mod pane;
mod rings;
mod state;
mod table;
mod update;

pub use actions::told;
pub use draw::draw;
pub use event::{Effect, Key, Link, LogLine, LogTarget, Mouse, MouseAct, Told, TopEvent, Wish};
pub use state::Top;
pub use update::update;
