//! Checks a tree against the tables of the language and reports every mismatch with its place.

use std::borrow::Cow;

use super::places::SOURCE;
use super::shape::{Choice, Findings, Key, Object, Problem, Shape, TextRule, Variants, missing_key};
use super::similar::{nearest, suggested};
use crate::diagnostic::{Code, Diagnostic, Fix, Help, Span};
use crate::text::shown;
use crate::yaml::{Data, Entry, Node, find};

/// Checks the value of a key. Returns whether it is valid.
pub fn value(node: &Node, key: &Key, at: Span, findings: &mut Findings) -> bool {
    let before = findings.len();
    if matches!(node.data, Data::Null) {
        if !key.nullable {
            findings.push(not_null(key, node.span));
        }
    } else {
        let of = Place { name: key.name, at, hint: key.hint };
        shape(node, &key.shape, of, findings);
    }
    findings.len() == before
}

/// The key that a value belongs to.
#[derive(Clone, Copy)]
struct Place<'a> {
    name: &'a str,
    /// The place of the key.
    at: Span,
    /// The hint to show if the value is empty.
    hint: Option<&'static str>,
}

/// Checks a value that is not `null` against a shape.
fn shape(node: &Node, shape_: &Shape, of: Place<'_>, findings: &mut Findings) {
    let Place { name, at, .. } = of;
    match shape_ {
        Shape::Text(rule) => text(node, rule, name, findings),
        Shape::Choice(choices) => choice(node, choices, name, findings),
        Shape::Flag => flag(node, name, findings),
        Shape::Whole(least, most) => whole(node, *least, *most, name, findings),
        Shape::Numbers(numbers) => one_number(node, numbers, name, findings),
        Shape::Any => {}
        Shape::List(item, least, most) => list(node, item, (*least, *most), of, findings),
        Shape::Object(table) => match &node.data {
            Data::Mapping(entries) => object(entries, table, at, findings),
            _ => findings.push(wrong_type(node, name, "a mapping", Some(object_help(table).into()))),
        },
        Shape::Entries(rule, item) => chosen_keys(node, rule, item, name, findings),
        Shape::Source { plain } => source(node, *plain, name, at, findings),
        Shape::Either(shapes) => match shapes.iter().find(|candidate| takes(candidate, node)) {
            Some(found) => shape(node, found, of, findings),
            None => {
                let expected: Vec<_> = shapes.iter().map(expected).collect();
                findings.push(wrong_type(node, name, &expected.join(" or "), None));
            }
        },
    }
}

/// Checks a mapping with fixed keys.
pub fn object(entries: &[Entry], table: &Object, at: Span, findings: &mut Findings) {
    let names = || table.keys.iter().map(|key| key.name);
    let lacks = |key: &&Key| lacks(entries, key.name, names());
    let variant = table.variants.and_then(|variants| Some((variants, variant(entries, variants.by)?)));
    for entry in entries {
        if table.free.is_some_and(|begins| entry.key.value.starts_with(begins)) {
            continue;
        }
        let Some(key) = table.keys.iter().find(|key| key.name == entry.key.value) else {
            findings.push(unknown_key(entry, table));
            continue;
        };
        let lacked = variant.and_then(|(all, name)| Some((all, name, (all.lacks)(name, key.name)?)));
        if let Some((Variants { what, by, .. }, name, help)) = lacked {
            let message = format!("{what} of {by} `{name}` has no `{}`", key.name);
            findings.push(
                Diagnostic::error(Code::FieldNotApplicable, entry.key.span, message)
                    .help(Help::removing(help)),
            );
        } else {
            value(&entry.value, key, entry.key.span, findings);
        }
    }
    if table.unless.is_none_or(|unless| find(entries, unless).is_none()) {
        let required = table.keys.iter().filter(|key| key.required).filter(lacks);
        findings.extend(required.map(|key| missing_key(key, table.what, at)));
    }
    if let Some((Variants { what, by, needs, .. }, name)) = variant {
        let needed = table.keys.iter().filter(|key| needs(name).contains(&key.name)).filter(lacks);
        findings.extend(needed.map(|key| missing_key(key, &format!("{what} of {by} `{name}`"), at)));
    }
    if let Some(whole) = table.whole {
        (whole.check)(entries, at, findings);
    }
}

/// The variant that a mapping selects.
fn variant<'e>(entries: &'e [Entry], by: &str) -> Option<&'e str> {
    match &find(entries, by)?.value.data {
        Data::Text(name) => Some(name),
        _ => None,
    }
}

