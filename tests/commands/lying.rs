//! A server in Duo's place that gives false answers: to lists, creations, changes, reads of one application and of its key.
//! Incomplete lists lead to no writes; whatever the answer to a write, applications of others stay as they were, and the next
//! run ends with one application and its key in the store.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value, json};

use crate::support::saved::Saved;
use crate::support::seals::sealed;
use crate::support::spoiler::{Keep, Spoiler};
use crate::support::{Folder, Outcome, Server, object};

const LIST: &str = "/admin/v3/integrations";

const DECLARED: &str = "applications:
  vpn: {type: authapi, name: VPN, user_access: all_users, greeting: Hello, secret: {store: local, path: vpn}}
  wiki: {type: websdk, name: Wiki, user_access: no_users, protect: true}
secret_stores: {local: {type: file, path: kept}}
guards: {allow: [{risk: widens_access, reason: a test}]}
";

const APPLY: [&str; 3] = ["apply", "--auto-approve", "--no-verify"];
const PRUNE: [&str; 8] =
    ["apply", "--auto-approve", "--no-verify", "--prune=now", "--allow", "destroys", "--max-changes", "100%"];

fn saved(declared: &str) -> Saved {
    Saved::new(|server, folder| {
        folder.declare(declared);
        folder.duoctl(APPLY).at(server).run().exits(0);
        let body = json!({"type": "authapi", "name": "Theirs", "user_access": "ALL_USERS"});
        let made =
            server.account().create_application(object(body)).unwrap_or_else(|reply| panic!("{reply:?}"));
        let notes = sealed(
            "a-secret-of-somebody-else-of-the-account",
            made["integration_key"].as_str(),
            "[duoctl other/applications.vpn - protected]",
        );
        server.edit("Theirs", json!({"notes": notes}));
        folder.declare(DECLARED);
    })
}

/// A run against the account with a false answer.
fn run(
    saved: &Saved,
    folder: &Folder,
    arguments: &[&str],
    lie: impl Fn(&str, &str, &mut Value) + Send + Sync + 'static,
) -> (Outcome, Server) {
    let server = Server::start();
    *server.account() = saved.account();
    let spoiler = Spoiler::start(server, Keep::Alive, move |request, reply| {
        let mut envelope: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        lie(&request.method, request.path(), &mut envelope);
        // A text is sent as it is.
        reply.body = envelope.as_str().map_or_else(|| envelope.to_string(), str::to_owned).into_bytes();
    });
    let outcome = spoiler.call(folder, arguments).run();
    (outcome, spoiler.server)
}

type Lie = (&'static str, fn(&mut Value));

fn rows(envelope: &mut Value) -> &mut Vec<Value> {
    envelope["response"].as_array_mut().unwrap()
}

fn row<'v>(envelope: &'v mut Value, name: &str) -> &'v mut Map<String, Value> {
    rows(envelope).iter_mut().find(|row| row["name"] == name).unwrap().as_object_mut().unwrap()
}

