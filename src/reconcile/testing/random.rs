//! Random workspaces and accounts: every field, several types, odd values and markers of every kind.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use crate::diagnostic::Spanned;
use crate::duo::object::Ikey;
use crate::kinds::address::Address;
use crate::kinds::marker::{AccessBefore, AppliedFields, Marker, MarkerState, Notes, Shut};
use crate::kinds::value::Setting;
use crate::reconcile::desired::Desired;

use super::fake_duo::{FakeDuo, PERMISSIONS, Quirks};
use super::{App, HERE, WORKSPACE, app, desired, now};

const KINDS: [&str; 8] = [
    "adminapi",
    "accountsapi",
    "authapi",
    "radius",
    "websdk",
    "sso-generic",
    "sso-oidc-generic",
    "sso-oauth-client-credentials",
];
const NAMES: [&str; 5] = ["VPN", " Portal ", "Wiki <&> co", "Cafe\u{301}", "::error::\u{202e}\u{1b}[31m"];
const TEXTS: [&str; 6] = ["", "plain", " padded ", "two\nlines & <b>", "[Duo] quoted", "Cafe\u{301}"];
const GROUPS: [&str; 4] = ["VPN Users", "DG2", "Staff", "Admins"];
const NETWORKS: [&str; 4] = ["192.0.2.0/24", "192.0.2.7", "198.51.100.1-198.51.100.9", "2001:db8::/32"];

fn has_users(kind: &str) -> bool {
    !matches!(kind, "adminapi" | "accountsapi")
}

fn texts() -> impl Strategy<Value = Setting> {
    prop_oneof![Just(Setting::Clear), select(&TEXTS[..]).prop_map(|text| Setting::Text(text.to_owned()))]
}

fn list(items: &[&str]) -> Setting {
    Setting::List(items.iter().map(|item| Spanned::new((*item).to_owned(), HERE)).collect())
}

fn access(kind: &'static str) -> BoxedStrategy<Vec<(&'static str, Setting)>> {
    let word = |word: &str| ("user_access", Setting::Text(word.to_owned()));
    let plain = select(vec!["all_users", "no_users"]).prop_map(move |access| vec![word(access)]);
    if !has_users(kind) {
        return plain.boxed();
    }
    let cleared = select(vec!["all_users", "no_users"])
        .prop_map(move |access| vec![word(access), ("groups_allowed", Setting::Clear)]);
    let groups = subsequence(&GROUPS[..], 1..=4)
        .prop_map(move |groups| vec![word("permitted_groups"), ("groups_allowed", list(&groups))]);
    prop_oneof![plain, cleared, groups].boxed()
}

fn document(kind: &'static str) -> BoxedStrategy<Value> {
    let url = select(vec!["https://a.example.com/acs", "https://b.example.com/acs"]);
    match kind {
        "sso-generic" => (url, any::<bool>(), option::of(subsequence(&GROUPS[..], 1..=3)), 0..4)
            .prop_map(|(url, sign, groups, extras)| {
                let mut saml = json!({"entity_id": "https://wiki.example.com", "sign_assertion": sign,
                    "acs_urls": [{"url": url, "isDefault": true}, {"url": url, "binding": "artifact"}]});
                if let Some(groups) = groups {
                    let named = |group: &&str| match group.starts_with("DG") {
                        true => json!({"id": group}),
                        false => json!(group),
                    };
                    let groups: Vec<Value> = groups.iter().map(named).collect();
                    saml["role_attrs"] = json!({"a.role": {"admin": groups, "one": "Staff"}});
                }
                match extras {
                    0 => saml["relaystate"] = Value::Null,
                    1 => saml["mapped_attrs"] = json!({"mail.x": "mail", "mail": {}}),
                    2 => saml["static_attrs"] = Value::Null,
                    _ => {}
                }
                json!({"saml_config": saml})
            })
            .boxed(),
        "sso-oidc-generic" => (url, any::<bool>(), any::<bool>())
            .prop_map(|(uri, code, mapped)| {
                let email = json!({"name": "email",
                    "idp_attribute_claim_mapping": [{"idp_attribute": "mail", "oidc_claim": "email"}]});
                let scopes =
                    if mapped { json!([{"name": "openid"}, email]) } else { json!([{"name": "openid"}]) };
                json!({"oidc_config": {"grant_types": {"authorization_code": code, "refresh_token": code},
                    "redirect_uris": ["https://z.example.com", uri], "scopes": scopes}})
            })
            .boxed(),
        _ => any::<bool>()
            .prop_map(|described| {
                let client = json!({"client_id": "c1", "name": "job", "assigned_scopes_ids": ["s1"]});
                let description = if described { json!("reads") } else { Value::Null };
                json!({"oauth_config": {"clients": [client],
                    "scopes": [{"id": "s1", "name": "read", "description": description}]}})
            })
            .boxed(),
    }
}

