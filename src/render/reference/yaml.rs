//! Values of the schema as they stand in a file, on one line.

use serde_json::Value;

/// A value as YAML in flow style.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// A text, in quotes where YAML needs them or another reader would take it for something else.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._- ".contains(c);
    let first = text.chars().next();
    let safe = text.chars().all(is_plain)
        && !text.ends_with(' ')
        && first.is_some_and(|c| c.is_ascii_alphabetic() || c == '/' || c == '.');
    if safe { text.to_owned() } else { format!("{text:?}") }
}