/// Whether a mapping lacks a key and has no misspelled form of it.
pub fn lacks<'k>(entries: &[Entry], name: &str, known: impl Iterator<Item = &'k str> + Clone) -> bool {
    let is_slip = |entry: &Entry| {
        let written = entry.key.value.as_str();
        !known.clone().any(|known| known == written) && nearest(written, known.clone()) == Some(name)
    };
    find(entries, name).is_none() && !entries.iter().any(is_slip)
}

fn unknown_key(entry: &Entry, table: &Object) -> Diagnostic {
    let known = (table.foreign)().into_iter().find(|(key, _)| *key == entry.key.value);
    unknown(entry, table.what, known.map(|(_, problem)| problem), table.keys.iter().map(|key| key.name))
}

/// The finding about an unknown key, with what is known about it or with similar keys.
pub fn unknown<'k>(
    entry: &Entry,
    what: &str,
    foreign: Option<Problem>,
    known: impl Iterator<Item = &'k str> + Clone,
) -> Diagnostic {
    let written = shown(&entry.key.value);
    if let Some(problem) = foreign {
        return Diagnostic::error(problem.code, entry.key.span, format!("{written} {}", problem.message))
            .help(problem.help);
    }
    let help = suggested(&entry.key.value, known.clone())
        .unwrap_or_else(|| format!("valid keys are {}", known.collect::<Vec<_>>().join(", ")).into());
    Diagnostic::error(Code::UnknownKey, entry.key.span, format!("{what} has no key {written}")).help(help)
}

fn not_null(key: &Key, place: Span) -> Diagnostic {
    let help = match key.shape {
        Shape::Flag => {
            Help::removing("write true or false, or remove the key to leave the setting unmanaged")
        }
        Shape::Text(_) | Shape::Choice(_) if key.required => {
            format!("e.g. `{}: {}`", key.name, key.example).into()
        }
        _ if key.required => format!("write its value below `{}:`", key.name).into(),
        _ => Help::removing("write a value, or remove the key"),
    };
    Diagnostic::error(Code::WrongType, place, format!("`{}` cannot be null or empty", key.name)).help(help)
}

/// The finding about a value of the wrong type. It never repeats the value itself.
pub fn wrong_type(node: &Node, name: &str, expected: &str, help: Option<Help>) -> Diagnostic {
    let found = Diagnostic::error(
        Code::WrongType,
        node.span,
        format!("`{name}` must be {expected}, not {}", node.kind()),
    );
    found.help(help.unwrap_or_else(|| format!("write {expected} in its place").into()))
}

fn object_help(table: &Object) -> String {
    let names = |keys: &[&Key]| keys.iter().map(|key| format!("`{}`", key.name)).collect::<Vec<_>>();
    let required: Vec<&Key> = table.keys.iter().filter(|key| key.required).collect();
    match (table.unless, required.as_slice()) {
        (Some(unless), [first @ .., last]) => {
            let (what, first) = (table.what, names(first).join(", "));
            format!("{what} needs at least {first} and `{}`, or an `{unless}`", last.name)
        }
        _ => format!("valid keys are {}", names(&table.keys.iter().collect::<Vec<_>>()).join(", ")),
    }
}

fn in_quotes() -> Help {
    Help::from("put it in quotes").by(Fix::Enclose("\"", "\""))
}

fn text(node: &Node, rule: &TextRule, name: &str, findings: &mut Findings) {
    let text = match &node.data {
        Data::Text(text) => text,
        Data::Number(_, text) if rule.numeric => text,
        Data::Number(_, text) => {
            let help = (rule.check)(text).map_or_else(|problem| problem.help, |()| in_quotes());
            return findings.push(wrong_type(node, name, "text", Some(help)));
        }
        Data::Flag(_) => {
            return findings.push(wrong_type(node, name, "text", Some(in_quotes())));
        }
        _ => return findings.push(wrong_type(node, name, "text", None)),
    };
    if let Err(problem) = (rule.check)(text) {
        let message = format!("`{name}` {}", problem.message);
        findings.push(Diagnostic::error(problem.code, node.span, message).help(problem.help));
    }
}

fn choice(node: &Node, choices: &[Choice], name: &str, findings: &mut Findings) {
    let words = choices.iter().map(|choice| choice.value);
    // There may be many, and most words are right.
    let values = || words.clone().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let all = || format!("one of {}", values());
    let Data::Text(text) = &node.data else {
        return findings.push(wrong_type(node, name, &all(), None));
    };
    if choices.iter().any(|choice| choice.value == text) {
        return;
    }
    let shorter = || words.clone().find(|word| text.ends_with(word)).and_then(|word| Help::instead(&[word]));
    let near = suggested(text, words.clone()).or_else(shorter).map(|mut help| {
        help.text = format!("{} The values are {}", help.text, values());
        help
    });
    let help = near.unwrap_or_else(|| format!("write {}", all()).into());
    let message = format!("`{name}` cannot be {}", shown(text));
    findings.push(Diagnostic::error(Code::InvalidValue, node.span, message).help(help));
}

