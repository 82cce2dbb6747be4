//! The sandbox's applications behave as the reference describes (duo-api.md, sections 3, 10 and 11).

use duoctl::duo::call::{ApiCall, Success, Transport};
use duoctl::duo::error::DuoError;
use duoctl::duo::object::Ikey;
use duoctl::sandbox::account::Account;
use duoctl::sandbox::direct::Direct;
use duoctl::secret::{Secret, last_four};
use serde_json::{Map, Value, json};

const LIST: &str = "/admin/v3/integrations";

fn seeded() -> Direct {
    Direct::operator(Account::in_memory().unwrap())
}

fn empty() -> Direct {
    Direct::operator(Account::empty_in_memory().unwrap())
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

async fn send(direct: &Direct, call: ApiCall) -> Result<Value, DuoError> {
    direct.send(&call).await.map(|success: Success| success.response)
}

async fn get(direct: &Direct, path: &str) -> Result<Value, DuoError> {
    send(direct, ApiCall::get(path, &[])).await
}

async fn post(direct: &Direct, path: &str, body: Value) -> Result<Value, DuoError> {
    send(direct, ApiCall::post(path, object(body))).await
}

async fn create(direct: &Direct, body: Value) -> Value {
    post(direct, LIST, body).await.unwrap()
}

fn path(app: &Value) -> String {
    format!("{LIST}/{}", app["integration_key"].as_str().unwrap())
}

fn refusal(result: Result<Value, DuoError>) -> (u32, Option<String>) {
    match result.unwrap_err() {
        DuoError::Refused(refusal) => (refusal.code.unwrap(), refusal.detail),
        other => panic!("{other}"),
    }
}

fn invalid(name: &str) -> (u32, Option<String>) {
    (40002, Some(name.to_owned()))
}

#[tokio::test]
async fn an_application_lives_from_create_to_delete() {
    let direct = empty();
    let app =
        create(&direct, json!({"name": "VPN", "type": "radius", "user_access": "ALL_USERS", "notes": "n"}))
            .await;
    assert!(app["secret_key"].as_str().unwrap().starts_with("************************************"));
    assert_eq!(app["user_access"], "ALL_USERS");
    assert_eq!(app.get("policy_key"), None);
    assert_eq!(app.get("adminapi_info"), None);

    let key = secret_of(&direct, &app).await;
    assert_eq!(key.len(), 40);
    assert_eq!(last_four(app["secret_key"].as_str().unwrap()), last_four(&key));

    let changed =
        post(&direct, &path(&app), json!({"name": "VPN 2", "self_service_allowed": "1"})).await.unwrap();
    assert_eq!((&changed["name"], &changed["self_service_allowed"]), (&json!("VPN 2"), &json!(1)));
    assert_eq!(changed["notes"], "n");
    let reset = post(&direct, &path(&app), json!({"reset_secret_key": 1})).await.unwrap();
    assert_ne!(reset["secret_key"], app["secret_key"]);
    assert_eq!(get(&direct, &path(&app)).await.unwrap(), reset);

    assert_eq!(send(&direct, ApiCall::delete(path(&app))).await.unwrap(), json!(""));
    assert_eq!(refusal(get(&direct, &path(&app)).await).0, 40401);
}

#[tokio::test]
async fn what_duo_refuses_is_refused_with_the_property_named() {
    let direct = empty();
    let group = direct.account().add_group("Staff").unwrap();
    let base = json!({"name": "x", "type": "websdk", "user_access": "ALL_USERS"});
    let with = |name: &str, value: Value| {
        let mut body = base.clone();
        body[name] = value;
        body
    };
    let many = vec![group.as_str(); 101].join(",");
    for (body, detail) in [
        (with("type", json!("azure-ca")), "type"),
        (with("type", json!("agaws")), "type"),
        (with("type", json!("no-such")), "type"),
        (with("user_access", json!("EVERYBODY")), "user_access"),
        (with("user_access", json!("PERMITTED_GROUPS")), "groups_allowed"),
        (with("groups_allowed", json!(group)), "groups_allowed"),
        (
            json!({"name": "x", "type": "websdk", "user_access": "PERMITTED_GROUPS", "groups_allowed": many}),
            "groups_allowed",
        ),
        (
            json!({"name": "x", "type": "websdk", "user_access": "PERMITTED_GROUPS", "groups_allowed": "DGX"}),
            "groups_allowed",
        ),
        (with("notes", json!("x".repeat(513))), "notes"),
        (with("adminapi_info", json!("1")), "adminapi_info"),
        (with("networks_for_api_access", json!("192.0.2.1")), "networks_for_api_access"),
        (with("sso", json!({"saml_config": {}})), "sso"),
        (with("self_service_allowed", json!("maybe")), "self_service_allowed"),
        (with("username_normalization_policy", json!("strict")), "username_normalization_policy"),
    ] {
        assert_eq!(refusal(post(&direct, LIST, body.clone()).await), invalid(detail), "{body}");
    }
    let missing = |name: &str| (40001, Some(name.to_owned()));
    assert_eq!(refusal(post(&direct, LIST, json!({"type": "websdk"})).await), missing("name"));
    assert_eq!(refusal(post(&direct, LIST, json!({"name": "x"})).await), missing("type"));
    let app = create(&direct, base).await;
    assert_eq!(refusal(post(&direct, &path(&app), json!({"type": "rdp"})).await), invalid("type"));
    let global = get(&direct, "/admin/v2/policies/global").await.unwrap();
    assert_eq!(
        refusal(post(&direct, &path(&app), json!({"policy_key": "POX"})).await),
        invalid("policy_key")
    );
    let attach = json!({"policy_key": global["policy_key"]});
    assert_eq!(refusal(post(&direct, &path(&app), attach).await), invalid("policy_key"));
    assert_eq!(direct.account().applications().len(), 2);
}

#[tokio::test]
async fn groups_come_back_as_a_set_and_follow_the_access_mode() {
    let direct = empty();
    let ids: Vec<String> =
        ["a", "b", "c"].iter().map(|name| direct.account().add_group(name).unwrap()).collect();
    let body = json!({"name": "x", "type": "rdp", "user_access": "PERMITTED_GROUPS", "groups_allowed": ids.join(", ")});
    let app = create(&direct, body).await;
    let mut orders = Vec::new();
    for _ in 0..6 {
        let mut read = get(&direct, &path(&app)).await.unwrap()["groups_allowed"].as_array().unwrap().clone();
        orders.push(read.clone());
        read.sort_by_key(Value::to_string);
        let mut sorted = ids.clone();
        sorted.sort();
        assert_eq!(read, sorted.iter().map(|id| json!(id)).collect::<Vec<_>>());
    }
    orders.dedup();
    assert!(orders.len() > 1, "the order never changed");

    let sent = json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": [ids[0]]});
    assert_eq!(post(&direct, &path(&app), sent).await.unwrap()["groups_allowed"], json!([ids[0]]));
    let open = post(&direct, &path(&app), json!({"user_access": "ALL_USERS"})).await.unwrap();
    assert_eq!(open["groups_allowed"], json!([]));

    direct.account().switches.clear_groups = false;
    let sent = json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": ids[1]});
    post(&direct, &path(&app), sent).await.unwrap();
    let kept = post(&direct, &path(&app), json!({"user_access": "NO_USERS"})).await.unwrap();
    assert_eq!(kept["groups_allowed"], json!([ids[1]]));
    direct.account().remove_group(&ids[1]).unwrap();
    assert_eq!(get(&direct, &path(&app)).await.unwrap()["groups_allowed"], json!([]));
}

#[tokio::test]
async fn the_three_generations_show_one_store() {
    let direct = seeded();
    let v3 = direct.account().applications();
    let radius = v3.iter().find(|app| app["type"] == "radius").unwrap();
    let ikey = radius["integration_key"].as_str().unwrap();
    assert_eq!(radius["username_normalization_policy"], "Simple");
    assert!(radius["policy_key"].is_string());
    let v2 = get(&direct, &format!("/admin/v2/integrations/{ikey}")).await.unwrap();
    assert_eq!((v2.get("user_access"), &v2["secret_key"]), (None, &radius["secret_key"]));
    let v1 = get(&direct, &format!("/admin/v1/integrations/{ikey}")).await.unwrap();
    assert_eq!(v1.get("user_access"), None);
    assert!(!v1["secret_key"].as_str().unwrap().contains('*'));
    direct.account().switches.clear_secrets_in_v1 = false;
    let v1 = get(&direct, &format!("/admin/v1/integrations/{ikey}")).await.unwrap();
    assert!(v1["secret_key"].as_str().unwrap().contains('*'));

    let open = post(&direct, &format!("/admin/v1/integrations/{ikey}"), json!({"groups_allowed": ""})).await;
    open.unwrap();
    assert_eq!(direct.account().application(ikey).unwrap()["user_access"], "ALL_USERS");
    let silent = post(&direct, LIST, json!({"name": "x", "type": "rdp"})).await.unwrap();
    assert_eq!(silent["user_access"], "NO_USERS");
    let websdk = v3.iter().find(|app| app["type"] == "websdk").unwrap();
    assert_eq!(
        (&websdk["frameless_auth_prompt_enabled"], &websdk["prompt_v4_enabled"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(radius.get("prompt_v4_enabled"), None);
}

#[tokio::test]
async fn a_policy_attaches_and_detaches_from_either_side() {
    let direct = empty();
    let key = direct.account().add_policy("Strict").unwrap();
    let app = create(&direct, json!({"name": "x", "type": "rdp", "user_access": "NO_USERS"})).await;
    let app = post(&direct, &path(&app), json!({"policy_key": key})).await.unwrap();
    assert_eq!(app["policy_key"], json!(key));
    let detached = post(&direct, &path(&app), json!({"policy_key": ""})).await.unwrap();
    assert_eq!(detached.get("policy_key"), None);
    let mut call = ApiCall::post(
        format!("/admin/v2/policies/{key}"),
        object(json!({"apply_to_apps": {"apply_list": [app["integration_key"]]}})),
    );
    call.method = duoctl::duo::call::Method::Put;
    send(&direct, call).await.unwrap();
    assert_eq!(get(&direct, &path(&app)).await.unwrap()["policy_key"], json!(key));
    let summary = get(&direct, "/admin/v2/policies/summary").await.unwrap();
    let own = summary["policies"]
        .as_array()
        .unwrap()
        .iter()
        .find(|policy| policy["policy_key"] == json!(key))
        .unwrap();
    assert_eq!(own["policy_applies_to"][0]["app_name"], "x");
    direct.account().remove_policy(&key).unwrap();
    assert_eq!(get(&direct, &path(&app)).await.unwrap().get("policy_key"), None);
}

#[tokio::test]
async fn admin_api_flags_need_a_permission_of_their_own() {
    let direct = empty();
    let body = json!({"name": "SIEM", "type": "adminapi", "user_access": "NO_USERS", "adminapi_info": "1",
        "adminapi_integrations": true, "networks_for_api_access": "127.0.0.0/8, 192.0.2.7"});
    let app = create(&direct, body).await;
    assert_eq!((&app["adminapi_info"], &app["adminapi_read_log"]), (&json!(1), &json!(0)));
    assert_eq!(app["networks_for_api_access"], "127.0.0.0/8,192.0.2.7");
    let kept = post(&direct, &path(&app), json!({"notes": "x"})).await.unwrap();
    assert_eq!(kept["adminapi_info"], 1);
    let revoked = post(&direct, &path(&app), json!({"adminapi_info": "0"})).await.unwrap();
    assert_eq!(revoked["adminapi_info"], 0);
    let ignored =
        post(&direct, &path(&app), json!({"adminapi_allow_to_set_permissions": "1"})).await.unwrap();
    assert_eq!(ignored["adminapi_allow_to_set_permissions"], 0);

    let other = as_app(&direct, &app).await;
    let plain = json!({"name": "y", "type": "adminapi", "user_access": "NO_USERS"});
    post(&other, LIST, plain).await.unwrap();
    let flagged = json!({"name": "y", "type": "adminapi", "user_access": "NO_USERS", "adminapi_info": "1"});
    assert_eq!(refusal(post(&other, LIST, flagged.clone()).await), (40301, None));
    direct.account().switches.strict_permissions = false;
    post(&other, LIST, flagged).await.unwrap();

    direct.account().switches.new_flags = false;
    let old = get(&direct, &path(&app)).await.unwrap();
    assert_eq!((old.get("adminapi_admins_read"), &old["adminapi_admins"]), (None, &json!(0)));
}

async fn secret_of(direct: &Direct, app: &Value) -> String {
    let ikey = app["integration_key"].as_str().unwrap();
    let reply = get(direct, &format!("/admin/v1/integrations/{ikey}/skey")).await.unwrap();
    reply["secret_key"].as_str().unwrap().to_owned()
}

/// The same client with the keys of another application.
async fn as_app(direct: &Direct, app: &Value) -> Direct {
    let secret = Secret::new(secret_of(direct, app).await);
    direct.signed_by(&Ikey::new(app["integration_key"].as_str().unwrap()), &secret)
}

#[tokio::test]
async fn an_application_cannot_delete_or_reset_itself() {
    let direct = empty();
    let own = format!("{LIST}/{}", direct.ikey());
    assert_eq!(refusal(send(&direct, ApiCall::delete(&own)).await), invalid("integration_key"));
    direct.account().switches.forbid_self_change = true;
    let reset = post(&direct, &own, json!({"reset_secret_key": 1})).await;
    assert_eq!(refusal(reset), (40301, None));
    post(&direct, &own, json!({"notes": "mine"})).await.unwrap();
}

#[tokio::test]
async fn saml_configuration_is_merged_and_filled_with_defaults() {
    let direct = empty();
    let saml = json!({"entity_id": "https://w.example/meta", "acs_urls": [{"url": "https://w.example/acs"}], "nameid_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified", "nameid_attribute": "uid",
        "sign_assertion": true, "sign_response": "False", "signing_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"});
    let body = json!({"name": "Wiki", "type": "sso-generic", "user_access": "NO_USERS", "sso": {"saml_config": saml}});
    let app = create(&direct, body).await;
    let config = &app["sso"]["saml_config"];
    assert_eq!((&config["sign_response"], &config["sign_assertion"]), (&json!(false), &json!(true)));
    assert_eq!(
        config["acs_urls"],
        json!([{"url": "https://w.example/acs", "binding": null, "index": null, "isDefault": null}])
    );
    assert!(app["sso"]["idp_metadata"]["sso_url"].as_str().unwrap().starts_with("https://sso-"));
    let changed = post(&direct, &path(&app), json!({"sso": {"saml_config": {"nameid_attribute": "mail"}}}))
        .await
        .unwrap();
    assert_eq!(changed["sso"]["saml_config"]["nameid_attribute"], "mail");
    assert_eq!(changed["sso"]["saml_config"]["entity_id"], "https://w.example/meta");

    let bare = json!({"name": "Wiki", "type": "sso-generic", "user_access": "NO_USERS"});
    assert_eq!(refusal(post(&direct, LIST, bare).await), (40001, Some("sso".to_owned())));
    let wrong =
        json!({"name": "W", "type": "sso-generic", "user_access": "NO_USERS", "sso": {"oidc_config": {}}});
    assert_eq!(refusal(post(&direct, LIST, wrong).await), invalid("sso.oidc_config"));
}

#[tokio::test]
async fn oidc_and_oauth_secrets_have_their_own_calls() {
    let direct = empty();
    let oidc = json!({"grant_types": {"authorization_code": true}, "redirect_uris": ["https://p.example/cb"], "scopes": [{"name": "openid"}]});
    let body = json!({"name": "P", "type": "sso-oidc-generic", "user_access": "ALL_USERS", "sso": {"oidc_config": oidc}});
    let app = create(&direct, body).await;
    assert_eq!(app["secret_key"], "");
    let ikey = app["integration_key"].as_str().unwrap();
    let secret_path = format!("/admin/v2/integrations/oidc/{ikey}/client_secret");
    let secret = get(&direct, &secret_path).await.unwrap();
    assert_eq!(secret["client_secret"].as_str().unwrap().len(), 40);
    let reset = post(&direct, &secret_path, json!({})).await.unwrap();
    assert_ne!(reset, secret);
    assert!(app["sso"]["idp_metadata"]["client_secret"].as_str().unwrap().starts_with("****"));

    let oauth = json!({"scopes": [{"id": "s1", "name": "read"}], "clients": [{"client_id": "c1", "name": "n", "assigned_scopes_ids": ["s1"]}]});
    let body = json!({"name": "O", "type": "sso-oauth-client-credentials", "user_access": "NO_USERS", "sso": {"oauth_config": oauth}});
    let app = create(&direct, body).await;
    let clear = app["sso"]["oauth_config"]["clients"][0]["client_secret"].as_str().unwrap().to_owned();
    assert!(!clear.contains('*'));
    let read = get(&direct, &path(&app)).await.unwrap();
    assert!(read["sso"]["oauth_config"]["clients"][0]["client_secret"].as_str().unwrap().contains('*'));
    let ikey = app["integration_key"].as_str().unwrap();
    let secret =
        get(&direct, &format!("/admin/v3/integrations/oauth_cc/{ikey}/client_secret/c1")).await.unwrap();
    assert_eq!(secret["client_secret"], json!(clear));
    let other = get(&direct, &format!("/admin/v3/integrations/oauth_cc/{ikey}/client_secret/c2")).await;
    assert_eq!(refusal(other).0, 40401);
}

#[tokio::test]
async fn legacy_and_unknown_properties_are_accepted_without_effect() {
    let direct = empty();
    let body = json!({"name": "x", "type": "rdp", "user_access": "NO_USERS", "enroll_policy": "deny", "brand_new": 1});
    let app = create(&direct, body).await;
    assert_eq!((&app["enroll_policy"], app.get("brand_new")), (&json!(""), None));
    direct.account().switches.drop_legacy = false;
    direct.account().switches.extra_property = true;
    let kept = post(&direct, &path(&app), json!({"enroll_policy": "deny"})).await.unwrap();
    assert_eq!(kept["enroll_policy"], "deny");
    assert_eq!(kept["brand_new_property"], json!({"since": 2027}));
}

#[tokio::test]
async fn pages_are_chained_and_requests_are_counted() {
    let direct = empty();
    for number in 0..12 {
        let body = json!({"name": format!("app {number}"), "type": "rdp", "user_access": "NO_USERS"});
        direct.account().create_application(object(body)).unwrap();
    }
    direct.forget_requests();
    let (mut offset, mut seen) = (0, Vec::new());
    loop {
        let call = ApiCall::get(LIST, &[("limit", "5"), ("offset", &offset.to_string())]);
        let page = direct.send(&call).await.unwrap();
        assert_eq!(page.metadata["total_objects"], 13);
        seen.extend(page.response.as_array().unwrap().iter().map(|app| app["integration_key"].clone()));
        match page.metadata.get("next_offset") {
            Some(next) => offset = next.as_u64().unwrap(),
            None => break,
        }
    }
    seen.sort_by_key(Value::to_string);
    seen.dedup();
    assert_eq!((seen.len(), direct.requests("GET /admin/v3/integrations")), (13, 3));

    direct.account().faults.add("short-list".parse().unwrap());
    direct.account().faults.add("repeat-offset".parse().unwrap());
    let page = direct.send(&ApiCall::get(LIST, &[("limit", "5"), ("offset", "5")])).await.unwrap();
    assert_eq!((&page.metadata["total_objects"], &page.metadata["next_offset"]), (&json!(14), &json!(5)));
}

#[tokio::test]
async fn a_lost_answer_leaves_the_change_behind() {
    let direct = empty();
    direct.account().faults.add("reset-after-commit=1".parse().unwrap());
    let body = json!({"name": "x", "type": "rdp", "user_access": "NO_USERS"});
    let lost = post(&direct, LIST, body).await.unwrap_err();
    assert!(matches!(lost, DuoError::Lost { .. }) && lost.outcome_unknown());
    assert_eq!(direct.account().applications().len(), 2);
    direct.account().faults.add("reset-before=1".parse().unwrap());
    let body = json!({"name": "y", "type": "rdp", "user_access": "NO_USERS"});
    post(&direct, LIST, body).await.unwrap_err();
    assert_eq!(direct.account().applications().len(), 2);
}

/// Both positions of a switch show in one value of a reply.
#[tokio::test]
async fn each_switch_changes_what_it_says() {
    let direct = empty();
    let group = direct.account().add_group("Staff").unwrap();
    let rdp = json!({"name": "x", "type": "rdp", "user_access": "NO_USERS"});
    let admin = json!({"name": "x", "type": "adminapi", "user_access": "NO_USERS", "networks_for_api_access": "192.0.2.1"});
    let with = |body: &Value, name: &str, value: Value| {
        let mut body = body.clone();
        body[name] = value;
        body
    };
    let oidc = json!({"name": "x", "type": "sso-oidc-generic", "user_access": "NO_USERS", "sso": {"oidc_config": {
        "grant_types": {"authorization_code": true}, "redirect_uris": ["https://p.example/cb"], "scopes": [{"name": "openid"}]}}});
    let silent = json!({"name": "x", "type": "rdp"});
    let bare_saml = json!({"name": "x", "type": "sso-generic", "user_access": "NO_USERS"});
    let spaced = with(&rdp, "name", json!(" <a> "));
    let long = with(&rdp, "notes", json!("x".repeat(600)));
    let doubtful = with(&rdp, "type", json!("dag"));
    for (switch, body, pointer, off, on) in [
        ("open-by-default", &silent, "/user_access", json!("NO_USERS"), json!("ALL_USERS")),
        ("networks-as-array", &admin, "/networks_for_api_access", json!("192.0.2.1"), json!(["192.0.2.1"])),
        ("rewrite-networks", &admin, "/networks_for_api_access", json!("192.0.2.1"), json!("192.0.2.1/32")),
        ("flags-as-booleans", &rdp, "/self_service_allowed", json!(0), json!(false)),
        ("null-where-unset", &rdp, "/greeting", json!(""), Value::Null),
        ("blank-normalization", &rdp, "/username_normalization_policy", json!("None"), json!("")),
        ("trim-text", &spaced, "/name", json!(" <a> "), json!("<a>")),
        ("escape-text", &spaced, "/name", json!(" <a> "), json!(" &lt;a&gt; ")),
        ("limit-notes", &long, "/refused", Value::Null, json!("notes")),
        ("doubtful-types", &doubtful, "/refused", json!("type"), Value::Null),
        ("require-sso", &bare_saml, "/refused", Value::Null, json!("sso")),
        ("extra-property", &rdp, "/brand_new_property/since", Value::Null, json!(2027)),
        (
            "expand-grants",
            &oidc,
            "/sso/oidc_config/grant_types/authorization_code/access_token_lifespan",
            Value::Null,
            json!(3600),
        ),
    ] {
        for (state, expected) in [("off", off), ("on", on)] {
            direct.account().switches.set(&format!("{switch}={state}")).unwrap();
            let reply = match post(&direct, LIST, body.clone()).await {
                Ok(app) => app,
                Err(error) => json!({"refused": refusal(Err(error)).1}),
            };
            let seen = reply.pointer(pointer).cloned().unwrap_or_default();
            assert_eq!(seen, expected, "{switch}={state}");
        }
        direct.account().switches = duoctl::sandbox::switches::Switches::default();
    }

    let app = create(&direct, admin).await;
    direct.account().switches.set("set-permissions-on-modify").unwrap();
    let changed =
        post(&direct, &path(&app), json!({"adminapi_allow_to_set_permissions": "1"})).await.unwrap();
    assert_eq!(changed["adminapi_allow_to_set_permissions"], 1);
    direct.account().switches.set("delete-returns-object").unwrap();
    assert_eq!(send(&direct, ApiCall::delete(path(&app))).await.unwrap(), json!({}));
    direct.account().switches.set("strict-pages").unwrap();
    let page = send(&direct, ApiCall::get(LIST, &[("limit", "501")])).await;
    assert_eq!(refusal(page), invalid("limit"));
    direct.account().switches.set("show-edition=off").unwrap();
    assert_eq!(get(&direct, "/admin/v1/info/summary").await.unwrap().get("edition"), None);
    direct.account().switches.set("shuffle-groups=off").unwrap();
    let other = direct.account().add_group("Other").unwrap();
    let body = json!({"name": "x", "type": "rdp", "user_access": "PERMITTED_GROUPS", "groups_allowed": [other, group, other]});
    let app = create(&direct, body).await;
    for _ in 0..3 {
        assert_eq!(get(&direct, &path(&app)).await.unwrap()["groups_allowed"], json!([other, group]));
    }
}
