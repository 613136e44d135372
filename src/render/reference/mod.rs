//! The reference of the file's keys, made of its JSON Schema: as a page, as a manual page, and one
//! key at a time.

mod effects;
mod keys;
mod manual;
mod page;
mod takes;
mod text;
mod yaml;

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

pub use effects::EFFECTS;
pub use manual::file_manual;
pub use page::reference_page;
pub use text::key_explained;

/// All keys of the file.
#[derive(Clone, Debug)]
pub struct Reference {
    sections: Vec<Section>,
    kinds: Vec<Kind>,
}

/// A mapping with its keys.
#[derive(Clone, Debug)]
struct Section {
    /// The name of its type.
    name: String,
    /// Where it stands in the file, without the app: `restart.backoff`; the top is empty.
    paths: Vec<String>,
    about: String,
    keys: Vec<Key>,
}

/// A key of a mapping.
#[derive(Clone, Debug)]
struct Key {
    name: String,
    takes: Vec<Takes>,
    default: Option<String>,
    example: Option<String>,
    about: String,
}

/// One kind of value that a key takes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Takes {
    /// This word, and what it says.
    Word(String, String),
    /// What is described once for all keys: a duration.
    Kind(String),
    /// What needs no description: text.
    Plain(&'static str),
    /// A mapping with keys of its own.
    Mapping(String),
    /// A list.
    List(Vec<Self>),
    /// A mapping with names as keys.
    Named(Vec<Self>),
}

/// A kind of value.
#[derive(Clone, Debug)]
struct Kind {
    name: String,
    about: String,
    examples: Vec<String>,
}

/// One key, as `eco explain KEY --json` has it.
#[derive(Clone, Debug, Serialize)]
pub struct KeyEntry {
    /// Where it stands: `rollout.max_surge`.
    pub path: String,
    /// What it takes, in words.
    pub takes: String,
    /// What holds without it.
    pub default: Option<String>,
    /// What a change of it takes.
    pub on_change: Option<&'static str>,
    /// A line of a file.
    pub example: Option<String>,
    /// What it says.
    pub about: String,
    /// The keys below it.
    pub keys: Vec<String>,
}

impl Reference {
    /// The reference that a schema has in it.
    pub fn of(schema: &Value) -> Self {
        keys::read(schema)
    }

    /// Every key with its path, in the order of the file.
    pub fn paths(&self) -> Vec<String> {
        let paths = self.sections.iter().flat_map(|section| {
            section.paths.iter().flat_map(|path| section.keys.iter().map(|key| key.below(path)))
        });
        paths.collect()
    }

    /// The key that is meant by `web.rollout.max_surge`, `rollout.max_surge` or
    /// `apps.web.rollout.max_surge`; of `web.env.HOME` the one it belongs to.
    pub fn find(&self, asked: &str) -> Option<KeyEntry> {
        let words: Vec<&str> = asked.split('.').collect();
        // An app may have the name of a key, so that what is longest counts.
        let tails = (0..words.len()).filter_map(|from| words.get(from..));
        tails.take(5).find_map(|tail| {
            let path = tail.join(".");
            self.at(&path).or_else(|| {
                let (above, _) = path.rsplit_once('.')?;
                self.at(above).filter(|_| self.takes_names(above))
            })
        })
    }

    fn keys(&self) -> impl Iterator<Item = (&Section, &String, &Key)> {
        self.sections.iter().flat_map(|section| {
            let places = section.paths.iter();
            places.flat_map(move |path| section.keys.iter().map(move |key| (section, path, key)))
        })
    }

    fn takes_names(&self, path: &str) -> bool {
        self.keys().any(|(_, above, key)| {
            key.below(above) == path && key.takes.iter().any(|it| matches!(it, Takes::Named(_)))
        })
    }

    fn at(&self, path: &str) -> Option<KeyEntry> {
        let (section, _, key) = self.keys().find(|(_, above, key)| key.below(above) == path)?;
        let below = key.takes.iter().filter_map(|takes| match takes {
            Takes::Mapping(name) => self.sections.iter().find(|section| section.name == *name),
            Takes::Word(..)
            | Takes::Kind(_)
            | Takes::Plain(_)
            | Takes::List(_)
            | Takes::Named(_) => None,
        });
        Some(KeyEntry {
            path: path.to_owned(),
            takes: takes::words(&key.takes),
            default: key.default.clone(),
            on_change: effects::of(&section.name, path),
            example: key.example.clone(),
            about: key.full_about(),
            keys: below.flat_map(|section| section.keys.iter().map(|it| it.below(path))).collect(),
        })
    }
}

impl Key {
    fn below(&self, path: &str) -> String {
        if path.is_empty() { self.name.clone() } else { format!("{path}.{}", self.name) }
    }

    /// What it says, and what each of its words does.
    fn full_about(&self) -> String {
        let mut about = self.about.clone();
        for takes in &self.takes {
            if let Takes::Word(word, says) = takes
                && !says.is_empty()
            {
                let _ignored = write!(about, " `{word}`: {}", lower(says));
            }
        }
        about
    }
}

/// The sentence, to stand after a colon.
fn lower(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
