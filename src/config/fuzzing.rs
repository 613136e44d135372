//! What of the file reader takes in pieces of a file, for the fuzz targets and the tests of their
//! inputs.

use std::{collections::BTreeMap, path::Path};

use super::{
    dotenv,
    fault::{Faults, SourceText},
    scalar,
};

/// Reads a text of `KEY=value` lines as the file at `path`.
///
/// # Errors
/// Every line that is wrong.
pub fn dotenv(path: &Path, text: &str) -> Result<BTreeMap<String, String>, Faults> {
    dotenv::parse(text).map_err(|problems| {
        let source = SourceText::new(path.to_owned(), text.to_owned()).into();
        let faults = problems.into_iter().map(|problem| problem.in_source(&source));
        Faults::sorted(faults.collect(), path)
    })
}

/// Whether a file may have this as a schedule.
pub fn is_cron(text: &str) -> bool {
    scalar::is_cron(text)
}
