//! Logs: their periods, filters, pages and cursors, and the format of their records.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::hand::{At, Done, NotSimulated, Refused, Request, Sandbox, get, post};

const LOGS: [(&str, &str, &str); 3] = [
    ("authentication", "authlogs", "txid"),
    ("activity", "items", "activity_id"),
    ("telephony", "items", "telephony_id"),
];
const DAY: i64 = 86_400_000;

fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// The log of a hundred days, with further parameters.
fn log(name: &str, more: &str) -> Request {
    get(&format!("/admin/v2/logs/{name}?mintime={}&maxtime={}{more}", now() - 100 * DAY, now() + 60_000))
}

async fn read(sandbox: &Sandbox, name: &str, more: &str) -> Value {
    let answer = sandbox.send(&log(name, more)).await;
    assert_eq!(answer.status, 200, "{name} {more}: {}", answer.text);
    answer.json()["response"].clone()
}

async fn rows(sandbox: &Sandbox, more: &str) -> Vec<Value> {
    read(sandbox, "authentication", more).await["authlogs"].as_array().unwrap().clone()
}

fn millis(row: &Value) -> i64 {
    let text = row.get("isotimestamp").or_else(|| row.get("ts")).unwrap().as_str().unwrap();
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

#[tokio::test]
async fn every_parameter_of_a_log_is_checked() {
    let sandbox = Sandbox::new().await;
    for (name, ..) in LOGS {
        let path = |query: &str| get(&format!("/admin/v2/logs/{name}?{query}"));
        let (from, until) = (now() - DAY, now());
        let only = |one: &str, other: &str| path(&format!("mintime={one}&maxtime={other}"));
        let (from, until) = (from.to_string(), until.to_string());
        let mut table = vec![
            ("no times", path(""), Refused(40001, Some("mintime"))),
            ("no begin", path(&format!("maxtime={until}")), Refused(40001, Some("mintime"))),
            ("no end", path(&format!("mintime={from}")), Refused(40001, Some("maxtime"))),
            ("a begin in seconds", only("1790000000", &until), Refused(40002, Some("mintime"))),
            ("an end in seconds", only(&from, "1790000000"), Refused(40002, Some("maxtime"))),
            ("a begin in words", only("yesterday", &until), Refused(40002, Some("mintime"))),
            ("a begin with a fraction", only("1790000000000.5", &until), Refused(40002, Some("mintime"))),
            ("no length", only(&from, &from), Refused(40002, Some("mintime"))),
            ("backwards", only(&until, &from), Refused(40002, Some("mintime"))),
            (
                "a form for another method",
                post(&format!("/admin/v2/logs/{name}"), json!({})),
                Refused(40501, None),
            ),
        ];
        for (value, detail) in [
            ("&limit=0", "limit"),
            ("&limit=-1", "limit"),
            ("&limit=many", "limit"),
            ("&limit=1.5", "limit"),
            ("&sort=desc", "sort"),
            ("&sort=ts", "sort"),
            ("&sort=ts:DESC", "sort"),
            ("&sort=", "sort"),
            ("&next_offset=", "next_offset"),
            ("&next_offset=nonsense", "next_offset"),
            ("&next_offset=1790000000000", "next_offset"),
            ("&next_offset=1790000000000,", "next_offset"),
            ("&next_offset=,af0ba235-0b33-23c8-bc23-a31aa0231de8", "next_offset"),
            ("&next_offset=1790000000,af0ba235-0b33-23c8-bc23-a31aa0231de8", "next_offset"),
            ("&next_offset=1790000000000,a,b", "next_offset"),
            ("&next_offset=1790000000000,a b", "next_offset"),
            ("&next_offset=1790000000000&next_offset=a&next_offset=b", "next_offset"),
        ] {
            table.push((value, log(name, value), Refused(40002, Some(detail))));
        }
        for value in ["&sort=ts:asc", "&sort=ts:desc", "&limit=1", "&limit=1000", "&limit=5000"] {
            table.push((value, log(name, value), Done));
        }
        sandbox.answers(&table).await;
    }
    sandbox
        .answers(&[
            ("no version 3", get("/admin/v3/logs/activity"), Refused(40401, None)),
            ("activity is version 2", get("/admin/v1/logs/activity"), Refused(40401, None)),
            ("administrators are version 1", get("/admin/v2/logs/administrator"), Refused(40401, None)),
            (
                "offline enrolments are version 1",
                get("/admin/v2/logs/offline_enrollment"),
                Refused(40401, None),
            ),
            (
                "version 1 has no times before 1970",
                get("/admin/v1/logs/authentication?mintime=-1"),
                Refused(40002, Some("mintime")),
            ),
            ("nor words", get("/admin/v1/logs/telephony?mintime=now"), Refused(40002, Some("mintime"))),
            ("a plan-only key has no logs", log("activity", "").key("plan-only"), Refused(40301, None)),
            ("bypass codes stay out", get("/admin/v1/bypass_codes"), NotSimulated),
        ])
        .await;
    let strict = Sandbox::with(&["strict-pages"]).await;
    let refused = Refused(40002, Some("limit"));
    strict.answers(&[("above the maximum", log("activity", "&limit=1001"), refused)]).await;
}

#[tokio::test]
async fn a_filter_of_the_authentication_log_takes_its_own_values() {
    let sandbox = Sandbox::new().await;
    let all = rows(&sandbox, "").await;
    assert_eq!(all.len(), 96);
    let (user, application) =
        (all[0]["user"]["key"].as_str().unwrap(), all[0]["application"]["key"].as_str().unwrap());
    let other = all[1]["user"]["key"].as_str().unwrap();
    let has = |pointer: &'static str, value: &str| {
        all.iter().filter(|row| row.pointer(pointer).unwrap() == value).count()
    };
    let group = "VPN Users";
    let id = {
        let listed = sandbox.send(&get("/admin/v1/groups")).await.json();
        let groups = listed["response"].as_array().unwrap().clone();
        groups.iter().find(|row| row["name"] == group).unwrap()["group_id"].as_str().unwrap().to_owned()
    };
    let members =
        all.iter().filter(|row| row["user"]["groups"].as_array().unwrap().contains(&json!(group))).count();
    assert!(members > 0 && members < 96);
    for (query, count) in [
        (format!("&users={user}"), has("/user/key", user)),
        (format!("&users={user}&users={other}"), has("/user/key", user) + has("/user/key", other)),
        ("&users=DUXXXXXXXXXXXXXXXXXX".to_owned(), 0),
        (format!("&applications={application}"), has("/application/key", application)),
        ("&applications=DIXXXXXXXXXXXXXXXXXX".to_owned(), 0),
        (format!("&groups={id}"), members),
        ("&results=fraud".to_owned(), has("/result", "fraud")),
        ("&results=fraud&results=denied".to_owned(), has("/result", "fraud") + has("/result", "denied")),
        ("&reasons=user_cancelled".to_owned(), has("/reason", "user_cancelled")),
        ("&factors=duo_push".to_owned(), 96),
        ("&factors=bypass_code".to_owned(), 0),
        ("&event_types=authentication".to_owned(), 96),
        ("&event_types=enrollment".to_owned(), 0),
        ("&event_types=authentication&event_types=enrollment".to_owned(), 96),
        (
            format!("&users={user}&results=fraud"),
            all.iter().filter(|row| row["user"]["key"] == user && row["result"] == "fraud").count(),
        ),
    ] {
        let found = read(&sandbox, "authentication", &query).await;
        assert_eq!(found["authlogs"].as_array().unwrap().len(), count, "{query}");
        assert_eq!(found["metadata"], json!({"next_offset": null, "total_objects": count}), "{query}");
    }
    let table: Vec<_> = [
        ("&users=ann", "users"),
        ("&users=", "users"),
        ("&users=DUXXXXXXXXXXXXXXXXXX&users=ann", "users"),
        ("&groups=Employees", "groups"),
        ("&applications=VPN", "applications"),
        ("&applications=DUXXXXXXXXXXXXXXXXXX", "applications"),
        ("&results=SUCCESS", "results"),
        ("&results=success,denied", "results"),
        ("&reasons=because", "reasons"),
        ("&factors=push", "factors"),
        ("&event_types=login", "event_types"),
    ]
    .map(|(query, detail)| (query, log("authentication", query), Refused(40002, Some(detail))))
    .into();
    sandbox.answers(&table).await;
    // Other logs have no filters, and ignore unknown parameters.
    sandbox.answers(&[("no filter", log("activity", "&users=ann"), Done)]).await;
    let blind = Sandbox::with(&["log-filters=off"]).await;
    assert_eq!(rows(&blind, "&users=DUXXXXXXXXXXXXXXXXXX").await.len(), 96);
}

