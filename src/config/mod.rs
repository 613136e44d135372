//! YAML into resolved apps, or every fault of the file at once, each underlined at its place.
//!
//! One text becomes one tree that knows its places (`tree`); the profile and the defaults are
//! merged and variables filled on that tree; serde reads it into the types as written (`written`,
//! also the source of the JSON Schema); `resolve` makes `model::AppSpec` of them.

mod accounts;
mod command_words;
mod decode;
mod dotenv;
mod excerpt;
mod fault;
mod field;
mod fill;
mod foreign;
pub mod fuzzing;
mod interpolate;
mod known;
mod load;
mod log;
mod merge;
mod report;
mod resolve;
mod scalar;
mod schema;
mod secret_key;
mod suggest;
mod tree;
mod trust;
mod vars;
mod written;

pub use accounts::Accounts;
pub use fault::{Fault, Faults, Span};
pub use foreign::looks_foreign;
pub use load::{
    Loaded, Source, check_file_static, check_static, load, load_text, plain_json, text_digest,
};
pub use schema::json_schema;
pub use secret_key::SecretKey;

/// Reads a duration as the file has them.
///
/// # Errors
/// What is wrong with it, and what would be right.
pub fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    scalar::parse_duration(text)
}
