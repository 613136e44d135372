//! Generated data, written in every way that JavaScript has for it, and generated PM2 files.

use std::{path::Path, sync::OnceLock};

use eco::import::{FIELDS, Field, fuzzing};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::fuzz_cases::pm2_files;

/// What decides how a value is written; what is left out is 0.
struct Style {
    choices: Vec<u8>,
    at: usize,
}

impl Style {
    fn pick(&mut self, count: usize) -> usize {
        let choice = self.choices.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        usize::from(choice) % count
    }

    fn blank(&mut self) -> &'static str {
        ["", " ", "\n\t", "/* a, ] } */", "// it's \" `\n", "\u{feff}\u{a0}"][self.pick(6)]
    }

    fn value(&mut self, value: &Value) -> String {
        let text = match value {
            Value::Null | Value::Bool(_) => value.to_string(),
            Value::Number(number) => self.number(number),
            Value::String(text) => self.text(text, 3),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.value(item)).collect();
                self.between("[", &items, "]")
            }
            Value::Object(map) => {
                let entry = |(key, value): (&String, &Value)| {
                    let key = self.key(key);
                    [&key, self.blank(), ":", &self.value(value)].concat()
                };
                let entries: Vec<String> = map.iter().map(entry).collect();
                self.between("{", &entries, "}")
            }
        };
        [self.blank(), &text, self.blank()].concat()
    }

    fn between(&mut self, open: &str, parts: &[String], close: &str) -> String {
        let comma = if parts.is_empty() { "" } else { ["", ",", ", "][self.pick(3)] };
        [open, self.blank(), &parts.join(","), comma, self.blank(), close].concat()
    }

    fn key(&mut self, key: &str) -> String {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
        let starts = key.starts_with(|c: char| is_name(c) && !c.is_ascii_digit());
        if starts && key.chars().all(is_name) && self.pick(2) == 0 {
            key.to_owned()
        } else {
            self.text(key, 2)
        }
    }

    /// In one of so many kinds of quotes.
    fn text(&mut self, text: &str, kinds: usize) -> String {
        let quote = ['"', '\'', '`'][self.pick(kinds)];
        let mut out = String::from(quote);
        for c in text.chars() {
            let code = u32::from(c);
            let part = match (c, self.pick(8)) {
                (_, 0) => format!("\\u{{{code:X}}}"),
                (_, 1) if code < 0x100 => format!("\\x{code:02x}"),
                (_, 2) if code < 0x1_0000 => format!("\\u{code:04x}"),
                ('\n', 3) => "\\\n\\n".to_owned(),
                ('\n', _) if quote != '`' => "\\n".to_owned(),
                (c, _) if c == quote || matches!(c, '\\' | '$') => format!("\\{c}"),
                (c, _) => c.to_string(),
            };
            out.push_str(&part);
        }
        out.push(quote);
        out
    }

    fn number(&mut self, number: &serde_json::Number) -> String {
        let plain = number.to_string();
        match (number.as_u64(), self.pick(6)) {
            (Some(value), 1) => format!("0x{value:X}"),
            (Some(value), 2) => format!("0b{value:b}"),
            (Some(_), 3) => format!("+{plain}"),
            (Some(_), 4) if 1 < plain.len() => format!("{}_{}", &plain[..1], &plain[1..]),
            (Some(_), 5) => format!("{plain}e0"),
            _ => plain,
        }
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        "[\\PC\n\t]{0,12}".prop_map(Into::into),
        "[a-z'\"`\\\\${}/*]{0,8}".prop_map(Into::into),
    ];
    let key = prop_oneof!["[a-z_$][a-zA-Z0-9_$]{0,6}", "[\\PC\n]{0,6}", "[0-9]{1,3}"];
    leaf.prop_recursive(4, 32, 5, move |below| {
        let entries = proptest::collection::vec((key.clone(), below.clone()), 0..5);
        prop_oneof![
            proptest::collection::vec(below, 0..5).prop_map(Into::into),
            entries.prop_map(|it| it.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// What keys have, and what they do not.
const WORDS: &[&str] = &[
    "a.js",
    "b.py",
    "npm",
    "npm start",
    "A=1 x | y",
    "max",
    "3",
    "-1",
    "cluster",
    "fork",
    "10s",
    "300M",
    "1G",
    "0 4 * * *",
    "1/8 * * * *",
    "${X}",
    "$HOME",
    "a$$b",
    "",
    " ",
    "logs/a.log",
    "../x/./y",
    "/dev/null",
    "NULL",
    "it's",
    "'open",
    "é ü",
    "~/x",
    "~",
    "*.log",
    ".",
    "yes",
    "true",
    "null",
    "007",
    "1e3",
    "node",
    "none",
    "node --x",
    "PORT",
    "edge",
    "app",
    "1000",
];

/// Something that a key may have, or that somebody may think it has.
fn any_setting() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => proptest::sample::select(WORDS).prop_map(Value::from),
        1 => Just(Value::Null),
        2 => any::<bool>().prop_map(Value::from),
        2 => (-2_i64..5000).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => "[\\PC\n]{0,6}".prop_map(Value::from),
    ];
    let name = proptest::sample::select(&["A", "PORT", "N-1", "", "a b", "X=Y", "NODE_ENV"][..]);
    let map = proptest::collection::vec((name, leaf.clone()), 0..4).prop_map(|entries| {
        entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>()
    });
    prop_oneof![
        4 => leaf.clone(),
        1 => proptest::collection::vec(leaf, 0..3).prop_map(Value::from),
        1 => map.prop_map(Value::from),
    ]
}

fn any_file() -> impl Strategy<Value = Value> {
    let names: Vec<String> =
        FIELDS.iter().flat_map(Field::names).map(std::borrow::Cow::into_owned).collect();
    let entry = (proptest::sample::select(names), any_setting());
    let app = (proptest::collection::vec(entry, 0..6), any::<u8>()).prop_map(|(entries, name)| {
        let mut app: Map<_, _> = entries.into_iter().collect();
        app.entry("script").or_insert_with(|| "a.js".into());
        app.entry("name").or_insert_with(|| format!("app{name}").into());
        // What it needs to be taken, often enough.
        app.retain(|key, _| !matches!(key.as_str(), "append_env_to_name" | "cwd"));
        Value::from(app)
    });
    proptest::collection::vec(app, 1..4).prop_map(|apps| serde_json::json!({ "apps": apps }))
}

/// What is put where something was taken away.
const PIECES: &[&str] = &[
    "",
    "\"",
    "'",
    "`",
    ",",
    ":",
    "}",
    "]",
    "{",
    "[",
    "null",
    "0",
    "-",
    "${A}",
    "$",
    "\n",
    "  ",
    "#",
    "//",
    "/*",
    "\\",
    "é",
    "\0",
    "true",
    "~",
    "&a ",
    "*a",
    "<<: ",
    "|",
    "name: ",
    "\"script\":",
];

fn seeds() -> &'static [Vec<u8>] {
    static SEEDS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SEEDS.get_or_init(pm2_files::CASE.seeds)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn data_may_be_written_in_any_way(
        data in any_value(),
        choices in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut style = Style { choices, at: 0 };
        let text = style.value(&data);
        let path = Path::new("a.json");
        let read = fuzzing::value(path, text.as_bytes()).unwrap();
        prop_assert_eq!(&read.map(|it| it.value), &Some(data.clone()), "{}", text);
        for export in ["module.exports = ", "'use strict'; export default", "/* a */ module . exports="] {
            let module = format!("{export}{}{text};{}", style.blank(), style.blank());
            let read = fuzzing::module(path, module.as_bytes()).unwrap();
            prop_assert_eq!(&read.map(|it| it.value), &Some(data.clone()), "{}", module);
        }
    }

    /// Whatever is cut off or put in, it ends, and places lie in the text.
    #[test]
    fn damaged_data_is_read_or_refused(
        data in any_value(),
        choices in proptest::collection::vec(any::<u8>(), 0..100),
        cut in any::<proptest::sample::Index>(),
        put in "[\\[\\]{}'\"`,:/*\\\\$a0.-]{0,3}",
    ) {
        let text = Style { choices, at: 0 }.value(&data);
        let mut at = cut.index(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let (before, after) = text.split_at(at);
        for text in [before.to_owned(), format!("{before}{put}{after}")] {
            (crate::fuzz_cases::literals::CASE.run)(text.as_bytes());
        }
    }

    /// Neither does what is done to a good file lead to anything but faults or another good one.
    #[test]
    fn damaged_files_are_wrong_or_become_ours(
        seed in any::<proptest::sample::Index>(),
        cuts in proptest::collection::vec((any::<proptest::sample::Index>(), 0..9_usize), 1..4),
        put in proptest::sample::select(PIECES),
    ) {
        let mut bytes = seeds()[seed.index(seeds().len())].clone();
        for (at, length) in cuts {
            // The first says which format it is.
            let at = 1 + at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes.splice(at.min(end)..end, put.bytes());
        }
        (pm2_files::CASE.run)(&bytes);
    }

    /// What a file says is either wrong, at its place, or the same in our format; in JSON and in YAML.
    #[test]
    fn files_are_wrong_or_become_ours(file in any_file()) {
        let text = file.to_string();
        let [by_json, by_yaml] =
            [0, 1].map(|format| (pm2_files::CASE.run)(&[&[format], text.as_bytes()].concat()));
        prop_assert_eq!(by_json, by_yaml, "{}", text);
    }
}

/// Most of the generated files would show little if nearly all were wrong.
#[test]
fn many_generated_files_are_good() {
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let good = (0..200).filter(|_| {
        let file = any_file().new_tree(&mut runner).unwrap().current();
        (pm2_files::CASE.run)(&[&[0], file.to_string().as_bytes()].concat())
    });
    let good = good.count();
    assert!(20 < good, "{good} of 200");
}

/// Were the time to grow with the square of their number, this would not end.
#[test]
fn many_keys_are_read_soon() {
    let keys: Vec<String> = (0..200_000).map(|key| format!("k{key}: {key}, ")).collect();
    let (keys, again) = (keys.concat(), keys[..50_000].concat());
    for text in [format!("{{{keys}}}"), format!("{{{keys}{again}}}")] {
        let read = fuzzing::value(Path::new("a.json"), text.as_bytes()).unwrap().unwrap();
        assert_eq!(read.value.as_object().unwrap().len(), 200_000);
    }
    let open = "[1,".repeat(1_000_000);
    fuzzing::value(Path::new("a.json"), open.as_bytes()).unwrap_err();
}
