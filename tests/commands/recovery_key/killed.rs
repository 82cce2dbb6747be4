//! A change of the operator's own application, killed or disturbed at every request: the next run finishes it.

use duoctl::sandbox::account::Account;
use serde_json::json;

use crate::support::{Folder, Server, object};

use super::{APPLY, EVERYTHING, OFFICE, account, apply, call, declare, first, folder, own, server, settled};

/// Kills an apply at every request in turn: the next run finishes it, even if the change broke the operator.
fn killed_at_every_request(fault: &str, breaks: bool) {
    let server = server();
    let settings = format!("notes: Ours, {OFFICE}");
    let folder = folder(&server, &settings);
    // Without a declaration, permissions named in the notes need a consent.
    let more = ["--allow=escalates_privilege"];
    let arguments: Vec<&str> = APPLY.iter().chain(&more).copied().collect();
    let content = |server: &Server| {
        let mut all = server.account().applications();
        all.iter_mut().for_each(|live| drop(live.as_object_mut().unwrap().remove("secret_key")));
        all.retain(|live| ["adminapi", "radius"].contains(&live["type"].as_str().unwrap()));
        all.iter_mut().for_each(|live| live["groups_allowed"] = json!(null));
        // Each account has its own keys.
        for live in &mut all {
            let notes = live["notes"].as_str().unwrap().split(" ~").next().unwrap().to_owned();
            live["notes"] = json!(notes);
        }
        all.sort_by_key(|live| live["name"].to_string());
        all
    };
    apply(&folder, &server, &more).exits(0);
    let wanted = content(&server);
    let mut killed = 0;
    loop {
        *server.account() = account();
        if breaks {
            server.disturb("revoke=1");
        }
        server.disturb(&format!("{fault}=1@{killed}"));
        let mut process = call(&folder, &server, &arguments).start();
        let mut ended = false;
        server.wait_until("it is stopped", |account| {
            ended = process.has_ended();
            ended || account.faults.halted() > 0
        });
        if server.account().faults.halted() == 0 {
            break;
        }
        process.kill();
        server.calm();
        let again = apply(&folder, &server, &more);
        assert_eq!(again.code, Some(0), "{fault} at request {killed}: {again:?}");
        assert_eq!(content(&server), wanted, "{fault} at request {killed}");
        killed += 1;
    }
    assert!(killed > if breaks { 15 } else { 25 }, "{killed} requests are fewer than such an apply needs");
}

#[test]
fn killed_before_any_request_is_carried_out() {
    killed_at_every_request("halt", false);
    killed_at_every_request("halt", true);
}

#[test]
fn killed_after_any_request_was_carried_out() {
    killed_at_every_request("halt-after-commit", false);
    killed_at_every_request("halt-after-commit", true);
}

/// An operator that a killed run left without its permissions.
fn left_behind(settings: &str) -> (Server, Folder) {
    let (server, folder) = settled(settings);
    declare(&folder, &server, &settings.replace("Ours", "Theirs"), "");
    server.disturb("revoke=1");
    let mut process = call(&folder, &server, &APPLY).start();
    server.wait_until("it is revoked", |account| {
        let live =
            account.applications().into_iter().find(|live| live["name"] == "Configuration pipeline").unwrap();
        let revoked = live["adminapi_integrations"] == 0;
        if revoked {
            account.faults.add("delay=60000".parse().unwrap());
        }
        revoked
    });
    process.kill();
    server.calm();
    (server, folder)
}

#[test]
fn what_a_killed_run_left_is_put_back_only_with_consent_and_never_beyond_the_yaml() {
    let (server, folder) = left_behind("notes: Ours");
    let broken = own(&server);
    // A person at a terminal would be asked.
    let refused = call(&folder, &server, &["apply", "--allow=escalates_privilege"]).run().exits(5);
    refused
        .warns("the operator lost permissions or networks")
        .warns("! escalates_privilege: it restores permissions that the YAML does not declare")
        .warns("there is no terminal to ask for consent");
    // The notes are not enough.
    apply(&folder, &server, &[])
        .exits(77)
        .warns("which the YAML does not declare: declare it, allow it with --allow");
    assert_eq!(own(&server), broken);
    declare(&folder, &server, &format!("notes: Theirs, permissions: [{EVERYTHING}]"), "");
    apply(&folder, &server, &[]).exits(0).tells("the recovery key restored what it had lost");
    call(&folder, &server, &["plan", "--detailed-exitcode"]).run().exits(0);
    // If nothing was left behind, the recovery key reports what it sees.
    let first = first(&server);
    let body = object(json!({"adminapi_read_resource": "0", "adminapi_integrations_read": "0"}));
    server.account().modify_application(&first, body).unwrap_or_else(|reply| panic!("{reply:?}"));
    apply(&folder, &server, &[])
        .exits(77)
        .warns("check its keys, permissions and networks in the Duo Admin Panel");
}

