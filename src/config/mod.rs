//! YAML into resolved apps, or every fault of the file at once, each underlined at its place.
//!
//! One text becomes one tree that knows its places (`tree`); the profile and the defaults are
//! merged and variables filled on that tree; serde reads it into the types as written (`written`,
//! also the source of the JSON Schema); `resolve` makes `model::AppSpec` of them.

mod accounts;
mod alert_words;
mod command_words;
mod decode;
mod dotenv;
mod excerpt;
mod fault;
mod field;
mod files;
mod fill;
mod foreign;
pub mod fuzzing;
mod interpolate;
mod known;
mod load;
mod log;
mod merge;
mod names;
mod origins;
mod report;
mod resolve;
mod scalar;
mod schema;
mod secret_key;
mod suggest;
mod text;
mod tree;
mod trust;
mod vars;
mod vars_file;
mod written;

pub use accounts::Accounts;
pub use dotenv::{dotenv_line, dotenv_values};
pub use fault::{Fault, Faults, Span};
pub use files::Files;
pub use foreign::looks_foreign;
pub use load::{Loaded, Source, check_static, load, load_text, plain_json};
pub use origins::Origins;
pub use schema::json_schema;
pub use secret_key::SecretKey;
pub(crate) use suggest::did_you_mean;
pub use text::text_digest;

/// What `import` makes our format of others with: texts, trees with places, and their faults.
pub(crate) mod written_tree {
    pub(crate) use super::{
        fault::{Problem, SourceText},
        load::{Origin, check_tree, load_tree, own},
        log::Log,
        resolve::INHERITED,
        suggest::{did_you_mean, quoted},
        text::Text,
        tree::{Core, Entry, Kind, Node, Scalar, core, parse},
        trust::distrust,
    };
}

/// Reads a duration as the file has them.
///
/// # Errors
/// What is wrong with it, and what would be right.
pub fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    scalar::parse_duration(text)
}
