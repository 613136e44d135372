//! Errors of the YAML parser in people's words.

use granit_parser::{ErrorKind, ScanError};

use crate::config::{
    fault::{Problem, Span},
    suggest::quoted,
};

/// What the parser stumbled over.
pub(super) fn problem(text: &str, error: &ScanError) -> Problem {
    let at = error.marker().byte_offset().unwrap_or(0).min(text.len());
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return too_deep(Span::new(at, at + 1));
    }
    if is_tab(text, at) {
        return Problem::new(
            "syntax",
            "a tab cannot be used for indentation",
            tab(text, at),
            "a tab",
        )
        .help("indent with spaces");
    }
    if let Some(problem) = unclosed_quote(text, at, error.kind()) {
        return problem;
    }
    if let Some(problem) = misplaced_key(text, at, error.kind()) {
        return problem;
    }
    let (message, help) = words(error.kind());
    let label = if at == text.len() { "the file ends here" } else { "noticed here" };
    Problem::new("syntax", message, visible(text, at), label).maybe_help(help.map(str::to_owned))
}

/// More nested than anything a person writes.
pub(super) fn too_deep(span: Span) -> Problem {
    Problem::new("too_deep", "this is nested too deeply", span, "more than 64 levels")
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's list is long and may grow; the rest speaks for itself"
)]
fn words(kind: &ErrorKind) -> (String, Option<&'static str>) {
    let (message, help) = match kind {
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            "a `:` that starts a value cannot stand here",
            "check the indentation, and quote text that contains `: `",
        ),
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::SimpleKeyExpected
        | ErrorKind::MappingKeyNotAllowed
        | ErrorKind::InvalidSimpleKey
        | ErrorKind::UnexpectedEndOfPlainScalar => (
            "this line fits neither as a key nor as a value",
            "keys of one mapping start in the same column, and each is followed by `:` and a space",
        ),
        ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::BlockEntryInFlowCollection => (
            "a list item does not fit here",
            "items of one list start in the same column, each with `- `",
        ),
        ErrorKind::UnclosedFlowCollection { open } => {
            return (format!("a `{open}` is never closed"), Some("add the closing bracket"));
        }
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::UnexpectedEofFlowMapping => {
            ("a `{` is not closed as expected", "between `{` and `}` entries are separated by `,`")
        }
        ErrorKind::ExpectedFlowSequenceSeparator | ErrorKind::UnexpectedEofFlowSequence => {
            ("a `[` is not closed as expected", "between `[` and `]` items are separated by `,`")
        }
        ErrorKind::MisplacedFlowCollectionEnd => {
            ("a closing bracket without an opening one", "remove it, or quote the text")
        }
        ErrorKind::UnexpectedCharacter { character: '@' | '`' | '%' } => {
            ("text cannot start with this character", "put the text in quotes")
        }
        other => return (format!("this is not valid YAML: {other}"), None),
    };
    (message.to_owned(), Some(help))
}

fn unclosed_quote(text: &str, at: usize, kind: &ErrorKind) -> Option<Problem> {
    let is_quote = matches!(
        kind,
        ErrorKind::UnclosedQuotedScalar
            | ErrorKind::InvalidQuotedScalarIndent
            | ErrorKind::DocumentIndicatorInQuotedScalar
    );
    if !is_quote {
        return None;
    }
    let is_at_quote = text.get(at..)?.starts_with(['"', '\'']);
    let opened = if is_at_quote { at } else { opening_quote(text.get(..at)?)? };
    let problem = Problem::new(
        "syntax",
        "a quote is never closed",
        Span::new(opened, opened + 1),
        "opened here",
    );
    let noticed = visible(text, at);
    let problem =
        if noticed.start == opened { problem } else { problem.also(noticed, "noticed here") };
    Some(problem.help("close the quote at the end of its text"))
}

/// The last quote before the end of `before` that starts a value: only blanks, `- `, `: ` or an
/// opening bracket stand before it.
fn opening_quote(before: &str) -> Option<usize> {
    before.char_indices().rev().filter(|(_, c)| *c == '"' || *c == '\'').map(|(at, _)| at).find(
        |&at| {
            let line = before.get(..at).and_then(|head| head.rsplit('\n').next()).unwrap_or("");
            let head = line.trim_end();
            head.is_empty() || head.ends_with([':', '-', '[', '{', ','])
        },
    )
}

/// A line `key: …` that cannot go on from the one before. The mistake is in either of them.
fn misplaced_key(text: &str, at: usize, kind: &ErrorKind) -> Option<Problem> {
    if !matches!(
        kind,
        ErrorKind::MappingValueNotAllowed
            | ErrorKind::InvalidSimpleKey
            | ErrorKind::InvalidColonPlacement
    ) {
        return None;
    }
    let head = text.get(..at)?;
    let line_start = head.rfind('\n')? + 1;
    let key = text.get(line_start..at)?;
    if key.trim().is_empty() || key.contains([':', '"', '\'', '{', '[']) {
        return None;
    }
    let key_start = line_start + key.len() - key.trim_start().len();
    let before = text.get(..line_start)?.trim_end();
    let before_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let before_line = before.get(before_start..)?;
    let shown = before_start + before_line.len() - before_line.trim_start().len();
    let problem = Problem::new(
        "syntax",
        format!("the key {} does not fit here", quoted(key.trim())),
        Span::new(key_start, at),
        "not expected after the line before",
    );
    let problem =
        problem.also(Span::new(shown, before.len()), "is a `:`, a quote or a bracket missing?");
    Some(
        problem.help(
            "keys of one mapping start in the same column, each with `:` and a blank after it",
        ),
    )
}

fn is_tab(text: &str, at: usize) -> bool {
    let line = text.get(..at).and_then(|head| head.rsplit('\n').next()).unwrap_or_default();
    let rest = text.get(at..).unwrap_or_default();
    let indent = line.trim_start_matches(' ');
    indent.starts_with('\t')
        || (indent.is_empty() && rest.trim_start_matches(' ').starts_with('\t'))
}

fn tab(text: &str, at: usize) -> Span {
    let line = text.get(..at).and_then(|head| head.rfind('\n')).map_or(0, |newline| newline + 1);
    let start = text.get(line..).and_then(|rest| rest.find('\t')).map_or(at, |tab| line + tab);
    Span::new(start, start + 1)
}

/// The place itself, or the last character before it if nothing can be seen there.
fn visible(text: &str, at: usize) -> Span {
    let rest = text.get(at..).unwrap_or_default();
    if let Some(c) = rest.chars().next().filter(|c| !c.is_whitespace()) {
        return Span::new(at, at + c.len_utf8());
    }
    let before = text.get(..at).unwrap_or_default().trim_end();
    let last = before.chars().next_back().map_or(0, char::len_utf8);
    Span::new(before.len() - last, before.len())
}
