//! The tables of `vars`.

use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::language::shape::{Findings, Key, Object, Problem, Shape, TextRule, Whole};
use crate::language::texts;
use crate::yaml::{Data, Entry, find};

/// The name of a variable. It has no upper case, so that each environment variable belongs to one variable.
pub static NAME: TextRule = TextRule {
    pattern: "^[a-z][a-z0-9_]{0,63}$",
    check: |text| {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        if begins && text.len() <= 64 && text.chars().all(allowed) {
            return Ok(());
        }
        Err(Problem::invalid(
            "is not a valid variable name",
            "use up to 64 of a-z, 0-9 and _, starting with a letter",
        ))
    },
    numeric: false,
};

/// Text or a number, as written.
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
                "Value if the caller does not set one.",
                "api-1a2b3c4d.duosecurity.com",
            ),
            Key::optional(
                "required",
                Shape::Flag,
                "Require the caller to set the variable. Must be true for variables without a default.",
                "true",
            )
            .default("false"),
            Key::optional(
                "description",
                Shape::Text(&texts::FILLED),
                "Purpose of the variable.",
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
            "a variable needs a default or must be required",
            "add `default: VALUE`, or `required: true` if the caller must set it",
        ),
        (Some(_), Some(_)) => {
            ("a variable with a default cannot be required", "remove `required` or `default`")
        }
        (Some(_), None) | (None, Some(_)) => return,
    };
    findings.push(Diagnostic::error(Code::InvalidValue, at, message).help(help));
}

fn default_or_required_schema(schema: &mut Map<String, Value>) {
    schema.insert("if".to_owned(), json!({"required": ["default"]}));
    let both = "A variable with a default cannot be required: remove `required` or `default`.";
    let neither = "A variable needs a default or must be required: add `default: VALUE` or `required: true`.";
    let required = |value: bool, message: &str| json!({"const": value, "errorMessage": message});
    schema.insert("then".to_owned(), json!({"properties": {"required": required(false, both)}}));
    schema.insert(
        "else".to_owned(),
        json!({"required": ["required"], "properties": {"required": required(true, neither)}, "errorMessage": neither}),
    );
}
