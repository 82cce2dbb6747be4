//! The tables of `docs/reference/policies.md`: every field of a policy, what it is if a section leaves it out, and which
//! change of it narrows or widens access. Each row is checked against what duoctl says about such a change.

use std::borrow::Cow;

use duoctl::config::load::load_text;
use duoctl::diagnostic::Code;
use duoctl::duo::policy::{
    Default, Edition, Field, Leaf, Risk as Direction, Rule, Section, Shape, When, sections,
};
use duoctl::kinds::policy::language::written;
use duoctl::kinds::policy::risk::compare;
use duoctl::kinds::risk::Risk::{self, *};
use serde_json::{Map, Value, json};

use super::row;

const NEVER: &str = "never";
/// A network inside the other one.
const NETWORKS: [&str; 2] = ["192.0.2.0/25", "192.0.2.0/24"];

/// Two values of a field, and what the way from the first to the second does to access, and the way back.
struct Rows {
    narrows: Cow<'static, str>,
    widens: Cow<'static, str>,
    values: [Value; 2],
    risks: [Risk; 2],
}

pub(crate) fn table() -> String {
    let mut page = String::new();
    for section in sections().iter().filter(|section| section.replaced_by.is_none()) {
        page += &format!("### `{}`\n\n", section.name);
        page += &row(["Field", "Default", "Edition", "Narrows access", "Widens access"]);
        page += "|---|---|---|---|---|\n";
        let mut seen: Vec<String> = Vec::new();
        for leaf in section.leaves().iter().filter(|leaf| is_written(leaf)) {
            let name = name(leaf);
            let line = cells(section, leaf);
            if !seen.contains(&name) {
                page += &line;
                seen.push(name);
            }
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page + "\n"
}

/// Whether the YAML can have the field. Two fields of Duo are one duration.
fn is_written(leaf: &Leaf) -> bool {
    let field = leaf.field().unwrap();
    field.replaced_by.is_none() && field.risk != Direction::ReadOnly && field.shape != Shape::Unit
}

/// Its path in the YAML, the same for every operating system.
fn name(leaf: &Leaf) -> String {
    let name = |field: &&Field| match field.shape {
        Shape::Amount => "max_time",
        Shape::Optional(_) => "SYSTEM",
        _ => written(field),
    };
    leaf.fields.iter().map(name).collect::<Vec<_>>().join(".")
}

fn cells(section: &Section, leaf: &Leaf) -> String {
    let field = leaf.field().unwrap();
    exists(section, leaf);
    let rows = rows(field);
    let [one, other] = rows.values.each_ref().map(|value| Value::Object(with(section, leaf, value)));
    for (before, after, risk) in [(&one, &other, rows.risks[0]), (&other, &one, rows.risks[1])] {
        let judged = compare(section.name, Some(before), Some(after));
        let judged = judged.iter().find(|judged| judged.path == leaf.path);
        let judged = judged.unwrap_or_else(|| panic!("{}.{}: nothing differs", section.name, leaf.path));
        assert_eq!(judged.assessment.0, risk, "{}.{}: {before} -> {after}", section.name, leaf.path);
    }
    let edition = if leaf.edition == Edition::Essentials { "all" } else { "Advantage" };
    row([&format!("`{}`", name(leaf)), &default(leaf), edition, &rows.narrows, &rows.widens])
}

/// The language has a key of this name; whether it takes this value does not matter.
fn exists(section: &Section, leaf: &Leaf) {
    let path = name(leaf).replace("SYSTEM", "ios");
    let value = path.rsplit('.').fold("1".to_owned(), |value, key| format!("{{{key}: {value}}}"));
    let yaml = format!("policies:\n  p:\n    name: P\n    {}: {value}\n", section.name);
    let unknown: Vec<_> = load_text("duo.yaml".into(), yaml)
        .diagnostics
        .into_iter()
        .filter(|diagnostic| diagnostic.code == Code::UnknownKey)
        .collect();
    assert!(unknown.is_empty(), "{path}: {unknown:?}");
}

fn default(leaf: &Leaf) -> String {
    let field = leaf.field().unwrap();
    let code = |text: &str| format!("`{text}`");
    match (field.shape, field.default) {
        (Shape::Amount, _) => {
            let [low, unit] = [field.default(Edition::Essentials).unwrap(), leaf_unit(leaf)];
            code(&format!("{low}{}", &unit.as_str().unwrap()[..1]))
        }
        (_, Default::Unknown) => "not known".to_owned(),
        (_, Default::ByEdition(low, high)) => format!("{}, with Advantage {}", code(low), code(high)),
        (_, Default::Text("")) => "empty".to_owned(),
        (_, Default::Text(text)) => code(text),
        (_, Default::List([])) => code("[]"),
        (Shape::Set(all), Default::List(list)) if all == list => "all".to_owned(),
        (_, Default::List(list)) => code(&format!("[{}]", list.join(", "))),
        (_, _) => code(&field.default(Edition::Advantage).unwrap().to_string()),
    }
}

fn leaf_unit(leaf: &Leaf) -> Value {
    let inner = leaf.fields[leaf.fields.len() - 2].inner().unwrap();
    let unit = inner.iter().find(|field| field.shape == Shape::Unit).unwrap();
    unit.default(Edition::Essentials).unwrap()
}

fn rows(field: &Field) -> Rows {
    match field.risk {
        Direction::Neutral => {
            let [one, other] = values(field);
            Rows {
                narrows: NEVER.into(),
                widens: NEVER.into(),
                values: [one, other],
                risks: [Neutral, Neutral],
            }
        }
        // Both branches count: the default of the second one is longer.
        Direction::UpNarrows if field.name == "remember_method" => Rows {
            narrows: "`risk-based`, unless devices are remembered for longer".into(),
            widens: "`user-based`, or devices are remembered for longer".into(),
            values: [json!("user-based"), json!("risk-based")],
            risks: [WidensAccess, WidensAccess],
        },
        Direction::UpNarrows => {
            let [up, down] = directions(field.shape);
            Rows { narrows: up, widens: down, values: values(field), risks: [NarrowsAccess, WidensAccess] }
        }
        Direction::UpWidens => {
            let [up, down] = directions(field.shape);
            Rows { narrows: down, widens: up, values: values(field), risks: [WidensAccess, NarrowsAccess] }
        }
        Direction::By(rule) => by(rule, field),
        Direction::ReadOnly | Direction::Inner => panic!("{} has no row", field.name),
    }
}

/// What up and down are called.
fn directions(shape: Shape) -> [Cow<'static, str>; 2] {
    let [up, down] = match shape {
        Shape::Bool => ["`true`", "`false`"],
        Shape::Integer { .. } | Shape::OneOf(_) | Shape::PanelDays => {
            ["a greater number", "a smaller number"]
        }
        Shape::Set(_) => ["an item added", "an item removed"],
        Shape::Networks => ["more addresses", "fewer addresses"],
        Shape::Version => ["a later version", "an earlier version"],
        Shape::Enum(words) => {
            let words = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            return [format!("a later one of {words}").into(), "an earlier one".into()];
        }
        other => panic!("{other:?} has no order"),
    };
    [up.into(), down.into()]
}

/// Two values, the second of which is up.
fn values(field: &Field) -> [Value; 2] {
    match field.shape {
        Shape::Bool => [json!(false), json!(true)],
        Shape::Integer { min, max } => [json!(min), json!(max)],
        Shape::OneOf(numbers) => [json!(numbers[1]), json!(numbers[2])],
        Shape::PanelDays => [json!(30), json!(60)],
        Shape::Enum(words) => [json!(words[0]), json!(words[words.len() - 1])],
        Shape::Set(words) => [json!([words[0]]), json!([words[0], words[1]])],
        Shape::Networks => NETWORKS.map(|network| json!([network])),
        Shape::Version => [json!("14.0"), json!("15.0")],
        Shape::Text => [json!("a"), json!("b")],
        other => panic!("no values for {other:?}"),
    }
}

fn by(rule: Rule, field: &Field) -> Rows {
    let (narrows, widens, values, risks) = match rule {
        Rule::AuthMethods if field.name == "allowed_auth_list" => {
            (NEVER, NEVER, [json!(["sms"]), json!([])], [Neutral, Neutral])
        }
        Rule::AuthMethods => (
            "a method is blocked",
            "a method is no longer blocked",
            [json!([]), json!(["sms"])],
            [NarrowsAccess, WidensAccess],
        ),
        Rule::Networks => (
            "fewer addresses, while `deny_other_access` is `true`",
            "more addresses, while `deny_other_access` is `true`",
            NETWORKS.map(|network| json!([network])),
            [WidensAccess, NarrowsAccess],
        ),
        Rule::Countries => (
            "a country gets a stricter action",
            "a country gets a weaker action",
            match field.shape {
                Shape::Enum(_) => [json!("ignore-location"), last(field)],
                _ => [json!([]), json!(["DE"])],
            },
            match field.name {
                "allow_access_no_2fa_countries_list" => [WidensAccess, NarrowsAccess],
                _ => [NarrowsAccess, WidensAccess],
            },
        ),
        Rule::Remediation => (
            "outdated software is blocked",
            "outdated software is no longer blocked, or one blocking value replaces another",
            [json!("no-remediation"), last(field)],
            [NarrowsAccess, WidensAccess],
        ),
        Rule::Agents => (
            "the first agent, or one fewer of several",
            "another agent, or none",
            [json!(["crowdstrike-falcon"]), json!(["crowdstrike-falcon", "sentinelone"])],
            [WidensAccess, NarrowsAccess],
        ),
        Rule::Duration => {
            ("a shorter time", "a longer time", [json!(1), json!(2)], [WidensAccess, NarrowsAccess])
        }
        Rule::Trusted => (
            "`require-trusted`",
            "any other value after `require-trusted`",
            [json!("allow-all"), json!("require-trusted")],
            [NarrowsAccess, WidensAccess],
        ),
        Rule::OpenEnum if field.shape == Shape::Bool => (
            NEVER,
            "any change: duoctl cannot judge it",
            [json!(false), json!(true)],
            [WidensAccess, WidensAccess],
        ),
        Rule::OpenEnum => (
            "`enforce-enabled`",
            "any other value after `enforce-enabled`",
            [json!("never"), json!("enforce-enabled")],
            [NarrowsAccess, WidensAccess],
        ),
    };
    Rows { narrows: narrows.into(), widens: widens.into(), values, risks }
}

fn last(field: &Field) -> Value {
    let Shape::Enum(words) = field.shape else { panic!("{} is no word", field.name) };
    json!(words[words.len() - 1])
}

/// A section with this value of the field, in which everything that the field depends on is set.
fn with(section: &Section, leaf: &Leaf, value: &Value) -> Map<String, Value> {
    let mut map = section.defaults(Edition::Advantage);
    // What these do depends on another field, although they always have an effect.
    match leaf.path.as_str() {
        "ignore_location_countries_list" => {
            map.insert("default_action".to_owned(), json!("allow-access-no-2fa"))
        }
        "mfa_required.ip_list" => map.insert("deny_other_access".to_owned(), json!(true)),
        _ => None,
    };
    put(&mut map, &leaf.fields, value);
    map
}

fn put(map: &mut Map<String, Value>, fields: &[&'static Field], value: &Value) {
    let (field, inner) = fields.split_first().unwrap();
    for when in field.applies {
        let (path, needed) = match when {
            When::True(name) => (*name, json!(true)),
            When::In(name, words) => (*name, json!(words[0])),
            When::Not(name, _) => {
                (*name, json!(if name.ends_with("_policy") { "end-of-life" } else { "warn-and-block" }))
            }
            When::Filled(paths) => (paths[0], json!(["198.51.100.0/24"])),
            When::ManagementIntegration(_) => continue,
        };
        let mut place = &mut *map;
        let (objects, last) = path.rsplit_once('.').unwrap_or(("", path));
        for object in objects.split('.').filter(|object| !object.is_empty()) {
            place = place.entry(object).or_insert_with(|| json!({})).as_object_mut().unwrap();
        }
        place.insert(last.to_owned(), needed);
    }
    if inner.is_empty() {
        map.insert(field.name.to_owned(), value.clone());
    } else {
        let object = map.entry(field.name).or_insert_with(|| json!({}));
        put(object.as_object_mut().unwrap(), inner, value);
    }
}
