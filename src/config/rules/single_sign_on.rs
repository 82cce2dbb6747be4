//! Settings of Duo Single Sign-On that Duo probably rejects (duo-api.md, section 3.5 and its correction).

use jiff::Timestamp;
use serde_json::Value;

use super::certificate::valid_until;
use crate::config::model::{Declaration, Workspace};
use crate::diagnostic::{Code, Diagnostic, Spanned};
use crate::kinds::Kind;
use crate::kinds::application::sso::STANDARDS;
use crate::kinds::value::Setting;
use crate::language::texts::{PEM, WEB_URL, is_uri};
use crate::text::shown;

/// By type: the section of `sso` and its required keys. Every public client sends all of them.
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

/// Types that cannot be configured by any API, according to a public tool.
const PANEL_ONLY: [&str; 2] = ["sso-oauth-server", "sso-oauth-server-mcp"];

/// Keys of `saml_config` with URLs that browsers are redirected to.
const URLS: [&str; 2] = ["slo_url", "spinitiated_url"];

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    workspace.of(Kind::Application).values().for_each(|application| values(application, findings));
    workspace.of(Kind::Application).values().for_each(|application| configurable(application, findings));
    // An existing application is managed only as far as it is declared.
    let new = workspace.of(Kind::Application).values().filter(|application| application.pin.is_none());
    new.for_each(|application| creatable(application, findings));
}

/// Checks the declared values of new and existing applications.
fn values(application: &Declaration, findings: &mut Vec<Diagnostic>) {
    let Some(Spanned { value: Setting::Document(document), span }) = application.settings.get("sso") else {
        return;
    };
    let mut add = |error: bool, message: String, help: String| {
        let finding = match error {
            true => Diagnostic::error(Code::InvalidValue, *span, message),
            false => Diagnostic::warning(Code::DoubtfulSso, *span, message),
        };
        findings.push(finding.help(help));
    };
    let saml = document.get("saml_config");
    let text = |key: &str| {
        saml.and_then(|saml| saml.get(key)).and_then(Value::as_str).filter(|text| !text.is_empty())
    };
    for standard in STANDARDS {
        let known = |text: &&str| standard.values.contains(text) || !is_uri(text);
        let Some(text) = text(standard.key).filter(|text| !known(text)) else { continue };
        let message = format!("`sso.saml_config.{}` is not a standard value: {}", standard.key, shown(text));
        add(false, message, standard.meant(text));
    }
    let acs = saml.and_then(|saml| saml.get("acs_urls")).and_then(Value::as_array).into_iter().flatten();
    let acs = acs.filter_map(|item| item.get("url").and_then(Value::as_str)).map(|url| ("acs_urls", url));
    let named = URLS.iter().filter_map(|key| Some((*key, text(key)?)));
    for (key, url) in acs.chain(named).filter(|(_, url)| url.starts_with("http://")) {
        if (WEB_URL.check)(url).is_ok() {
            let message = format!("`sso.saml_config.{key}` sends logins over unencrypted http");
            add(false, message, "use https".to_owned());
        }
    }
    if let Some(pem) = text("remote_cert").filter(|text| (PEM.check)(text).is_ok()) {
        match valid_until(pem) {
            Err(why) => add(
                true,
                format!("the certificate in `sso.saml_config.remote_cert` cannot be read: {why}"),
                "copy the complete PEM, as a block of lines after `|`".to_owned(),
            ),
            Ok(until) if until < Timestamp::now() => {
                add(
                    false,
                    format!(
                        "the certificate in `sso.saml_config.remote_cert` expired on {}",
                        until.strftime("%Y-%m-%d")
                    ),
                    "ask the service provider for its current certificate".to_owned(),
                );
            }
            Ok(_) => {}
        }
    }
}

fn configurable(application: &Declaration, findings: &mut Vec<Diagnostic>) {
    let Some(kind) = application.variant.as_ref().filter(|kind| PANEL_ONLY.contains(&kind.value.as_str()))
    else {
        return;
    };
    let Some(document) = application.settings.get("sso") else { return };
    let message = format!("Duo's API probably does not accept `sso` for the type `{}`", kind.value);
    let finding = Diagnostic::warning(Code::DoubtfulSso, document.span, message);
    findings.push(finding.help("configure it in the Duo Admin Panel, and remove `sso`"));
}

fn creatable(application: &Declaration, findings: &mut Vec<Diagnostic>) {
    let Some(kind) = &application.variant else { return };
    let Some((_, section, required)) = REQUIRED.iter().find(|(name, _, _)| *name == kind.value) else {
        return;
    };
    let document = application.settings.get("sso");
    let place = document.map_or(kind.span, |document| document.span);
    let config = match document {
        Some(Spanned { value: Setting::Document(document), .. }) => document.get(section),
        // An invalid document is reported already.
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
            "add them, because Duo probably requires them; or pin an existing application with `integration_key`",
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
            "map each claim to an attribute: [{idp_attribute: mail, oidc_claim: email}]",
        );
    }
}
