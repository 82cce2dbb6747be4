//! What editors show: explanations, messages for values that do not fit, and snippets to fill in.
//!
//! VS Code and other clients of `yaml-language-server` read `markdownDescription`, `errorMessage`, `patternErrorMessage` and
//! `defaultSnippets`; JetBrains reads `x-intellij-...`.

use serde_json::{Map, Value, json};

use crate::config::template;
use crate::language::check::{expected, plain_secret};
use crate::language::shape::{Choice, Key, Problem, Shape, TextRule};
use crate::language::texts::EMPTY;
use crate::yaml;

/// The description of a key, its example and snippets. It has no `title`, which editors would show instead of the type.
pub(super) fn documented(key: &Key) -> Map<String, Value> {
    let mut schema = map(json!({"description": key.description}));
    let example = value(key.example);
    let nested = example.as_ref().is_some_and(|value| value.is_object() || value.is_array());
    let mut text = key.description.to_owned();
    if nested {
        text = format!("{text}\n\nExample: `{}`", key.example);
        schema.insert("defaultSnippets".to_owned(), Value::Array(snippets(key, example)));
    } else {
        schema.insert("examples".to_owned(), example.into_iter().collect());
    }
    if let Some((label, target)) = key.link {
        text = format!("{text}\n\n[{label}]({target})");
    }
    if text != key.description {
        schema.insert("markdownDescription".to_owned(), json!(text));
    }
    schema.insert("x-intellij-html-description".to_owned(), json!(html(key, nested)));
    schema
}

/// The description as HTML.
fn html(key: &Key, example: bool) -> String {
    let code = |text: &str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let parts = text.split('`').enumerate();
        parts
            .map(
                |(index, part)| if index % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() },
            )
            .collect::<String>()
    };
    let example =
        if example { format!("<p>Example: {}", code(&format!("`{}`", key.example))) } else { String::new() };
    let link = key.link.map(|(label, target)| format!("<p><a href=\"{target}\">{label}</a>"));
    format!("{}{example}{}", code(key.description), link.unwrap_or_default())
}

/// Ways to write a value that is a mapping or a list. Editors would show it as `[object Object]` if it were an example.
fn snippets(key: &Key, example: Option<Value>) -> Vec<Value> {
    let snippet = |label: &str, description: &str, body: &Value| json!({"label": label, "description": description, "body": body});
    let mut all: Vec<Value> =
        example.iter().map(|body| snippet(key.example, "an example", &fill_in(body))).collect();
    if matches!(key.shape, Shape::Source { .. }) {
        all.push(snippet("{file: PATH}", "the content of a file", &json!({"file": "${1:secrets/duo-skey}"})));
        let command = json!({"command": ["${1:pass}", "${2:show}", "${3:duo/skey}"]});
        all.push(snippet("{command: [PROGRAM, ARGUMENT]}", "the output of a program", &command));
    }
    all
}

/// An example whose texts are to be filled in.
fn fill_in(value: &Value) -> Value {
    fn visit(value: &Value, place: &mut usize) -> Value {
        match value {
            Value::String(text) if !text.contains(['$', '}', '\\']) => {
                *place += 1;
                json!(format!("${{{place}:{text}}}"))
            }
            Value::Array(items) => items.iter().map(|item| visit(item, place)).collect(),
            Value::Object(entries) => {
                entries.iter().map(|(key, value)| (key.clone(), visit(value, place))).collect()
            }
            other => other.clone(),
        }
    }
    visit(value, &mut 0)
}

/// The snippet for an empty file: what `duoctl init` writes.
pub(super) fn first_file() -> Value {
    let body = value(&template::initial("acme-prod", ""));
    json!([{
        "label": "duoctl workspace",
        "description": "A first workspace, as `duoctl init` writes it",
        "body": body,
    }])
}

/// Adds the snippets for whole entries.
pub(super) fn offer_entries(schema: &mut Map<String, Value>) {
    let entries = [
        (
            "applications",
            json!([
                {
                    "label": "application",
                    "description": "An application that users log in to",
                    "body": {"${1:vpn}": {
                        "type": "${2:radius}",
                        "name": "${3:VPN}",
                        "user_access": "${4|permitted_groups,all_users,no_users|}",
                        "groups_allowed": ["${5:VPN Users}"],
                    }},
                },
                {
                    "label": "admin api application",
                    "description": "An Admin API key with exactly these permissions",
                    "body": {"${1:siem}": {
                        "type": "adminapi",
                        "name": "${2:SIEM export}",
                        "user_access": "no_users",
                        "permissions": ["${3:read_log}"],
                    }},
                },
            ]),
        ),
        (
            "identity_intelligence",
            json!([{
                "label": "identity intelligence entry",
                "description": "A connection to Cisco Identity Intelligence with the applications it needs",
                "body": {"${1:emea}": {
                    "display_name": "${2:Duo EMEA}",
                    "access": "${3|read_only,read_write|}",
                    "push_verification": {"application_name": "${4:Acme IT Support}"},
                }},
            }]),
        ),
    ];
    for (key, offered) in entries {
        let place = schema.get_mut("properties").and_then(|keys| keys.get_mut(key));
        let place = place.and_then(|key| key.get_mut("defaultSnippets")).and_then(Value::as_array_mut);
        if let (Some(place), Value::Array(offered)) = (place, offered) {
            place.splice(0..0, offered);
        }
    }
}

