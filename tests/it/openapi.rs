//! The `OpenAPI` document: fresh, valid, and described in full.

use std::{fs, path::Path};

use eco::api::document;
use serde_json::{Value, json};

#[test]
fn the_schema_in_the_repository_of_the_api_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/openapi.json");
    let made = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &made).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == made,
        "schema/openapi.json is stale: run this test with UPDATE_SCHEMA=1, or \
         `eco schema --api > schema/openapi.json`"
    );
}

#[test]
fn every_type_of_the_api_is_a_schema_with_descriptions() {
    let document = document();
    let mut missing = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        // References are to the document, so that only the form is looked at here.
        jsonschema::meta::validate(schema).unwrap();
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let is_told = property["description"].as_str().is_some_and(|text| !text.is_empty());
            if !is_told {
                missing.push(format!("{name}.{key}"));
            }
        }
    }
    assert!(missing.is_empty(), "without description: {missing:?}");
}

#[test]
fn every_operation_says_how_it_refuses() {
    let document = document();
    let mut ids = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let at = format!("{method} {path}");
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{at}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.contains_key("200") && responses.contains_key("500"), "{at}");
            for (status, response) in responses.iter().filter(|(status, _)| *status != "200") {
                let schema = &response["content"]["application/json"]["schema"];
                assert_eq!(schema, &json!({ "$ref": "#/components/schemas/ApiError" }), "{at}");
                assert!(response["description"].as_str().is_some(), "{at} {status}");
            }
            assert_eq!(operation["requestBody"] != Value::Null, method == "post", "{at}");
        }
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "an operationId stands twice");
}
