//! `$NAME` and `${…}` as docker compose and process-compose have them, written as our format does.

use super::tree::literal;

/// A text of ours, and what could not be said in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ours {
    /// With `${…}` where something is filled in.
    pub(super) text: String,
    /// References that our format does not have; they stand in the text as they are.
    pub(super) odd: Vec<String>,
    /// Names that are filled without a default.
    pub(super) needed: Vec<String>,
}

/// What a variable without a value and without a default is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unset {
    /// A fault, as with us.
    Fault,
    /// Nothing.
    Empty,
}

impl Ours {
    fn push(&mut self, parts: [&str; 3]) {
        self.text.extend(parts);
    }
}

/// References in references are read to this depth.
const MAX_DEPTH: usize = 8;

/// `text` as our format has it.
pub(super) fn ours(text: &str, unset: Unset) -> Ours {
    let mut out = Ours::default();
    read(text, unset, 0, &mut out);
    out
}

fn read(text: &str, unset: Unset, depth: usize, out: &mut Ours) {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        out.text.push_str(before);
        let after = from.get(1..).unwrap_or_default();
        let name = name_of(after);
        if let Some(tail) = after.strip_prefix('$') {
            // A `$` that stands for itself; doubled where ours would read on.
            out.text.push_str(if tail.starts_with(['$', '{']) { "$$" } else { "$" });
            rest = tail;
        } else if let Some(inner) = braces(after).filter(|_| depth < MAX_DEPTH) {
            reference(inner, unset, depth, out);
            rest = after.get(inner.len() + 2..).unwrap_or_default();
        } else if name.is_empty() {
            out.text.push_str(if after.starts_with('{') { "$$" } else { "$" });
            rest = after;
        } else {
            bare(name, unset, out);
            rest = after.get(name.len()..).unwrap_or_default();
        }
    }
    out.text.push_str(rest);
}

fn bare(name: &str, unset: Unset, out: &mut Ours) {
    match unset {
        Unset::Fault => {
            out.needed.push(name.to_owned());
            out.push(["${", name, "}"]);
        }
        Unset::Empty => out.push(["${", name, ":-}"]),
    }
}

fn reference(inner: &str, unset: Unset, depth: usize, out: &mut Ours) {
    let name = name_of(inner);
    let rest = inner.get(name.len()..).unwrap_or_default();
    let operator = rest.strip_prefix(':').unwrap_or(rest);
    if name.is_empty() {
        odd(inner, out);
    } else if rest.is_empty() {
        bare(name, unset, out);
    } else if let Some(default) = operator.strip_prefix('-') {
        let colon = if rest.starts_with(':') { ":" } else { "" };
        out.push(["${", name, colon]);
        out.text.push('-');
        read(default, unset, depth + 1, out);
        out.text.push('}');
    } else if operator.starts_with('?') {
        out.needed.push(name.to_owned());
        out.push(["${", inner, "}"]);
    } else {
        odd(inner, out);
    }
}

fn odd(inner: &str, out: &mut Ours) {
    let whole = format!("${{{inner}}}");
    out.text.push_str(&literal(&whole));
    out.odd.push(whole);
}

/// The name at the beginning of a text.
fn name_of(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let name = text.get(..end).unwrap_or_default();
    if name.starts_with(|c: char| c.is_ascii_digit()) { "" } else { name }
}

/// What stands between the braces at the beginning of a text.
fn braces(text: &str) -> Option<&str> {
    let mut open = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            _ if at == 0 => return None,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return text.get(1..at);
        }
    }
    None
}

/// The words of a line as a shell splits it, without running one; a reference is part of one word.
pub(super) fn words(line: &str, unset: Unset) -> Option<(Vec<String>, Ours)> {
    let mut all = Ours::default();
    let mut marked = String::new();
    let mut parts: Vec<String> = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        marked.push_str(before);
        let length = piece(from);
        let (one, tail) = from.split_at_checked(length)?;
        let mut read = ours(one, unset);
        all.odd.append(&mut read.odd);
        all.needed.append(&mut read.needed);
        marked.push(mark(parts.len())?);
        parts.push(read.text);
        rest = tail;
    }
    marked.push_str(rest);
    let filled = |word: String| filled(&word, &parts);
    Some((shlex::split(&marked)?.into_iter().map(filled).collect(), all))
}

/// The word with its parts in place of their marks.
fn filled(word: &str, parts: &[String]) -> String {
    let mut out = String::new();
    let mut after_dollar = false;
    for c in word.chars() {
        let mut one = [0; 4];
        let part = parts.iter().enumerate().find(|(index, _)| mark(*index) == Some(c));
        let next = part.map_or_else(|| &*c.encode_utf8(&mut one), |(_, part)| part.as_str());
        if after_dollar && next.starts_with(['{', '$']) {
            out.push('$');
        }
        out.push_str(next);
        after_dollar = part.is_some() && next == "$";
    }
    out
}

/// Stands for a reference while a line is split: a character of nobody's.
fn mark(index: usize) -> Option<char> {
    char::from_u32(0xF_0000 + u32::try_from(index).ok()?).filter(|_| index < 0xF000)
}

/// The length of what a `$` begins.
fn piece(text: &str) -> usize {
    let after = text.get(1..).unwrap_or_default();
    if after.starts_with('$') {
        return 2;
    }
    braces(after).map_or_else(|| 1 + name_of(after).len(), |inner| inner.len() + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_become_ours() {
        for (text, wanted) in [
            ("a $NAME b", "a ${NAME} b"),
            ("${A:-x}${B-$C}", "${A:-x}${B-${C}}"),
            ("$$HOME $${HOME} $$$$", "$HOME $${HOME} $$$"),
            ("${A:?needed}", "${A:?needed}"),
            ("5$ $1 ${", "5$ $1 $${"),
            ("${A:+x}", "$${A:+x}"),
            ("${A:-${B:-${C}}}", "${A:-${B:-${C}}}"),
            ("pä$Aö", "pä${A}ö"),
        ] {
            assert_eq!(ours(text, Unset::Fault).text, wanted, "{text}");
        }
        assert_eq!(ours("$A ${B}", Unset::Empty).text, "${A:-} ${B:-}");
        assert_eq!(ours("${A:+x} ${B} ${C:-}", Unset::Fault).odd, ["${A:+x}"]);
        assert_eq!(ours("${A:+x} ${B} ${C:-}", Unset::Fault).needed, ["B"]);
    }

    #[test]
    fn a_reference_stays_in_its_word() {
        let (found, _) = words("run --a='b c' ${X:-1 2} \"$Y z\" $$Q", Unset::Fault).unwrap();
        assert_eq!(found, ["run", "--a=b c", "${X:-1 2}", "${Y} z", "$Q"]);
        let (found, _) = words("$${A} $$$$ $$$B \"$\"{ é$", Unset::Fault).unwrap();
        assert_eq!(found, ["$${A}", "$$$", "$$${B}", "$${", "é$"]);
        assert_eq!(words("a 'b", Unset::Fault), None);
    }
}
