//! The words of JavaScript that stand for data: blanks and comments, strings, numbers, names.

use super::{Stop, wrong};
use crate::config::Span;

pub(super) struct Scanner<'a> {
    text: &'a str,
    pub(super) at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn here(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The last character that can be seen.
    pub(super) fn last(&self) -> Span {
        let text = self.text.trim_end();
        Span::new(text.len() - text.chars().next_back().map_or(0, char::len_utf8), text.len())
    }

    /// Goes over `word` if it stands here.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// The same of a word that is not the beginning of a longer one.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let longer = self.rest().strip_prefix(word).is_some_and(|rest| rest.starts_with(is_name));
        !longer && self.take(word)
    }

    /// Goes over blanks and comments.
    pub(super) fn blank(&mut self) -> Result<(), Stop> {
        loop {
            let rest = self.rest();
            let blank = rest.find(|c: char| !c.is_whitespace() && c != '\u{feff}');
            self.at += blank.unwrap_or(rest.len());
            let rest = self.rest();
            let length = if rest.starts_with("//") {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                let Some(end) = rest.get(2..).and_then(|rest| rest.find("*/")) else {
                    let span = Span::new(self.at, self.at + 2);
                    return Err(wrong(span, "a comment is never closed", "opened here"));
                };
                end + 4
            } else {
                return Ok(());
            };
            self.at += length;
        }
    }

    /// The name that stands here; empty if there is none.
    pub(super) fn identifier(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// The number that stands here, as plain decimal text.
    pub(super) fn number(&mut self) -> Option<String> {
        let rest = self.rest();
        let digits = rest.strip_prefix(['-', '+']).unwrap_or(rest);
        let sign = if rest.starts_with('-') { "-" } else { "" };
        let mut before = ' ';
        let end = digits.find(|c: char| {
            let exponent = matches!(c, '+' | '-') && matches!(before, 'e' | 'E');
            before = c;
            !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_') || exponent)
        });
        let digits = digits.get(..end.unwrap_or(digits.len()))?;
        let length = usize::from(rest.starts_with(['-', '+'])) + digits.len();
        let decimal = decimal(&digits.replace('_', ""))?;
        self.at += length;
        Some(format!("{sign}{decimal}"))
    }

    /// The string that stands here.
    pub(super) fn text(&mut self) -> Result<String, Stop> {
        let opened = self.at;
        let quote = self.here().unwrap_or('"');
        self.at += quote.len_utf8();
        let mut out = String::new();
        loop {
            let Some(c) = self.here().filter(|c| *c != '\n' || quote == '`') else {
                let span = Span::new(opened, opened + 1);
                return Err(wrong(span, "a quote is never closed", "opened here"));
            };
            if quote == '`' && self.rest().starts_with("${") {
                return Err(Stop::NotLiteral(Span::new(self.at, self.at + 2)));
            }
            self.at += c.len_utf8();
            if c == quote {
                return Ok(out);
            }
            if c == '\\' { self.escape(&mut out)? } else { out.push(c) }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), Stop> {
        let start = self.at - 1;
        let Some(c) = self.here() else { return Ok(()) };
        self.at += c.len_utf8();
        let code = match c {
            '\n' => return Ok(()),
            'x' => self.hex(2),
            'u' if self.take("{") => {
                let end = self.rest().find('}').unwrap_or(0);
                let code = self.hex(end);
                self.take("}");
                code
            }
            'u' => self.hex(4).map(|code| self.surrogate(code)),
            other => Some(u32::from(match other {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'v' => '\u{b}',
                '0' => '\0',
                itself => itself,
            })),
        };
        let span = Span::new(start, self.at.max(start + 2));
        let Some(code) = code else {
            return Err(wrong(span, "this escape is not complete", "here"));
        };
        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok(())
    }

    /// The second half of a character that takes two escapes.
    fn surrogate(&mut self, high: u32) -> u32 {
        let is_high = (0xd800..0xdc00).contains(&high);
        if !is_high || !self.rest().starts_with("\\u") {
            return high;
        }
        let before = self.at;
        self.at += 2;
        if let Some(low @ 0xdc00..0xe000) = self.hex(4) {
            return 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        }
        self.at = before;
        high
    }

    fn hex(&mut self, length: usize) -> Option<u32> {
        let digits = self.rest().get(..length)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += length;
        u32::from_str_radix(digits, 16).ok()
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

/// A number of JavaScript, without a sign, in decimal.
fn decimal(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return u64::from_str_radix(digits, radix).ok().map(|value| value.to_string());
        }
    }
    if lower.bytes().all(|byte| byte.is_ascii_digit())
        && (lower.len() == 1 || !lower.starts_with('0'))
    {
        return Some(lower).filter(|digits| !digits.is_empty());
    }
    let is_number =
        lower.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-'));
    let old_octal =
        lower.strip_prefix('0').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if !is_number || old_octal {
        return None;
    }
    lower.parse::<f64>().ok().filter(|value| value.is_finite()).map(|value| value.to_string())
}
