//! Words of another program's command lines, with what is filled into them when.

use std::{borrow::Cow, rc::Rc};

use super::tree::{literal, shell, template};
use crate::config::{Span, written_tree::Node};

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// As it is.
    Text(String),
    /// A variable of the app's environment that eco knows too: `${NAME}` in both.
    Variable(String),
    /// `${…}` as eco fills it.
    Filled(String),
    /// What only a shell can make of the app's environment, as it writes it.
    Shell(String),
}

/// A text with its parts.
pub(super) type Word = Vec<Piece>;

/// A text that nothing is filled into.
pub(super) fn word(text: &str) -> Word {
    vec![Piece::Text(text.to_owned())]
}

/// The text as our format has it; `None` if only a shell could make it.
pub(super) fn filled(word: &[Piece]) -> Option<String> {
    let mut out = String::new();
    for piece in word {
        match piece {
            Piece::Text(text) => out.push_str(&literal(text)),
            Piece::Variable(name) => out.extend(["${", name.as_str(), "}"]),
            Piece::Filled(text) => out.push_str(text),
            Piece::Shell(_) => return None,
        }
    }
    Some(out)
}

/// A command of words, each with nothing done to it; a shell if one is needed for it.
pub(super) fn command(span: Span, words: &[Word]) -> Rc<Node> {
    let plain: Option<Vec<String>> = words.iter().map(|word| filled(word)).collect();
    match plain {
        Some(words) => {
            Node::list(span, words.into_iter().map(|word| template(span, word)).collect())
        }
        None => shell(span, span, &format!("exec {}", line(words))),
    }
}

/// Words as a shell reads them, as our format has them.
pub(super) fn line(words: &[Word]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

fn quoted(word: &[Piece]) -> String {
    if let [Piece::Text(text)] = word {
        return literal(&quoted_text(text));
    }
    let mut out = String::new();
    for piece in word {
        match piece {
            Piece::Text(text) if text.is_empty() => {}
            Piece::Text(text) => out.push_str(&literal(&quoted_text(text))),
            // It is quoted here, so that its value is one word.
            Piece::Variable(name) => out.push_str(&literal(&format!("\"${name}\""))),
            Piece::Filled(text) => out.extend(["\"", text.as_str(), "\""]),
            Piece::Shell(text) => out.push_str(&literal(text)),
        }
    }
    if out.is_empty() { "''".to_owned() } else { out }
}

fn quoted_text(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,-=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    // It has no NUL: no text of a file has.
    shlex::try_quote(text).map_or_else(|_| text.to_owned(), Cow::into_owned)
}
