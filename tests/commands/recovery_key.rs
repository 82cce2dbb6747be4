//! A change of the operator's own application: the recovery key makes it, the operator proves that it still works, and
//! otherwise the recovery key reverts it.

use duoctl::sandbox::account::Account;
use duoctl::sandbox::call::Reply;
use serde_json::{Map, Value, json};

use crate::support::{Call, Folder, HEAD, Outcome, Server, object};

mod killed;

const APPLY: [&str; 5] =
    ["apply", "--auto-approve", "--no-verify", "--parallelism=1", "--caller-address=127.0.0.1"];

/// All permissions that an operator may have, in alphabetical order.
const EVERYTHING: &str = "admins, admins_read, allow_to_set_permissions, info, integrations, integrations_read, \
                          read_log, read_resource, settings, settings_read, write_resource";

fn account() -> Account {
    let mut account = Account::in_memory().unwrap();
    let second = json!({"type": "adminapi", "name": "Second", "user_access": "NO_USERS", "adminapi_integrations": "1",
        "adminapi_read_resource": "1", "adminapi_allow_to_set_permissions": "1"});
    account.create_application(object(second)).unwrap_or_else(|reply| panic!("{reply:?}"));
    account
}

fn server() -> Server {
    let server = Server::start();
    *server.account() = account();
    server
}

fn first(server: &Server) -> String {
    server.key("operator").integration_key
}

/// A YAML with both keys, the operator's application with `settings`, and another application.
fn folder(server: &Server, settings: &str) -> Folder {
    let folder = Folder::empty();
    declare(&folder, server, settings, "");
    folder
}

fn declare(folder: &Folder, server: &Server, settings: &str, more: &str) {
    let head = HEAD.replace(
        "secret_key: {env: DUO_SKEY}}",
        "secret_key: {env: DUO_SKEY}, recovery: {integration_key: {env: DUO_RECOVERY_IKEY}, secret_key: {env: DUO_RECOVERY_SKEY}}}",
    );
    assert_ne!(head, HEAD);
    let yaml = format!(
        "{head}applications:\n  me: {{type: adminapi, name: Configuration pipeline, user_access: no_users, {settings}}}\n  vpn: \
         {{type: radius, name: VPN, user_access: no_users}}\n{more}"
    );
    folder.write("duo.yaml", &yaml.replace("OPERATOR", &first(server)));
}

fn secret(server: &Server, ikey: &str) -> String {
    let call = format!("/admin/v1/integrations/{ikey}/skey");
    let Reply::Ok(key) = server.account().as_administrator("GET", &call, Map::new()) else { panic!() };
    key["secret_key"].as_str().unwrap().to_owned()
}

/// A call with both keys.
fn call(folder: &Folder, server: &Server, arguments: &[&str]) -> Call {
    let ikey = server.ikey("Second");
    let call = folder.duoctl(arguments).at(server);
    call.env("DUO_RECOVERY_IKEY", &ikey).env("DUO_RECOVERY_SKEY", secret(server, &ikey))
}

/// `more` may state another address.
fn apply(folder: &Folder, server: &Server, more: &[&str]) -> Outcome {
    let stated = |argument: &&str| argument.starts_with("--caller-address");
    let usual = APPLY.iter().filter(|argument| !stated(argument) || !more.iter().any(stated));
    let arguments: Vec<&str> = usual.chain(more).copied().collect();
    call(folder, server, &arguments).run()
}

fn own(server: &Server) -> Value {
    let ikey = first(server);
    server.account().application(&ikey).unwrap_or_else(|reply| panic!("{reply:?}"))
}

/// Who changed the operator's application, in order.
fn writers(server: &Server) -> Vec<String> {
    let query =
        object(json!({"mintime": 1_000_000_000_000_i64, "maxtime": 9_999_999_999_999_i64, "limit": 1000,
        "sort": "ts:asc"}));
    let found = server.account().as_administrator("GET", "/admin/v2/logs/activity", query);
    let Reply::Ok(found) = found else { panic!("{found:?}") };
    let first = first(server);
    let changes = found["items"].as_array().unwrap().iter().filter(|item| {
        item["target"]["key"] == first.as_str() && item["action"]["name"] == "integration_update"
    });
    changes.map(|item| item["actor"]["name"].as_str().unwrap().to_owned()).collect()
}

