//! How the tables of the index are written.

use super::{Entry, Example, Subject};

/// A fault of an `ecosystem.yaml` with these lines.
pub(super) const fn file(
    code: &'static str,
    means: &'static str,
    text: &'static str,
    cure: &'static str,
) -> Entry {
    let example = Example::File { name: "ecosystem.yaml", text };
    Entry { code, subject: Subject::File, means, example, cure }
}

/// A fault of an `ecosystem.yaml` that its text alone does not show.
pub(super) const fn around(
    code: &'static str,
    means: &'static str,
    text: &'static str,
    cure: &'static str,
) -> Entry {
    Entry { code, subject: Subject::File, means, example: Example::Case { text }, cure }
}

/// A fault of a file of another program.
pub(super) const fn import(
    code: &'static str,
    means: &'static str,
    (name, text): (&'static str, &'static str),
    cure: &'static str,
) -> Entry {
    let example = Example::File { name, text };
    Entry { code, subject: Subject::Import, means, example, cure }
}

/// The same, if its text alone does not show it.
pub(super) const fn import_around(
    code: &'static str,
    means: &'static str,
    text: &'static str,
    cure: &'static str,
) -> Entry {
    Entry { code, subject: Subject::Import, means, example: Example::Case { text }, cure }
}

/// An error of a command.
pub(super) const fn command(
    code: &'static str,
    means: &'static str,
    text: &'static str,
    cure: &'static str,
) -> Entry {
    Entry { code, subject: Subject::Command, means, example: Example::Case { text }, cure }
}

/// A hold.
pub(super) const fn hold(
    code: &'static str,
    means: &'static str,
    text: &'static str,
    cure: &'static str,
) -> Entry {
    Entry { code, subject: Subject::Hold, means, example: Example::Case { text }, cure }
}