fn flag(node: &Node, name: &str, findings: &mut Findings) {
    let help = match &node.data {
        Data::Flag(_) => return,
        Data::Text(text) if matches!(text.to_lowercase().as_str(), "yes" | "on" | "y") => {
            Help::from("write true; in YAML 1.2, `yes` and `on` are text").by(Fix::Write("true".to_owned()))
        }
        Data::Text(text) if matches!(text.to_lowercase().as_str(), "no" | "off" | "n") => {
            Help::from("write false; in YAML 1.2, `no` and `off` are text").by(Fix::Write("false".to_owned()))
        }
        Data::Text(text) if matches!(text.as_str(), "true" | "false") => {
            Help::from("write true or false, without quotes").by(Fix::Write(text.clone()))
        }
        _ => "write true or false, without quotes".into(),
    };
    findings.push(wrong_type(node, name, "true or false", Some(help)));
}

fn whole(node: &Node, least: u32, most: u32, name: &str, findings: &mut Findings) {
    let expected = "a whole number";
    let Data::Number(number, _) = &node.data else {
        return findings.push(wrong_type(node, name, expected, None));
    };
    let within = number.as_u64().is_some_and(|number| number >= least.into() && number <= most.into());
    if !within {
        let bounds = if least == most {
            format!("must be {least}")
        } else {
            format!("must be a whole number from {least} to {most}")
        };
        findings.push(
            Diagnostic::error(Code::InvalidValue, node.span, format!("`{name}` {bounds}"))
                .help("correct the number"),
        );
    }
}

fn one_number(node: &Node, numbers: &[u32], name: &str, findings: &mut Findings) {
    let Data::Number(number, _) = &node.data else {
        return findings.push(wrong_type(node, name, "a whole number", None));
    };
    if !numbers.iter().any(|one| number.as_u64() == Some(u64::from(*one))) {
        let all: Vec<String> = numbers.iter().map(u32::to_string).collect();
        let message = format!("`{name}` must be one of {}", all.join(", "));
        findings.push(Diagnostic::error(Code::InvalidValue, node.span, message).help("correct the number"));
    }
}

fn list(node: &Node, item: &Shape, (least, most): (usize, usize), of: Place<'_>, findings: &mut Findings) {
    let name = of.name;
    let Data::List(items) = &node.data else {
        let help = takes(item, node).then(|| {
            let help = "put it in brackets: `[...]`, or on its own line after `- `";
            Help::from(help).by(Fix::Enclose("[", "]"))
        });
        return findings.push(wrong_type(node, name, "a list", help));
    };
    if items.len() < least {
        findings.push(
            Diagnostic::error(Code::InvalidValue, node.span, format!("`{name}` must not be an empty list"))
                .help(of.hint.unwrap_or("write at least one item, or remove the key")),
        );
    }
    if items.len() > most {
        let code = if name == "groups_allowed" { Code::TooManyGroups } else { Code::InvalidValue };
        findings.push(
            Diagnostic::error(
                code,
                node.span,
                format!("`{name}` has {} items, but Duo accepts at most {most}", items.len()),
            )
            .help("put the users in fewer, larger groups"),
        );
    }
    for node in items {
        if matches!(node.data, Data::Null) {
            findings.push(
                Diagnostic::error(Code::WrongType, node.span, format!("an item of `{name}` is empty"))
                    .help(Help::from("remove the item, or write its value").by(Fix::RemoveItem)),
            );
        } else {
            let before = findings.len();
            shape(node, item, Place { name, at: node.span, hint: None }, findings);
            for found in findings.iter_mut().skip(before).filter(|found| found.span == Some(node.span)) {
                of_an_item(found, name);
            }
        }
    }
}

/// Rewrites a finding about a key's value into one about an item of it.
fn of_an_item(found: &mut Diagnostic, name: &str) {
    let subject = format!("`{name}` ");
    if let Some(rest) = found.message.strip_prefix(&subject).filter(|rest| !rest.starts_with("has ")) {
        found.message = format!("an item of {subject}{rest}");
    }
}

fn chosen_keys(node: &Node, rule: &TextRule, item: &Shape, name: &str, findings: &mut Findings) {
    let Data::Mapping(entries) = &node.data else {
        let help = matches!(node.data, Data::List(_))
            .then(|| format!("entries of `{name}` need keys: write `key: ...` instead of `- ...`").into());
        return findings.push(wrong_type(node, name, "a mapping", help));
    };
    for entry in entries {
        if let Err(problem) = (rule.check)(&entry.key.value) {
            let message = format!("the key {} of `{name}` {}", shown(&entry.key.value), problem.message);
            findings.push(Diagnostic::error(problem.code, entry.key.span, message).help(problem.help));
        }
        if matches!(entry.value.data, Data::Null) && !matches!(item, Shape::Any) {
            findings.push(
                Diagnostic::error(
                    Code::WrongType,
                    entry.value.span,
                    format!("{} has no value", shown(&entry.key.value)),
                )
                .help(Help::removing("write its value, or remove the key")),
            );
        } else {
            let name = harmless(&entry.key.value);
            shape(&entry.value, item, Place { name: &name, at: entry.key.span, hint: None }, findings);
        }
    }
}