/// The operator under management, with everything applied.
fn settled(settings: &str) -> (Server, Folder) {
    let server = server();
    let folder = folder(&server, settings);
    apply(&folder, &server, &[]).exits(0);
    (server, folder)
}

const OFFICE: &str = "networks_for_api_access: [127.0.0.0/8]";

#[test]
fn the_recovery_key_changes_the_first_which_proves_that_it_still_works() {
    let (server, folder) = settled("notes: Ours");
    let before = writers(&server);
    assert_eq!(
        before,
        ["Second", "Configuration pipeline", "Second", "Configuration pipeline"],
        "adopt, update"
    );
    declare(&folder, &server, &format!("notes: Ours, {OFFICE}"), "");
    let note = "made with the recovery key, and rolled back if duoctl's own key stops working";
    let caller = ["--caller-address=127.0.0.1"];
    call(&folder, &server, &["plan", caller[0]]).run().exits(0).says(note);
    let plan = call(
        &folder,
        &server,
        &["plan", "--format=json", caller[0], "--out=plan.json", "--report=markdown=plan.md"],
    )
    .run()
    .exits(0);
    assert_eq!(plan.json()["steps"][0]["made_by"], "recovery_key");
    folder.duoctl(["show", "plan.json"]).run().exits(0).says(note);
    assert!(folder.read("plan.md").contains("made with the recovery key"));
    let done = apply(&folder, &server, &["--report", "json=report.json"]).exits(0);
    done.says(&format!(
        "updated applications.me {}; made with the recovery key, and the operator has proven that it still works",
        first(&server)
    ));
    let report: Value = serde_json::from_str(&folder.read("report.json")).unwrap();
    assert_eq!(report["steps"][0]["made_by"], "recovery_key");
    assert_eq!(writers(&server)[before.len()..], ["Second", "Configuration pipeline"]);
    let own = own(&server);
    assert_eq!(own["networks_for_api_access"], "127.0.0.0/8");
    assert!(!own["notes"].as_str().unwrap().contains("untested"), "{own}");
    call(&folder, &server, &["plan", "--detailed-exitcode"]).run().exits(0);
}

#[test]
fn without_a_recovery_key_the_first_changes_itself() {
    let server = Server::start();
    server.account().switches.self_networks = true;
    let folder = Folder::with(&format!(
        "applications:\n  me: {{type: adminapi, name: Configuration pipeline, user_access: no_users, {OFFICE}}}\n"
    ));
    let plan =
        folder.duoctl(["plan", "--format=json", "--caller-address=127.0.0.1"]).at(&server).run().exits(0);
    assert!(!plan.stdout.contains("recovery_key"), "{plan:?}");
    let done = folder.duoctl(APPLY).at(&server).run().exits(0);
    assert!(!done.stdout.contains("second"), "{done:?}");
    assert_eq!(writers(&server), ["Configuration pipeline"; 2], "adopt, update");
}

#[test]
fn where_duo_refuses_that_the_first_stays_as_it_was() {
    let server = Server::start();
    let folder = Folder::with(&format!(
        "applications:\n  me: {{type: adminapi, name: Configuration pipeline, user_access: no_users, {OFFICE}}}\n"
    ));
    let done = folder.duoctl(APPLY).at(&server).run().exits(4);
    done.says("failed applications.me").says("integration_key").says("1 failed");
    assert_eq!(own(&server)["networks_for_api_access"], "");
    folder.duoctl(["plan", "--caller-address=127.0.0.1"]).at(&server).run().exits(0).says("1 to change");
}