/// Lists that cannot be those of a complete account.
const LISTS: [Lie; 40] = [
    ("no operator", |list| rows(list).retain(|row| row["name"] != "Configuration pipeline")),
    ("empty", |list| rows(list).clear()),
    ("empty, counted as such", |list| {
        *list = json!({"stat": "OK", "response": [], "metadata": {"total_objects": 0}})
    }),
    ("empty, without a count", |list| *list = json!({"stat": "OK", "response": []})),
    ("one missing, with the old count", |list| rows(list).retain(|row| row["name"] != "VPN")),
    ("one missing of the end", |list| drop(rows(list).pop())),
    ("counted too many", |list| list["metadata"]["total_objects"] = json!(9999)),
    ("counted too few", |list| list["metadata"]["total_objects"] = json!(1)),
    ("counted negative", |list| list["metadata"]["total_objects"] = json!(-1)),
    ("counted by a text", |list| list["metadata"]["total_objects"] = json!("many")),
    ("counted by a fraction", |list| list["metadata"]["total_objects"] = json!(1.5)),
    ("a next page that never ends", |list| list["metadata"]["next_offset"] = json!(100)),
    ("a next page before this one", |list| list["metadata"]["next_offset"] = json!(-5)),
    ("a next page that is no number", |list| list["metadata"]["next_offset"] = json!({"x": 1})),
    ("one twice", |list| {
        let first = rows(list)[0].clone();
        rows(list).push(first);
    }),
    ("one twice, counted", |list| {
        let first = rows(list)[0].clone();
        rows(list).push(first);
        list["metadata"]["total_objects"] = json!(rows(list).len());
    }),
    ("one twice, with two names", |list| {
        let mut first = rows(list)[0].clone();
        first["name"] = json!("Twin");
        rows(list).push(first);
        list["metadata"]["total_objects"] = json!(rows(list).len());
    }),
    ("a row that is null", |list| rows(list).push(Value::Null)),
    ("a row that is a text", |list| rows(list).push(json!("DI"))),
    ("a row that is a list", |list| rows(list).push(json!([]))),
    ("a row without a key", |list| drop(row(list, "VPN").remove("integration_key"))),
    ("a row whose key is empty", |list| drop(row(list, "VPN").insert("integration_key".into(), json!("")))),
    ("a row whose key is a number", |list| drop(row(list, "VPN").insert("integration_key".into(), json!(7)))),
    ("a row whose key is a path", |list| {
        drop(row(list, "VPN").insert("integration_key".into(), json!("../../admins")));
    }),
    ("a row without a type", |list| drop(row(list, "VPN").remove("type"))),
    ("a row without a name", |list| drop(row(list, "VPN").remove("name"))),
    ("a row whose notes are a list", |list| drop(row(list, "VPN").insert("notes".into(), json!(["x"])))),
    ("two markers", |list| {
        let notes = row(list, "VPN")["notes"].as_str().unwrap().to_owned();
        row(list, "VPN").insert("notes".into(), json!(format!("{notes} {notes}")));
    }),
    ("a marker of another application", |list| {
        let notes = row(list, "VPN")["notes"].clone();
        row(list, "Wiki").insert("notes".into(), notes);
    }),
    ("two markers that changed places", |list| {
        let (vpn, wiki) = (row(list, "VPN")["notes"].clone(), row(list, "Wiki")["notes"].clone());
        row(list, "VPN").insert("notes".into(), wiki);
        row(list, "Wiki").insert("notes".into(), vpn);
    }),
    ("two keys that changed places", |list| {
        let (vpn, wiki) =
            (row(list, "VPN")["integration_key"].clone(), row(list, "Wiki")["integration_key"].clone());
        row(list, "VPN").insert("integration_key".into(), wiki);
        row(list, "Wiki").insert("integration_key".into(), vpn);
    }),
    ("another type", |list| drop(row(list, "VPN").insert("type".into(), json!("radius")))),
    ("a list that is an object", |list| list["response"] = json!({"integrations": []})),
    ("a list that is null", |list| list["response"] = Value::Null),
    ("a list that is a text", |list| list["response"] = json!("nothing")),
    ("no list", |list| drop(list.as_object_mut().unwrap().remove("response"))),
    ("a failure with 200", |list| *list = json!({"stat": "FAIL", "code": 50000, "message": "x"})),
    ("no JSON", |list| *list = json!("<html>")),
    ("half of a JSON", |list| {
        let text = list.to_string();
        *list = json!(text[..text.len() / 2]);
    }),
    ("a JSON of great depth", |list| *list = json!("[".repeat(100_000))),
];

#[test]
fn a_list_that_is_not_so_leads_to_no_write() {
    let saved = saved(DECLARED);
    for (what, lie) in LISTS {
        for arguments in [&["plan", "--prune"][..], &PRUNE] {
            let spoil = move |method: &str, path: &str, envelope: &mut Value| {
                if method == "GET" && path == LIST {
                    lie(envelope);
                }
            };
            let (outcome, server) = run(&saved, &saved.folder(), arguments, spoil);
            assert_eq!(server.writes(), 0, "{what}: {outcome:?}");
            assert!(matches!(outcome.code, Some(0 | 1 | 4 | 5 | 6 | 75)), "{what}: {outcome:?}");
        }
    }
}

/// A list that lost one application once is not trusted where something would be created or removed because of it.
#[test]
fn a_list_that_is_wrong_once_leads_to_no_write() {
    let saved = saved(DECLARED);
    for name in ["VPN", "Wiki"] {
        for nth in 0..3 {
            let count = AtomicUsize::new(0);
            let spoil = move |method: &str, path: &str, envelope: &mut Value| {
                if method == "GET" && path == LIST && count.fetch_add(1, Ordering::SeqCst) == nth {
                    rows(envelope).retain(|row| row["name"] != name);
                    envelope["metadata"]["total_objects"] = json!(rows(envelope).len());
                }
            };
            let (outcome, server) = run(&saved, &saved.folder(), &PRUNE, spoil);
            assert_eq!(server.writes(), 0, "{name} {nth}: {outcome:?}");
        }
    }
}

