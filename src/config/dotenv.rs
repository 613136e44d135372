//! Files of `KEY=value` lines: `env_file` and `vars_file`.
//!
//! One variable a line, `export ` before it is allowed. `#` begins a comment at the start of a line
//! and after a blank. Without quotes a value ends with its line and loses blanks at both ends. In
//! single quotes everything stands for itself; in double quotes `\n \r \t \" \\ \$` are known.
//! Quoted values may go over several lines. Nothing is ever filled in: a `$` is a `$`, so that
//! passwords may hold one and a file means the same in every environment. A key given twice has
//! its last value.

use std::collections::BTreeMap;

use super::{
    fault::{Problem, Span},
    suggest::quoted,
};

/// Values, and the lines in which they stand, from 1; both by name.
type WithLines = (BTreeMap<String, String>, BTreeMap<String, u32>);

/// Reads a text. Problems name the lines of that text.
pub(super) fn parse(text: &str) -> Result<BTreeMap<String, String>, Vec<Problem>> {
    parse_with_lines(text).map(|(values, _)| values)
}

/// The same, and where each variable stands.
pub(super) fn parse_with_lines(text: &str) -> Result<WithLines, Vec<Problem>> {
    let mut reader = Reader { text, at: 0, values: BTreeMap::new(), problems: Vec::new() };
    let mut lines = BTreeMap::new();
    let (mut number, mut counted) = (1_u32, 0);
    while reader.at < text.len() {
        let before = text.get(counted..reader.at).unwrap_or_default();
        let newlines = u32::try_from(before.matches('\n').count()).unwrap_or(u32::MAX);
        (number, counted) = (number.saturating_add(newlines), reader.at);
        match reader.line() {
            Ok(Some(name)) => drop(lines.insert(name, number)),
            Ok(None) => {}
            Err(problem) => reader.problems.push(problem),
        }
        reader.skip_line();
    }
    if reader.problems.is_empty() { Ok((reader.values, lines)) } else { Err(reader.problems) }
}

/// The values of a text of `KEY=value` lines; `None` if one of them is none.
pub fn dotenv_values(text: &str) -> Option<BTreeMap<String, String>> {
    parse(text).ok()
}

/// A variable as a line of such a file.
pub fn dotenv_line(name: &str, value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,=-".contains(c);
    if value.chars().all(is_plain) {
        return format!("{name}={value}\n");
    }
    // A line may end with CR LF, which a value need not.
    if !value.contains(['\'', '\r']) {
        return format!("{name}='{value}'\n");
    }
    let mut quoted = String::new();
    for c in value.chars() {
        match c {
            '\r' => quoted.push_str("\\r"),
            '\n' => quoted.push_str("\\n"),
            '"' | '\\' | '$' => quoted.extend(['\\', c]),
            _ => quoted.push(c),
        }
    }
    format!("{name}=\"{quoted}\"\n")
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: BTreeMap<String, String>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The rest of the current line.
    fn line_rest(&self) -> &'a str {
        let rest = self.rest();
        rest.split('\n').next().unwrap_or_default().trim_end_matches('\r')
    }

    fn skip_line(&mut self) {
        self.at += self.rest().find('\n').map_or(self.rest().len(), |newline| newline + 1);
    }

    fn skip_blanks(&mut self) {
        let rest = self.line_rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn line_span(&self) -> Span {
        Span::new(self.at, self.at + self.line_rest().trim_end().len())
    }

    /// Reads one line, or more if a quoted value goes on; the name of its variable.
    fn line(&mut self) -> Result<Option<String>, Problem> {
        self.skip_blanks();
        if self.line_rest().is_empty() || self.rest().starts_with('#') {
            return Ok(None);
        }
        if let Some(after) = self.line_rest().strip_prefix("export")
            && after.starts_with([' ', '\t'])
        {
            self.at += "export".len();
            self.skip_blanks();
        }
        let whole = self.line_span();
        let Some((key, _)) = self.line_rest().split_once('=') else {
            let message = "this line is not of the form `KEY=value`";
            return Err(Problem::new("env_file_syntax", message, whole, "there is no `=`"));
        };
        let name = key.trim_end();
        check_name(name, Span::new(self.at, self.at + name.len()), whole)?;
        self.at += key.len() + 1;
        self.skip_blanks();
        let value = match self.rest().chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
            _ => self.unquoted(),
        };
        if value.contains('\0') {
            let message = format!("the value of `{name}` holds a NUL character");
            return Err(Problem::new("env_file_syntax", message, whole, "here"));
        }
        self.values.insert(name.to_owned(), value);
        Ok(Some(name.to_owned()))
    }

    fn unquoted(&mut self) -> String {
        let line = self.line_rest();
        self.at += line.len();
        if line.starts_with('#') {
            return String::new();
        }
        let comment = line.find(" #").or_else(|| line.find("\t#")).unwrap_or(line.len());
        line.get(..comment).unwrap_or(line).trim_end().to_owned()
    }

    fn quoted(&mut self, quote: char) -> Result<String, Problem> {
        let opened = self.at;
        let mut value = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                _ if c == quote => {
                    self.at = opened + at + 1;
                    return self.after_quote(value);
                }
                '\\' if quote == '"' => match chars.next() {
                    Some((_, escaped)) => push_escaped(&mut value, escaped),
                    None => break,
                },
                '\r' if self.text.get(opened + at + 1..).is_some_and(|t| t.starts_with('\n')) => {}
                _ => value.push(c),
            }
        }
        let span = Span::new(opened, opened + 1);
        Err(Problem::new("env_file_syntax", "a quote is never closed", span, "opened here"))
    }

    fn after_quote(&mut self, value: String) -> Result<String, Problem> {
        self.skip_blanks();
        let rest = self.line_rest();
        if rest.is_empty() || rest.starts_with('#') {
            return Ok(value);
        }
        let message = "there is more text after the closing quote";
        let problem = Problem::new("env_file_syntax", message, self.line_span(), "not expected");
        Err(problem.help("put the whole value into the quotes, or a `#` before a comment"))
    }
}