/// A key that is known from elsewhere: editors explain it and do not offer it. No value fits.
pub(super) fn never(key: &str, problem: &Problem) -> Value {
    json!({
        "type": "string",
        "pattern": "^(?!)",
        "errorMessage": sentence(&format!("`{key}`"), &problem.message, &problem.help.text),
        "doNotSuggest": true,
    })
}

fn sentence(subject: &str, message: &str, help: &str) -> String {
    format!("{subject} {message}: {help}.")
}

/// Adds the messages that editors show instead of the expected type, the pattern and the valid values.
pub(super) fn say_what_is_meant(
    schema: &mut Map<String, Value>,
    shape: &Shape,
    subject: &str,
    example: Option<&str>,
) {
    let said = match shape {
        Shape::Source { plain: None } => {
            let Problem { message, help, .. } = plain_secret(subject.trim_matches('`'));
            sentence(subject, &message, &help.text)
        }
        _ => {
            let example = example.filter(|_| {
                !matches!(shape, Shape::Choice(_) | Shape::Flag | Shape::Whole(..) | Shape::Numbers(_))
            });
            let example = example.map(|example| format!(", e.g. `{example}`")).unwrap_or_default();
            format!("{subject} must be {}{example}.", wanted(shape))
        }
    };
    schema.insert("errorMessage".to_owned(), json!(said));
    if let Some(rule) = rule(shape).filter(|_| schema.contains_key("pattern"))
        && let Some(message) = broken(rule, subject)
    {
        schema.insert("patternErrorMessage".to_owned(), json!(message));
    }
    within(schema, shape, subject);
}

/// The same for the items of a list and the entries of a mapping.
fn within(schema: &mut Map<String, Value>, shape: &Shape, subject: &str) {
    let mut of = |place: &str, what: &str, item: &Shape| {
        if let Some(Value::Object(values)) = schema.get_mut(place) {
            say_what_is_meant(values, item, &format!("{what} of {subject}"), None);
        }
    };
    match shape {
        Shape::List(item, ..) => of("items", "an item", item),
        Shape::Entries(names, item) => {
            of("additionalProperties", "an entry", item);
            if let Some(Value::Object(keys)) = schema.get_mut("propertyNames")
                && let Some(message) = broken(names, &format!("a key of {subject}"))
            {
                keys.insert("patternErrorMessage".to_owned(), json!(message));
            }
        }
        Shape::Either(shapes) => shapes.iter().for_each(|shape| within(schema, shape, subject)),
        Shape::Text(_)
        | Shape::Choice(_)
        | Shape::Flag
        | Shape::Whole(..)
        | Shape::Numbers(_)
        | Shape::Any
        | Shape::Object(_)
        | Shape::Source { .. } => {}
    }
}

/// What a shape expects, in words.
fn wanted(shape: &Shape) -> String {
    let words = |choices: &[Choice]| {
        choices.iter().map(|choice| format!("`{}`", choice.value)).collect::<Vec<_>>().join(", ")
    };
    match shape {
        Shape::Choice(choices) => format!("one of {}", words(choices)),
        Shape::Whole(least, most) if least == most => format!("{least}"),
        Shape::Numbers(numbers) => {
            format!("one of {}", numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", "))
        }
        Shape::Whole(least, u32::MAX) => format!("a whole number from {least}"),
        Shape::Whole(least, most) => format!("a whole number from {least} to {most}"),
        Shape::Source { plain: None } => "a source such as `{env: NAME}`, not the secret itself".to_owned(),
        Shape::Source { plain: Some(_) } => "text, or a source such as `{env: NAME}`".to_owned(),
        Shape::Either(shapes) => shapes.iter().map(wanted).collect::<Vec<_>>().join(", or "),
        Shape::Text(_)
        | Shape::Flag
        | Shape::Any
        | Shape::List(..)
        | Shape::Object(_)
        | Shape::Entries(..) => expected(shape).to_owned(),
    }
}

/// The rule for texts of a shape.
fn rule(shape: &Shape) -> Option<&'static TextRule> {
    match shape {
        Shape::Text(rule) => Some(rule),
        Shape::Source { plain } => *plain,
        Shape::Either(shapes) => shapes.iter().find_map(rule),
        _ => None,
    }
}

/// What a rule says about texts that break it. It is asked about some that most rules refuse, so that editors show the same
/// words as `duoctl validate`.
fn broken(rule: &TextRule, subject: &str) -> Option<String> {
    let long = "x".repeat(600);
    let texts = ["", "a\n", "/", &long];
    let problems: Vec<Problem> = texts.iter().filter_map(|text| (rule.check)(text).err()).collect();
    let (first, last) = (problems.first()?, problems.last()?);
    // Empty text says little about the rule.
    if first.message != EMPTY || last.message == EMPTY {
        return Some(sentence(subject, &first.message, &first.help.text));
    }
    Some(sentence(subject, &format!("{EMPTY} and {}", last.message), &last.help.text))
}

/// A JSON object.
pub(super) fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A value that is written in YAML.
pub(super) fn value(text: &str) -> Option<Value> {
    yaml::parse(0, text, &mut Vec::new()).map(|node| node.json())
}
