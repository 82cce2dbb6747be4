//! After `import --authoritative` and an apply, every change in Duo is drift, and an apply reverts it. Otherwise, set but
//! unmanaged fields are counted.

use duoctl::config::edit::{remove, set};
use duoctl::duo::catalogue::lookup;
use duoctl::kinds::application::fields;
use duoctl::kinds::marker::Notes;
use duoctl::kinds::networks::Networks;
use duoctl::reconcile::diff::Origin;
use serde_json::{Map, Value, json};

use super::*;

fn whole() -> Wanted {
    Wanted { authoritative: true, ..everything() }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// One application as Duo shows it, normalised: without empty or disabled values, and without the marker.
fn shown(direct: &Direct, ikey: &str) -> Value {
    fn without_blanks(value: &mut Value) {
        if let Value::Object(map) = value {
            map.values_mut().for_each(without_blanks);
            let blank = [json!(null), json!(""), json!([]), json!({}), json!(false), json!(0)];
            map.retain(|_, value| !blank.contains(value));
        }
        if let Value::Array(items) = value {
            items.iter_mut().for_each(without_blanks);
        }
    }
    let mut live = direct.account().application(ikey).ok().unwrap();
    live["notes"] = json!(Notes::parse(live["notes"].as_str().unwrap_or_default()).text.trim());
    if live["user_access"] != "PERMITTED_GROUPS" {
        live["groups_allowed"] = Value::Null;
    }
    without_blanks(&mut live);
    // Duo shows groups in any order, and networks as they were sent.
    if let Some(groups) = live.get_mut("groups_allowed").and_then(Value::as_array_mut) {
        groups.sort_by_key(Value::to_string);
    }
    let parts = duoctl::kinds::value::parts(&live["networks_for_api_access"]);
    if let Ok(networks) = Networks::parse(parts) {
        live["networks_for_api_access"] = json!(networks.texts());
    }
    live
}

/// What an administrator may do to an application, each with the affected field of the YAML.
fn changes(live: &Value, group: &str, policy: &str) -> Vec<(&'static str, Value)> {
    let kind = live["type"].as_str().unwrap();
    let notes = live["notes"].as_str().unwrap();
    let marker = notes.rfind("[duoctl ").map(|start| &notes[start..]).unwrap();
    let other = |on: &Value| if *on == json!(1) || *on == json!(true) { "0" } else { "1" };
    let mut changes = vec![
        ("name", json!({"name": "Renamed by hand"})),
        ("notes", json!({"notes": format!("written by hand\n{marker}")})),
    ];
    let users = !matches!(kind, "adminapi" | "accountsapi");
    if users {
        let simple =
            live["username_normalization_policy"].as_str().is_some_and(|it| it.to_lowercase() == "simple");
        let access = if live["user_access"] == "ALL_USERS" { "NO_USERS" } else { "ALL_USERS" };
        let by_groups = live["user_access"] == "PERMITTED_GROUPS";
        let permitted = if by_groups { "groups_allowed" } else { "user_access" };
        changes.extend([
            ("user_access", json!({"user_access": access})),
            (permitted, json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": group})),
            ("policy", json!({"policy_key": policy})),
            ("policy", json!({"policy_key": ""})),
            ("greeting", json!({"greeting": "Said by hand"})),
            ("greeting", json!({"greeting": ""})),
            ("self_service_allowed", json!({"self_service_allowed": other(&live["self_service_allowed"])})),
            (
                "username_normalization_policy",
                json!({"username_normalization_policy": if simple { "none" } else { "simple" }}),
            ),
            ("prompt_v4_enabled", json!({"prompt_v4_enabled": other(&live["prompt_v4_enabled"])})),
        ]);
    } else {
        changes.push(("networks_for_api_access", json!({"networks_for_api_access": "203.0.113.0/24"})));
        changes.push(("networks_for_api_access", json!({"networks_for_api_access": ""})));
    }
    if kind == "adminapi" {
        for name in ["adminapi_info", "adminapi_settings", "adminapi_read_log"] {
            changes.push(("permissions", json!({name: other(&live[name])})));
        }
    }
    let saml = |settings: Value| ("sso", json!({"sso": {"saml_config": settings}}));
    if live["sso"]["saml_config"].is_object() {
        let signs = live["sso"]["saml_config"]["sign_response"] == json!(true);
        changes.extend([
            saml(json!({"relaystate": "https://elsewhere.example.com"})),
            saml(json!({"slo_url": "https://elsewhere.example.com/logout"})),
            saml(json!({"sign_response": !signs})),
            saml(json!({"encrypt_assertion": true, "remote_cert": "by hand"})),
            saml(json!({"nameid_attribute": "<Username>"})),
            saml(json!({"mapped_attrs": {"<Last Name>": "sn"}})),
            saml(json!({"static_attrs": {"tenant": "other"}})),
            saml(json!({"role_attrs": {"other": {"admin": [group]}}})),
            saml(json!({"attribute_transformations": {"other": "use \"<Username>\""}})),
            saml(json!({"entity_id": "https://elsewhere.example.com"})),
            saml(json!({"acs_urls": [{"url": "https://elsewhere.example.com/acs"}]})),
        ]);
    }
    let oidc = |settings: Value| ("sso", json!({"sso": {"oidc_config": settings}}));
    if live["sso"]["oidc_config"].is_object() {
        changes.extend([
            oidc(json!({"redirect_uris": ["https://elsewhere.example.com/cb"]})),
            oidc(json!({"scopes": [{"name": "openid"}]})),
            oidc(json!({"grant_types": {"authorization_code": true, "refresh_token": true}})),
        ]);
    }
    // Without its clients, whose secrets Duo generates again.
    if let Some(scopes) = live["sso"]["oauth_config"]["scopes"].as_array() {
        let mut scopes = scopes.clone();
        scopes.push(json!({"id": "by-hand", "name": "write"}));
        changes.push(("sso", json!({"sso": {"oauth_config": {"scopes": scopes}}})));
    }
    changes
}

async fn carry_out(direct: &Direct, desired: &Desired, first: &Plan) -> Result<Plan, String> {
    let writer = Writer::new(direct.clone());
    let stores = Stores::default();
    let courier = Courier::new(direct.clone(), &stores);
    let hands = Hands { writer: &writer, courier: &courier, deputy: None, sealer: Sealer::new(keyring()) };
    let outcomes = execute(first, hands, 4, &CancellationToken::new(), &Silent).await;
    if let Some(failed) = outcomes.iter().find(|outcome| !matches!(outcome.status, Status::Applied)) {
        return Err(format!("{failed:?} of {:#?}", first.steps()));
    }
    Ok(plan_of(direct, desired).await)
}

/// Makes every change that Duo accepts, one after another: each is drift in its field, and an apply reverts it. Returns the
/// changed fields.
async fn every_change_is_drift(direct: &Direct) -> Result<BTreeSet<&'static str>, String> {
    let (yaml, imported) = import_adopts_and_settles(direct, BARE, &whole()).await?;
    let loaded = load(&yaml);
    let desired = desired(&loaded);
    let (group, policy) = {
        let mut account = direct.account();
        (account.add_group("By hand").unwrap(), account.add_policy("Weaker").unwrap())
    };
    let mut seen = BTreeSet::new();
    for entry in imported.entries.iter().filter(|entry| entry.id != *direct.operator()) {
        let ignored: Vec<&str> = entry.value["ignore"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| item["field"].as_str())
            .collect();
        let ikey = entry.id.as_str();
        let live = direct.account().application(ikey).ok().unwrap();
        let notes = Notes::parse(live["notes"].as_str().unwrap());
        if notes.text.contains("[duoctl ") {
            continue;
        }
        // For a previously owned application, the marker may not contain what was applied.
        let tells = notes.marker.is_some_and(|marker| !marker.applied.is_empty());
        for (field, change) in changes(&live, &group, &policy) {
            let kind = live["type"].as_str().and_then(lookup);
            if !fields::field(field).unwrap().applies_to(kind) {
                continue;
            }
            let before = shown(direct, ikey);
            let Value::Object(body) = change.clone() else { unreachable!() };
            if direct.account().modify_application(ikey, body).is_err() || shown(direct, ikey) == before {
                continue;
            }
            let changed_to = shown(direct, ikey);
            let what =
                |what: &str| Err(format!("{what}: {} {change} of {before:#}\n{}", entry.key, entry.text));
            let plan = plan_of(direct, &desired).await;
            let changed = plan
                .steps()
                .iter()
                .flat_map(|step| &step.changes)
                .filter(|change| change.field.split(['.', '[']).next() == Some(field));
            let origins: Vec<_> = changed.map(|change| change.origin).collect();
            if ignored.contains(&field) {
                if !origins.is_empty() {
                    return what("an ignored field is planned");
                }
            } else {
                let by_duo = |origin: &Option<Origin>| *origin == Some(Origin::Drift);
                if origins.is_empty() || (tells && !origins.iter().all(by_duo)) {
                    return what(&format!("no drift ({origins:?}) {:#?}", plan.steps()));
                }
                seen.insert(field);
                let left = match carry_out(direct, &desired, &plan).await {
                    // Duo need not accept earlier values again, such as a greeting that is too long now.
                    Err(failed) if failed.contains("Refused(") => break,
                    other => other?,
                };
                if !left.steps().is_empty() {
                    return what(&format!("left after the apply: {:#?}", left.steps()));
                }
                // Some values are returned differently from how they were found.
                if shown(direct, ikey) == changed_to {
                    return what(&format!("not taken back: {:#}", shown(direct, ikey)));
                }
                continue;
            }
            // Nothing reverts it, so the next change starts from another state.
            break;
        }
    }
    Ok(seen)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_authoritative_import_only_adopts(
        apps in prop::collection::vec(an_app(), 0..12),
        switches in prop::collection::vec(any::<bool>(), Switches::all().len()),
        head in 0_usize..4,
    ) {
        let heads = [
            "",
            "authoritative: true\n",
            "defaults: {applications: {authoritative: true, greeting: Hello, policy: Strict, self_service_allowed: true}}\n",
            "authoritative: true\ndefaults: {applications: {authoritative: false, notes: n}}\n",
        ];
        let text = format!("{BARE}{}", heads[head]);
        for wanted in [whole(), everything()] {
            let fresh = empty();
            turned(&fresh, &switches);
            fill(&fresh, &apps);
            let outcome = runtime().block_on(import_adopts_and_settles(&fresh, &text, &wanted));
            prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
        }
    }

    #[test]
    fn after_an_authoritative_import_every_change_in_duo_is_drift(apps in prop::collection::vec(an_app(), 1..6)) {
        let direct = empty();
        fill(&direct, &apps);
        let outcome = runtime().block_on(every_change_is_drift(&direct));
        prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    }

    #[test]
    fn the_set_fields_that_nobody_manages_are_counted(
        apps in prop::collection::vec(an_app(), 1..8),
        dropped in prop::collection::vec(any::<bool>(), 8 * OPTIONAL.len()),
        ignores in any::<bool>(),
    ) {
        let direct = empty();
        fill(&direct, &apps);
        let outcome = runtime().block_on(counts(&direct, &dropped, ignores));
        prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    }
}

const OPTIONAL: [&str; 9] = [
    "policy",
    "permissions",
    "networks_for_api_access",
    "prompt_v4_enabled",
    "self_service_allowed",
    "username_normalization_policy",
    "greeting",
    "notes",
    "sso",
];

/// How many settings Duo shows of a field, based only on its reply.
fn set_in(live: &Value, field: &str) -> usize {
    let text = |name: &str| live[name].as_str().unwrap_or_default().trim().to_owned();
    let on = |value: &Value| matches!(value, Value::Bool(true)) || value == &json!(1);
    let some = |value: &Value| {
        !value.is_null()
            && *value != json!("")
            && *value != json!([])
            && *value != json!({})
            && *value != json!(false)
    };
    let one = |is: bool| usize::from(is);
    match field {
        "policy" => one(!text("policy_key").is_empty()),
        "permissions" => {
            let flags = live.as_object().unwrap().iter();
            one(flags.filter(|(key, _)| key.starts_with("adminapi_")).any(|(_, value)| on(value)))
        }
        "networks_for_api_access" => one(some(&live[field])),
        "prompt_v4_enabled" | "self_service_allowed" => one(on(&live[field])),
        "username_normalization_policy" => one(text(field).to_lowercase() == "simple"),
        "greeting" => one(!text(field).is_empty()),
        "notes" => one(!Notes::parse(&text("notes")).text.trim().is_empty()),
        _ => {
            let section = ["saml_config", "oidc_config", "oauth_config"]
                .iter()
                .find(|name| live["sso"][**name].is_object());
            let nothing = Map::new();
            let settings = section.and_then(|name| live["sso"][*name].as_object()).unwrap_or(&nothing);
            let known = settings.iter().filter(|(name, _)| *name != "future");
            known
                .map(|(name, value)| match value {
                    // One form of the reply nests the refresh token.
                    Value::Object(grants) if name == "grant_types" => {
                        let nested = some(&value["authorization_code"]["refresh_token"])
                            && !some(&value["refresh_token"]);
                        grants.values().filter(|grant| some(grant)).count() + one(nested)
                    }
                    value => one(some(value)),
                })
                .sum()
        }
    }
}

async fn counts(direct: &Direct, dropped: &[bool], ignores: bool) -> Result<(), String> {
    let (mut yaml, imported) = import_into(direct, BARE, &whole()).await;
    let mut expected = 0;
    let mut choices = dropped.iter().copied().cycle();
    for entry in &imported.entries {
        let path = ["applications", entry.key.as_str()];
        yaml =
            remove(&yaml, &[&path[..], &["authoritative"]].concat()).map_err(|error| format!("{error:?}"))?;
        let live = direct.account().application(entry.id.as_str()).ok().unwrap();
        for field in OPTIONAL {
            let gone = choices.next().unwrap();
            if entry.value.get(field).is_none() || !gone {
                continue;
            }
            // A field that cannot be separated from its comment stays.
            let Ok(shorter) = remove(&yaml, &[&path[..], &[field]].concat()) else { continue };
            yaml = shorter;
            let mut items = entry.value["ignore"].as_array().cloned().unwrap_or_default();
            if ignores && field == "greeting" && items.is_empty() {
                items.push(json!({"field": field, "reason": "the help desk"}));
                let path = [&path[..], &["ignore"]].concat();
                yaml = set(&yaml, &path, &json!(items)).map_err(|error| format!("{error:?}"))?;
            }
            if !items.iter().any(|item| item["field"] == field) {
                expected += set_in(&live, field);
            }
        }
    }
    let loaded = load(&yaml);
    if has_errors(&loaded.diagnostics) {
        return Err(format!("{:#?}\n{yaml}", loaded.diagnostics));
    }
    let plan = plan_of(direct, &desired(&loaded)).await;
    let found = plan.unmanaged_fields();
    if found.len() != expected || plan.summary().unmanaged_fields != expected {
        return Err(format!("{expected} expected, found {found:#?}\n{yaml}"));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn every_type_of_the_catalogue_is_adopted_whole_and_every_sort_of_change_seen() {
    let direct = empty();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = an_app();
    let mut apps: Vec<App> =
        (0..6 * kinds().len()).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
    for (app, kind) in apps.iter_mut().zip(kinds().iter().cycle()) {
        app.kind = kind.name.to_owned();
    }
    fill(&direct, &apps);
    let (yaml, imported) = import_adopts_and_settles(&direct, BARE, &whole()).await.unwrap();
    let types: BTreeSet<&str> = imported.entries.iter().map(|entry| entry.variant.as_str()).collect();
    let missing: Vec<&str> =
        kinds().iter().map(|kind| kind.name).filter(|kind| !types.contains(kind)).collect();
    assert!(missing.is_empty(), "{missing:?} {:#?}", imported.left_out);
    assert_eq!(yaml.matches("authoritative: true").count(), imported.entries.len());
    assert!(!yaml.contains("0123456789abcdefABCDEF0123456789abcdefAB"), "no secret");
    let direct = Direct::operator(Account::in_memory().unwrap());
    let seen = every_change_is_drift(&direct).await.unwrap();
    let all: BTreeSet<&str> = ["name", "user_access", "groups_allowed"].into_iter().chain(OPTIONAL).collect();
    assert_eq!(seen, all, "each field was changed at least once");
}

#[tokio::test(start_paused = true)]
async fn the_seeded_account_is_written_whole() {
    let direct = Direct::operator(Account::in_memory().unwrap());
    let wanted = Wanted { only: Vec::new(), authoritative: true, ..Wanted::default() };
    let (yaml, imported) = import_adopts_and_settles(&direct, BARE, &wanted).await.unwrap();
    assert_eq!(imported.unmanaged_fields, 0);
    let entry = imported.entries.iter().find(|entry| entry.key == "intranet").unwrap();
    insta::assert_snapshot!(entry.text, @r"
    intranet:
      type: websdk
      name: Intranet
      user_access: all_users
      policy: null
      prompt_v4_enabled: true
      self_service_allowed: true
      username_normalization_policy: none
      greeting: null
      notes: null
      authoritative: true
    ");
    assert!(yaml.contains("policy: null"));
}
