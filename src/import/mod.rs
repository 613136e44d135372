//! Files of other programs, read as what they would say in our format.
//!
//! What is read becomes a tree in the format of an eco file whose values keep their places in the
//! file they come from. From there on it goes the way of every ecosystem file, so that all checks
//! hold and every fault is underlined where its cause was written.

mod format;
pub mod fuzzing;
mod literal;
mod load;
mod moved;
mod node;
mod pm2;
mod procfile;
mod reading;
mod secrets;
mod tree;
mod written;

pub use format::Format;
pub use load::{
    Asked, Native, Options, SECRETS_FILE, check_file_static, check_static, load, native,
};
pub use pm2::fields::{Answer, FIELDS, Field, TOP};
pub use secrets::Secret;
