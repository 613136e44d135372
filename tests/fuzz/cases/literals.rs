//! Data in the syntax of JavaScript: JSON with comments, and modules of literals.

use std::path::Path;

use eco::{
    config::Faults,
    import::fuzzing::{Data, module, value},
};
use serde_json::Value;

use super::{Case, sound};

/// The input is the text.
pub const CASE: Case = Case { name: "literals", run, seeds };

/// Deeper is refused here; a reader of JSON goes on.
const DEEPEST: usize = 60;

fn run(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let path = Path::new("a.json");
        let faults = value(path, bytes).unwrap_err();
        let text = String::from_utf8_lossy(bytes);
        sound(&faults, path, text.strip_prefix('\u{feff}').unwrap_or(&text));
        return false;
    };
    // What is read has none, and takes one off.
    let text = text.trim_start_matches('\u{feff}');
    let read = by(value, "a.json", text);
    if let Ok(plain) = serde_json::from_str::<Value>(text)
        && is_ordinary(&plain, 0)
    {
        assert!(read.as_ref().is_some_and(|read| same(&read.value, &plain)), "{read:?} {plain}");
    }
    if let Some(read) = &read {
        // It says the same in JSON, in a module, and among comments.
        let written = read.value.to_string();
        let again = [
            by(value, "a.json", &written),
            by(module, "a.js", &format!("module.exports ={text}")),
            by(module, "a.mjs", &format!("/* a */ export default {written}\n;// b")),
        ];
        for again in again {
            let again = again.unwrap_or_else(|| panic!("no longer read: {text}"));
            assert!(same(&again.value, &read.value), "{} {}", again.value, read.value);
        }
    }
    let exported = by(module, "a.config.js", text);
    read.is_some() || exported.is_some()
}

type Reader = fn(&Path, &[u8]) -> Result<Option<Data>, Faults>;

/// What is read; its places lie in the text, and so do those of faults.
fn by(reader: Reader, name: &str, text: &str) -> Option<Data> {
    let path = Path::new(name);
    let read = reader(path, text.as_bytes());
    match &read {
        Ok(Some(data)) => {
            let whole = data.spans[0];
            for span in &data.spans {
                assert!(text.get(span.start..span.end).is_some(), "{span:?}");
                assert!(whole.start <= span.start && span.end <= whole.end, "{span:?} {whole:?}");
            }
        }
        Ok(None) => {}
        Err(faults) => {
            assert!(!faults.is_empty());
            sound(faults, path, text);
        }
    }
    let again = reader(path, text.as_bytes());
    assert_eq!(again.ok(), read.as_ref().ok().cloned());
    read.ok().flatten()
}

/// Whether there is nothing in it that is refused here: what cannot be an argument or a variable.
fn is_ordinary(value: &Value, depth: usize) -> bool {
    match value {
        Value::String(text) => !text.contains('\0'),
        Value::Array(items) => depth < DEEPEST && items.iter().all(|it| is_ordinary(it, depth + 1)),
        Value::Object(map) => depth < DEEPEST && map.values().all(|it| is_ordinary(it, depth + 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

/// The same, but for how a number is held.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            // The last digit of a fraction differs from reader to reader.
            (one - other).abs() <= one.abs() * 4.0 * f64::EPSILON
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let equal = |(key, value)| other.get(key).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(equal)
        }
        _ => one == other,
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        r#"{"a": [1, -2.5e3, true, null, "x\n\u00e9\ud83d\ude00"], "b": {"c": {}}}"#,
        "// c\n{ /* a */ a: 'it\\'s', \"b\": `two\nlines`, $c_1: 0x1F, 2: .5, d: [1, 2,], }",
        "module.exports = {\n  apps: [{ name: 'web', script: 'a.js', env: { A: 1_000, B: +2 } }],\n};\n",
        "'use strict'\nexport default [undefined, { a: undefined, b: '\\x41\\u{1F600}\\\n' }]\n",
        "\"use strict\";module.exports=[[],{},``,\"\",0b11,0o17,1e3]",
        "[0.1, 1e21, 123456789012345678901234567890, -0, 1E-7]",
        "{\"a\": 1, \"a\": 2}",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
