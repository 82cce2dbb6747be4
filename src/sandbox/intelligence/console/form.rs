//! The forms of the console. An entered secret is never sent back to the browser.

use std::io;

use super::super::super::message::RawReply;
use super::super::super::state::Account;
use super::super::html::{page, redirect, text};
use super::super::integration::{Integration, Mistake};
use super::super::system_logs;
use super::fields::{Fields, HOME};
use crate::secret::last_four;

/// The Duo form: General Settings and Advanced Settings (identity-intelligence.md, section 1.2).
pub(super) fn show(integration: &Integration, mistakes: &[Mistake], now: i64) -> RawReply {
    let new = integration.id.is_empty();
    let action = if new { "duo".to_owned() } else { text(integration.short()) };
    let field = |name: &'static str, label: &str, value: &str, hint: &str| {
        input("text", name, label, value, hint, mistakes)
    };
    let secret = |name: &'static str, label: &str, kept: &str| {
        let hint = if kept.is_empty() || new {
            String::new()
        } else {
            format!("Leave it empty to keep the one that ends in {}.", text(&last_four(kept)))
        };
        input("password", name, label, "", &hint, mistakes)
    };
    let checked = |on: bool| if on { " checked" } else { "" };
    let summary = if mistakes.is_empty() {
        String::new()
    } else {
        "<p class=\"wrong\" role=\"alert\">The form was not saved. Enter the secret keys again.</p>"
            .to_owned()
    };
    let body = format!(
        "{summary}<form method=\"post\" action=\"/console/integrations/{action}\" autocomplete=\"off\">\
         <fieldset id=\"general\"><legend>General Settings</legend>{name}{host}{ikey}{skey}\
         <label class=\"switch\"><input type=\"checkbox\" id=\"push_verification\" name=\"push_verification\"{push}> \
         Support Push Verification</label><div class=\"push-fields\">{auth_ikey}{auth_skey}</div></fieldset>\
         <fieldset id=\"advanced\"><legend>Advanced Settings</legend>\
         <label class=\"switch\"><input type=\"checkbox\" id=\"endpoints\" name=\"endpoints\"{endpoints}> Endpoints</label>\
         <p class=\"hint\">If the Duo subscription is Advantage or above.</p></fieldset>\
         <div class=\"actions\"><button class=\"primary\">Save</button><a class=\"button\" href=\"{HOME}\">Cancel</a></div></form>",
        name = field("display_name", "Display name", &integration.display_name, ""),
        host = field(
            "api_hostname",
            "API hostname",
            &integration.api_hostname,
            "Of the form api-xxxxxxx.duosecurity.com, without https://."
        ),
        ikey = field("integration_key", "Integration key", &integration.integration_key, ""),
        skey = secret("secret_key", "Secret key", &integration.secret_key),
        push = checked(integration.push),
        auth_ikey =
            field("auth_integration_key", "Auth API integration key", &integration.auth_integration_key, ""),
        auth_skey = secret("auth_secret_key", "Auth API secret key", &integration.auth_secret_key),
        endpoints = checked(integration.endpoints),
    );
    let title = if new { "Add Duo integration" } else { "Edit Duo integration" };
    page(if mistakes.is_empty() { 200 } else { 422 }, title, "Integrations", &body, now)
}

fn input(
    kind: &str,
    name: &'static str,
    label: &str,
    value: &str,
    hint: &str,
    mistakes: &[Mistake],
) -> String {
    let mistake = mistakes.iter().find(|mistake| mistake.field == name);
    let invalid = if mistake.is_some() { " aria-invalid=\"true\"" } else { "" };
    let wrong = mistake.map(|mistake| format!("<p class=\"wrong\">{}</p>", text(&mistake.message)));
    let hint = if hint.is_empty() { String::new() } else { format!("<p class=\"hint\">{hint}</p>") };
    format!(
        "<label for=\"{name}\">{label}</label>\
         <input type=\"{kind}\" id=\"{name}\" name=\"{name}\" value=\"{}\" spellcheck=\"false\" autocomplete=\"off\"{invalid}>{}{hint}",
        text(value),
        wrong.unwrap_or_default()
    )
}

