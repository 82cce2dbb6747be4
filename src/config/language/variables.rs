//! The tables of `vars`.

use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::language::shape::{Findings, Key, Object, Problem, Shape, TextRule, Whole};
use crate::language::texts;
use crate::yaml::{Data, Entry, find};

/// The name of a variable. Its environment variable has the same in upper case, so that there is one of each.
pub static NAME: TextRule = TextRule {
    pattern: "^[a-z][a-z0-9_]{0,63}$",
    check: |text| {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        if begins && text.len() <= 64 && text.chars().all(allowed) {
            return Ok(());
        }
        Err(Problem::invalid(
            "is not the name of a variable",
            "use up to 64 of a-z, 0-9 and _, beginning with a letter",
        ))
    },
    numeric: false,
};

/// A text or a number, as it is written.
static VALUE: TextRule = TextRule { numeric: true, ..texts::ANY };

/// An entry of `vars`.
pub static VARIABLE: Object = Object {
    whole: Some(Whole { check: default_or_required, schema: default_or_required_schema }),
    ..Object::new(
        "a variable",
        &[
            Key::optional(
                "default",
                Shape::Either(&[Shape::Text(&VALUE), Shape::Flag]),
                "The value if nothing sets another one.",
                "api-1a2b3c4d.duosecurity.com",
            ),
            Key::optional(
                "required",
                Shape::Flag,
                "Whether the caller must set it. Every variable without a default says so.",
                "true",
            )
            .default("false"),
            Key::optional(
                "description",
                Shape::Text(&texts::FILLED),
                "What it is for.",
                "staging or production",
            ),
        ],
    )
};

/// A variable has a default or is required.
fn default_or_required(entries: &[Entry], at: Span, findings: &mut Findings) {
    let required = find(entries, "required").filter(|entry| matches!(entry.value.data, Data::Flag(true)));
    let default = find(entries, "default");
    let (message, help) = match (default, required) {
        (None, None) => (
            "a variable needs a default, or must be required",
            "add `default: VALUE`, or `required: true` if the caller has to set it",
        ),
        (Some(_), Some(_)) => (
            "a variable with a default cannot be required",
            "remove `required` if the default is good enough, or else `default`",
        ),
        (Some(_), None) | (None, Some(_)) => return,
    };
    findings.push(Diagnostic::error(Code::InvalidValue, at, message).help(help));
}

fn default_or_required_schema(schema: &mut Map<String, Value>) {
    schema.insert("if".to_owned(), json!({"required": ["default"]}));
    schema.insert("then".to_owned(), json!({"properties": {"required": {"const": false}}}));
    schema.insert(
        "else".to_owned(),
        json!({"required": ["required"], "properties": {"required": {"const": true}}}),
    );
}