/// All ids of a log in pages of seven, and the number of pages.
async fn paged(sandbox: &Sandbox, (name, key, id): (&str, &str, &str), sort: &str) -> (Vec<String>, usize) {
    let (mut ids, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = read(sandbox, name, &format!("&limit=7&sort=ts:{sort}{cursor}")).await;
        pages += 1;
        ids.extend(page[key].as_array().unwrap().iter().map(|row| row[id].as_str().unwrap().to_owned()));
        cursor = match &page["metadata"]["next_offset"] {
            Value::Null => return (ids, pages),
            Value::Array(parts) => {
                format!("&next_offset={},{}", parts[0].as_str().unwrap(), parts[1].as_str().unwrap())
            }
            text => format!("&next_offset={}", text.as_str().unwrap()),
        };
        assert!(pages < 40, "{name}: no end");
    }
}

#[tokio::test]
async fn pages_neither_lose_nor_repeat_a_record_in_both_orders() {
    for switch in ["log-end-cursor=off", "log-end-cursor=on"] {
        let sandbox = Sandbox::with(&[switch]).await;
        for log in LOGS {
            let (name, key, id) = log;
            let whole = read(&sandbox, name, "&limit=1000").await;
            let expected: Vec<String> = whole[key]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row[id].as_str().unwrap().to_owned())
                .collect();
            let total = whole["metadata"]["total_objects"].clone();
            let count = expected.len();
            assert_eq!(
                total,
                if name == "authentication" {
                    json!(count)
                } else {
                    json!({"relation": "eq", "value": count})
                }
            );
            assert!(count > 0);
            let (newest_first, pages) = paged(&sandbox, log, "desc").await;
            assert_eq!(newest_first, expected, "{name}");
            let extra = usize::from(switch.ends_with("on"));
            assert_eq!(pages, count.div_ceil(7) + extra, "{name} {switch}");
            let (mut oldest_first, _) = paged(&sandbox, log, "asc").await;
            oldest_first.reverse();
            assert_eq!(oldest_first, expected, "{name}");
        }
    }
}

