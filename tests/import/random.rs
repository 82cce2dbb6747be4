//! Random applications like those that ten years of clicking leave behind.

use std::collections::BTreeSet;

use duoctl::duo::catalogue::kinds;
use duoctl::sandbox::direct::Direct;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Typical names.
pub(crate) const NAMES: &[&str] = &[
    "VPN",
    "vpn",
    "VPN ",
    "Wiki",
    "Büro Zürich",
    "🔥 Fire 👩‍💻",
    "خدمة الشبكة",
    "שלום\u{202e}",
    "内部システム",
    "No",
    "null",
    "1:30",
    "2027-01-01",
    "a: b",
    "- x",
    "# hash",
    "{json}",
    "[duoctl x/y z]",
    "bell\u{7}",
    "two\nlines",
    "tab\tbed",
    " ",
    "'quoted' \"twice\"",
    "back\\slash",
    "\u{feff}bom",
    "nel\u{85}x",
    "Identity Intelligence: EMEA",
    "0600",
    "~",
    "*alias",
    "&anchor",
    "!tag",
    "%dir",
    "@at",
    "`tick`",
    "e\u{301}",
    "é",
];

fn a_name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned),
        2 => "\\PC{1,20}",
        1 => any::<String>().prop_filter("Duo wants a name", |name| !name.is_empty()),
        1 => "[A-Za-z ]{60,120}",
    ]
}

fn a_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        2 => "[A-Za-z .,:#'\"-]{1,60}",
        1 => "([ -~]{0,20}\n){1,4}",
        1 => any::<String>(),
        1 => "[a-z ]{380,511}",
        1 => Just("owned [duoctl acme/applications.x".to_owned()),
        1 => Just("key: 0123456789abcdefABCDEF0123456789abcdefAB".to_owned()),
        1 => Just("[duoctl other/applications.vpn -]".to_owned()),
        1 => Just("text\n[duoctl acme/applications.gone -]".to_owned()),
        1 => Just("[duoctl acme/applications.lost - quarantined:2026-01-01]".to_owned()),
        1 => Just("[duoctl acme/identity_intelligence.emea.admin_api -]".to_owned()),
    ]
}

fn a_kind() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec!["radius", "websdk", "adminapi", "accountsapi", "authapi", "sso-generic", "sso-oidc-generic",
            "sso-oauth-client-credentials", "unix"]).prop_map(str::to_owned),
        2 => prop::sample::select(kinds().iter().map(|kind| kind.name.to_owned()).collect::<Vec<_>>()),
        1 => Just("brand-new-type".to_owned()),
    ]
}

#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) kind: String,
    name: String,
    notes: String,
    greeting: String,
    access: u8,
    groups: Vec<u8>,
    policy: Option<u8>,
    flags: [bool; 3],
    normalization: Option<bool>,
    networks: Vec<String>,
    permissions: Vec<u8>,
    sso: Value,
}

fn an_sso() -> impl Strategy<Value = Value> {
    (a_text(), any::<bool>(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..3)).prop_map(|(text, on, number, roles)| {
        let ids: Vec<String> = roles.iter().map(|role| format!("group:{role}")).collect();
        json!({
            "saml_config": {"entity_id": format!("https://{number}.example.com"), "acs_urls": [{"url": format!("https://{number}.example.com/acs"), "index": number % 3}],
                "sign_assertion": on, "encrypt_assertion": on, "relaystate": text, "role_attrs": {"role": {"admin": ids}}, "mapped_attrs": {"<Email Address>": "mail"},
                "attribute_transformations": {"nick": "use \"<Username>\"\nprepend text=\"dev-\""}, "future": {"x": 1}},
            "oidc_config": {"grant_types": {"authorization_code": on, "refresh_token": {"refresh_token_single_lifespan": 86400}},
                "redirect_uris": [format!("https://{number}.example.com/cb")], "scopes": [{"name": "openid"}, {"name": "email", "idp_attribute_claim_mapping": [{"idp_attribute": "mail", "oidc_claim": "email"}]}]},
            "oauth_config": {"scopes": [{"id": format!("s{number}"), "name": "read"}], "clients": [{"client_id": "c1", "name": "job", "assigned_scopes_ids": [format!("s{number}")]}]},
        })
    })
}