fn push_escaped(value: &mut String, escaped: char) {
    match escaped {
        'n' => value.push('\n'),
        'r' => value.push('\r'),
        't' => value.push('\t'),
        '"' | '\\' | '$' | '\'' => value.push(escaped),
        other => {
            value.push('\\');
            value.push(other);
        }
    }
}

fn check_name(name: &str, span: Span, line: Span) -> Result<(), Problem> {
    if name.is_empty() {
        let message = "there is no name before the `=`";
        return Err(Problem::new("env_file_syntax", message, line, "expected `KEY=value`"));
    }
    let is_good = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.chars().all(is_good) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(());
    }
    let message = format!("{} is not a name for a variable", quoted(name));
    let label = "only letters, digits, `_`, `.` and `-`";
    Err(Problem::new("env_file_syntax", message, span, label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_line_is_read() {
        let text = "\n# c\nA=1\r\nexport B = two words # comment\nC='a $X \"q\"'\nD=\"x\\ny\\$\" # c\n\
                    E=\nF=a#b\nG=\"two\r\nlines\"\nA=2\nH=pa$$word\nexport=1";
        let read = parse(text).unwrap();
        let get = |key: &str| read.get(key).map(String::as_str);
        assert_eq!(get("A"), Some("2"));
        assert_eq!(get("B"), Some("two words"));
        assert_eq!(get("C"), Some("a $X \"q\""));
        assert_eq!(get("D"), Some("x\ny$"));
        assert_eq!(get("E"), Some(""));
        assert_eq!(get("F"), Some("a#b"));
        assert_eq!(get("G"), Some("two\nlines"));
        assert_eq!(get("H"), Some("pa$$word"));
        assert_eq!(get("export"), Some("1"));
    }

    #[test]
    fn each_variable_has_its_line() {
        let (_, lines) = parse_with_lines("A=1\n# c\nB=\"two\nlines\"\n\nC=3\nA=4").unwrap();
        let lines: Vec<_> = lines.iter().map(|(name, line)| (name.as_str(), *line)).collect();
        assert_eq!(lines, [("A", 7), ("B", 3), ("C", 6)]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let values =
            ["", "a", "a b", "it's", "pa$$word", "\"q\"", "a\\nb", "two\nlines", "'\r\n\\$", "#x"];
        for value in values {
            let line = dotenv_line("A", value);
            assert_eq!(parse(&line).unwrap().get("A").map(String::as_str), Some(value), "{line}");
        }
    }

    #[test]
    fn every_bad_line_is_named() {
        let text = "OK=1\nnothing\n=x\n1A=x\nB=\"a\" b\nC='open\nD=1\n";
        let problems = parse(text).unwrap_err();
        let places: Vec<&str> = problems
            .iter()
            .map(|problem| &text[problem.labels[0].0.start..problem.labels[0].0.end])
            .collect();
        assert_eq!(places, ["nothing", "=x", "1A", "b", "'"]);
    }
}
