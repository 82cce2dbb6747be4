//! The JSON Schemas of the documents (draft-07, like that of the YAML).

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{
    ApplyDocument, DoctorDocument, EventDocument, FailureDocument, HandoffsDocument, ImportDocument,
    PlanDocument, SecretsDocument, ValidateDocument, VerifyDocument,
};
use crate::output::json::FORMAT_VERSION;

/// The schema of plans, saved ones too, and of what `duoctl drift` prints.
pub fn plan_schema() -> Value {
    let mut generator = generator();
    let root = generator.subschema_for::<PlanDocument>().to_value();
    let description = "What `duoctl plan --format json` and `duoctl drift --format json` print, and `duoctl plan --out` saves.";
    whole("plan", "duoctl plan", description, root, generator)
}

/// The schema of every other document.
pub fn report_schema() -> Value {
    let mut generator = generator();
    let kinds: Vec<(&str, Value)> = vec![
        ("apply", reference::<ApplyDocument>(&mut generator)),
        ("doctor", reference::<DoctorDocument>(&mut generator)),
        ("drift", reference::<PlanDocument>(&mut generator)),
        ("event", reference::<EventDocument>(&mut generator)),
        ("failure", reference::<FailureDocument>(&mut generator)),
        ("handoff", reference::<HandoffsDocument>(&mut generator)),
        ("import", reference::<ImportDocument>(&mut generator)),
        ("secrets", reference::<SecretsDocument>(&mut generator)),
        ("validate", reference::<ValidateDocument>(&mut generator)),
        ("verify", reference::<VerifyDocument>(&mut generator)),
    ];
    let names: Vec<&str> = kinds.iter().map(|(kind, _)| *kind).collect();
    // Each kind on its own, so that a validator reports what is wrong with it and not with all the others.
    let rules: Vec<Value> = kinds
        .iter()
        .map(|(kind, reference)| {
            json!({"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": reference})
        })
        .collect();
    let root = json!({
        "type": "object",
        "required": ["format_version", "kind"],
        "properties": {"kind": {"enum": names}},
        "allOf": rules,
    });
    let description = "What `duoctl COMMAND --format json` prints, but for plans; of `--format jsonl` each line but the first of an apply.";
    whole("report", "duoctl report", description, root, generator)
}

/// A schema as it is committed and printed.
pub fn text(schema: &Value) -> String {
    format!("{schema:#}\n")
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft07().into_generator()
}

fn reference<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

fn whole(name: &str, title: &str, description: &str, root: Value, mut generator: SchemaGenerator) -> Value {
    let major = FORMAT_VERSION.split('.').next().unwrap_or_default();
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": format!("urn:duoctl:schema:{name}:{major}"),
        "title": title,
        "description": description,
    });
    let definitions: Map<String, Value> = generator.take_definitions(true).into_iter().collect();
    if let (Value::Object(schema), Value::Object(root)) = (&mut schema, root) {
        // Draft-07 ignores what stands beside a reference.
        match root.get("$ref") {
            Some(reference) => {
                schema.insert("allOf".to_owned(), json!([{"$ref": reference}]));
            }
            None => schema.extend(root),
        }
        schema.insert("definitions".to_owned(), Value::Object(definitions));
    }
    schema
}
