//! The console's lists: integrations with their menus, API clients, System Logs.

use serde_json::Value;

use super::super::super::message::RawReply;
use super::super::super::state::Account;
use super::super::clients;
use super::super::html::{badge, moment, page, text};
use super::super::integration::{Integration, Outcome};

pub(super) fn integrations(account: &Account, query: &str, now: i64) -> RawReply {
    let open = query.split('&').find_map(|part| part.strip_prefix("open=")).unwrap_or_default();
    let bars: String = Integration::all(account)
        .iter()
        .map(|integration| bar(integration, integration.short() == open))
        .collect();
    let list = if bars.is_empty() {
        "<p class=\"card\">There is no integration yet. A real tenant already has the one that the Duo Admin Panel \
         provisioned; it is not part of the rehearsal.</p>"
            .to_owned()
    } else {
        bars
    };
    let body = format!(
        "<p><a class=\"button primary\" href=\"/console/integrations/add\">+ Add Integration</a></p>{list}"
    );
    page(200, "Integrations", "Integrations", &body, now)
}

fn bar(integration: &Integration, open: bool) -> String {
    let short = text(integration.short());
    let state = integration.collection.as_ref().or(integration.test.as_ref());
    let state = state.map_or_else(|| badge("NEW"), |outcome| badge(&outcome.status));
    let button = |action: &str, label: &str| {
        format!(
            "<form method=\"post\" action=\"/console/integrations/{short}/{action}\"><button>{label}</button></form>"
        )
    };
    format!(
        "<details id=\"integration-{short}\"{open}><summary><strong>{name}</strong> Duo {state}</summary>\
         <div class=\"inside\"><div class=\"menu\">{test}{collect}\
         <a class=\"button\" href=\"/console/integrations/{short}\">Edit</a>\
         <a class=\"button\" href=\"/console/integrations/{short}/delete\">Delete</a></div>\
         <dl><dt>API hostname</dt><dd>{host}</dd><dt>Integration key</dt><dd>{ikey}</dd>\
         <dt>Support Push Verification</dt><dd>{push}</dd><dt>Endpoints</dt><dd>{endpoints}</dd></dl>\
         {tested}{collected}</div></details>",
        open = if open { " open" } else { "" },
        name = text(&integration.display_name),
        test = button("test", "Test Connectivity"),
        collect = button("collect", "Collect Now"),
        host = text(&integration.api_hostname),
        ikey = text(&integration.integration_key),
        push = if integration.push { "on" } else { "off" },
        endpoints = if integration.endpoints { "on" } else { "off" },
        tested = outcome("Test Connectivity", integration.test.as_ref()),
        collected = outcome("Last collection", integration.collection.as_ref()),
    )
}

fn outcome(title: &str, outcome: Option<&Outcome>) -> String {
    let Some(outcome) = outcome else { return String::new() };
    let lines: String = outcome.lines.iter().map(|line| format!("<li>{}</li>", text(line))).collect();
    let error = outcome.error.as_ref().map(|error| format!("<p class=\"wrong\">{}</p>", text(error)));
    format!(
        "<h2>{title} {}</h2><p class=\"hint\">{}</p>{}<ul>{lines}</ul>",
        badge(&outcome.status),
        moment(outcome.date),
        error.unwrap_or_default()
    )
}

pub(super) fn add(now: i64) -> RawReply {
    let body = "<div class=\"card\"><h2>Duo</h2><p>Users, groups, devices and events of a Duo account.</p>\
                <a class=\"button primary\" href=\"/console/integrations/duo\">Duo</a></div>\
                <div class=\"card\"><h2>API Client</h2><p>Credentials for the public API.</p>\
                <a class=\"button primary\" href=\"/console/api-clients/add\">Add API Client</a></div>";
    page(200, "Add Integration", "Integrations", body, now)
}

pub(super) fn api_clients(account: &Account, now: i64) -> RawReply {
    let rows: String = clients::all(account)
        .map(|(id, client)| {
            format!(
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>\
                 <form method=\"post\" action=\"/console/api-clients/{}/delete\"><button class=\"danger\">Delete</button></form></td></tr>",
                text(&client.name),
                text(&client.description),
                text(&id),
                if client.audience.is_some() { "needed" } else { "none" },
                moment(client.created),
                text(&id)
            )
        })
        .collect();
    let body = format!(
        "<p><a class=\"button primary\" href=\"/console/api-clients/add\">Add API Client</a></p>\
         <table><thead><tr><th>Name</th><th>Description</th><th>Client id</th><th>Audience</th><th>Created</th><th></th></tr></thead>\
         <tbody>{rows}</tbody></table>"
    );
    page(200, "API Clients", "API Clients", &body, now)
}

pub(super) fn logs(entries: &[&Value], now: i64) -> RawReply {
    let cell = |entry: &Value, key: &str| text(entry.get(key).and_then(Value::as_str).unwrap_or_default());
    let rows: String = entries
        .iter()
        .map(|entry| {
            format!(
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                moment(entry.get("time").and_then(Value::as_i64).unwrap_or_default()),
                cell(entry, "integration"),
                cell(entry, "event"),
                badge(entry.get("status").and_then(Value::as_str).unwrap_or_default()),
                cell(entry, "detail")
            )
        })
        .collect();
    let body = format!(
        "<table><thead><tr><th>Time</th><th>Integration</th><th>Event</th><th>Status</th><th>Detail</th></tr></thead>\
         <tbody>{rows}</tbody></table>"
    );
    page(200, "System Logs", "System Logs", &body, now)
}