#[test]
fn what_shuts_the_first_operator_out_is_taken_back() {
    let (server, folder) = settled("notes: Ours");
    let before = own(&server);
    // A wrong stated address passes the guard.
    let settings = "notes: Theirs, networks_for_api_access: [192.0.2.0/24]";
    declare(&folder, &server, settings, "  wiki: {type: radius, name: Wiki, user_access: no_users}\n");
    let caller = ["--caller-address=192.0.2.1", "--report=json=report.json"];
    let reports = ["--report=markdown=report.md", "--report=github=report.txt"];
    let outcome = apply(&folder, &server, &[&caller[..], &reports[..]].concat()).exits(4);
    let outcome = outcome.says("rolled back applications.me").says("Access forbidden").says("1 failed");
    outcome.says("the recovery key rolled the change back, and the operator works again");
    assert_eq!(own(&server), before);
    assert_eq!(server.named("Wiki").len(), 1, "the others proceed");
    let report: Value = serde_json::from_str(&folder.read("report.json")).unwrap();
    let step =
        report["steps"].as_array().unwrap().iter().find(|step| step["address"] == "applications.me").unwrap();
    assert_eq!((&step["status"], &step["made_by"]), (&json!("rolled_back"), &json!("recovery_key")));
    assert!(step["reason"].as_str().unwrap().contains("rolled the change back"), "{step}");
    for file in ["report.md", "report.txt"] {
        let text = folder.read(file);
        assert!(text.contains("rolled back") && text.contains("rolled the change back"), "{text}");
    }
    folder.duoctl(["show", "report.json"]).run().exits(0).says("rolled back applications.me");
    // The operator continues.
    declare(&folder, &server, "notes: Ours", "");
    call(&folder, &server, &["plan", "--detailed-exitcode"]).run().exits(0);
    // It is the last change, whatever the addresses.
    let stream = ["--format=jsonl", "--caller-address=192.0.2.1"];
    let more = "  zoo: {type: radius, name: Zoo, user_access: no_users}\n";
    declare(&folder, &server, "notes: Ours, networks_for_api_access: [192.0.2.0/24]", more);
    let outcome = apply(&folder, &server, &stream).exits(4).says("\"status\":\"rolled_back\"");
    let events = outcome.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let steps: Vec<String> = events
        .filter(|event| event["kind"] == "event")
        .map(|event| format!("{} {}", event["event"].as_str().unwrap(), event["address"].as_str().unwrap()))
        .collect();
    let expected = [
        "begun applications.zoo",
        "ended applications.zoo",
        "begun applications.me",
        "ended applications.me",
    ];
    assert_eq!(steps, expected.map(|step| format!("step_{step}")));
    assert_eq!(own(&server), before);
}

#[test]
fn what_duo_does_on_its_own_with_a_change_is_taken_back_too() {
    let (server, folder) = settled("notes: Ours");
    let before = own(&server);
    declare(&folder, &server, "notes: Theirs", "");
    server.disturb("revoke=1");
    apply(&folder, &server, &[]).exits(4).says("rolled back applications.me").says("Access forbidden");
    assert_eq!(own(&server), before, "permissions that nobody sent come back as well");
    apply(&folder, &server, &[]).exits(0);
}

#[test]
fn a_roll_back_that_fails_says_the_values_and_the_next_run_puts_them_back() {
    let (server, folder) = settled(&format!("notes: Ours, permissions: [{EVERYTHING}]"));
    let wiki = "  wiki: {type: radius, name: Wiki, user_access: no_users}\n";
    declare(&folder, &server, &format!("notes: Ours, permissions: [{EVERYTHING}]"), wiki);
    apply(&folder, &server, &[]).exits(0);
    let before = own(&server);
    declare(&folder, &server, &format!("notes: Theirs, permissions: [{EVERYTHING}]"), "");
    server.disturb("revoke=99");
    let more = ["--report=json=report.json", "--prune"];
    let outcome = apply(&folder, &server, &more).exits(4).says("NOT ROLLED BACK applications.me");
    let outcome =
        outcome.says("adminapi_integrations = 1").says("the page of").says("duoctl apply --auto-approve");
    outcome
        .says("ask an Owner to open")
        .says("not attempted applications.wiki")
        .says("the operator's own key may no longer work");
    let report: Value = serde_json::from_str(&folder.read("report.json")).unwrap();
    assert_eq!(report["steps"][0]["status"], "not_rolled_back");
    // Every other command fails, and names the command to use.
    let refused = call(&folder, &server, &["plan"]).run().exits(77);
    refused.warns("`duoctl apply` checks the operator with the recovery key");
    server.calm();
    // The previous text is still in its notes.
    let outcome =
        apply(&folder, &server, &[]).exits(0).warns("an earlier run ended before the recovery key's change");
    outcome.tells("the recovery key restored what it had lost").says("updated applications.me");
    let held = |live: &Value| {
        live.as_object().unwrap().iter().filter(|(key, _)| key.starts_with("adminapi_")).count()
    };
    assert_eq!(held(&own(&server)), held(&before));
    assert!(own(&server)["notes"].as_str().unwrap().starts_with("Theirs\n"));
    call(&folder, &server, &["plan", "--detailed-exitcode"]).run().exits(0);
}

