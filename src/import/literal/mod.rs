//! Data in the syntax of JavaScript, read without running anything: JSON, with comments, trailing
//! commas and unquoted keys too, and modules that export nothing but literals.
//!
//! What is no literal is no fault here: it is said that it is none, and where.

mod entries;
mod scan;

use std::rc::Rc;

use entries::Entries;
use scan::Scanner;

use crate::config::{
    Span,
    written_tree::{Entry, Log, Node, Problem, quoted},
};

/// More nested than anything a person writes.
const MAX_DEPTH: usize = 64;

/// Why a text could not be read.
#[derive(Debug)]
pub(super) enum Stop {
    /// Here stands something that has to be evaluated.
    NotLiteral(Span),
    /// This is not valid.
    Wrong(Box<Problem>),
}

fn wrong(span: Span, message: impl Into<String>, label: &str) -> Stop {
    Stop::Wrong(Box::new(Problem::new("syntax", message, span, label)))
}

/// Reads a text that is one value and nothing else.
pub(super) fn value(log: &Log) -> Result<Rc<Node>, Stop> {
    let mut reader = Reader::new(log);
    let value = reader.alone(0)?;
    reader.end(value)
}

/// Reads a module whose only statement exports a literal.
pub(super) fn module(log: &Log) -> Result<Rc<Node>, Stop> {
    let mut reader = Reader::new(log);
    reader.scan.blank()?;
    for directive in ["'use strict'", "\"use strict\""] {
        if reader.scan.take(directive) {
            reader.scan.blank()?;
            reader.scan.take(";");
            reader.scan.blank()?;
        }
    }
    let start = reader.scan.at;
    let words: &[&str] = if reader.scan.take_word("export") {
        &["default"]
    } else if reader.scan.take_word("module") {
        &[".", "exports", "="]
    } else {
        return Err(reader.not_literal(start));
    };
    for word in words {
        reader.scan.blank()?;
        if !reader.scan.take(word) {
            return Err(reader.not_literal(start));
        }
    }
    let value = reader.alone(0)?;
    reader.scan.blank()?;
    reader.scan.take(";");
    reader.end(value)
}

/// A value, or that there is none: `undefined`.
type Value = Option<Rc<Node>>;

struct Reader<'a> {
    scan: Scanner<'a>,
    log: &'a Log,
}

impl<'a> Reader<'a> {
    fn new(log: &'a Log) -> Self {
        Self { scan: Scanner::new(&log.source.text), log }
    }

    fn not_literal(&self, start: usize) -> Stop {
        Stop::NotLiteral(Span::new(start, self.scan.at.max(start + 1)))
    }

    fn alone(&mut self, depth: usize) -> Result<Rc<Node>, Stop> {
        let start = self.scan.at;
        let value = self.value(depth)?;
        value.ok_or_else(|| self.not_literal(start))
    }

