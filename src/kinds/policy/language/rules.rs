//! Rules about several fields of a section (policies.md, section 5). What depends on a section's fields is in Duo's table.

use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic, Fix, Help, Span};
use crate::duo::policy::{self, Edition, Field, Shape, When};
use crate::language::shape::{Findings, Problem, renamed};
use crate::text::shown;
use crate::yaml::{Data, Entry, Node, find};

use super::convert::{self, has_effect, named, needs_effect};
use super::names::{DUO_NAME, MAX_TIME, is_usable, written};

/// The mapping of a section: its rules come from Duo's table.
macro_rules! object {
    ($name:literal, $keys:expr) => {
        Object {
            foreign: || rules::foreign($name),
            definition: Some(concat!("policy_", $name)),
            whole: Some(Whole {
                check: |entries, _, findings| rules::check($name, entries, findings),
                schema: |schema| rules::schema($name, schema),
            }),
            ..Object::new(concat!("the section `", $name, "`"), $keys)
        }
    };
}
pub(super) use object;

/// Fields whose entries are in one of them at most (trap 5), by section.
const APART: &[(&str, &[&str])] = &[
    ("authentication_methods", &["blocked", "allowed"]),
    ("browsers", &["allowed_browsers_list", "blocked_browsers_list"]),
    ("operating_systems", &["allow_unrestricted_os_list", "block_os_list", "os_restrictions"]),
    ("user_location", &["allow_access_no_2fa", "ignore_location", "require_mfa", "deny_access"]),
];

/// Names of Duo that a section does not have in the YAML.
pub(super) fn foreign(section: &str) -> Vec<(String, Problem)> {
    let fields = policy::section(section).map(|section| section.fields).unwrap_or_default();
    let named_by_duo = fields.iter().filter(|field| is_usable(field) && written(field) != field.name);
    let former = fields.iter().filter_map(|field| Some((field.name, field.replaced_by?)));
    let oldest = ("requires_DHA", "requires_duo_desktop");
    let former = former.chain(fields.iter().find(|field| field.name == oldest.1).map(|_| oldest));
    named_by_duo
        .map(|field| renamed(field.name, DUO_NAME, written(field)))
        .chain(former.map(|(name, now)| renamed(name, "is a former name in Duo's API", now)))
        .collect()
}

/// Checks a section that is written as a mapping.
pub(super) fn check(name: &str, entries: &[Entry], findings: &mut Findings) {
    let Some(section) = policy::section(name) else { return };
    in_object(section.fields, entries, false, findings);
    for (_, fields) in APART.iter().filter(|(of, _)| *of == name) {
        apart(fields, entries, findings);
    }
    let of = |name| find(entries, name);
    if let (Some(mobile), None) = (of("trusted_endpoint_checking_mobile"), of("trusted_endpoint_checking")) {
        let message = "`trusted_endpoint_checking_mobile` needs `trusted_endpoint_checking`";
        findings.push(
            Diagnostic::error(Code::MissingKey, mobile.key.span, message)
                .help("add it: Duo sets the check of mobile devices when the other one is set alone"),
        );
    }
    if let (Some(allowed), None) = (of("allowed"), of("blocked")) {
        let message = "`allowed` alone blocks nothing: every method that is not blocked is allowed";
        findings.push(
            Diagnostic::warning(Code::InvalidValue, allowed.key.span, message)
                .help("write the methods that users cannot use under `blocked`"),
        );
    }
}

/// Checks the fields of one object; `hides` if Duo hides them while they have no effect.
fn in_object(fields: &[Field], entries: &[Entry], hides: bool, findings: &mut Findings) {
    for entry in entries {
        let Some(field) = named(fields, &entry.key.value) else { continue };
        match (&entry.value.data, field.inner()) {
            (Data::Mapping(inner), Some(fields)) => {
                in_object(fields, inner, matches!(field.shape, Shape::Branches(_)), findings);
            }
            (Data::List(items), _) => repeated(items, &entry.key.value, findings),
            _ => {}
        }
    }
    // What is not valid is reported already.
    let Some(set) = convert::object(fields, entries) else { return };
    let set = if hides { convert::implied(fields, set) } else { set };
    for entry in entries {
        let field = named(fields, &entry.key.value).or_else(|| {
            fields.iter().find(|field| field.shape == Shape::Unit && entry.key.value == MAX_TIME)
        });
        let Some(field) = field else { continue };
        if needs_effect(field, hides) && !has_effect(field, fields, &set, hides) && !is_default(field, &set) {
            findings.push(no_effect(field, entry));
        }
    }
    for field in fields.iter().filter(|field| field.shape == Shape::Version) {
        let asked = field.applies.iter().find_map(|when| match when {
            When::In(name, [value]) => find(entries, name).filter(|entry| is_text(&entry.value, value)),
            _ => None,
        });
        if let Some(policy) = asked.filter(|_| find(entries, field.name).is_none()) {
            let message = format!("`{}: less-than-version` needs `{}`", policy.key.value, field.name);
            findings.push(
                Diagnostic::error(Code::MissingKey, policy.key.span, message)
                    .help(format!("add `{}`, e.g. `{}: \"14.0\"`", field.name, field.name)),
            );
        }
    }
}

/// Whether a field that Duo resets has the value that Duo resets it to.
fn is_default(field: &Field, set: &Map<String, Value>) -> bool {
    let resets = field.applies.iter().any(|when| matches!(when, When::Filled(_)));
    resets && set.get(field.name) == field.default(Edition::Advantage).as_ref()
}

