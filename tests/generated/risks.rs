//! The table of `docs/reference/risks.md`: every field of an application, every kind of transition, and its risk.

use std::collections::BTreeSet;

use duoctl::kinds::application::fields::{FIELDS, field};
use duoctl::kinds::networks::Networks;
use duoctl::kinds::risk::Risk;
use duoctl::kinds::risk::Risk::*;
use duoctl::kinds::value::FieldValue;
use serde_json::json;

use super::row;

type Row = (&'static str, &'static str, FieldValue, FieldValue, Risk);

fn text(text: &str) -> FieldValue {
    FieldValue::Text(text.to_owned())
}

fn set(names: &[&str]) -> FieldValue {
    FieldValue::Set(names.iter().map(|name| (*name).to_owned()).collect())
}

fn networks(entries: &[&str]) -> FieldValue {
    FieldValue::Networks(Networks::parse(entries).unwrap())
}

fn document(sign: bool) -> FieldValue {
    FieldValue::Document([("saml_config.sign_response".to_owned(), json!(sign))].into())
}

fn rows() -> Vec<Row> {
    use FieldValue::{Flag, Unset};
    let mut rows = vec![
        ("name", "another name", text("VPN"), text("Remote access"), Neutral),
        ("groups_allowed", "a group added", set(&["a"]), set(&["a", "b"]), WidensAccess),
        ("groups_allowed", "a group removed", set(&["a", "b"]), set(&["a"]), NarrowsAccess),
        ("groups_allowed", "replaced by another group", set(&["a"]), set(&["b"]), WidensAccess),
        ("groups_allowed", "the last group removed", set(&["a"]), Unset, WidensAccess),
        ("groups_allowed", "no groups → some", Unset, set(&["a"]), WidensAccess),
        ("policy", "attached", Unset, text("PO1"), WidensAccess),
        ("policy", "another one", text("PO1"), text("PO2"), WidensAccess),
        ("policy", "detached", text("PO1"), Unset, WidensAccess),
        ("permissions", "one revoked", set(&["info", "read_log"]), set(&["info"]), ReducesPrivilege),
        ("permissions", "replaced by another one", set(&["info"]), set(&["read_log"]), EscalatesPrivilege),
        ("permissions", "all revoked", set(&["info"]), Unset, ReducesPrivilege),
        ("permissions", "none → one", Unset, set(&["info"]), EscalatesPrivilege),
        (
            "networks_for_api_access",
            "restricted for the first time",
            Unset,
            networks(&["192.0.2.0/24"]),
            NarrowsAccess,
        ),
        (
            "networks_for_api_access",
            "a smaller network",
            networks(&["192.0.2.0/24"]),
            networks(&["192.0.2.9"]),
            NarrowsAccess,
        ),
        (
            "networks_for_api_access",
            "a larger network",
            networks(&["192.0.2.0/24"]),
            networks(&["192.0.2.0/23"]),
            WidensAccess,
        ),
        (
            "networks_for_api_access",
            "another network",
            networks(&["192.0.2.0/24"]),
            networks(&["198.51.100.0/24"]),
            WidensAccess,
        ),
        ("networks_for_api_access", "restriction removed", networks(&["192.0.2.0/24"]), Unset, WidensAccess),
        (
            "networks_for_api_access",
            "from a value that cannot be read",
            text("office"),
            networks(&["192.0.2.9"]),
            WidensAccess,
        ),
        ("self_service_allowed", "on", Flag(false), Flag(true), WidensAccess),
        ("self_service_allowed", "off", Flag(true), Flag(false), NarrowsAccess),
        ("prompt_v4_enabled", "on", Flag(false), Flag(true), Neutral),
        ("prompt_v4_enabled", "off", Flag(true), Flag(false), Neutral),
        ("username_normalization_policy", "none → simple", text("none"), text("simple"), WidensAccess),
        ("username_normalization_policy", "simple → none", text("simple"), text("none"), NarrowsAccess),
        ("greeting", "another text", text("Hello"), Unset, Neutral),
        ("notes", "another text", Unset, text("Ours"), Neutral),
        ("sso", "any setting", document(true), document(false), WidensAccess),
        ("sso", "removed", document(true), Unset, WidensAccess),
    ];
    let access = [("NO_USERS", 0), ("PERMITTED_GROUPS", 1), ("ALL_USERS", 2), ("(unknown to duoctl)", 2)];
    for (before, from) in access {
        for (after, to) in &access[..3] {
            if before != *after {
                let words: &'static str = format!("{before} → {after}").to_lowercase().leak();
                let risk = if *to < from { NarrowsAccess } else { WidensAccess };
                rows.push(("user_access", words, text(before), text(after), risk));
            }
        }
    }
    // Granting any flag to a key is an escalation.
    for flag in duoctl::duo::catalogue::PERMISSIONS {
        let words: &'static str = format!("`{}` added", flag.name).leak();
        rows.push(("permissions", words, set(&["held"]), set(&["held", flag.name]), EscalatesPrivilege));
    }
    rows.sort_by_key(|(key, ..)| FIELDS.iter().position(|field| field.name() == *key));
    rows
}

pub(crate) fn table() -> String {
    let rows = rows();
    let covered: BTreeSet<&str> = rows.iter().map(|(key, ..)| *key).collect();
    for field in FIELDS.iter().filter(|field| field.is_compared()) {
        let name = field.name();
        assert!(covered.contains(name), "{name} has no row: what does a change of it risk?");
    }
    let mut page = row(["Field", "Change", "Risk", "Why"]) + "|---|---|---|---|\n";
    for (key, words, before, after, expected) in rows {
        let field = field(key).unwrap();
        let (risk, reason) = (field.risk)(&before, &after);
        assert_eq!(risk, expected, "{key}: {words}");
        let reason = if reason.is_empty() { "no access changes" } else { reason };
        page += &row([&format!("`{key}`"), words, &format!("`{risk}`"), reason]);
    }
    page
}
