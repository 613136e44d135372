//! What a key takes: from the schema, and in words.

use serde_json::{Map, Value};

use super::Takes;

/// The named parts of a schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Definitions<'a>(Option<&'a Map<String, Value>>);

const NOTHING: &Value = &Value::Null;

/// Types that need no description, or stand for variables and nothing.
fn plain(name: &str) -> Option<Vec<Takes>> {
    let word = |word: &str| Takes::Word(word.to_owned(), String::new());
    match name {
        "Variables" => Some(Vec::new()),
        "Text" => Some(vec![Takes::Plain("text")]),
        "Flag" => Some(vec![word("true"), word("false")]),
        "Yes" => Some(vec![word("true")]),
        "Version" => Some(vec![word("1")]),
        _ => None,
    }
}

impl<'a> Definitions<'a> {
    pub(super) fn of(schema: &'a Value) -> Self {
        Self(schema.get("$defs").and_then(Value::as_object))
    }

    pub(super) fn get(self, name: &str) -> &'a Value {
        self.0.and_then(|all| all.get(name)).unwrap_or(NOTHING)
    }

    /// What a value of this schema may be; nothing is said of `null` and of variables.
    pub(super) fn takes(self, schema: &Value) -> Vec<Takes> {
        if let Some(name) = reference(schema) {
            return self.named(name);
        }
        if let Some(choices) = choices(schema) {
            let mut all = Vec::new();
            for found in choices.iter().flat_map(|choice| self.takes(choice)) {
                if !all.contains(&found) {
                    all.push(found);
                }
            }
            return all;
        }
        if let Some(word) = schema.get("const") {
            let about = super::keys::text(schema, "description");
            return vec![Takes::Word(bare(word), about)];
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return words.iter().map(|word| Takes::Word(bare(word), String::new())).collect();
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("array") => vec![Takes::List(self.takes(schema.get("items").unwrap_or(NOTHING)))],
            Some("object") => {
                let items = schema.get("additionalProperties").unwrap_or(NOTHING);
                vec![Takes::Named(self.takes(items))]
            }
            Some("null") | None => Vec::new(),
            Some("integer" | "number") => vec![Takes::Plain("number")],
            Some(_) => vec![Takes::Plain("text")],
        }
    }

    fn named(self, name: &str) -> Vec<Takes> {
        if let Some(known) = plain(name) {
            return known;
        }
        let schema = self.get(name);
        if schema.get("properties").is_some() {
            return vec![Takes::Mapping(name.to_owned())];
        }
        let parts = self.takes(schema);
        let is_of_parts = parts.iter().any(|part| match part {
            Takes::Word(..) | Takes::Mapping(_) | Takes::List(_) | Takes::Named(_) => true,
            Takes::Kind(_) | Takes::Plain(_) => false,
        });
        if is_of_parts { parts } else { vec![Takes::Kind(name.to_owned())] }
    }
}

fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

fn choices(schema: &Value) -> Option<&Vec<Value>> {
    schema.get("anyOf").or_else(|| schema.get("oneOf"))?.as_array()
}

/// A word without quotes.
fn bare(word: &Value) -> String {
    word.as_str().map_or_else(|| word.to_string(), str::to_owned)
}

/// The types that a schema names, in order.
pub(super) fn references(schema: &Value) -> Vec<&str> {
    if let Some(name) = reference(schema) {
        return vec![name];
    }
    choices(schema).into_iter().flatten().flat_map(references).collect()
}

/// The kinds of values among these.
pub(super) fn kinds(takes: &[Takes], found: &mut Vec<String>) {
    for takes in takes {
        match takes {
            Takes::Kind(name) => found.push(name.clone()),
            Takes::List(items) | Takes::Named(items) => kinds(items, found),
            Takes::Word(..) | Takes::Plain(_) | Takes::Mapping(_) => {}
        }
    }
}

/// `HttpStatus` as `http status`.
pub(super) fn spaced(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push(' ');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// In words: `text, a list of text or a mapping`.
pub(super) fn words(takes: &[Takes]) -> String {
    shown(takes, &|takes| match takes {
        Takes::Kind(name) => spaced(name),
        Takes::Mapping(_) => "a mapping".to_owned(),
        Takes::Word(..) | Takes::Plain(_) | Takes::List(_) | Takes::Named(_) => String::new(),
    })
}

/// In words, with the names of kinds and mappings as they are shown there.
pub(super) fn shown(takes: &[Takes], named: &impl Fn(&Takes) -> String) -> String {
    let mut parts: Vec<String> = takes
        .iter()
        .map(|takes| match takes {
            Takes::Word(word, _) => format!("`{word}`"),
            Takes::Plain(word) => (*word).to_owned(),
            Takes::Kind(_) | Takes::Mapping(_) => named(takes),
            Takes::List(items) => format!("a list of {}", one(items, named)),
            Takes::Named(items) => format!("a mapping of names to {}", one(items, named)),
        })
        .collect();
    let last = parts.pop().unwrap_or_default();
    if parts.is_empty() { last } else { format!("{} or {last}", parts.join(", ")) }
}

fn one(items: &[Takes], named: &impl Fn(&Takes) -> String) -> String {
    let text = shown(items, named);
    if items.len() < 2 { text } else { format!("({text})") }
}
