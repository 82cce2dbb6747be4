//! The language: what loads, what does not, and how that is said.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

use std::path::Path;

use duoctl::config::diagnostic::Severity;
use duoctl::config::load::load;
use duoctl::config::model::{Setting, ValueSource};

#[test]
fn the_example_of_the_design_becomes_typed_values() {
    let loaded = load(Path::new("tests/samples/valid/design.yaml"));
    let serious: Vec<_> =
        loaded.diagnostics.iter().filter(|found| found.severity != Severity::Note).collect();
    assert!(serious.is_empty(), "{serious:#?}");
    let workspace = loaded.workspace.unwrap();
    assert_eq!(workspace.name.value, "acme-prod");
    assert_eq!(
        workspace.tenant.credentials.unwrap().secret_key.value,
        ValueSource::Env("DUO_SKEY".to_owned())
    );
    let vpn = &workspace.applications["vpn"];
    assert_eq!(vpn.settings["policy"].value, Setting::Text("Require trusted endpoints".to_owned()));
    assert!(vpn.protect);
    assert_eq!(workspace.applications["wiki"].settings["self_service_allowed"].value, Setting::Flag(false));
    assert!(!workspace.applications["siem"].settings.contains_key("self_service_allowed"));
    assert!(workspace.applications["old-vpn"].settings.is_empty());
    assert_eq!(workspace.identity_intelligence["emea"].attested.as_ref().unwrap().value, "7f3a9c21");
    assert_eq!(workspace.guards.max_changes_percent, 30);
}
