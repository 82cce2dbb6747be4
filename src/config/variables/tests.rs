use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::config::load::{InMemory, Loaded, load_files};
use crate::kinds::Kind;

const HEAD: &str = "version: 1\nworkspace: acme\ntenant: {api_hostname: api-1a2b3c4d.duosecurity.com}\n";

fn load(yaml: &str, set: &[(&str, &str)], environment: &[(&str, &str)]) -> Loaded {
    let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let file = InMemory { path: "duo.yaml".into(), text: format!("{HEAD}{yaml}"), tree: None };
    load_files("".as_ref(), &Assigned::new(set, environment), [file])
}

fn found(loaded: &Loaded) -> Vec<String> {
    let line = |found: &Diagnostic| {
        let place = found.span.and_then(|span| loaded.sources.locate(span));
        let line = place.map_or(0, |(_, position)| position.line);
        format!("{line} {}: {}", found.code, found.message)
    };
    loaded.diagnostics.iter().map(line).collect()
}

const GREETING: &str = "vars:\n  greeting: {default: Hello}\napplications:\n  vpn: {type: radius, name: VPN, user_access: no_users, greeting: \"${vars.greeting}\"}\n";

fn greeting(loaded: &Loaded) -> Value {
    let setting = &loaded.workspace.as_ref().unwrap().of(Kind::Application)["vpn"].settings["greeting"].value;
    match setting {
        crate::kinds::value::Setting::Text(text) => json!(text),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_default() {
    let environment = [("DUOCTL_VAR_GREETING", "from the environment")];
    for (set, environment, expected) in [
        (&[][..], &[][..], "Hello"),
        (&[], &environment, "from the environment"),
        (&[("greeting", "set")], &environment, "set"),
        (&[("greeting", "first"), ("greeting", "last")], &[], "last"),
        (&[("greeting", "")], &environment, ""),
        (&[], &[("DUOCTL_VAR_GREETING", "")], "Hello"),
        // Inserted values are not expanded again.
        (&[("greeting", "${vars.greeting} $${")], &[], "${vars.greeting} $${"),
    ] {
        let loaded = load(GREETING, set, environment);
        assert_eq!(found(&loaded), Vec::<String>::new());
        assert_eq!(greeting(&loaded), json!(expected));
    }
}

#[test]
fn a_variable_of_the_environment_that_the_yaml_does_not_declare_is_a_warning() {
    let of = |name| found(&load(GREETING, &[], &[(name, "x")]));
    assert_eq!(
        of("DUOCTL_VAR_GREETNG"),
        ["0 unused-variable: the YAML declares no variable for `DUOCTL_VAR_GREETNG`"]
    );
    assert_eq!(
        of("DUOCTL_VAR_OTHER"),
        ["0 unused-variable: the YAML declares no variable for `DUOCTL_VAR_OTHER`"]
    );
    assert_eq!(of("OTHER"), Vec::<String>::new());
}

#[test]
fn a_required_variable_without_a_value_is_one_error_at_its_declaration() {
    let yaml = "vars:\n  host: {required: true}\n  on: {required: true}\nauthoritative: ${vars.on}\n\
                applications:\n  vpn: {type: radius, name: VPN, user_access: \"${vars.host}\", self_service_allowed: \"${vars.on}\"}\n";
    let missing = ["host", "on"];
    let errors = found(&load(yaml, &[], &[]));
    assert_eq!(errors.len(), missing.len(), "{errors:#?}");
    for (index, name) in missing.iter().enumerate() {
        assert_eq!(
            errors[index],
            format!("{} missing-variable: the variable `{name}` has no value", index + 5)
        );
    }
    assert_eq!(found(&load(yaml, &[("host", "no_users"), ("on", "true")], &[])), Vec::<String>::new());
}

#[test]
fn a_wrong_value_is_shown_where_it_is_used_and_where_it_comes_from() {
    let loaded = load(GREETING.replace("no_users", "\"${vars.greeting}\"").as_str(), &[], &[]);
    let [wrong] = loaded.diagnostics.as_slice() else { panic!("{:#?}", loaded.diagnostics) };
    assert_eq!(wrong.code, Code::InvalidValue);
    assert_eq!(wrong.related[0].1, "the value comes from this variable, by its default");
    let loaded = load(GREETING, &[("greting", "x")], &[]);
    assert_eq!(found(&loaded), ["0 unknown-variable: --var sets `greting`, which the YAML does not declare"]);
    assert_eq!(loaded.diagnostics[0].help.as_deref(), Some("did you mean `greeting`?"));
}

#[test]
fn what_looks_like_a_variable_is_one_or_an_error() {
    for (text, expected) in [
        ("${vars.gretting}", Err("there is no variable `gretting`")),
        ("${vars.greeting", Err("a variable starts with `${` but has no closing `}`")),
        ("${greeting}", Err("`${greeting}` is not a variable")),
        ("${vars.greeting | upper}", Err("`${vars.greeting | upper}` is not a variable")),
        ("${ vars.greeting }", Err("`${ vars.greeting }` is not a variable")),
        ("${}", Err("`${}` is not a variable")),
        ("$${vars.greeting}", Ok("${vars.greeting}")),
        ("$$${vars.greeting}", Ok("$${vars.greeting}")),
        ("$ $$ {} $vars {vars.greeting}", Ok("$ $$ {} $vars {vars.greeting}")),
        ("<${vars.greeting}, ${vars.greeting}>", Ok("<Hello, Hello>")),
    ] {
        let loaded = load(&GREETING.replace("${vars.greeting}", text), &[], &[]);
        let wrong = found(&loaded).into_iter().find(|found| found.contains("unknown-variable"));
        match expected {
            Ok(expected) => {
                assert_eq!(wrong, None, "{text}");
                assert_eq!(greeting(&loaded), json!(expected), "{text}");
            }
            Err(message) => assert_eq!(wrong, Some(format!("7 unknown-variable: {message}")), "{text}"),
        }
    }
}

#[test]
fn names_and_secrets_take_no_variables() {
    for (yaml, word) in [
        ("tenant: {credentials: {integration_key: DI, secret_key: {env: \"${vars.x}\"}}}", "credentials"),
        ("tenant: {credentials: {integration_key: \"${vars.x}\", secret_key: {env: X}}}", "credentials"),
        ("secret_stores: {s: {type: file, path: \"${vars.x}\"}}", "secret_stores"),
        ("secret_stores: {s: {type: exec, write: [\"${vars.x}\"]}}", "secret_stores"),
        ("workspace: \"${vars.x}\"", "workspace"),
        ("version: \"${vars.x}\"", "version"),
        ("applications: {vpn: {secret: {store: s, path: \"${vars.x}\"}}}", "secret"),
        ("vars: {x: {default: a}, y: {default: \"${vars.x}\"}}", "vars"),
        ("applications: {\"${vars.x}\": {}}", "is a key"),
        ("applications: {vpn: {\"${vars.x}\": {}}}", "is a key"),
    ] {
        let file = InMemory { path: "duo.yaml".into(), text: format!("{yaml}\n"), tree: None };
        let assigned = Assigned::new([("x".to_owned(), "1".to_owned())], []);
        let loaded = load_files("".as_ref(), &assigned, [file]);
        let refused = found(&loaded);
        assert!(
            refused.iter().any(|found| found.contains("invalid-value: ") && found.contains(word)),
            "{yaml}: {refused:#?}"
        );
    }
    // Shell variables in commands are not touched.
    let yaml = "secret_stores: {s: {type: exec, write: [sh, -c, \"echo ${HOME} $${HOME}\"]}}\n";
    let loaded = load(yaml, &[], &[]);
    assert_eq!(found(&loaded), Vec::<String>::new());
    let write = &loaded.workspace.unwrap().secret_stores["s"].options["write"];
    assert_eq!(write[2], json!("echo ${HOME} $${HOME}"));
}

#[test]
fn the_meaning_covers_values_and_not_how_they_came() {
    let meaning = |yaml: &str, set: &[(&str, &str)]| load(yaml, set, &[]).workspace.unwrap().meaning;
    let plain =
        GREETING.replace("${vars.greeting}", "Hello").replace("vars:\n  greeting: {default: Hello}\n", "");
    assert_eq!(meaning(GREETING, &[]), meaning(&plain, &[]));
    assert_eq!(meaning(GREETING, &[("greeting", "Hello")]), meaning(&plain, &[]));
    assert_ne!(meaning(GREETING, &[("greeting", "Bye")]), meaning(&plain, &[]));
}

#[test]
fn many_large_values_are_refused_and_not_put_together() {
    let large = "x".repeat(MAX_VALUE + 1);
    assert_eq!(
        found(&load(GREETING, &[("greeting", &large)], &[])),
        ["5 too-large: the value of the variable `greeting` is too large"]
    );
    let large = "x".repeat(MAX_VALUE);
    let uses = vec!["\"${vars.g}\""; 600].join(", ");
    let yaml = format!("vars: {{g: {{required: true}}}}\nguards: {{allow: [{uses}]}}\n");
    let errors = found(&load(&yaml, &[("g", &large)], &[]));
    assert!(
        errors.iter().any(|found| found.contains("the variables expand to too much text")),
        "{errors:#?}"
    );
}

proptest! {
    #[test]
    fn what_is_escaped_is_read_back(text in "[$x{}]{0,12}|.{0,12}") {
        let escaped = escaped(&json!(text));
        let parts = parts(escaped.as_str().unwrap()).unwrap();
        let read: String = parts.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Variable(_) => "a variable",
        }).collect();
        prop_assert_eq!(read, text);
    }
}