    fn end(mut self, value: Rc<Node>) -> Result<Rc<Node>, Stop> {
        self.scan.blank()?;
        match self.scan.here() {
            None => Ok(value),
            Some(_) => Err(self.not_literal(self.scan.at)),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Stop> {
        self.scan.blank()?;
        let start = self.scan.at;
        if MAX_DEPTH < depth {
            let span = Span::new(start, start + 1);
            return Err(wrong(span, "this is nested too deeply", "more than 64 levels"));
        }
        let value = match self.scan.here() {
            Some('{') => Some(self.map(depth)?),
            Some('[') => Some(self.list(depth)?),
            Some('"' | '\'' | '`') => {
                let text = self.scan.text()?;
                Some(self.text(start, text))
            }
            Some(c) if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => {
                let Some(number) = self.scan.number() else { return Err(self.not_literal(start)) };
                Some(Node::scalar(self.since(start), number, true))
            }
            Some(_) => self.word(start)?,
            None => {
                return Err(wrong(self.scan.last(), "a value is missing", "the file ends here"));
            }
        };
        self.scan.blank()?;
        // `1000 * 60`, `"a" + b`, `[].concat()`
        match self.scan.here() {
            None | Some(',' | '}' | ']' | ';') => Ok(value),
            // The next statement: whoever asked for a value finds out what it is.
            Some(_) if depth == 0 => Ok(value),
            Some(_) => Err(self.not_literal(start)),
        }
    }

    fn text(&self, start: usize, text: String) -> Rc<Node> {
        let span = self.since(start);
        if text.contains('\0') {
            let message = "a value cannot contain a NUL character";
            self.log.push(Problem::new("nul", message, span, "here"));
        }
        Node::scalar(span, text, false)
    }

    fn word(&mut self, start: usize) -> Result<Value, Stop> {
        let word = self.scan.identifier();
        let plain = |text: &str| Some(Node::scalar(self.since(start), text.to_owned(), true));
        match word {
            "true" | "false" | "null" => Ok(plain(word)),
            "undefined" => Ok(None),
            // Any other sign begins an expression.
            "" if self.scan.here().is_some_and(|c| ",:;)}]".contains(c)) => {
                let at = self.scan.at;
                let span = Span::new(at, at + self.scan.here().map_or(0, char::len_utf8));
                Err(wrong(span, "a value is missing", "not expected here"))
            }
            _ => Err(self.not_literal(start)),
        }
    }

    fn since(&self, start: usize) -> Span {
        Span::new(start, self.scan.at)
    }

    fn list(&mut self, depth: usize) -> Result<Rc<Node>, Stop> {
        let start = self.scan.at;
        self.scan.take("[");
        let mut items = Vec::new();
        loop {
            self.scan.blank()?;
            if self.scan.take("]") {
                return Ok(Node::list(self.since(start), items));
            }
            self.unclosed(start, "[")?;
            let at = self.scan.at;
            if self.scan.rest().starts_with("...") {
                return Err(self.not_literal(at));
            }
            let item = self.value(depth + 1)?;
            let none = || Node::scalar(Span::new(at, at), "null".to_owned(), true);
            items.push(item.unwrap_or_else(none));
            self.separator("]", "items")?;
        }
    }

    fn map(&mut self, depth: usize) -> Result<Rc<Node>, Stop> {
        let start = self.scan.at;
        self.scan.take("{");
        let mut entries = Entries::default();
        loop {
            self.scan.blank()?;
            if self.scan.take("}") {
                return Ok(Node::map(self.since(start), entries.into_list()));
            }
            self.unclosed(start, "{")?;
            let at = self.scan.at;
            let key = self.key()?;
            let key_span = self.since(at);
            self.scan.blank()?;
            if !self.scan.take(":") {
                return Err(match self.scan.here() {
                    // A method, or a name that stands for its own value.
                    Some('(' | ',' | '}') | None => self.not_literal(at),
                    Some(_) => {
                        let message = format!("after the key {} a `:` is missing", quoted(&key));
                        wrong(key_span, message, "this key")
                    }
                });
            }
            let value = self.value(depth + 1)?;
            self.separator("}", "entries")?;
            let former = entries.put(key.into(), key_span, value);
            if let Some(Entry { key, key_span: first, .. }) = former {
                let message =
                    format!("the key {} is there twice: the last one counts", quoted(&key));
                let problem = Problem::new("duplicate_key", message, key_span, "and again here");
                self.log.warn(problem.also(first, "first here").help("keep one of them"));
            }
        }
    }

    fn key(&mut self) -> Result<String, Stop> {
        let at = self.scan.at;
        match self.scan.here() {
            Some('"' | '\'') => self.scan.text(),
            Some(c) if c.is_ascii_digit() => self.scan.number().ok_or_else(|| self.not_literal(at)),
            Some('[' | '.' | '*') => Err(self.not_literal(at)),
            Some(_) | None => {
                let key = self.scan.identifier().to_owned();
                if key.is_empty() {
                    let span = Span::new(at, at + self.scan.here().map_or(0, char::len_utf8));
                    return Err(wrong(span, "a key is missing", "not expected here"));
                }
                Ok(key)
            }
        }
    }

    /// After an item or entry.
    fn separator(&mut self, closing: &str, what: &str) -> Result<(), Stop> {
        self.scan.blank()?;
        if self.scan.take(",") || self.scan.rest().starts_with(closing) {
            return Ok(());
        }
        let at = self.scan.at;
        let Some(c) = self.scan.here() else { return Ok(()) };
        let message = format!("{what} are separated by `,`, and end with `{closing}`");
        Err(wrong(Span::new(at, at + c.len_utf8()), message, "not expected here"))
    }

    fn unclosed(&self, opened: usize, bracket: &str) -> Result<(), Stop> {
        if self.scan.here().is_some() {
            return Ok(());
        }
        let message = format!("a `{bracket}` is never closed");
        Err(wrong(Span::new(opened, opened + 1), message, "opened here"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::{Log, Stop, module, value as read_value};
    use crate::config::{Span, written_tree::Text};

    fn log(text: &str) -> Log {
        Text::new(Path::new("a.js"), text.as_bytes()).unwrap().log
    }

    fn json(text: &str) -> String {
        read_value(&log(text)).unwrap().to_json().to_string()
    }

    #[test]
    fn json_may_have_comments_and_trailing_commas() {
        let text = "// first\n{ /* a */ \"a\": [1, 2,], 'b': null, c: true, /* end */ }\n";
        assert_eq!(json(text), r#"{"a":[1,2],"b":null,"c":true}"#);
        assert_eq!(
            json(
                r#""a\n\u00e9\x41\u{1F600}\
b""#
            ),
            "\"a\\n\u{e9}A\u{1f600}b\""
        );
        assert_eq!(json("[0x10, 1e3, 5_000, .5, -1, +2, 1.50]"), "[16,1000,5000,0.5,-1,2,1.5]");
        assert_eq!(json("{a: undefined, b: [undefined], 1: 2}"), r#"{"b":[null],"1":2}"#);
    }

    #[test]
    fn modules_of_literals_are_read() {
        for text in [
            "module.exports = { apps: [`x`] };\n",
            "'use strict';\n/** @type */\nexport default { apps: ['x'] }",
            "module . exports = {'apps': [\"x\"],} // end",
        ] {
            let read = module(&log(text)).unwrap().to_json().to_string();
            assert_eq!(read, r#"{"apps":["x"]}"#, "{text}");
        }
    }

    #[test]
    fn what_has_to_be_evaluated_is_no_literal() {
        for text in [
            "const a = 1; module.exports = {a}",
            "module.exports = { a: process.env.A }",
            "module.exports = { a: 1000 * 60 }",
            "module.exports = { a: 'b' + 'c' }",
            "module.exports = { a: `b${1}` }",
            "module.exports = { ...a }",
            "module.exports = { [a]: 1 }",
            "module.exports = { a() {} }",
            "module.exports = [ ...a ]",
            "module.exports = { a: /b/ }",
            "module.exports = () => ({})",
            "module.exports = {}; module.exports.a = 1",
            "module.exports = {}.a",
            "module.exports = {} || 1",
            "import a from 'b'; export default {}",
        ] {
            assert!(matches!(module(&log(text)), Err(Stop::NotLiteral(_))), "{text}");
        }
    }

    fn any_value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i32>().prop_map(Into::into),
            "\\PC*".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 5, |below| {
            prop_oneof![
                proptest::collection::vec(below.clone(), 0..5).prop_map(Into::into),
                proptest::collection::hash_map("\\PC*", below, 0..5)
                    .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn all_json_is_read_as_by_others(data in any_value()) {
            for text in [data.to_string(), format!("{data:#}")] {
                let log = log(&text);
                let read = read_value(&log).unwrap();
                prop_assert_eq!(read.to_json(), data.clone());
                prop_assert_eq!(read.span, Span::new(0, text.len()));
            }
        }

        #[test]
        fn no_text_is_too_much(text in "([a-z'\"`{}\\[\\],:/*.$\\\\\n0-9-]|module.exports=|\\\\u){0,40}") {
            for text in [text.clone(), format!("module.exports = {{ a: {text}")] {
                let log = log(&text);
                let _ignored = (read_value(&log).is_ok(), module(&log).is_ok());
            }
        }
    }

    #[test]
    fn faults_have_their_place() {
        for (text, start) in [("{ a: }", 5), ("{ a: 'x", 5), ("[1, 2", 0), ("/* a", 0), ("[,]", 1)]
        {
            let Err(Stop::Wrong(problem)) = read_value(&log(text)) else { panic!("{text}") };
            assert_eq!(problem.labels[0].0.start, start, "{text}");
        }
        let Err(Stop::NotLiteral(span)) = read_value(&log("{ a: 1 b: 2 }")) else { panic!() };
        assert_eq!(span.start, 5);
        let deep = "[".repeat(5000);
        assert!(matches!(read_value(&log(&deep)), Err(Stop::Wrong(_))));
    }
}