/// Whatever fails on the way, the operator works afterwards, and the next run finishes the change.
#[test]
fn disturbed_at_every_request_the_first_operator_goes_on() {
    let server = server();
    let folder = folder(&server, &format!("notes: Ours, {OFFICE}"));
    for (fault, breaks) in
        [("5xx=1", false), ("5xx=1", true), ("reset-after-commit=1", false), ("reset-after-commit=1", true)]
    {
        let begin = || {
            *server.account() = account();
            if breaks {
                server.disturb("revoke=1");
            }
        };
        begin();
        let all = own(&server)["adminapi_read_resource"].clone();
        apply(&folder, &server, &[]);
        let requests: usize = server.account().requests().values().sum();
        assert!(requests > 20, "{requests} requests are fewer than such an apply needs");
        for at in 0..requests {
            begin();
            server.disturb(&format!("{fault}@{at}"));
            let run = apply(&folder, &server, &[]);
            server.calm();
            let what = format!("{fault} at request {at}");
            assert!(matches!(run.code, Some(0 | 3 | 4 | 75)), "{what}: {run:?}");
            assert_eq!(own(&server)["adminapi_read_resource"], all, "{what}: {run:?}");
            let again = apply(&folder, &server, &[]);
            assert_eq!(again.code, Some(0), "{what}: {again:?}");
        }
    }
}

#[test]
fn what_a_killed_run_left_is_put_back_also_where_the_first_operator_can_still_read() {
    let permissions = format!("notes: Ours, permissions: [{EVERYTHING}]");
    let (server, folder) = left_behind(&permissions);
    server.edit("Configuration pipeline", json!({"adminapi_read_resource": "1"}));
    // Without a word that it escalates: it only gets back what it had, and what the YAML declares.
    apply(&folder, &server, &[]).exits(0).tells("the recovery key restored what it had lost");
    assert_eq!(own(&server)["adminapi_integrations"], 1);
    call(&folder, &server, &["plan", "--detailed-exitcode"]).run().exits(0);
}

/// A repaired operator and a plan without changes: the repair is reported, and a part of the run was done.
#[test]
fn a_plan_that_is_refused_after_a_repair_says_what_was_put_back() {
    let settings = format!("notes: Ours, permissions: [{EVERYTHING}]");
    let left = || {
        let (server, folder) = left_behind(&settings);
        let more = "  open: {type: radius, name: Open, user_access: all_users}\n";
        declare(&folder, &server, &settings.replace("Ours", "Theirs"), more);
        (server, folder)
    };
    let reports = ["--report=json=report.json", "--report=markdown=report.md"];
    let said = |folder: &Folder| {
        let report: serde_json::Value = serde_json::from_str(&folder.read("report.json")).unwrap();
        (report["repaired"]["status"].clone(), folder.read("report.md"))
    };
    let (server, folder) = left();
    let refused =
        apply(&folder, &server, &reports).exits(4).tells("the recovery key restored what it had lost");
    let refused = refused.says("Refused; nothing else was changed:").says("widens_access");
    refused.never_tells("nothing was changed").says("put back applications.me");
    let (status, markdown) = said(&folder);
    assert_eq!(status, "applied");
    assert!(markdown.contains("Put back") && markdown.contains("nothing else was changed"), "{markdown}");
    folder.duoctl(["show", "report.json"]).run().exits(0).says("put back applications.me");
    assert_eq!(own(&server)["adminapi_integrations"], 1);
    // What cannot be read afterwards.
    let (server, folder) = left();
    let lists =
        |account: &Account| account.requests().get("GET /admin/v3/integrations").copied().unwrap_or_default();
    let so_far = lists(&server.account());
    server.disturb("5xx=99@/admin/v1/groups");
    server.disturb("delay=20");
    let groups =
        "  staff: {type: radius, name: Staff, user_access: permitted_groups, groups_allowed: [VPN Users]}\n";
    declare(&folder, &server, &settings.replace("Ours", "Theirs"), groups);
    let failed = apply(&folder, &server, &reports);
    assert!(lists(&server.account()) > so_far);
    failed.exits(4).tells("the recovery key restored what it had lost").never_tells("nothing was changed");
}

#[test]
fn a_repair_is_looked_at_again_after_its_question() {
    let settings = format!("notes: Ours, permissions: [{EVERYTHING}]");
    for (changes, answer, code) in [(false, "yes\n", 0), (true, "yes\n", 6), (false, "no\n", 5)] {
        let (server, folder) = left_behind(&settings);
        declare(&folder, &server, &settings.replace("Ours", "Theirs"), "");
        let mut process = call(&folder, &server, &["apply", "--no-verify"]).start_at_terminal();
        process.until("Do this first? Only `yes` is accepted: ");
        if changes {
            server.edit("Configuration pipeline", json!({"adminapi_info": "1"}));
        }
        let before = own(&server);
        process.answer(answer);
        if code == 0 {
            process.until("Apply this plan? Only `yes` is accepted: ");
            process.answer("yes\n");
        }
        let outcome = process.end().exits(code);
        if code == 0 {
            assert_eq!(own(&server)["adminapi_integrations"], 1);
        } else {
            outcome.tells("nothing was changed");
            assert_eq!(own(&server), before);
        }
    }
}

#[test]
fn no_after_a_repair_is_partly_applied() {
    let settings = format!("notes: Ours, permissions: [{EVERYTHING}]");
    let (server, folder) = left_behind(&settings);
    declare(&folder, &server, &settings.replace("Ours", "Theirs"), "");
    let mut process = call(&folder, &server, &["apply", "--no-verify"]).start_at_terminal();
    process.until("Do this first? Only `yes` is accepted: ");
    process.answer("yes\n");
    process.until("Apply this plan? Only `yes` is accepted: ");
    process.answer("no\n");
    process.end().exits(4).says("not approved; nothing else was changed").never_tells("nothing was changed");
}