pub(crate) fn an_app() -> impl Strategy<Value = App> {
    let who = (0_u8..4, prop::collection::vec(any::<u8>(), 0..4), prop::option::of(any::<u8>()));
    let rest = (
        any::<[bool; 3]>(),
        prop::option::of(any::<bool>()),
        prop::collection::vec(
            prop::sample::select(vec!["192.0.2.0/24", "198.51.100.7", "10.0.0.1-10.0.0.9", "2001:db8::/32"])
                .prop_map(str::to_owned),
            0..3,
        ),
        prop::collection::vec(any::<u8>(), 0..5),
        an_sso(),
    );
    (a_kind(), a_name(), a_text(), a_text(), who, rest).prop_map(
        |(
            kind,
            name,
            notes,
            greeting,
            (access, groups, policy),
            (flags, normalization, networks, permissions, sso),
        )| App {
            kind,
            name,
            notes,
            greeting,
            access,
            groups,
            policy,
            flags,
            normalization,
            networks,
            permissions,
            sso,
        },
    )
}

const FLAGS: [&str; 11] = [
    "adminapi_admins",
    "adminapi_admins_read",
    "adminapi_allow_to_set_permissions",
    "adminapi_info",
    "adminapi_integrations",
    "adminapi_integrations_read",
    "adminapi_read_log",
    "adminapi_read_resource",
    "adminapi_settings",
    "adminapi_settings_read",
    "adminapi_write_resource",
];

/// Puts the applications into an account with some groups and policies, two of each name.
pub(crate) fn fill(direct: &Direct, apps: &[App]) {
    let mut account = direct.account();
    let names = ["Staff", "Interns", "Interns", "عربي", "NO", "1:30", "Staff (from AD sync \"HQ\")"];
    let groups: Vec<String> = names.iter().map(|name| account.add_group(name).unwrap()).collect();
    let policies: Vec<String> =
        ["Strict", "Twin", "Twin"].iter().map(|name| account.add_policy(name).unwrap()).collect();
    let gone = account.add_group("Gone").unwrap();
    account.remove_group(&gone).unwrap();
    let pick = |ids: &[String], place: u8| ids[usize::from(place) % ids.len()].clone();
    for app in apps {
        let section = match app.kind.as_str() {
            "sso-oidc-generic" => "oidc_config",
            kind if kind.starts_with("sso-oauth-") => "oauth_config",
            _ => "saml_config",
        };
        let mut sso = json!({section: app.sso[section]});
        if let Some(Value::Array(ids)) = sso.pointer_mut("/saml_config/role_attrs/role/admin") {
            for id in ids {
                let place = id.as_str().unwrap().strip_prefix("group:").unwrap().parse().unwrap();
                *id = json!(pick(&groups, place));
            }
        }
        let access = ["ALL_USERS", "PERMITTED_GROUPS", "PERMITTED_GROUPS", "NO_USERS"];
        let mut stored = json!({
            "kind": app.kind, "name": app.name, "notes": app.notes, "greeting": app.greeting,
            "user_access": access[usize::from(app.access)],
            "groups_allowed": app.groups.iter().map(|place| pick(&groups, *place)).chain([gone.clone()]).collect::<BTreeSet<_>>(),
            "policy_key": app.policy.map(|place| pick(&policies, place)),
            "self_service_allowed": app.flags[0], "frameless": app.flags[1], "universal_prompt": app.flags[2],
            "normalization": app.normalization.map(|simple| if simple { "Simple" } else { "None" }),
        });
        if app.kind == "adminapi" {
            stored["permissions"] =
                app.permissions.iter().map(|place| FLAGS[usize::from(*place) % FLAGS.len()]).collect();
        }
        if matches!(app.kind.as_str(), "adminapi" | "accountsapi") {
            stored["networks"] = json!(app.networks);
        }
        if app.kind.starts_with("sso-") {
            stored["sso"] = sso;
        }
        account.place_application(&stored).unwrap();
    }
}
