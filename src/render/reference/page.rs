//! The reference as a page in Markdown.

use std::fmt::Write as _;

use super::{Reference, Section, Takes, effects, takes};

const HEAD: &str = "# The keys of an `ecosystem.yaml`

Generated from [the JSON Schema](ecosystem.schema.json) by `eco schema --reference`; do not edit. In a
terminal, `eco explain KEY` shows one of these (`eco explain rollout.max_surge`), and `eco explain CODE` what an
[error code](errors.md) means.

Every key may be left out unless it says otherwise. `null` is as if it were left out, and in a profile takes
away. `${NAME}`, `${NAME:-default}` and `${NAME:?message}` may stand in any value but a key. *On a change*
says what happens to the instances when the value is edited and applied.
";

/// The whole reference.
pub fn reference_page(reference: &Reference) -> String {
    let mut out = HEAD.to_owned();
    out.push_str("\n## Contents\n\n");
    for section in &reference.sections {
        let _ignored = writeln!(out, "- [{}](#{})", title(section), anchor(&section.name));
    }
    out.push_str("- [Kinds of values](#kinds-of-values)\n");
    for section in &reference.sections {
        one_section(&mut out, section);
    }
    out.push_str("\n## Kinds of values\n\n| kind | what it is | as in |\n|---|---|---|\n");
    for kind in &reference.kinds {
        let examples: Vec<String> = kind.examples.iter().map(|it| code(it)).collect();
        let name = takes::spaced(&kind.name);
        let _ignored = writeln!(
            out,
            "| <a id=\"{}\"></a>{name} | {} | {} |",
            anchor(&kind.name),
            cell(&kind.about),
            examples.join(", ")
        );
    }
    out
}

fn title(section: &Section) -> String {
    match section.name.as_str() {
        "Ecosystem" => "The top of the file".to_owned(),
        "App" => "An app: `apps.NAME`, `defaults`".to_owned(),
        _ => section.paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", "),
    }
}

fn anchor(name: &str) -> String {
    takes::spaced(name).replace(' ', "-")
}

fn one_section(out: &mut String, section: &Section) {
    let _ignored =
        write!(out, "\n## <a id=\"{}\"></a>{}\n\n", anchor(&section.name), title(section));
    if !section.about.is_empty() {
        let _ignored = write!(out, "{}\n\n", section.about);
    }
    let is_of_app = section.keys.iter().any(|key| effect(section, &key.name).is_some());
    let (head, rule) = if is_of_app { (" on a change |", "---|") } else { ("", "") };
    let _ignored =
        writeln!(out, "| key | takes | default |{head} what it says |\n|---|---|---|{rule}---|");
    for key in &section.keys {
        let effect = effect(section, &key.name).map_or_else(String::new, |it| format!(" {it} |"));
        let as_in = key.example.as_ref().map(|it| format!("<br>{}", code(it)));
        let _ignored = writeln!(
            out,
            "| `{}` | {} | {} |{} {}{} |",
            key.name,
            cell(&takes::shown(&key.takes, &linked)),
            key.default.as_ref().map(|it| code(it)).unwrap_or_default(),
            effect,
            cell(&key.full_about()),
            as_in.unwrap_or_default()
        );
    }
}

fn effect(section: &Section, key: &str) -> Option<&'static str> {
    let path = section.paths.first()?;
    let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    effects::of(&section.name, &path)
}

fn linked(takes: &Takes) -> String {
    match takes {
        Takes::Kind(name) => format!("[{}](#{})", takes::spaced(name), anchor(name)),
        Takes::Mapping(name) => format!("[a mapping](#{})", anchor(name)),
        Takes::Word(..) | Takes::Plain(_) | Takes::List(_) | Takes::Named(_) => String::new(),
    }
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