fn is_text(node: &Node, text: &str) -> bool {
    matches!(&node.data, Data::Text(word) if word == text)
}

fn no_effect(field: &Field, entry: &Entry) -> Diagnostic {
    let conditions = field.applies.iter().filter_map(|when| match when {
        When::True(name) => Some(format!("`{name}` is true")),
        When::In(name, values) => Some(format!("`{name}` is {}", listed(values, " or "))),
        When::Not(name, value) => Some(format!("`{name}` is not `{value}`")),
        When::Filled(paths) => Some(format!("{} has an entry", listed(paths, " or "))),
        When::ManagementIntegration(_) => None,
    });
    let conditions: Vec<String> = conditions.collect();
    let message = format!("`{}` has no effect unless {}", entry.key.value, conditions.join(" and "));
    Diagnostic::error(Code::FieldNotApplicable, entry.key.span, message)
        .help(Help::removing("remove it, or change the other setting"))
}

fn listed(names: &[&str], between: &str) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(between)
}

/// Lists are sets: an item that is listed twice is a mistake.
fn repeated(items: &[Node], name: &str, findings: &mut Findings) {
    let mut seen: Vec<(&str, Span)> = Vec::new();
    for (text, span) in items.iter().filter_map(text) {
        match seen.iter().find(|(earlier, _)| *earlier == text) {
            None => seen.push((text, span)),
            Some((_, first)) => findings.push(
                Diagnostic::error(Code::InvalidValue, span, format!("`{name}` lists {} twice", shown(text)))
                    .help(Help::from("remove one of the two").by(Fix::RemoveItem))
                    .related(*first, "first listed here"),
            ),
        }
    }
}

fn text(node: &Node) -> Option<(&str, Span)> {
    if let Data::Text(text) = &node.data { Some((text, node.span)) } else { None }
}

/// Reports entries that are in two of several fields.
fn apart(fields: &[&str], entries: &[Entry], findings: &mut Findings) {
    let mut seen: Vec<(&str, &str, Span)> = Vec::new();
    for (field, entry) in fields.iter().filter_map(|field| Some((*field, find(entries, field)?))) {
        let texts: Vec<(&str, Span)> = match &entry.value.data {
            Data::List(items) => items.iter().filter_map(text).collect(),
            Data::Mapping(inner) => {
                inner.iter().map(|inner| (inner.key.value.as_str(), inner.key.span)).collect()
            }
            _ => Vec::new(),
        };
        for (text, span) in texts {
            match seen.iter().find(|(earlier, of, _)| *earlier == text && *of != field) {
                None => seen.push((text, field, span)),
                Some((_, other, first)) => findings.push(
                    Diagnostic::error(
                        Code::InvalidValue,
                        span,
                        format!("{} is in `{field}` and in `{other}`", shown(text)),
                    )
                    .help(Help::from("remove it from one of the two").by(Fix::RemoveItem))
                    .related(*first, "first listed here"),
                ),
            }
        }
    }
}

/// Adds the rules of a section to its schema.
pub(super) fn schema(name: &str, schema: &mut Map<String, Value>) {
    schema.values_mut().for_each(without_repetition);
    if let Some(section) = policy::section(name) {
        of_versions(section.fields, schema);
    }
    if name == "trusted_endpoints" {
        let message = "`trusted_endpoint_checking_mobile` needs `trusted_endpoint_checking`.";
        let rule = json!({
            "if": {"required": ["trusted_endpoint_checking_mobile"]},
            "then": {"required": ["trusted_endpoint_checking"], "errorMessage": message},
        });
        schema.insert("allOf".to_owned(), json!([rule]));
    }
}

/// Lists are sets.
fn without_repetition(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(without_repetition);
            if map.get("type") == Some(&json!("array")) {
                map.insert("uniqueItems".to_owned(), json!(true));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_repetition),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Adds the rules of one operating system to its schema.
pub(super) fn of_system(schema: &mut Map<String, Value>) {
    let systems = policy::section("operating_systems").map(|section| section.fields).unwrap_or_default();
    let rules = systems.iter().filter_map(Field::inner).flatten().find_map(Field::inner);
    of_versions(rules.unwrap_or_default(), schema);
}

/// A version is needed by the policies that compare with it, and has no effect with the others.
fn of_versions(fields: &[Field], schema: &mut Map<String, Value>) {
    for version in fields.iter().filter(|field| field.shape == Shape::Version) {
        for when in version.applies {
            let When::In(name, values) = when else { continue };
            let Some(Shape::Enum(all)) =
                fields.iter().find(|field| field.name == *name).map(|field| field.shape)
            else {
                continue;
            };
            let others: Vec<&&str> = all.iter().filter(|value| !values.contains(value)).collect();
            let needed = format!("`{name}: less-than-version` needs `{}`.", version.name);
            let useless = format!("`{}` has no effect unless `{name}` is `less-than-version`.", version.name);
            let rules = [
                json!({
                    "if": {"properties": {*name: {"enum": values}}, "required": [name]},
                    "then": {"required": [version.name], "errorMessage": needed},
                }),
                json!({
                    "if": {"properties": {*name: {"enum": others}}},
                    "then": {"properties": {version.name: false}, "errorMessage": useless},
                }),
            ];
            if let Value::Array(all) = schema.entry("allOf").or_insert_with(|| json!([])) {
                all.extend(rules);
            }
        }
    }
}
