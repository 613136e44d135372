//! The JSON Schema of the file, made of the types as written.

use schemars::{
    Schema,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform as _},
};
use serde_json::{Value, json};

use super::written::Document;

/// The schema of `ecosystem.yaml`: draft 2020-12, with descriptions, defaults and examples.
pub fn json_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Document>();
    RecursiveTransform(tidy).transform(&mut schema);
    schema.insert("title".to_owned(), "eco: ecosystem.yaml".into());
    require_commands(&mut schema);
    schema.to_value()
}

/// What every mapping and every description needs, and schemars does not do.
fn tidy(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if object.get("additionalProperties") == Some(&Value::Bool(false)) {
        // A place for anchors, and for merging them.
        object.insert("patternProperties".to_owned(), json!({ "^(x-.*|<<)$": true }));
    }
    if let Some(description) = object.get("description").cloned() {
        // Doc comments are broken at the line length of the source.
        let text = description.as_str().unwrap_or_default().replace("\n\n", "\u{0}");
        let text = text.replace('\n', " ").replace('\u{0}', "\n\n");
        object.insert("description".to_owned(), text.clone().into());
        object.insert("markdownDescription".to_owned(), text.into());
    }
}

/// An app needs a command of its own, unless the defaults or a profile may bring one.
fn require_commands(schema: &mut Schema) {
    let from_elsewhere = json!({ "anyOf": [
        { "required": ["profiles"] },
        {
            "required": ["defaults"],
            "properties": { "defaults": { "type": "object", "required": ["command"] } }
        }
    ] });
    let each_has_one = json!({ "properties": { "apps": {
        "additionalProperties": { "required": ["command"] }
    } } });
    schema.insert("required".to_owned(), json!(["apps"]));
    schema.insert("if".to_owned(), json!({ "not": from_elsewhere }));
    schema.insert("then".to_owned(), each_has_one);
}