#[tokio::test]
async fn a_cursor_may_be_composed_from_any_record() {
    let sandbox = Sandbox::new().await;
    for (name, key, id) in LOGS {
        let all = read(&sandbox, name, "&sort=ts:asc").await[key].as_array().unwrap().clone();
        let ids = |rows: &[Value]| rows.iter().map(|row| row[id].clone()).collect::<Vec<_>>();
        let place = all.len() / 2;
        let (time, own) = (millis(&all[place]), all[place][id].as_str().unwrap());
        for cursor in [
            format!("&next_offset={time},{own}"),
            format!("&next_offset={time}&next_offset={own}"),
            // Like the official collector: a millisecond later, with the same id.
            format!("&next_offset={},{own}", time + 1),
            // No record has this id.
            format!("&next_offset={},00000000-0000-0000-0000-000000000000", time + 1),
        ] {
            let found = read(&sandbox, name, &format!("&sort=ts:asc{cursor}")).await;
            assert_eq!(ids(found[key].as_array().unwrap()), ids(&all[place + 1..]), "{name} {cursor}");
        }
        let found = read(&sandbox, name, &format!("&sort=ts:desc&next_offset={time},{own}")).await;
        let mut before = ids(&all[..place]);
        before.reverse();
        assert_eq!(ids(found[key].as_array().unwrap()), before, "{name}");
        let end = format!("&sort=ts:asc&next_offset={},{own}", now() + DAY);
        assert_eq!(read(&sandbox, name, &end).await[key], json!([]), "{name}");
    }
}

