//! `ExecStart` and the like: words with systemd's own quotes, marks before them, and variables.

use super::specifier::Names;
use crate::{
    config::{
        Span,
        written_tree::{Log, Problem},
    },
    import::{
        ini::Item,
        words::{self, Piece, Word},
    },
};

/// One command.
#[derive(Debug)]
pub(super) struct Exec {
    pub(super) words: Vec<Word>,
    /// Its failure counts as success.
    pub(super) is_ignored: bool,
    /// It has rights that the program itself has not.
    pub(super) is_privileged: bool,
    /// The program finds another name than its own.
    pub(super) is_renamed: bool,
    pub(super) at: Span,
}

impl Exec {
    /// The line for a shell, as our format has it.
    pub(super) fn line(&self) -> String {
        words::line(&self.words)
    }

    /// The signal, if it only sends one to the main process.
    pub(super) fn signal(&self) -> Option<String> {
        let texts: Option<Vec<&str>> = self.words.iter().map(|word| text_of(word)).collect();
        let texts = texts?;
        let (program, args) = texts.split_first()?;
        let is_kill = program.rsplit('/').next() == Some("kill");
        let (pid, options) = args.split_last()?;
        if !is_kill || *pid != "$ECO_PID" {
            return None;
        }
        let name = match options {
            [] => "TERM",
            ["-s" | "--signal" | "-n", name] => name,
            [option] => option.strip_prefix("--signal=").or_else(|| option.strip_prefix('-'))?,
            _ => return None,
        };
        let is_number = name.parse::<u8>().is_ok();
        let fine = name.chars().all(|c| c.is_ascii_alphanumeric() || "+-".contains(c));
        if !fine || name.is_empty() {
            return None;
        }
        let upper = name.to_ascii_uppercase();
        Some(if is_number || upper.starts_with("SIG") { upper } else { format!("SIG{upper}") })
    }
}

/// A word that is one piece.
fn text_of(word: &[Piece]) -> Option<&str> {
    match word {
        [Piece::Text(text)] => Some(text),
        [Piece::Shell(text)] => Some(text.trim_matches('"')),
        _ => None,
    }
}

/// The commands of a line; `None` if there is a fault, which is said.
pub(super) fn commands(log: &Log, names: Names<'_>, item: &Item) -> Option<Vec<Exec>> {
    let at = item.value_at;
    let Some(raw) = split(&item.value) else {
        let message = format!("`{}` cannot be split into words", item.key);
        log.push(Problem::new("value", message, at, "a quote is never closed"));
        return None;
    };
    let mut out = Vec::new();
    for words in raw.split(|word| *word == Raw::End) {
        let mut words = words.iter().filter_map(|word| match word {
            Raw::Word(text) => Some(text.as_str()),
            Raw::End => None,
        });
        let Some(first) = words.next() else { continue };
        let program = first.trim_start_matches(['@', '-', ':', '+', '!', '|']);
        let marks = first.get(..first.len() - program.len()).unwrap_or_default();
        let is_renamed = marks.contains('@');
        let rest = words.skip(usize::from(is_renamed));
        let mut all = vec![names.expand(program, at)];
        for word in rest {
            let word = names.expand(word, at);
            all.push(if marks.contains(':') { word } else { with_variables(word) });
        }
        if program.is_empty() {
            let message = format!("`{}` names no program", item.key);
            log.push(Problem::new("value", message, at, "what to run?"));
            return None;
        }
        if marks.contains('|') {
            let line = words::line(&all);
            all = vec![words::word("/bin/sh"), words::word("-c"), words::word(&line)];
        }
        out.push(Exec {
            words: all,
            is_ignored: marks.contains('-'),
            is_privileged: marks.contains(['+', '!']),
            is_renamed,
            at,
        });
    }
    Some(out)
}

/// A word, or the end of a command.
#[derive(Debug, PartialEq, Eq)]
enum Raw {
    Word(String),
    End,
}

/// The words of a value; `None` if a quote is not closed.
pub(super) fn words_of(text: &str) -> Option<Vec<String>> {
    let raw = split(text)?.into_iter().map(|word| match word {
        Raw::Word(text) => text,
        Raw::End => ";".to_owned(),
    });
    Some(raw.collect())
}

