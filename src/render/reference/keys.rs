//! From the schema to sections of keys, in the order of the file.

use serde_json::Value;

use super::{
    Key, Kind, Reference, Section, Takes,
    takes::{self, Definitions},
    yaml::flow,
};

/// What is still to be read: a type, and where it stands.
type Wanted = (String, String);

pub(super) fn read(schema: &Value) -> Reference {
    let definitions = Definitions::of(schema);
    let top = section("Ecosystem", schema, definitions);
    let mut reference = Reference { sections: Vec::new(), kinds: Vec::new() };
    let mut wanted = below(&top, "");
    wanted.reverse();
    add(&mut reference, top, "");
    while let Some((name, path)) = wanted.pop() {
        if let Some(known) = reference.sections.iter_mut().find(|known| known.name == name) {
            // An app of a profile is an app, and a path is told once.
            if name != "App" && !known.paths.contains(&path) {
                known.paths.push(path.clone());
                let known = known.clone();
                wanted.extend(below(&known, &path).into_iter().rev());
            }
            continue;
        }
        let section = section(&name, definitions.get(&name), definitions);
        wanted.extend(below(&section, &path).into_iter().rev());
        add(&mut reference, section, &path);
    }
    reference.kinds = kinds(&reference.sections, definitions);
    reference
}

fn add(reference: &mut Reference, section: Section, path: &str) {
    reference.sections.push(Section { paths: vec![path.to_owned()], ..section });
}

/// The mappings below a section, with their paths. Keys of apps are told without the app.
fn below(section: &Section, path: &str) -> Vec<Wanted> {
    let mut found = Vec::new();
    for key in &section.keys {
        let path = match key.name.as_str() {
            "apps" | "defaults" if section.name == "Ecosystem" || section.name == "Profile" => {
                String::new()
            }
            "profiles" => "profiles.NAME".to_owned(),
            _ => key.below(path),
        };
        mappings(&key.takes, &path, &mut found);
    }
    found
}

fn mappings(takes: &[Takes], path: &str, found: &mut Vec<Wanted>) {
    for takes in takes {
        match takes {
            Takes::Mapping(name) => found.push((name.clone(), path.to_owned())),
            Takes::List(items) => mappings(items, path, found),
            Takes::Named(items) => {
                let is_of_names = matches!(path, "" | "profiles.NAME");
                let path = if is_of_names { path.to_owned() } else { format!("{path}.NAME") };
                mappings(items, &path, found);
            }
            Takes::Word(..) | Takes::Kind(_) | Takes::Plain(_) => {}
        }
    }
}

fn section(name: &str, schema: &Value, definitions: Definitions<'_>) -> Section {
    let properties = schema.get("properties").and_then(Value::as_object);
    let keys = properties.into_iter().flatten().map(|(key, value)| {
        let takes = definitions.takes(value);
        let example = example(value, &takes, definitions).map(|it| format!("{key}: {it}"));
        Key {
            name: key.clone(),
            default: value.get("default").map(flow),
            example,
            about: text(value, "description"),
            takes,
        }
    });
    Section {
        name: name.to_owned(),
        paths: Vec::new(),
        about: text(schema, "description"),
        keys: keys.collect(),
    }
}

pub(super) fn text(schema: &Value, key: &str) -> String {
    schema.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The schema's own example, else one of what the key takes, else its default.
fn example(schema: &Value, takes: &[Takes], definitions: Definitions<'_>) -> Option<String> {
    let own = |schema: &Value| schema.get("examples")?.as_array()?.first().map(flow);
    let of_kind = || {
        let mut referred = takes::references(schema).into_iter();
        referred.find_map(|name| own(definitions.get(name)))
    };
    let of_words = || {
        takes.iter().find_map(|takes| match takes {
            Takes::Word(word, _) => Some(word.clone()),
            Takes::Kind(_)
            | Takes::Plain(_)
            | Takes::Mapping(_)
            | Takes::List(_)
            | Takes::Named(_) => None,
        })
    };
    let of_default = || schema.get("default").filter(|it| !it.is_null()).map(flow);
    own(schema).or_else(of_kind).or_else(of_default).or_else(of_words)
}

/// The kinds of values that the keys take, in the order of the file.
fn kinds(sections: &[Section], definitions: Definitions<'_>) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    let mut names = Vec::new();
    for key in sections.iter().flat_map(|section| &section.keys) {
        takes::kinds(&key.takes, &mut names);
    }
    for name in names {
        let schema = definitions.get(&name);
        let about = text(schema, "description");
        if kinds.iter().all(|known| known.name != name) {
            let examples = schema.get("examples").and_then(Value::as_array);
            let examples = examples.into_iter().flatten().map(flow).collect();
            kinds.push(Kind { name, about, examples });
        }
    }
    kinds
}
