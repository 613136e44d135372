//! Files of other programs, read as what they would say in our format.
//!
//! What is read becomes a tree in the format of an eco file whose values keep their places in the
//! file they come from. From there on it goes the way of every ecosystem file, so that all checks
//! hold and every fault is underlined where its cause was written.

mod literal;
mod load;
mod node;
mod pm2;
mod written;

pub use load::{Native, Options, check_file_static, check_static, load, native};
pub use pm2::fields::{Answer, FIELDS, Field, TOP};
