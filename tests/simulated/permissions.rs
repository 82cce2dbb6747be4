//! Which flag allows which call, exactly (duo-api.md, section 5), and which type of key works with which API (section 2.2).

use std::time::Duration;

use duoctl::duo::call::{ApiCall, Budget, Method, Signing, Transport};
use duoctl::duo::error::DuoError;
use duoctl::duo::object::{Ikey, Kind, Object};
use duoctl::duo::sign::Scheme;
use duoctl::kinds::address::Address;
use duoctl::reconcile::observed::Observed;
use duoctl::sandbox::account::Account;
use duoctl::sandbox::call::Reply;
use duoctl::sandbox::direct::Direct;
use duoctl::secret::Secret;
use duoctl::verify::report::Verdict;
use duoctl::verify::run::{Target, Verifier, WAITS};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

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

const LOGS: &str = "mintime=1700000000000&maxtime=1700000060000&limit=1";

/// A call, and the flags any of which allows it. Ids that do not exist show that the permission is checked first.
const TABLE: &[(&str, &[&str])] = &[
    ("GET /admin/v3/integrations", &["adminapi_integrations_read", "adminapi_read_resource"]),
    ("GET /admin/v1/integrations/DIX", &["adminapi_integrations_read", "adminapi_read_resource"]),
    ("POST /admin/v3/integrations", &["adminapi_integrations"]),
    ("POST /admin/v3/integrations/DIX", &["adminapi_integrations"]),
    ("DELETE /admin/v2/integrations/DIX", &["adminapi_integrations"]),
    ("GET /admin/v1/integrations/DIX/skey", &["adminapi_integrations"]),
    ("GET /admin/v2/integrations/oidc/DIX/client_secret", &["adminapi_integrations"]),
    ("POST /admin/v3/integrations/oauth_cc/DIX/client_secret/c", &["adminapi_integrations"]),
    ("GET /admin/v1/groups", &["adminapi_read_resource"]),
    ("GET /admin/v2/groups/DGX/users", &["adminapi_read_resource"]),
    ("POST /admin/v1/groups", &["adminapi_write_resource"]),
    ("DELETE /admin/v1/groups/DGX", &["adminapi_write_resource"]),
    ("GET /admin/v2/policies", &["adminapi_read_resource"]),
    ("GET /admin/v2/policies/summary", &["adminapi_read_resource"]),
    ("POST /admin/v2/policies", &["adminapi_write_resource"]),
    ("PUT /admin/v2/policies/POX", &["adminapi_write_resource"]),
    ("DELETE /admin/v2/policies/POX", &["adminapi_write_resource"]),
    ("GET /admin/v1/users", &["adminapi_read_resource"]),
    ("POST /admin/v1/users", &["adminapi_write_resource"]),
    ("GET /admin/v1/phones", &["adminapi_read_resource"]),
    ("GET /admin/v1/tokens", &["adminapi_read_resource"]),
    ("GET /admin/v1/endpoints", &["adminapi_read_resource"]),
    ("GET /admin/v1/admins", &["adminapi_admins", "adminapi_admins_read"]),
    ("GET /admin/v1/admins/allowed_auth_methods", &["adminapi_admins", "adminapi_admins_read"]),
    ("GET /admin/v1/administrative_units", &["adminapi_admins", "adminapi_admins_read"]),
    ("POST /admin/v1/administrative_units", &["adminapi_admins"]),
    ("POST /admin/v1/administrative_units/DAX/integration/DIX", &["adminapi_admins"]),
    ("GET /admin/v1/info/summary", &["adminapi_info"]),
    ("GET /admin/v1/info/authentication_attempts", &["adminapi_info"]),
    ("GET /admin/v1/settings", &["adminapi_settings", "adminapi_settings_read"]),
    ("POST /admin/v1/settings", &["adminapi_settings"]),
    ("GET /admin/v1/logs/authentication", &["adminapi_read_log"]),
    ("GET /admin/v2/logs/authentication", &["adminapi_read_log"]),
    ("GET /admin/v2/logs/activity", &["adminapi_read_log"]),
    ("GET /admin/v1/trust_monitor/events", &["adminapi_read_log"]),
];

fn call(text: &str, signing: Signing) -> ApiCall {
    let (method, path) = text.split_once(' ').unwrap();
    let methods = [Method::Get, Method::Post, Method::Put, Method::Delete];
    let method = methods.into_iter().find(|known| known.as_str() == method).unwrap();
    let mut params = Map::new();
    if method == Method::Get && (path.contains("/logs/") || path.contains("trust_monitor")) {
        let pairs = LOGS.split('&').map(|pair| pair.split_once('=').unwrap());
        params = pairs.map(|(name, value)| (name.to_owned(), json!(value))).collect();
    }
    ApiCall { method, path: path.to_owned(), params, budget: Budget::Read, signing }
}

/// 0 for a success.
async fn code(direct: &Direct, text: &str) -> (u32, Option<String>) {
    match direct.send(&call(text, Signing::By(Scheme::V5))).await {
        Ok(_) => (0, None),
        Err(DuoError::Refused(refusal)) => (refusal.code.unwrap(), refusal.detail),
        Err(DuoError::Unexpected { status: 200, .. }) => (0, None),
        Err(DuoError::Unexpected { status: 501, .. }) => (501, None),
        Err(error) => panic!("{text}: {error}"),
    }
}

