//! Every type of the reference's table: its product in the schema, its fields, what the API cannot create and why, what is
//! out of support and since when; and a type that Duo may add later.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::{Folder, Server};

/// Type and product.
fn rows() -> Vec<(&'static str, &'static str)> {
    let table = include_str!("../../src/duo/integration-types.csv");
    let rows: Vec<_> = table.lines().skip(1).map(|row| row.split_once(',').unwrap()).collect();
    assert_eq!(rows.len(), 171);
    rows
}

fn is_gateway(kind: &str, product: &str) -> bool {
    kind == "dag" || product.starts_with("SAML - ")
}

/// One application of each type with the same fields, and the findings of `validate` for each.
fn findings(fields: &Value) -> BTreeMap<String, Vec<Value>> {
    let kinds = rows().into_iter().map(|(kind, _)| kind).chain(["type-of-tomorrow"]);
    let mut lines: Vec<String> = kinds.map(str::to_owned).collect();
    let mut text = "applications:\n".to_owned();
    for kind in &lines {
        let mut entry = json!({"type": kind, "name": format!("One of {kind}"), "user_access": "no_users"});
        entry.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        text.push_str(&format!("  {}: {entry}\n", kind.replace('_', "-")));
    }
    let folder = Folder::with(&text);
    let document = folder.duoctl(["validate", "--format", "json"]).run().json();
    let first = crate::support::HEAD.lines().count() + 1;
    let mut found: BTreeMap<String, Vec<Value>> = lines.drain(..).map(|kind| (kind, Vec::new())).collect();
    let order: Vec<String> =
        rows().into_iter().map(|(kind, _)| kind.to_owned()).chain(["type-of-tomorrow".to_owned()]).collect();
    for finding in document["diagnostics"].as_array().unwrap() {
        let line = usize::try_from(finding["place"]["line"].as_u64().unwrap()).unwrap();
        found.get_mut(&order[line - 1 - first]).unwrap().push(finding.clone());
    }
    found
}

#[test]
fn every_type_says_what_the_api_cannot_do_with_it_and_what_is_out_of_support() {
    let found = findings(&json!({}));
    // duo-api.md, sections 3.7 and 4.
    let refused = [
        "accountsapi",
        "azure-ca",
        "microsoft-eam",
        "partner_authapi",
        "partner_websdk",
        "portal",
        "rest",
        "samlidp",
        "verify",
    ];
    let creatable = [
        "adminapi",
        "authapi",
        "websdk",
        "radius",
        "ldapproxy",
        "rdp",
        "unix",
        "sso-generic",
        "sso-oidc-generic",
        "sso-oauth-client-credentials",
    ];
    for (kind, product) in rows() {
        // Another test covers the requirements of new single sign-on applications.
        let of_types = |finding: &&Value| finding["code"] != "doubtful-sso";
        let findings: Vec<&Value> = found[kind].iter().filter(of_types).collect();
        assert!(
            findings.len() <= 1 && findings.iter().all(|finding| finding["severity"] == "warning"),
            "{findings:?}"
        );
        let message = findings.first().map_or("", |finding| finding["message"].as_str().unwrap());
        let help = findings.first().map_or("", |finding| finding["help"].as_str().unwrap());
        if is_gateway(kind, product) {
            assert!(
                message.contains("cannot create") && message.ends_with("out of support"),
                "{kind}: {message}"
            );
            assert!(help.contains("2023-10-26"), "{kind}: {help}");
        } else if refused.contains(&kind) {
            let (_, reason) = message.split_once(": ").unwrap_or_else(|| panic!("{kind}: {message}"));
            assert!(message.contains("cannot create") && reason.len() > 10, "{kind}: {message}");
        } else if creatable.contains(&kind) {
            assert_eq!(message, "", "{kind}");
        }
        if !message.is_empty() {
            assert!(
                message.contains(kind) && help.contains("pin an existing application"),
                "{kind}: {message}; {help}"
            );
        }
    }
    let tomorrow = &found["type-of-tomorrow"];
    assert_eq!((tomorrow.len(), &tomorrow[0]["severity"]), (1, &json!("warning")));
    assert!(tomorrow[0]["help"].as_str().unwrap().contains("work, too"));
}

