//! Files of other programs, read as what they would say in our format.
//!
//! What is read becomes a tree in the format of an eco file whose values keep their places in the
//! file they come from. From there on it goes the way of every ecosystem file, so that all checks
//! hold and every fault is underlined where its cause was written.

mod compose;
mod extended;
mod format;
pub mod fuzzing;
mod ini;
mod interpolation;
mod keys;
mod literal;
mod load;
mod moved;
mod native;
mod node;
mod pm2;
mod process_compose;
mod procfile;
mod reading;
mod running;
mod secrets;
mod sections;
mod supervisor;
mod systemd;
mod tree;
mod variables;
mod words;
mod written;
mod yaml;

pub use format::Format;
pub use load::{Options, check_file_static, check_static, load, load_text};
pub use native::{Asked, Native, SECRETS_FILE, native};
pub use pm2::fields::{Answer, FIELDS, Field, TOP};
pub use secrets::Secret;