/// Saves the form, or shows it again with its mistakes.
pub(super) fn save(
    account: &mut Account,
    before: Integration,
    fields: &Fields,
    now: i64,
) -> io::Result<RawReply> {
    let kept = |name: &str, kept: &str| {
        let typed = fields.text(name);
        if typed.is_empty() { kept.to_owned() } else { typed }
    };
    let mut integration = Integration {
        display_name: fields.text("display_name"),
        api_hostname: fields.text("api_hostname"),
        integration_key: fields.text("integration_key"),
        secret_key: kept("secret_key", &before.secret_key),
        push: fields.on("push_verification"),
        auth_integration_key: fields.text("auth_integration_key"),
        auth_secret_key: kept("auth_secret_key", &before.auth_secret_key),
        endpoints: fields.on("endpoints"),
        ..before.clone()
    };
    if !integration.push {
        integration.auth_integration_key = String::new();
        integration.auth_secret_key = String::new();
    }
    let mistakes = integration.mistakes(&Integration::all(account));
    if !mistakes.is_empty() {
        return Ok(show(&integration, &mistakes, now));
    }
    let event = if integration.id.is_empty() {
        integration.name_new()?;
        "Mutation__createIntegrationInstance"
    } else {
        "Mutation__updateIntegrationInstance"
    };
    integration.save(account)?;
    system_logs::note(account, now, &integration.display_name, event, "SUCCESS", "saved")?;
    Ok(redirect(&format!("{HOME}?open={0}#integration-{0}", integration.short()), now))
}

pub(super) fn confirm_delete(integration: &Integration, now: i64) -> RawReply {
    let body = format!(
        "<p>Delete the integration <strong>{}</strong> with everything that was collected through it?</p>\
         <form method=\"post\" action=\"/console/integrations/{}/delete\" class=\"actions\">\
         <button class=\"danger\">Delete</button><a class=\"button\" href=\"{HOME}\">Cancel</a></form>",
        text(&integration.display_name),
        text(integration.short())
    );
    page(200, "Delete integration", "Integrations", &body, now)
}

/// `Add API Client`.
pub(super) fn show_client(mistake: &str, now: i64) -> RawReply {
    let mistakes: Vec<Mistake> = (!mistake.is_empty())
        .then(|| Mistake { field: "name", message: mistake.to_owned() })
        .into_iter()
        .collect();
    let body = format!(
        "<form method=\"post\" action=\"/console/api-clients/add\" autocomplete=\"off\"><div class=\"card\">{}{}\
         <label class=\"switch\"><input type=\"checkbox\" id=\"audience\" name=\"audience\"> As if made before September 2025: \
         it needs an audience</label></div>\
         <div class=\"actions\"><button class=\"primary\">Save and generate credentials</button>\
         <a class=\"button\" href=\"{HOME}\">Cancel</a></div></form>",
        input("text", "name", "Name", "", "", &mistakes),
        input("text", "description", "Description", "", "", &mistakes),
    );
    page(if mistake.is_empty() { 200 } else { 422 }, "Add API Client", "API Clients", &body, now)
}

pub(super) fn credentials(name: &str, copied: &str, now: i64) -> RawReply {
    let body = format!(
        "<div class=\"card\"><p>The credentials of <strong>{}</strong>. They are shown only once: copy all of it into a \
         file that git ignores, and name the file in the YAML as <code>api: {{file: ...}}</code> of the entry.</p>\
         <pre id=\"credentials\">{}</pre></div><p><a href=\"/console/api-clients\">API Clients</a></p>",
        text(name),
        text(copied)
    );
    page(200, "API client credentials", "API Clients", &body, now)
}
