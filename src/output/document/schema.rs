//! The JSON Schemas of the documents (draft-07, like that of the YAML).

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::apply::EventDocument;
use super::kind::FORMAT_VERSION;
use super::plan::PlanDocument;

/// The name of a kind, and its schema.
pub(super) type Named = (&'static str, fn(&mut SchemaGenerator) -> Schema);

/// The schema of plans, saved ones too, and of what `duoctl drift` prints.
pub fn plan_schema() -> Schema {
    let mut generator = generator();
    let reference = of::<PlanDocument>(&mut generator);
    // Draft-07 ignores siblings of a reference.
    let root = json_schema!({"allOf": [reference]});
    let description = "What `duoctl plan --format json` and `duoctl drift --format json` print, and `duoctl plan --out` saves.";
    whole("plan", description, &root, generator)
}

/// The schema of every other document.
pub(super) fn reports(schemas: &[Named]) -> Schema {
    let mut generator = generator();
    let events: Named = ("event", of::<EventDocument>);
    let mut kinds: Vec<_> =
        schemas.iter().copied().filter(|(kind, _)| *kind != "plan").chain([events]).collect();
    kinds.sort_unstable_by_key(|(kind, _)| *kind);
    // One rule per kind, so that a validator reports only the errors of that kind.
    let rules = kinds.iter().map(|(kind, schema)| {
        let is = json_schema!({"properties": {"kind": {"const": kind}}, "required": ["kind"]});
        json_schema!({"if": is, "then": schema(&mut generator)})
    });
    let rules: Vec<Schema> = rules.collect();
    let names: Vec<&str> = kinds.iter().map(|(kind, _)| *kind).collect();
    let root = json_schema!({
        "type": "object",
        "required": ["format_version", "kind"],
        "properties": {"kind": {"enum": names}},
        "allOf": rules,
    });
    let description = "What `duoctl COMMAND --format json` prints, except for plans; with `--format jsonl`, each line except the first of an apply.";
    whole("report", description, &root, generator)
}

/// A schema as text, as it is committed and printed.
pub fn text(schema: &Schema) -> String {
    format!("{:#}\n", schema.as_value())
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft07().into_generator()
}

/// A reference to the schema of a type.
pub(super) fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn whole(name: &str, description: &str, root: &Schema, mut generator: SchemaGenerator) -> Schema {
    let major = FORMAT_VERSION.split('.').next().unwrap_or_default();
    let mut schema = json_schema!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": format!("urn:duoctl:schema:{name}:{major}"),
        "title": format!("duoctl {name}"),
        "description": description,
    });
    for (key, value) in root.as_object().into_iter().flatten() {
        schema.insert(key.clone(), value.clone());
    }
    schema.insert("definitions".to_owned(), generator.take_definitions(true).into());
    schema
}
