//! `${…}`: finding references in a text and reading them. What they become is `vars`' matter.
//!
//! Forms: `${NAME}`, `${NAME:-default}` (unset or empty), `${NAME-default}` (unset),
//! `${NAME:?message}`, `${NAME?message}`; `$$` is one `$`. A default may hold references itself.
//! Any other `$` is just a `$`.

use std::ops::Range;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// `$$`
    Dollar,
    /// `${…}`
    Reference(Reference<'a>),
}

/// One `${…}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    pub(super) name: &'a str,
    pub(super) otherwise: Otherwise<'a>,
    /// An empty value counts as none (the forms with `:`).
    pub(super) empty_is_unset: bool,
    /// Where it stands in the text.
    pub(super) range: Range<usize>,
}

/// What happens without a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Otherwise<'a> {
    Fault,
    /// A fault with this message.
    Message(&'a str),
    Default(Vec<Piece<'a>>),
}

/// A `${` that is not a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) range: Range<usize>,
    pub(super) message: &'static str,
    pub(super) help: &'static str,
}

/// References in references are read to this depth.
const MAX_DEPTH: usize = 8;

/// The pieces of a text.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Malformed> {
    read(text, 0, 0)
}

/// Reads `text`, which stands at `offset` of the whole.
fn read(text: &str, offset: usize, depth: usize) -> Result<Vec<Piece<'_>>, Malformed> {
    let mut out = Vec::new();
    let mut at = 0;
    let mut plain = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('$')) {
        let start = at + found;
        let rest = text.get(start..).unwrap_or_default();
        let (piece, length) = if rest.starts_with("$$") {
            (Piece::Dollar, 2)
        } else if rest.starts_with("${") {
            let end = reference_end(rest).ok_or_else(|| unclosed(offset + start, rest))?;
            let inner = rest.get(2..end - 1).unwrap_or_default();
            let range = offset + start..offset + start + end;
            (Piece::Reference(reference(inner, range, depth)?), end)
        } else {
            at = start + 1;
            continue;
        };
        if plain < start {
            out.push(Piece::Text(text.get(plain..start).unwrap_or_default()));
        }
        out.push(piece);
        at = start + length;
        plain = at;
    }
    if plain < text.len() {
        out.push(Piece::Text(text.get(plain..).unwrap_or_default()));
    }
    Ok(out)
}

fn unclosed(start: usize, rest: &str) -> Malformed {
    let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
    Malformed {
        range: start..start + length,
        message: "`${` is never closed",
        help: "close it with `}`, or write `$${` for the text",
    }
}

/// The length of the reference at the start of `text`, nested ones included.
pub(super) fn reference_end(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("$$") || rest.starts_with("${") {
            open += usize::from(rest.starts_with("${"));
            at += 2;
            continue;
        }
        let c = rest.chars().next()?;
        at += c.len_utf8();
        if c == '}' {
            open -= 1;
            if open == 0 {
                return Some(at);
            }
        }
    }
    None
}

fn reference(inner: &str, range: Range<usize>, depth: usize) -> Result<Reference<'_>, Malformed> {
    let malformed = |message, help| Err(Malformed { range: range.clone(), message, help });
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = inner.find(|c: char| !is_name(c)).unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return malformed("`${…}` needs the name of a variable", "as in `${DATABASE_URL}`");
    }
    if MAX_DEPTH <= depth {
        return malformed("references are nested too deeply", "give the default a name of its own");
    }
    let empty_is_unset = rest.starts_with(':');
    let operator = rest.strip_prefix(':').unwrap_or(rest);
    let from = range.start + 2 + inner.len() - operator.len() + 1;
    let otherwise = if let Some(default) = operator.strip_prefix('-') {
        Otherwise::Default(read(default, from, depth + 1)?)
    } else if let Some(message) = operator.strip_prefix('?') {
        Otherwise::Message(message.trim())
    } else if rest.is_empty() {
        Otherwise::Fault
    } else {
        return malformed(
            "this form of `${…}` is not known",
            "the forms are `${NAME}`, `${NAME:-default}` and `${NAME:?message}`",
        );
    };
    Ok(Reference { name, otherwise, empty_is_unset, range })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference_of<'a>(pieces: &'a [Piece<'a>]) -> &'a Reference<'a> {
        let found = pieces.iter().find_map(|piece| match piece {
            Piece::Reference(reference) => Some(reference),
            Piece::Text(_) | Piece::Dollar => None,
        });
        found.unwrap()
    }

    #[test]
    fn references_are_found_with_their_places() {
        let found = pieces("a $x $$ ${A:-b ${B}} c").unwrap();
        assert_eq!(found.first(), Some(&Piece::Text("a $x ")));
        assert_eq!(found.get(1), Some(&Piece::Dollar));
        let outer = reference_of(&found);
        assert_eq!((outer.name, outer.empty_is_unset, outer.range.clone()), ("A", true, 8..20));
        let Otherwise::Default(inner) = &outer.otherwise else { panic!("{outer:?}") };
        assert_eq!(reference_of(inner).range, 15..19);
    }

    #[test]
    fn malformed_references_are_named() {
        for (text, range) in [
            ("x ${A", 2..5),
            ("${}", 0..3),
            ("${A b}", 0..6),
            ("${A:+b}", 0..7),
            ("${1}", 0..4),
            ("${A:-${B}", 0..9),
        ] {
            assert_eq!(pieces(text).unwrap_err().range, range, "{text}");
        }
        assert!(pieces(&"${A:-".repeat(50)).is_err());
    }
}
