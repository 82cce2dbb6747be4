//! Settings of Duo Single Sign-On that Duo most likely refuses (duo-api.md, section 3.5 and the correction to it).

use serde_json::Value;

use crate::config::model::{Application, Workspace};
use crate::diagnostic::{Code, Diagnostic, Spanned};
use crate::kinds::value::Setting;

/// By type: the section of `sso`, and what it has to say. Every public client sends all of them.
const REQUIRED: &[(&str, &str, &[&str])] = &[
    (
        "sso-generic",
        "saml_config",
        &[
            "entity_id",
            "acs_urls",
            "nameid_format",
            "nameid_attribute",
            "sign_assertion",
            "sign_response",
            "signing_algorithm",
        ],
    ),
    ("sso-oidc-generic", "oidc_config", &["grant_types", "redirect_uris", "scopes"]),
];

/// Scopes that need a mapping of their claims.
const MAPPED: [&str; 2] = ["email", "profile"];

/// Types that one public tool calls impossible to configure by any API.
const PANEL_ONLY: [&str; 2] = ["sso-oauth-server", "sso-oauth-server-mcp"];

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    workspace.applications.values().for_each(|application| configurable(application, findings));
    // One that exists already is managed as far as it is declared.
    let new = workspace.applications.values().filter(|application| application.integration_key.is_none());
    new.for_each(|application| creatable(application, findings));
}

fn configurable(application: &Application, findings: &mut Vec<Diagnostic>) {
    let Some(kind) = application.kind.as_ref().filter(|kind| PANEL_ONLY.contains(&kind.value.as_str()))
    else {
        return;
    };
    let Some(document) = application.settings.get("sso") else { return };
    let message = format!("Duo's API most likely takes no `sso` for the type `{}`", kind.value);
    let finding = Diagnostic::warning(Code::DoubtfulSso, document.span, message);
    findings.push(finding.help("configure it in the Duo Admin Panel, and leave `sso` out"));
}

fn creatable(application: &Application, findings: &mut Vec<Diagnostic>) {
    let Some(kind) = &application.kind else { return };
    let Some((_, section, required)) = REQUIRED.iter().find(|(name, _, _)| *name == kind.value) else {
        return;
    };
    let document = application.settings.get("sso");
    let place = document.map_or(kind.span, |document| document.span);
    let config = match document {
        Some(Spanned { value: Setting::Document(document), .. }) => document.get(section),
        // What is no document is reported already.
        Some(_) => return,
        None => None,
    };
    let says = |name: &str| config.and_then(|config| config.get(name)).is_some_and(|value| !value.is_null());
    let missing: Vec<String> =
        required.iter().filter(|name| !says(name)).map(|name| format!("`{name}`")).collect();
    let mut warn = |message: String, help: &str| {
        findings.push(Diagnostic::warning(Code::DoubtfulSso, place, message).help(help));
    };
    if !missing.is_empty() {
        warn(
            format!(
                "a new application of type `{}` needs {} in `sso.{section}`",
                kind.value,
                missing.join(", ")
            ),
            "Duo most likely refuses to create it without them; pin one that exists already with `integration_key`",
        );
    }
    let scopes =
        config.and_then(|config| config.get("scopes")).and_then(Value::as_array).into_iter().flatten();
    let unmapped = scopes.filter(|scope| {
        let claims = scope.get("idp_attribute_claim_mapping").and_then(Value::as_array);
        claims.is_none_or(Vec::is_empty)
    });
    let names = unmapped.filter_map(|scope| scope.get("name").and_then(Value::as_str));
    for name in names.filter(|name| *section == "oidc_config" && MAPPED.contains(name)) {
        warn(
            format!("the scope `{name}` needs `idp_attribute_claim_mapping`"),
            "say which attribute each claim is taken from: [{idp_attribute: mail, oidc_claim: email}]",
        );
    }
}