/// False answers about one application; the write itself was carried out.
const ANSWERS: [Lie; 14] = [
    ("it is another one", |answer| answer["response"]["integration_key"] = json!("DIXXXXXXXXXXXXXXXXXX")),
    ("it is the one of another workspace", |answer| answer["response"]["integration_key"] = json!("THEIRS")),
    ("it is the operator", |answer| answer["response"]["integration_key"] = json!("OPERATOR")),
    ("it is one that duoctl owns", |answer| answer["response"]["integration_key"] = json!("WIKI")),
    ("it has no key", |answer| {
        drop(answer["response"].as_object_mut().map(|it| it.remove("integration_key")))
    }),
    ("its key is empty", |answer| answer["response"]["integration_key"] = json!("")),
    ("its key is a path", |answer| answer["response"]["integration_key"] = json!("../../admins")),
    ("it is of another type", |answer| answer["response"]["type"] = json!("adminapi")),
    ("it has another name", |answer| answer["response"]["name"] = json!("Other")),
    ("it has other notes", |answer| answer["response"]["notes"] = json!("nothing")),
    ("it is a list", |answer| answer["response"] = json!([])),
    ("it is empty", |answer| answer["response"] = json!("")),
    ("it failed", |answer| {
        *answer = json!({"stat": "FAIL", "code": 40002, "message": "Invalid request parameters"})
    }),
    ("no JSON", |answer| *answer = json!("<html>")),
];

#[test]
fn answers_that_are_not_so_touch_nothing_else_and_the_next_run_finishes() {
    // It does not exist yet, or its greeting and its access must change.
    let changed = DECLARED
        .replace("greeting: Hello", "greeting: Bye")
        .replace("user_access: all_users", "user_access: no_users");
    let without = DECLARED.lines().filter(|line| !line.starts_with("  vpn:")).map(|line| format!("{line}\n"));
    let mut lies = 0;
    for (begin, writes) in [
        (without.collect::<String>(), "POST"),
        (changed, "POST"),
        (DECLARED.replace("vpn}}", "old}}"), "GET"),
    ] {
        let saved = saved(&begin);
        for (what, lie) in ANSWERS {
            let folder = saved.folder();
            let ids = {
                let mut account = saved.account();
                let all = account.applications();
                let key = |name: &str| {
                    let found = all.iter().find(|live| live["name"] == name);
                    found.map(|live| live["integration_key"].clone()).unwrap_or_default()
                };
                let operator = json!(account.key("operator").unwrap().integration_key);
                [("THEIRS", key("Theirs")), ("WIKI", key("Wiki")), ("OPERATOR", operator)]
            };
            let spoil = move |method: &str, path: &str, envelope: &mut Value| {
                let is_one = path.starts_with(LIST) && (path != LIST || method == "POST");
                if method == writes && is_one && envelope["response"].is_object() {
                    lie(envelope);
                    for (word, id) in &ids {
                        if envelope["response"]["integration_key"] == json!(word) {
                            envelope["response"]["integration_key"] = id.clone();
                        }
                    }
                }
            };
            let untouched = |server: &Server| ["Theirs", "Wiki"].map(|name| server.named(name));
            let (outcome, server) = run(&saved, &folder, &APPLY, spoil);
            let before = {
                let honest = Server::start();
                *honest.account() = saved.account();
                untouched(&honest)
            };
            assert_eq!(untouched(&server), before, "{what}: {outcome:?}");
            assert!(matches!(outcome.code, Some(0..=6 | 75)), "{what}: {outcome:?}");
            let next = folder.duoctl(APPLY).args(["--allow", "adopts_key"]).at(&server).run();
            let lives = server.named("VPN");
            // If nothing shows whose creation it is, the run that would continue it says so.
            if next.code != Some(0) {
                next.exits(1).tells("unverified_state");
            } else {
                assert_eq!(lives.len(), 1, "{what}: {next:?}");
                let held: Value = serde_json::from_str(&folder.read("kept/vpn")).unwrap();
                assert_eq!(held["integration_key"], lives[0]["integration_key"], "{what}");
                assert_eq!(lives[0]["user_access"], "ALL_USERS", "{what}");
            }
            lies += 1;
        }
    }
    assert!(lies + LISTS.len() >= 67, "{lies}");
}