fn split(text: &str) -> Option<Vec<Raw>> {
    let mut out = Vec::new();
    let mut rest = text.chars().peekable();
    loop {
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        if rest.peek().is_none() {
            return Some(out);
        }
        let (mut word, mut quote, mut is_plain) = (String::new(), None, true);
        while let Some(c) = rest.next_if(|c| quote.is_some() || !c.is_whitespace()) {
            match (c, quote) {
                ('\\', _) => {
                    is_plain = false;
                    escaped(&mut rest, &mut word);
                }
                (c, Some(open)) if c == open => quote = None,
                ('"' | '\'', None) => {
                    is_plain = false;
                    quote = Some(c);
                }
                (c, _) => word.push(c),
            }
        }
        if quote.is_some() {
            return None;
        }
        out.push(if is_plain && word == ";" { Raw::End } else { Raw::Word(word) });
    }
}

/// What follows a `\`, as in C.
fn escaped(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, word: &mut String) {
    let number = |digits: &str, radix| {
        u8::from_str_radix(digits, radix).ok().filter(u8::is_ascii).map(char::from)
    };
    match rest.next() {
        Some('a') => word.push('\u{7}'),
        Some('b') => word.push('\u{8}'),
        Some('f') => word.push('\u{c}'),
        Some('n') => word.push('\n'),
        Some('r') => word.push('\r'),
        Some('t') => word.push('\t'),
        Some('v') => word.push('\u{b}'),
        Some('s') => word.push(' '),
        Some(c @ ('\\' | '"' | '\'' | ';')) => word.push(c),
        Some('x') => {
            let mut digits = String::new();
            while digits.len() < 2
                && let Some(digit) = rest.next_if(char::is_ascii_hexdigit)
            {
                digits.push(digit);
            }
            if let Some(c) = number(&digits, 16).filter(|c| *c != '\0') {
                word.push(c);
            } else {
                word.push_str("\\x");
                word.push_str(&digits);
            }
        }
        Some(c) => word.extend(['\\', c]),
        None => word.push('\\'),
    }
}

/// `${NAME}` and `$NAME`, which only a shell can fill from the app's own environment.
fn with_variables(word: Word) -> Word {
    if let [Piece::Text(text)] = word.as_slice()
        && let Some(name) = text.strip_prefix('$').filter(|name| is_name(name))
    {
        // A word alone is as many words as it has.
        return vec![Piece::Shell(format!("${}", ours(name)))];
    }
    let mut out = Word::new();
    for piece in word {
        match piece {
            Piece::Text(text) => in_text(&text, &mut out),
            Piece::Variable(_) | Piece::Filled(_) | Piece::Shell(_) => out.push(piece),
        }
    }
    out
}

fn in_text(text: &str, out: &mut Word) {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        plain.push_str(before);
        let braced = after.strip_prefix('{').and_then(|after| after.split_once('}'));
        if let Some(after) = after.strip_prefix('$') {
            plain.push('$');
            rest = after;
        } else if let Some((name, after)) = braced.filter(|(name, _)| is_name(name)) {
            if !plain.is_empty() {
                out.push(Piece::Text(std::mem::take(&mut plain)));
            }
            out.push(Piece::Shell(format!("\"${}\"", ours(name))));
            rest = after;
        } else {
            plain.push('$');
            rest = after;
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() || out.is_empty() {
        out.push(Piece::Text(plain));
    }
}

/// What eco calls a variable that systemd sets.
fn ours(name: &str) -> &str {
    if name == "MAINPID" { "ECO_PID" } else { name }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::words_of;

    #[test]
    fn words_are_split_as_systemd_does() {
        let words = |text: &str| words_of(text).map(|words| words.join("|"));
        assert_eq!(words("/bin/a  b").as_deref(), Some("/bin/a|b"));
        assert_eq!(
            words(r#"a "b c" 'd "e"' f\x20g h\sj"#).as_deref(),
            Some("a|b c|d \"e\"|f g|h j")
        );
        assert_eq!(words(r#"A=1 "B=2 3" C="4 5""#).as_deref(), Some("A=1|B=2 3|C=4 5"));
        assert_eq!(words(r"a\qb \").as_deref(), Some(r"a\qb|\"));
        assert_eq!(words("\"").as_deref(), None);
        assert_eq!(words("''").as_deref(), Some(""));
    }
}