/// A key chosen by the user, made safe for messages. Ordinary keys are unchanged.
fn harmless(key: &str) -> Cow<'_, str> {
    let ordinary = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if key.len() < 32 && key.chars().all(ordinary) {
        return Cow::Borrowed(key);
    }
    Cow::Owned(shown(key).trim_matches('`').to_owned())
}

/// A secret in the YAML itself: the most dangerous mistake, because a commit keeps it for good.
pub fn plain_secret(name: &str) -> Problem {
    Problem {
        code: Code::PlainSecret,
        message: "must not be in the YAML as plain text".to_owned(),
        help: Help::from(format!(
            "write its source: `{name}: {{env: NAME}}`, `{{file: PATH}}` or `{{command: [PROGRAM, ARGUMENT]}}`; if it was committed or pushed, reset it: it stays in the history"
        ))
        .by(Fix::Write("{env: NAME}".to_owned())),
    }
}

fn source(node: &Node, plain: Option<&TextRule>, name: &str, at: Span, findings: &mut Findings) {
    match &node.data {
        Data::Mapping(entries) => {
            object(entries, &SOURCE, at, findings);
            let known = entries.iter().all(|entry| SOURCE.keys.iter().any(|key| key.name == entry.key.value));
            let places = entries.iter().filter(|entry| entry.key.value != "timeout").count();
            let timed = places < entries.len() && entries.iter().all(|entry| entry.key.value != "command");
            if timed && known {
                findings.push(
                    Diagnostic::error(
                        Code::InvalidValue,
                        node.span,
                        format!("`timeout` of `{name}` requires a `command`"),
                    )
                    .help("write `{command: [PROGRAM, ARGUMENT], timeout: 2m}`, or remove it"),
                );
            } else if places != 1 && known {
                findings.push(
                    Diagnostic::error(
                        Code::InvalidValue,
                        node.span,
                        format!("`{name}` must name exactly one source"),
                    )
                    .help("write one of `{env: NAME}`, `{file: PATH}` or `{command: [PROGRAM, ARGUMENT]}`"),
                );
            }
        }
        Data::Text(_) | Data::Number(..) | Data::Flag(_) if plain.is_none() => {
            let Problem { code, message, help } = plain_secret(name);
            findings.push(Diagnostic::error(code, node.span, format!("`{name}` {message}")).help(help));
        }
        Data::Text(_) => {
            if let Some(rule) = plain {
                text(node, rule, name, findings);
            }
        }
        _ => {
            let help = Some("write `{env: NAME}`, `{file: PATH}` or `{command: [PROGRAM, ARGUMENT]}`".into());
            let expected = if plain.is_none() { "a mapping" } else { "text or a mapping" };
            findings.push(wrong_type(node, name, expected, help));
        }
    }
}

/// Whether a shape accepts this type of value.
fn takes(shape: &Shape, node: &Node) -> bool {
    match shape {
        Shape::Text(rule) => {
            matches!(&node.data, Data::Text(_)) || rule.numeric && matches!(&node.data, Data::Number(..))
        }
        Shape::Choice(_) => matches!(node.data, Data::Text(_)),
        Shape::Flag => matches!(node.data, Data::Flag(_)),
        Shape::Whole(..) | Shape::Numbers(_) => matches!(node.data, Data::Number(..)),
        Shape::Any => true,
        Shape::List(..) => matches!(node.data, Data::List(_)),
        Shape::Object(_) | Shape::Entries(..) => {
            matches!(node.data, Data::Mapping(_))
        }
        Shape::Source { .. } => matches!(node.data, Data::Mapping(_) | Data::Text(_)),
        Shape::Either(shapes) => shapes.iter().any(|shape| takes(shape, node)),
    }
}

/// What a shape expects, in words.
pub fn expected(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text(_) | Shape::Choice(_) => "text",
        Shape::Flag => "true or false",
        Shape::Whole(..) | Shape::Numbers(_) => "a whole number",
        Shape::Any => "any value",
        Shape::List(..) => "a list",
        Shape::Source { .. } => "text or a mapping",
        Shape::Object(_) | Shape::Entries(..) => "a mapping",
        Shape::Either(_) => "one of several values",
    }
}