fn as_new_application(operator: &Direct, kind: &str, flags: &[&str]) -> Direct {
    let mut body = json!({"name": "under test", "type": kind, "user_access": "NO_USERS"});
    for flag in flags {
        body[*flag] = json!("1");
    }
    let mut account = operator.account();
    let body = body.as_object().unwrap().clone();
    let app = account.create_application(body).unwrap();
    let ikey = app["integration_key"].as_str().unwrap();
    let path = format!("/admin/v1/integrations/{ikey}/skey");
    let Reply::Ok(Value::Object(secret)) = account.as_administrator("GET", &path, Map::new()) else {
        panic!()
    };
    drop(account);
    operator.signed_by(&Ikey::new(ikey), &Secret::new(secret["secret_key"].as_str().unwrap()))
}

#[tokio::test]
async fn every_call_is_opened_by_its_flags_and_by_no_other() {
    let operator = Direct::operator(Account::in_memory().unwrap());
    let mut checked = 0;
    for flag in FLAGS {
        let client = as_new_application(&operator, "adminapi", &[flag]);
        for (text, opened_by) in TABLE {
            let (code, detail) = code(&client, text).await;
            let is_open = opened_by.contains(&flag);
            assert_eq!(code != 40301, is_open, "{text} with {flag}: {code}");
            assert!(is_open || detail.is_none(), "{text} with {flag}: {detail:?}");
            checked += 1;
        }
    }
    assert_eq!(checked, FLAGS.len() * TABLE.len());
    for (text, _) in TABLE {
        assert_ne!(code(&operator, text).await.0, 40301, "{text}");
    }
}

#[tokio::test]
async fn every_kind_of_key_opens_its_own_api() {
    let operator = Direct::operator(Account::in_memory().unwrap());
    operator.account().switches.doubtful_types = true;
    let wrong = (40301, Some("Wrong integration type for this API.".to_owned()));
    let unknown = (40102, None);
    let fine = (0, None);
    let left_out = (501, None);
    for (kind, admin, auth, rest, accounts) in [
        ("adminapi", (40301, None), wrong.clone(), left_out.clone(), wrong.clone()),
        ("authapi", unknown.clone(), fine.clone(), left_out.clone(), wrong.clone()),
        ("unix", unknown.clone(), fine.clone(), fine.clone(), wrong.clone()),
        ("websdk", unknown.clone(), fine.clone(), left_out.clone(), wrong.clone()),
        ("rdp", unknown.clone(), wrong.clone(), left_out.clone(), wrong.clone()),
        ("accountsapi", unknown, wrong, left_out, fine),
    ] {
        let client = as_new_application(&operator, kind, &[]);
        assert_eq!(code(&client, "GET /admin/v1/groups").await, admin, "{kind}");
        assert_eq!(code(&client, "GET /auth/v2/check").await, auth, "{kind}");
        assert_eq!(code(&client, "GET /rest/v1/check").await, rest, "{kind}");
        assert_eq!(code(&client, "POST /accounts/v1/account/list").await, accounts, "{kind}");
    }
    let unsigned = operator.send(&call("GET /auth/v2/ping", Signing::Unsigned)).await.unwrap();
    assert!(unsigned.response["time"].is_i64());
}

#[tokio::test]
async fn what_does_not_exist_is_told_from_what_is_not_allowed() {
    let operator = Direct::operator(Account::in_memory().unwrap());
    for (text, expected) in [
        ("GET /admin/v1/nothing", 40401),
        ("GET /admin/v4/integrations", 40401),
        ("PUT /admin/v3/integrations/DIX", 40501),
        ("DELETE /admin/v1/settings", 40501),
        ("POST /auth/v2/nothing", 40301),
        ("GET /", 40401),
    ] {
        assert_eq!(code(&operator, text).await.0, expected, "{text}");
    }
}

/// Both ways: whether a changed permission takes effect at once is unknown (duo-api.md, section 5).
#[tokio::test(start_paused = true)]
async fn a_permission_that_takes_a_while_is_asked_about_again() {
    let permissions = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    for late in [false, true] {
        let operator = Direct::operator(Account::in_memory().unwrap());
        operator.account().switches.late_permissions = late;
        let body =
            json!({"type": "adminapi", "name": "SIEM", "user_access": "NO_USERS", "adminapi_read_log": "1"});
        let app = operator.account().create_application(object(body)).unwrap();
        let ikey = app["integration_key"].as_str().unwrap().to_owned();
        let change = object(json!({"adminapi_info": "1", "adminapi_read_log": "0"}));
        operator.account().modify_application(&ikey, change).unwrap();
        let live = Object::decode(Kind::Application, operator.account().application(&ikey).unwrap()).unwrap();
        let target = Target {
            address: Address::application("siem"),
            declared: ("adminapi".to_owned(), "SIEM".to_owned()),
            permissions: permissions(&["info"]),
            live: Observed::Present(live),
            kept: None,
        };
        let at_once = async |waits: &[Duration]| {
            let mut verifier = Verifier::new(&operator, Timestamp::now());
            verifier.waits = waits;
            let report = verifier.verify(vec![target.clone()], &|_| ()).await;
            let failed = report.subjects[0].checks.iter().filter(|check| check.verdict == Verdict::Failed);
            failed.map(|check| check.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(at_once(&WAITS).await, [""; 0], "late: {late}");
        // Without asking again it would be a failure.
        operator.account().modify_application(&ikey, object(json!({"adminapi_info": "0"}))).unwrap();
        operator.account().modify_application(&ikey, object(json!({"adminapi_info": "1"}))).unwrap();
        let failed = if late { vec!["permission info"] } else { vec![] };
        assert_eq!(at_once(&[]).await, failed, "late: {late}");
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}