#[test]
fn a_recovery_key_that_cannot_do_it_changes_nothing_and_stops_nothing_else() {
    let (server, folder) = settled("notes: Ours");
    let before = own(&server);
    let second = server.ikey("Second");
    let set = |name: &str, on: &str| {
        let body = object(json!({format!("adminapi_{name}"): on}));
        server.account().modify_application(&second, body).unwrap_or_else(|reply| panic!("{reply:?}"));
    };
    let mut number = 0;
    let mut refused = |change: &dyn Fn(Call) -> Call, why: &str| {
        number += 1;
        let wiki = format!("  w{number}: {{type: radius, name: W{number}, user_access: no_users}}\n");
        declare(&folder, &server, "notes: Theirs", &wiki);
        let only = ["--only=applications.me", "--only=applications.w*"];
        let arguments: Vec<&str> = APPLY.iter().chain(&only).copied().collect();
        let outcome = change(call(&folder, &server, &arguments)).run().exits(4).says(why);
        outcome
            .says("nothing was changed there; fix `tenant.credentials.recovery`")
            .says(&format!(" applications.w{number} "));
        assert_eq!(own(&server), before, "{why}");
        // Alone, it is the whole failure.
        change(call(&folder, &server, &APPLY[..])).run()
    };
    set("integrations", "0");
    refused(&|call| call, "select `Grant applications`").exits(1);
    set("integrations", "1");
    set("read_resource", "0");
    refused(&|call| call, "it cannot read applications").exits(77);
    set("read_resource", "1");
    set("allow_to_set_permissions", "0");
    server.account().switches.set_permissions_on_modify = true;
    set("allow_to_set_permissions", "0");
    refused(&|call| call, "select `Grant set Admin API permissions`").exits(1);
    set("allow_to_set_permissions", "1");
    refused(&|call| call.env("DUO_RECOVERY_SKEY", "x".repeat(40)), "Invalid signature").exits(77);
    refused(&|call| call.env("DUO_RECOVERY_SKEY", ""), "the recovery key is not available").exits(1);
    let first = first(&server);
    refused(&|call| call.env("DUO_RECOVERY_IKEY", &first), "`tenant.credentials.recovery` is the same key")
        .exits(1);
    apply(&folder, &server, &[]).exits(0);
}

#[test]
fn guards_still_refuse_what_surely_locks_duoctl_out() {
    let (server, folder) = settled("notes: Ours");
    let before = own(&server);
    for settings in ["permissions: [info]", "networks_for_api_access: [192.0.2.0/24]"] {
        declare(&folder, &server, settings, "");
        apply(&folder, &server, &["--allow=escalates_privilege"]).exits(5).says("nothing lifts this guard");
    }
    assert_eq!(own(&server), before);
}

#[test]
fn the_application_of_the_recovery_key_is_changed_by_the_first() {
    let (server, folder) = settled("notes: Ours");
    let more = "  second: {type: adminapi, name: Second, user_access: no_users, notes: Spare}\n";
    declare(&folder, &server, "notes: Theirs", more);
    apply(&folder, &server, &[]).exits(0).says("updated applications.me").says("updated applications.second");
    assert!(server.named("Second")[0]["notes"].as_str().unwrap().starts_with("Spare\n"));
    assert_eq!(writers(&server).last().unwrap(), "Configuration pipeline");
}