/// Every property seen in recorded replies, and the time formats.
#[tokio::test]
async fn records_have_the_recorded_shapes() {
    let sandbox = Sandbox::new().await;
    let names =
        |value: &Value| value.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>().join(" ");
    let is_iso = |text: &Value| {
        let text = text.as_str().unwrap();
        let digits: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(digits, "0000-00-00T00:00:00.000000+00:00", "{text}");
    };
    let authentication = read(&sandbox, "authentication", "").await["authlogs"][3].clone();
    assert_eq!(
        names(&authentication),
        "access_device adaptive_trust_assessments alias application auth_device email event_type factor \
         isotimestamp ood_software reason result timestamp trusted_endpoint_status txid user"
    );
    is_iso(&authentication["isotimestamp"]);
    assert_eq!(authentication["timestamp"], json!(millis(&authentication).div_euclid(1000)));
    assert_eq!(names(&authentication["access_device"]["location"]), "city country state");
    assert!(
        authentication["user"]["groups"].as_array().unwrap().iter().any(|name| name == "Employees"),
        "{authentication}"
    );
    let activity = read(&sandbox, "activity", "").await["items"][0].clone();
    assert_eq!(
        names(&activity),
        "access_device action activity_id actor akey application old_target outcome target ts"
    );
    assert_eq!(activity["action"], json!({"details": null, "name": "integration_create"}));
    assert_eq!(names(&activity["access_device"]), "browser browser_version ip location os os_version");
    let details = |value: &Value| serde_json::from_str::<Value>(value.as_str().unwrap()).unwrap();
    assert!(
        details(&activity["actor"]["details"]).is_object()
            && details(&activity["target"]["details"]).is_object()
    );
    is_iso(&activity["ts"]);
    let telephony = read(&sandbox, "telephony", "").await["items"][0].clone();
    assert_eq!(names(&telephony), "context credits phone telephony_id ts txid type");
    assert!(telephony["txid"].as_str().is_some_and(|id| id.len() == 36), "{telephony}");
    is_iso(&telephony["ts"]);
    for (name, expected) in [
        ("administrator", "action description isotimestamp object timestamp username"),
        ("offline_enrollment", "action description isotimestamp object timestamp username"),
        ("telephony", "context credits isotimestamp phone timestamp type"),
        (
            "authentication",
            "access_device alias device email factor integration ip isotimestamp location new_enrollment ood_software \
             reason result timestamp trusted_endpoint_status txid username",
        ),
    ] {
        let listed = sandbox.send(&get(&format!("/admin/v1/logs/{name}?mintime=0"))).await.json();
        let row = &listed["response"][0];
        assert_eq!(names(row), expected, "{name}");
        is_iso(&row["isotimestamp"]);
        let last =
            listed["response"].as_array().unwrap().iter().map(|row| row["timestamp"].as_i64().unwrap());
        assert!(last.is_sorted(), "{name}");
    }
    let text = Sandbox::with(&["text-actions"]).await;
    text.answers(&[(
        "a text",
        log("activity", ""),
        At("/response/items/0/action", json!("integration_create")),
    )])
    .await;
}

#[tokio::test]
async fn what_happens_shows_at_once_or_two_minutes_later() {
    for (switch, shown) in [("log-lag=off", true), ("log-lag=on", false)] {
        let sandbox = Sandbox::with(&[switch]).await;
        let made = json!({"name": "New", "type": "rdp", "user_access": "NO_USERS"});
        sandbox.answers(&[("made", post("/admin/v3/integrations", made), Done)]).await;
        let user =
            sandbox.send(&get("/admin/v1/users?limit=1")).await.json()["response"][0]["username"].clone();
        let login =
            post("/auth/v2/auth", json!({"username": user, "factor": "push", "device": "auto"})).key("auth");
        sandbox.answers(&[("a login", login, Done)]).await;
        let newest = read(&sandbox, "activity", "&limit=1").await["items"][0]["target"]["name"].clone();
        assert_eq!(newest == "New", shown, "{newest}");
        let newest =
            read(&sandbox, "authentication", "&limit=1").await["authlogs"][0]["application"]["name"].clone();
        assert_eq!(newest == "Help desk verification", shown, "{newest}");
    }
}
