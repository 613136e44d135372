//! The JSON Schema: fresh, valid, and of one mind with the reader.

use std::{fs, path::Path};

use eco::config::{json_schema, plain_json};
use jsonschema::Validator;
use serde_json::Value;

use super::{here, yaml_files};

fn text_of(schema: &Value) -> String {
    format!("{}\n", serde_json::to_string_pretty(schema).unwrap())
}

#[test]
fn the_schema_in_the_repository_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/ecosystem.schema.json");
    let made = text_of(&json_schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap();
    assert!(
        stored == made,
        "schema/ecosystem.schema.json is stale: run this test with UPDATE_SCHEMA=1, \
         or `eco schema > schema/ecosystem.schema.json`"
    );
}

#[test]
fn the_schema_is_valid_and_describes_every_key() {
    let schema = json_schema();
    jsonschema::meta::validate(&schema).unwrap();
    let mut missing = Vec::new();
    let definitions = schema["$defs"].as_object().unwrap();
    for (name, definition) in definitions.iter().chain([(&"root".to_owned(), &schema)]) {
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            if property["description"].as_str().is_none_or(str::is_empty) {
                missing.push(format!("{name}.{key}"));
            }
        }
    }
    assert!(missing.is_empty(), "without description: {missing:?}");
}

fn validator() -> Validator {
    jsonschema::validator_for(&json_schema()).unwrap()
}

fn accepts(validator: &Validator, path: &Path) -> Result<(), String> {
    let json = plain_json(path, &fs::read(path).unwrap()).map_err(|faults| faults.to_string())?;
    let errors: Vec<String> =
        validator.iter_errors(&json).map(|e| format!("{}: {e}", e.instance_path())).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("\n")) }
}

#[test]
fn schema_and_reader_agree() {
    // That the reader accepts and refuses them is checked in `faults`.
    let validator = validator();
    for path in yaml_files("good").into_iter().chain(yaml_files("bad/semantic")) {
        let verdict = accepts(&validator, &path);
        assert!(verdict.is_ok(), "{}: {}", path.display(), verdict.unwrap_err());
    }
    for path in yaml_files("bad/shape") {
        assert!(accepts(&validator, &path).is_err(), "{} fits the schema", path.display());
    }
}

/// Each line of `values.txt` is one app's keys in flow form and whether they are right.
#[test]
fn schema_and_reader_agree_on_single_values() {
    let validator = validator();
    let mut wrong = Vec::new();
    for line in fs::read_to_string(here("values.txt")).unwrap().lines() {
        let Some((verdict, keys)) = line.split_once(' ') else { continue };
        let text = format!("apps: {{ a: {{ command: x, {keys} }} }}");
        let path = here("good/ecosystem.yaml");
        let reader = super::read_text(&text);
        let json = plain_json(&path, text.as_bytes()).unwrap();
        let schema = validator.is_valid(&json);
        let is_good = verdict == "good";
        if reader.is_ok() != is_good || schema != is_good {
            wrong.push(format!("{line}: reader {}, schema {schema}", reader.is_ok()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