fn fields(kind: &'static str) -> BoxedStrategy<Vec<(&'static str, Setting)>> {
    let of = |key: &'static str, strategy: BoxedStrategy<Setting>| {
        option::of(strategy.prop_map(move |setting| (key, setting))).boxed()
    };
    let flag = || any::<bool>().prop_map(Setting::Flag).boxed();
    let mut fields = vec![of("greeting", texts().boxed()), of("notes", texts().boxed())];
    if has_users(kind) {
        let policy = select(vec!["Strict", "PO2", ""]).prop_map(|policy| match policy {
            "" => Setting::Clear,
            policy => Setting::Text(policy.to_owned()),
        });
        let normalization = select(vec!["none", "simple"]).prop_map(|name| Setting::Text(name.to_owned()));
        fields.extend([
            of("policy", policy.boxed()),
            of("self_service_allowed", flag()),
            of("username_normalization_policy", normalization.boxed()),
        ]);
    } else {
        let networks = subsequence(&NETWORKS[..], 0..=4).prop_map(|networks| match networks.as_slice() {
            [] => Setting::Clear,
            networks => list(networks),
        });
        fields.push(of("networks_for_api_access", networks.boxed()));
    }
    if kind == "adminapi" {
        let names: Vec<&str> = PERMISSIONS.into_iter().chain(["settings_read"]).collect();
        fields.push(of("permissions", subsequence(names, 0..=6).prop_map(|names| list(&names)).boxed()));
    }
    if kind == "websdk" {
        fields.push(of("prompt_v4_enabled", flag()));
    }
    if kind.starts_with("sso-") {
        fields
            .push(of("sso", document(kind).prop_map(|document| Setting::Document(document.into())).boxed()));
    }
    (access(kind), fields)
        .prop_map(|(access, fields)| access.into_iter().chain(fields.into_iter().flatten()).collect())
        .boxed()
}

fn entry(key: String) -> impl Strategy<Value = App> {
    let kind = select(&KINDS[..]);
    let ignored = subsequence(vec!["greeting", "notes", "user_access", "name", "policy"], 0..=2);
    (
        kind.prop_flat_map(|kind| (Just(kind), fields(kind))),
        select(&NAMES[..]),
        any::<bool>(),
        option::weighted(0.2, ignored),
    )
        .prop_map(move |((kind, fields), name, protect, ignored)| {
            let application = app(&key, kind, name).ignore(&ignored.unwrap_or_default());
            let application =
                fields.into_iter().fold(application, |app, (field, setting)| app.set(field, setting));
            if protect { application.protect() } else { application }
        })
}

/// Up to five applications that share a few names, so that they collide with each other and with the account.
pub(crate) fn workspaces() -> impl Strategy<Value = Desired> {
    let entries: Vec<_> = (0..5).map(|n| option::weighted(0.7, entry(format!("a{n}")))).collect();
    entries.prop_map(|entries| desired(entries.into_iter().flatten()))
}

fn ikey(text: &str) -> Ikey {
    Ikey::new(text)
}

fn markers() -> impl Strategy<Value = Option<Marker>> {
    let long_ago = now() - jiff::SignedDuration::from_hours(48);
    let since = now();
    let states = vec![
        MarkerState::Owned,
        MarkerState::Owned,
        MarkerState::Creating { since: now() },
        MarkerState::Replaced,
        MarkerState::Quarantined(now()),
        MarkerState::Quarantined(long_ago),
        MarkerState::Rotating(ikey("DIGONE")),
        MarkerState::Renewing,
        MarkerState::Successor { of: ikey("DIGONE"), since },
        MarkerState::Delivered { of: ikey("DIGONE"), since, at: since },
        MarkerState::Abandoned { of: ikey("DIGONE") },
        MarkerState::Retired(now()),
        MarkerState::Retired(long_ago),
        MarkerState::Untested(None),
    ];
    let keys = vec!["a0", "a1", "a2", "a3", "gone", "left"];
    let shut = select(vec![
        Shut::default(),
        Shut { access: Some(AccessBefore::Everybody), ..Shut::default() },
        Shut { access: Some(AccessBefore::Groups(["DG1".to_owned()].into())), ..Shut::default() },
        Shut { access: Some(AccessBefore::Lost), ..Shut::default() },
        Shut { permissions: ["info".to_owned()].into(), ..Shut::default() },
    ]);
    option::of((select(keys), select(states), any::<bool>(), prop::bool::weighted(0.9), shut).prop_map(
        |(key, state, protected, ours, shut)| Marker {
            workspace: if ours { WORKSPACE } else { "other" }.to_owned(),
            address: Address::application(key),
            applied: AppliedFields::new(),
            shut: if state.shut_since().is_some() { shut } else { Shut::default() },
            state,
            was_shut: None,
            adopted: false,
            protected,
        },
    ))
}

/// One form of a switch as Duo, or an older Duo, might send it.
fn flags() -> impl Strategy<Value = Value> {
    select(vec![
        json!(0),
        json!(1),
        json!("0"),
        json!("1"),
        json!(true),
        json!(false),
        json!("odd"),
        Value::Null,
    ])
}

/// One property by its name; `null` leaves it out.
fn property(key: &'static str, values: Vec<Value>) -> impl Strategy<Value = (String, Value)> {
    select(values).prop_map(move |value| (key.to_owned(), value))
}