#[test]
fn an_interrupt_finishes_the_proof_and_the_roll_back() {
    for breaks in [false, true] {
        let (server, folder) = settled("notes: Ours");
        let before = own(&server);
        declare(&folder, &server, "notes: Theirs", "");
        if breaks {
            server.disturb("revoke=1");
        }
        server.disturb("delay=30");
        let changes = |account: &Account| {
            account.requests().get("POST /admin/v3/integrations/{id}").copied().unwrap_or_default()
        };
        let so_far = changes(&server.account());
        let process = call(&folder, &server, &APPLY).start();
        server.wait_until("the recovery key writes", |account| changes(account) > so_far);
        process.signal("TERM");
        let outcome = process.end().exits(130);
        let own = own(&server);
        if breaks {
            outcome.says("rolled back applications.me");
            assert_eq!(own, before);
        } else {
            outcome.says("updated applications.me");
            assert!(own["notes"].as_str().unwrap().starts_with("Theirs\n[duoctl"));
            assert!(!own["notes"].as_str().unwrap().contains("untested"), "{own}");
        }
    }
}

/// Applies, and calls `act` as soon as the recovery key has written.
fn meanwhile(folder: &Folder, server: &Server, act: impl Fn()) -> Outcome {
    let changes = |account: &Account| {
        account.requests().get("POST /admin/v3/integrations/{id}").copied().unwrap_or_default()
    };
    let so_far = changes(&server.account());
    server.disturb("delay=100");
    let process = call(folder, server, &APPLY).start();
    server.wait_until("the recovery key writes", |account| changes(account) > so_far);
    act();
    process.end()
}

#[test]
fn the_first_operator_proves_everything_that_it_could_do_before() {
    let (server, folder) = settled("notes: Ours");
    let before = own(&server);
    declare(&folder, &server, "notes: Theirs", "");
    // No read-only call shows this one, so Duo is asked.
    let outcome = meanwhile(&folder, &server, || {
        server.edit("Configuration pipeline", json!({"adminapi_write_resource": "0"}));
    });
    outcome.exits(4).says("rolled back applications.me").says("Duo shows it without write_resource");
    assert_eq!(own(&server), before);
    server.calm();
    // What no answer proves is reverted, too, and reported differently from what is proven.
    let outcome = meanwhile(&folder, &server, || server.disturb("5xx=99@/admin/v1/admins"));
    outcome
        .exits(4)
        .says("rolled back, NOT PROVEN applications.me")
        .says("the operator still cannot prove that it works");
    assert_eq!(own(&server), before);
    server.calm();
    // What it could not do before is not tested.
    let first = first(&server);
    let body = object(json!({"adminapi_info": "0", "adminapi_settings": "0", "adminapi_settings_read": "0"}));
    server.account().modify_application(&first, body).unwrap_or_else(|reply| panic!("{reply:?}"));
    apply(&folder, &server, &[]).exits(0);
}

#[test]
fn what_somebody_changed_since_the_plan_is_not_written_over() {
    let (server, folder) = settled("notes: Ours");
    let notes = own(&server)["notes"].as_str().unwrap().to_owned();
    declare(&folder, &server, "notes: Theirs", "");
    let lists =
        |account: &Account| account.requests().get("GET /admin/v3/integrations").copied().unwrap_or_default();
    let so_far = lists(&server.account());
    server.disturb("delay=100");
    let process = call(&folder, &server, &APPLY).start();
    server.wait_until("the plan is made", |account| lists(account) > so_far);
    server.edit("Configuration pipeline", json!({"notes": notes.replace("Ours", "Hers")}));
    process.end().exits(6).says("was changed in Duo since the plan was made");
    assert!(own(&server)["notes"].as_str().unwrap().starts_with("Hers\n"));
}
