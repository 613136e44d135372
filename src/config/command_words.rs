//! A command line into words, as a POSIX shell splits it, without a shell.
//!
//! Blanks separate, quotes and backslashes keep together. `${…}` belongs to one word, whatever it
//! becomes; between single quotes everything stands for itself, `$` too. What only a shell could
//! do (pipes, `$NAME`, patterns) is a fault when it is not quoted.

use std::ops::Range;

use super::interpolate::reference_end;

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// As it stands.
    Text(String),
    /// A `${…}`: its place in the text.
    Reference(Range<usize>),
}

/// One word.
pub(super) type Word = Vec<Part>;

/// Why a line cannot be split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unsplittable {
    /// Where in the text.
    pub(super) range: Range<usize>,
    pub(super) message: String,
    pub(super) label: &'static str,
    /// A shell would do something with it; what to do about it without one.
    pub(super) without_shell: Option<&'static str>,
}

/// Splits a line.
pub(super) fn split(text: &str) -> Result<Vec<Word>, Unsplittable> {
    let mut splitter = Splitter { text, at: 0, words: Vec::new(), word: None };
    while let Some(c) = splitter.peek() {
        splitter.unquoted(c)?;
    }
    splitter.end_word();
    Ok(splitter.words)
}

struct Splitter<'a> {
    text: &'a str,
    at: usize,
    words: Vec<Word>,
    /// The word being read; `None` between words.
    word: Option<Word>,
}