#[test]
fn each_field_is_an_error_on_the_types_that_lack_it_and_on_no_other() {
    let api = |kind: &str| matches!(kind, "adminapi" | "accountsapi");
    type Has = fn(&str) -> bool;
    let users: Has = |kind| !matches!(kind, "adminapi" | "accountsapi");
    let cases: [(Value, Has); 8] = [
        (json!({"policy": null}), users),
        (json!({"user_access": "permitted_groups", "groups_allowed": ["Staff"]}), users),
        (json!({"self_service_allowed": true}), users),
        (json!({"username_normalization_policy": "simple"}), users),
        (json!({"greeting": "Hello"}), users),
        (json!({"permissions": ["info"]}), |kind| kind == "adminapi"),
        (json!({"networks_for_api_access": ["192.0.2.1"]}), |kind| {
            matches!(kind, "adminapi" | "accountsapi")
        }),
        (json!({"notes": "text"}), |_| true),
    ];
    for (fields, has) in cases {
        for (kind, findings) in findings(&fields) {
            let errors = findings.iter().filter(|finding| finding["severity"] == "error").count();
            let unknown = kind == "type-of-tomorrow";
            assert_eq!(errors > 0, !unknown && !has(&kind), "{kind} {fields}: {findings:?}");
        }
    }
    let saml =
        json!({"sso": {"saml_config": {"entity_id": "https://a", "acs_urls": [{"url": "https://a"}]}}});
    for (kind, findings) in findings(&saml) {
        let errors = findings.iter().filter(|finding| finding["severity"] == "error").count();
        let is_other_sso = kind.starts_with("sso-o");
        assert!(
            is_other_sso || (errors > 0) != (kind.starts_with("sso-") || kind == "type-of-tomorrow"),
            "{kind}: {findings:?}"
        );
        assert!(!api(&kind) || errors > 0);
    }
}

#[test]
fn the_schema_offers_every_type_with_its_product() {
    let schema = Folder::empty().duoctl(["schema"]).run().exits(0).stdout;
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let mut offered = BTreeSet::new();
    let mut values = vec![&schema];
    while let Some(value) = values.pop() {
        if let (Some(names), Some(products)) = (
            value["enum"].as_array(),
            value["markdownEnumDescriptions"].as_array().or(value["enumDescriptions"].as_array()),
        ) {
            offered.extend(names.iter().zip(products).map(|(name, product)| format!("{name} {product}")));
        }
        match value {
            Value::Object(map) => values.extend(map.values()),
            Value::Array(items) => values.extend(items),
            _ => {}
        }
    }
    for (kind, product) in rows() {
        assert!(offered.contains(&format!("{} {}", json!(kind), json!(product))), "{kind} {product}");
    }
}

#[test]
fn a_type_that_cannot_be_created_is_refused_with_the_reason_and_adopted_where_it_is() {
    let entra = "applications:\n  entra: {type: azure-ca, name: Entra ID, user_access: no_users}\n  vpn: {type: radius, name: VPN, user_access: no_users}\n";
    let (folder, server) = (Folder::with(entra), Server::start());
    let reason = "it needs an interactive consent at Microsoft";
    folder.duoctl(["plan"]).at(&server).run().exits(0).warns(reason);
    let outcome = folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(4).warns(reason);
    assert!(
        format!("{}{}", outcome.stdout, outcome.stderr).contains("Invalid request parameters"),
        "{outcome:?}"
    );
    assert_eq!((server.named("Entra ID").len(), server.named("VPN").len()), (0, 1), "the others go on");
    for kind in ["azure-ca", "type-of-tomorrow"] {
        let stored = json!({"kind": kind, "name": "Entra ID", "user_access": "ALL_USERS"});
        server.account().place_application(&stored).unwrap();
        folder.declare(
            &entra
                .replace("azure-ca", kind)
                .replace("user_access: no_users}\n  vpn", "user_access: no_users, greeting: Hello}\n  vpn"),
        );
        folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0).says("Applied: 2 of 2 steps.");
        folder.duoctl(["plan"]).at(&server).run().exits(0).says("No changes.");
        let ikey = server.ikey("Entra ID");
        server.account().delete_application(&ikey).unwrap_or_else(|_| panic!("refused"));
    }
}
