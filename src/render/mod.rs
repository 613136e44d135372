//! All text a person reads, as pure functions from answers to text: no input or output, no clock.
//!
//! Every function returns whole lines, the last with its newline. Colour never carries meaning
//! alone. Text from outside (values, paths, sentences with them) is freed of control characters.

mod amounts;
mod app_table;
mod describe;
mod diff;
mod doctor;
mod error;
mod event;
pub mod explain;
mod fields;
mod history;
mod layout;
mod manual;
mod measured;
mod next;
mod outcome;
mod progress;
pub mod reference;
mod roff;
mod status;
mod style;
pub mod top;

pub use describe::{daemon, describe};
pub use diff::diff;
pub use doctor::doctor;
pub use error::error;
pub use event::event_line;
pub use fields::fields;
pub use history::{history, pruned};
pub(crate) use layout::clean as printable;
pub use manual::{manual_end, manual_examples, manual_notes, manual_title};
pub use outcome::{Tail, outcome};
pub use progress::{LiveProgress, progress_line};
pub use status::{StatusView, status, status_all};
pub use style::Style;