impl Splitter<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn push(&mut self, c: char) {
        let word = self.word.get_or_insert_default();
        if let Some(Part::Text(text)) = word.last_mut() {
            text.push(c);
        } else {
            word.push(Part::Text(c.to_string()));
        }
    }

    fn take(&mut self, c: char) {
        self.at += c.len_utf8();
        self.push(c);
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    fn shell(&self, length: usize, message: impl Into<String>) -> Unsplittable {
        Unsplittable {
            range: self.at..self.at + length,
            message: message.into(),
            label: "only a shell understands this",
            without_shell: Some("quote it"),
        }
    }

    fn unquoted(&mut self, c: char) -> Result<(), Unsplittable> {
        match c {
            '\n' => self.line_break()?,
            ' ' | '\t' | '\r' => {
                self.end_word();
                self.at += 1;
            }
            '\'' => self.single_quotes()?,
            '"' => self.double_quotes()?,
            '\\' => self.backslash(),
            '$' => self.dollar(true)?,
            '|' | '&' | ';' | '<' | '>' | '*' | '`' => {
                let message = format!("no shell runs, so `{c}` has no meaning in a command");
                return Err(self.shell(1, message));
            }
            '#' if self.word.is_none() => {
                return Err(self.shell(1, "`#` would begin a comment in a shell"));
            }
            '=' if self.words.is_empty() && self.is_assignment() => {
                let start = self.at - self.word_length();
                let length = self.rest().find(char::is_whitespace).unwrap_or(self.rest().len());
                return Err(Unsplittable {
                    range: start..self.at + length,
                    message: "a command cannot begin with a variable".to_owned(),
                    label: "this sets a variable",
                    without_shell: Some("put it under `env`"),
                });
            }
            _ => self.take(c),
        }
        Ok(())
    }

    /// A line break ends a command in a shell, unless nothing follows.
    fn line_break(&mut self) -> Result<(), Unsplittable> {
        self.end_word();
        if !self.words.is_empty() && !self.rest().trim().is_empty() {
            let blank = self.rest().len() - self.rest().trim_start().len();
            let next = self.rest().trim_start();
            let length = next.find(char::is_whitespace).unwrap_or(next.len());
            return Err(Unsplittable {
                range: self.at + blank..self.at + blank + length,
                message: "a second line would be a second command".to_owned(),
                label: "starts on a line of its own",
                without_shell: Some("write it on one line"),
            });
        }
        self.at += 1;
        Ok(())
    }

    fn word_length(&self) -> usize {
        let part = |part: &Part| match part {
            Part::Text(text) => text.len(),
            Part::Reference(range) => range.len(),
        };
        self.word.iter().flatten().map(part).sum()
    }

    /// Whether what was read of the word is the name of a variable.
    fn is_assignment(&self) -> bool {
        let Some([Part::Text(name)]) = self.word.as_deref() else { return false };
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_name && !name.starts_with(|c: char| c.is_ascii_digit())
    }

    fn unclosed(opened: usize, kind: &str) -> Unsplittable {
        Unsplittable {
            range: opened..opened + 1,
            message: format!("a {kind} quote in the command is never closed"),
            label: "opened here",
            without_shell: None,
        }
    }

    fn single_quotes(&mut self) -> Result<(), Unsplittable> {
        let opened = self.at;
        self.at += 1;
        let Some(length) = self.rest().find('\'') else {
            return Err(Self::unclosed(opened, "single"));
        };
        let inner = self.rest().get(..length).unwrap_or_default().to_owned();
        self.word.get_or_insert_default();
        inner.chars().for_each(|c| self.push(c));
        self.at += length + 1;
        Ok(())
    }

    fn double_quotes(&mut self) -> Result<(), Unsplittable> {
        let opened = self.at;
        self.at += 1;
        self.word.get_or_insert_default();
        loop {
            match self.peek() {
                None => return Err(Self::unclosed(opened, "double")),
                Some('"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some('$') => self.dollar(false)?,
                Some('\\') => match self.rest().chars().nth(1) {
                    Some(c @ ('"' | '\\' | '$' | '`')) => {
                        self.at += 1;
                        self.take(c);
                    }
                    Some('\n') => self.at += 2,
                    _ => self.take('\\'),
                },
                Some(c) => self.take(c),
            }
        }
    }

    fn backslash(&mut self) {
        self.at += 1;
        match self.peek() {
            Some('\n') => self.at += 1,
            Some(c) => self.take(c),
            None => self.push('\\'),
        }
    }

    fn dollar(&mut self, is_unquoted: bool) -> Result<(), Unsplittable> {
        let rest = self.rest();
        if rest.starts_with("$$") {
            self.at += 1;
            self.take('$');
            return Ok(());
        }
        if rest.starts_with("${") {
            let Some(length) = reference_end(rest) else {
                let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
                return Err(Unsplittable {
                    range: self.at..self.at + length,
                    message: "`${` is never closed".to_owned(),
                    label: "close it with `}`",
                    without_shell: None,
                });
            };
            let range = self.at..self.at + length;
            self.word.get_or_insert_default().push(Part::Reference(range));
            self.at += length;
            return Ok(());
        }
        let is_special = |c: char| c.is_ascii_alphanumeric() || "_(@?!#*".contains(c);
        if is_unquoted && rest.chars().nth(1).is_some_and(is_special) {
            let name = rest.get(1..).unwrap_or_default();
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let length = end.unwrap_or(name.len()).max(1) + 1;
            let shown = rest.get(..length).unwrap_or("$");
            let message = format!("no shell runs, so `{shown}` is not filled");
            return Err(self.shell(length, message));
        }
        self.take('$');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(text: &str) -> Option<Vec<String>> {
        let words = split(text).ok()?;
        let join = |word: Word| {
            word.into_iter()
                .map(|part| match part {
                    Part::Text(text) => text,
                    Part::Reference(range) => format!("<{}>", &text[range]),
                })
                .collect()
        };
        Some(words.into_iter().map(join).collect())
    }

    #[test]
    fn lines_are_split_as_a_shell_would() {
        let words = plain(r#"node  "a b" 'c $d' e\ f "x\"y" ''"#).unwrap();
        assert_eq!(words, ["node", "a b", "c $d", "e f", "x\"y", ""]);
        let words = plain("run --port=${PORT:-a b} \"${A}x\" '${B}' $$HOME 5$\n").unwrap();
        assert_eq!(words, ["run", "--port=<${PORT:-a b}>", "<${A}>x", "${B}", "$HOME", "5$"]);
        assert_eq!(plain("a \\\n b").unwrap(), ["a", "b"]);
    }

    #[test]
    fn what_only_a_shell_can_do_is_refused() {
        for (text, found) in [
            ("a | b", "|"),
            ("a && b", "&"),
            ("a $HOME/x", "$HOME"),
            ("ls *.js", "*"),
            ("a > b", ">"),
            ("A=1 node", "A=1"),
            ("a $(b)", "$("),
            ("a\nb c", "b"),
            ("a `b`", "`"),
        ] {
            let error = split(text).unwrap_err();
            assert!(error.without_shell.is_some(), "{text}");
            assert_eq!(&text[error.range], found, "{text}");
        }
        assert_eq!(split("node 'x").unwrap_err().range, 5..6);
        assert_eq!(split("node ${X").unwrap_err().range, 5..8);
        assert!(split("node a=b").is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn agrees_with_shlex_where_a_shell_is_not_needed(text in "[ab'\"\\\\ \t=]{0,12}") {
            if let Some(ours) = plain(&text) {
                // shlex refuses a backslash at the very end, where a shell keeps it.
                if !text.ends_with('\\') {
                    prop_assert_eq!(Some(ours), shlex::split(&text));
                }
            }
        }
    }
}