fn properties(kind: &'static str) -> BoxedStrategy<Vec<(String, Value)>> {
    let access = vec![
        json!("ALL_USERS"),
        json!("PERMITTED_GROUPS"),
        json!("NO_USERS"),
        json!("BRAND_NEW"),
        Value::Null,
    ];
    let groups = vec![json!([]), json!(["DG2", "DG1"]), json!(["DG3"]), json!(["DGGONE"]), Value::Null];
    let texts = || TEXTS.iter().map(|text| json!(text)).collect::<Vec<_>>();
    let mut all = vec![
        property("user_access", access).boxed(),
        property("groups_allowed", groups).boxed(),
        property("greeting", texts()).boxed(),
        property("policy_key", vec![Value::Null, json!("PO1"), json!("PO2"), json!("")]).boxed(),
    ];
    if has_users(kind) {
        all.push(flags().prop_map(|flag| ("self_service_allowed".to_owned(), flag)).boxed());
        let normalization = vec![json!("Simple"), json!("None"), json!(""), json!("simple"), Value::Null];
        all.push(property("username_normalization_policy", normalization).boxed());
    } else {
        let networks =
            vec![json!(""), json!("192.0.2.0/24, 192.0.2.7"), json!(["2001:db8::/32"]), json!("office")];
        all.push(property("networks_for_api_access", networks).boxed());
    }
    if kind == "adminapi" {
        for name in PERMISSIONS {
            all.push(flags().prop_map(move |flag| (format!("adminapi_{name}"), flag)).boxed());
        }
        all.push(property("adminapi_brand_new", vec![Value::Null, json!(1), json!(0)]).boxed());
    }
    if kind == "sso-generic" {
        let document = json!({"saml_config": {"entity_id": "https://old.example.com", "sign_assertion": "True",
            "static_attrs": {"tenant": "acme"}, "acs_urls": [{"url": "https://a.example.com/acs", "index": 0}]}});
        all.push(property("sso", vec![Value::Null, document]).boxed());
    }
    all.boxed()
}

fn live() -> impl Strategy<Value = (String, String, Map<String, Value>)> {
    (
        select(&KINDS[..]).prop_flat_map(|kind| (Just(kind), properties(kind))),
        select(&NAMES[..]),
        select(&TEXTS[..]),
        markers(),
        prop::bool::weighted(0.95),
    )
        .prop_map(|((kind, properties), name, text, marker, typed)| {
            let notes = marker.map_or_else(|| text.to_owned(), |marker| marker.notes(text));
            let properties = properties.into_iter().chain([("notes".to_owned(), json!(notes))]).collect();
            (if typed { kind } else { "" }.to_owned(), name.to_owned(), properties)
        })
}

fn quirks() -> impl Strategy<Value = Quirks> {
    any::<[bool; 7]>().prop_map(
        |[trims, escapes, lists_networks, blank_normalization, unknown_property, no_prompt, sets_later]| {
            Quirks {
                trims,
                escapes,
                lists_networks,
                blank_normalization,
                unknown_property,
                no_prompt,
                sets_later,
            }
        },
    )
}

/// Up to seven applications in addition to the operator; some have a second one from a rotation.
pub(crate) fn accounts() -> impl Strategy<Value = FakeDuo> {
    let states: Vec<fn(Ikey) -> MarkerState> = vec![
        |of| MarkerState::Successor { of, since: now() },
        |of| MarkerState::Delivered { of, since: now(), at: now() },
        |of| MarkerState::Abandoned { of },
        |_| MarkerState::Retired(now()),
    ];
    let twin = option::weighted(0.3, (select(states), any::<bool>(), prop::bool::weighted(0.8)));
    (quirks(), prop::collection::vec((live(), twin), 0..8)).prop_map(|(quirks, lives)| {
        let mut duo = FakeDuo::new();
        duo.quirks = quirks;
        for (n, ((kind, name, mut properties), twin)) in lives.into_iter().enumerate() {
            duo.put(&format!("DILIVE{n}"), &kind, &name, Value::Object(properties.clone()));
            let notes = properties["notes"].as_str().unwrap().to_owned();
            let Notes { text, marker, .. } = Notes::parse(&notes);
            if let (Some((state, shut, linked)), Some(marker)) = (twin, marker) {
                let state = state(ikey(&format!("DILIVE{n}")));
                if linked && state.is_successor() {
                    let rotating = MarkerState::Rotating(ikey(&format!("DITWIN{n}")));
                    let notes =
                        Marker { state: rotating, shut: Shut::default(), ..marker.clone() }.notes(&text);
                    duo.edit(&format!("DILIVE{n}"), "notes", json!(notes));
                }
                let shut_by =
                    if state.shut_since().is_some() { marker.shut.clone() } else { Shut::default() };
                let marker = Marker { state, shut: shut_by, ..marker };
                properties.insert("notes".to_owned(), json!(marker.notes(&text)));
                if shut {
                    properties.insert("user_access".to_owned(), json!("NO_USERS"));
                }
                duo.put(&format!("DITWIN{n}"), &kind, &name, Value::Object(properties));
            }
        }
        duo
    })
}
