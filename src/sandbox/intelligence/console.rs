//! The console: Integrations, the Duo form, API clients, System Logs. Server-rendered, without scripts.
//!
//! It only answers on loopback names, so that no foreign name can point at it, and only accepts forms from its own pages.

use std::io;

use serde_json::json;

use super::super::message::{RawReply, RawRequest, bare_host};
use super::super::paths::{GRAPHQL_PATH, TOKEN_PATH};
use super::super::state::Account;
use super::html::{page, redirect, text};
use super::integration::Integration;
use super::{clients, system_logs};
use fields::{Fields, HOME};

mod fields;
mod form;
mod list;

pub(super) fn answer(account: &mut Account, request: &RawRequest, now: i64) -> RawReply {
    let authority = request.header("host").unwrap_or_default().to_ascii_lowercase();
    if !matches!(bare_host(&authority), "localhost" | "127.0.0.1" | "[::1]") {
        return refused(
            403,
            "Only loopback addresses",
            "Open the console at the address that the sandbox prints.",
            now,
        );
    }
    if request.method == "POST" && request.header("origin") != Some(&format!("https://{authority}")) {
        return refused(403, "Not from here", "This form was not sent by a page of the console.", now);
    }
    route(account, request, &authority, now).unwrap_or_else(|error| {
        refused(500, "The sandbox failed", &format!("The state cannot be written: {error}"), now)
    })
}

fn refused(status: u16, title: &str, sentence: &str, now: i64) -> RawReply {
    let back = format!("<p>{}</p><p><a href=\"{HOME}\">Integrations</a></p>", text(sentence));
    page(status, title, "", &back, now)
}

fn route(account: &mut Account, request: &RawRequest, authority: &str, now: i64) -> io::Result<RawReply> {
    let segments: Vec<&str> = request.path().split('/').filter(|part| !part.is_empty()).skip(1).collect();
    let fields = Fields::of(request);
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", []) => Ok(redirect(HOME, now)),
        ("GET", ["integrations"]) => Ok(list::integrations(account, request.query(), now)),
        ("GET", ["integrations", "add"]) => Ok(list::add(now)),
        ("GET", ["integrations", "duo"]) => Ok(form::show(&Integration::default(), &[], now)),
        ("POST", ["integrations", "duo"]) => form::save(account, Integration::default(), &fields, now),
        ("GET", ["api-clients"]) => Ok(list::api_clients(account, now)),
        ("GET", ["api-clients", "add"]) => Ok(form::show_client("", now)),
        ("POST", ["api-clients", "add"]) => generate(account, &fields, authority, now),
        ("POST", ["api-clients", id, "delete"]) => {
            clients::remove(account, id)?;
            Ok(redirect("/console/api-clients", now))
        }
        ("GET", ["logs"]) => Ok(list::logs(&system_logs::newest(account, 200), now)),
        (method @ ("GET" | "POST"), ["integrations", short, rest @ ..]) => {
            match Integration::load(account, short) {
                Some(integration) => one(account, integration, method, rest, &fields, now),
                None => Ok(refused(404, "Not found", "There is no such integration.", now)),
            }
        }
        ("GET" | "POST", _) => Ok(refused(404, "Not found", "There is no such page.", now)),
        _ => Ok(refused(405, "Not allowed", "The console only accepts GET and POST.", now)),
    }
}

/// An entry of an integration's menu.
fn one(
    account: &mut Account,
    mut integration: Integration,
    method: &str,
    action: &[&str],
    fields: &Fields,
    now: i64,
) -> io::Result<RawReply> {
    let here = format!("{HOME}?open={0}#integration-{0}", integration.short());
    match (method, action) {
        ("GET", []) => Ok(form::show(&integration, &[], now)),
        ("POST", []) => form::save(account, integration, fields, now),
        ("POST", ["test"]) => {
            integration.test(account, now)?;
            Ok(redirect(&here, now))
        }
        ("POST", ["collect"]) => {
            integration.collect(account, now, true)?;
            Ok(redirect(&here, now))
        }
        ("GET", ["delete"]) => Ok(form::confirm_delete(&integration, now)),
        ("POST", ["delete"]) => {
            integration.delete(account)?;
            let name = integration.display_name.as_str();
            system_logs::note(
                account,
                now,
                name,
                "Mutation__deleteIntegrationInstance",
                "SUCCESS",
                "deleted",
            )?;
            Ok(redirect(HOME, now))
        }
        _ => Ok(refused(404, "Not found", "The menu has no such entry.", now)),
    }
}

/// `Save and generate credentials`: the only time the secret is shown.
fn generate(account: &mut Account, fields: &Fields, authority: &str, now: i64) -> io::Result<RawReply> {
    let name = fields.text("name");
    if name.is_empty() {
        return Ok(form::show_client("Give the API client a name.", now));
    }
    let base = format!("https://{authority}");
    let audience = fields.on("audience").then(|| format!("{base}/identity-intelligence"));
    let client = clients::create(account, &name, &fields.text("description"), audience, now)?;
    let mut copied = json!({
        "clientId": client.client_id, "clientSecret": client.client_secret.expose(),
        "tokenUrl": format!("{base}{TOKEN_PATH}"), "apiUrl": format!("{base}{GRAPHQL_PATH}"),
    });
    if let (Some(audience), Some(copied)) = (client.audience, copied.as_object_mut()) {
        copied.insert("audience".to_owned(), json!(audience));
    }
    Ok(form::credentials(&name, &serde_json::to_string_pretty(&copied)?, now))
}
