//! The schema: its messages, and its agreement with the tables and the parser.

use super::*;
use crate::config::language;
use crate::diagnostic::Span;
use crate::kinds::Kind;
use crate::language::check;
use crate::yaml;

/// Every key has a description and an example that its shape accepts.
#[test]
fn every_key_has_a_description_and_an_example_that_holds() {
    fn visit(keys: &[Key], seen: &mut usize) {
        for key in keys {
            let place = Span { file: 0, start: 0, end: 0 };
            let mut findings = Vec::new();
            let node = yaml::parse(0, key.example, &mut findings).expect(key.name);
            assert!(check::value(&node, key, place, &mut findings), "{}: {findings:?}", key.name);
            assert!(key.description.ends_with('.'), "{}: {}", key.name, key.description);
            if let Some(default) = key.default {
                let node = yaml::parse(0, default, &mut findings).expect(key.name);
                assert!(check::value(&node, key, place, &mut findings), "{}: {findings:?}", key.name);
            }
            let instance = node.json();
            let schema = Value::Object(super::key(key, false));
            if !schema.to_string().contains("$ref") {
                assert!(jsonschema::is_valid(&schema, &instance), "{}: {schema}", key.name);
            }
            *seen += 1;
            nested(&key.shape, seen);
        }
    }
    fn nested(shape: &Shape, seen: &mut usize) {
        match shape {
            Shape::Object(table) => visit(table.keys, seen),
            Shape::List(item, ..) | Shape::Entries(_, item) => nested(item, seen),
            Shape::Either(shapes) => shapes.iter().for_each(|shape| nested(shape, seen)),
            Shape::Source { .. } => visit(SOURCE.keys, seen),
            _ => {}
        }
    }
    let mut seen = 0;
    visit(FILE.keys, &mut seen);
    assert!(seen > 120, "only {seen} keys were reached");
}

#[test]
fn what_the_schema_calls_a_default_is_what_the_parser_takes() {
    let head = "version: 1\nworkspace: acme\ntenant: {api_hostname: api-1a2b3c4d.duosecurity.com}\n";
    let entry = "identity_intelligence: {emea: {display_name: Duo, access: read_only}}\n";
    let application = "applications: {vpn: {type: radius, name: VPN, user_access: no_users}}\n";
    let loaded = crate::config::load::load_text("duo.yaml".into(), format!("{head}{entry}{application}"));
    let workspace = loaded.workspace.expect("a workspace");
    let key = |keys: &[Key], name: &str| {
        let default = keys.iter().find(|key| key.name == name).and_then(|key| key.default);
        value(default.expect(name)).expect(name)
    };
    let guards = |name| key(language::GUARDS.keys, name);
    assert_eq!(guards("max_changes"), json!(format!("{}%", workspace.guards.max_changes_percent)));
    assert_eq!(guards("max_deletes"), json!(workspace.guards.max_deletes));
    assert_eq!(guards("quarantine_days"), json!(workspace.guards.quarantine_days));
    assert_eq!(guards("allow"), json!(workspace.guards.allow.iter().map(|_| "").collect::<Vec<_>>()));
    let entry = &workspace.identity_intelligence["emea"];
    let of_entry = |name| key(language::intelligence::ENTRY.keys, name);
    assert_eq!(of_entry("endpoints"), json!(entry.endpoints.is_some()));
    assert_eq!(of_entry("event_streaming"), json!(entry.event_streaming.is_some()));
    assert_eq!(of_entry("push_verification"), json!(entry.push_application_name.is_some()));
    let vpn = &workspace.of(Kind::Application)["vpn"];
    let of_application = |name| key(Kind::Application.entry().keys, name);
    assert_eq!(of_application("protect"), json!(vpn.protect));
    assert_eq!(of_application("ignore"), json!(vpn.ignore.iter().map(|_| "").collect::<Vec<_>>()));
}

/// The schema's rule about editions is the parser's, for each plan.
#[test]
fn the_schema_knows_which_plans_have_endpoints() {
    let schema = jsonschema::validator_for(&config_schema()).expect("a schema");
    let plan = language::TENANT.keys.iter().find(|key| key.name == "plan").expect("a key");
    let Shape::Choice(plans) = plan.shape else { panic!("{:?}", plan.shape) };
    let mut accepted = 0;
    for Choice { value: plan, .. } in plans {
        for on in [true, false] {
            let text = format!(
                "version: 1\nworkspace: acme\ntenant: {{api_hostname: api-1a2b3c4d.duosecurity.com, plan: {plan}}}\nidentity_intelligence: {{emea: {{display_name: Duo, access: read_only, endpoints: {on}}}}}\n"
            );
            let loaded = crate::config::load::load_text("duo.yaml".into(), text.clone());
            let fits = !crate::diagnostic::has_errors(&loaded.diagnostics);
            assert_eq!(schema.is_valid(&value(&text).expect("YAML")), fits, "{plan} {on}");
            accepted += usize::from(fits);
        }
    }
    assert_eq!(accepted, plans.len() + 2, "two plans have them");
}

#[test]
fn the_schema_is_a_schema() {
    jsonschema::meta::validate(&config_schema()).expect("valid draft-07");
}
