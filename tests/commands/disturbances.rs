//! What a network or a busy service does, and the resulting exit codes.

use duoctl::sandbox::account::Account;
use std::net::TcpListener;

use serde_json::json;

use crate::support::{Folder, Server, THREE, object};

#[track_caller]
fn plan_exits(fault: &str, code: i32) -> crate::support::Outcome {
    let (folder, server) = (Folder::with(THREE), Server::disturbed(fault));
    let outcome = folder.duoctl(["plan"]).at(&server).run();
    assert_eq!(server.writes(), 0);
    outcome.exits(code)
}

#[test]
fn a_wrong_key_is_refused_with_every_candidate_cause() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    for command in ["plan", "apply", "verify"] {
        let outcome = folder
            .duoctl([command])
            .at(&server)
            .env("DUO_SKEY", "wrongwrongwrongwrongwrongwrongwrongwrong")
            .run()
            .exits(77);
        assert_eq!(outcome.stdout, "");
        outcome.warns("error: Duo refused GET /admin/v3/integrations: ");
    }
    let outcome =
        folder.duoctl(["plan"]).at(&server).env("DUO_SKEY", "wrongwrongwrongwrongwrongwrongwrongwrong").run();
    insta::assert_snapshot!(outcome.stderr, @"
    error: Duo refused GET /admin/v3/integrations: Invalid signature in request credentials [40103]
      the secret key does not match the integration key: misspelt, reset since, or with a trailing line break: copy the secret key again from the application's page; it has 40 characters
      the API hostname belongs to another account: copy integration key, secret key and API hostname together from one application's page
      a proxy modifies requests in transit: exclude the API hostname with NO_PROXY
    ");
    folder.duoctl(["plan"]).at_with(&server, &server.key("auth")).run().exits(77);
    folder
        .duoctl(["plan"])
        .at_with(&server, &server.key("no-permissions"))
        .run()
        .exits(77)
        .warns("Grant resource");
    server.disturb("string-code");
    folder
        .duoctl(["plan"])
        .at(&server)
        .env("DUO_SKEY", "wrongwrongwrongwrongwrongwrongwrongwrong")
        .run()
        .exits(77);
}

#[test]
fn nobody_at_the_address_is_safe_to_retry() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let key = server.key("operator");
    let call = |command: &str| {
        let arguments = [command, "--connect-to", closed.as_str()];
        let call = folder.duoctl(arguments).env("DUO_IKEY", &key.integration_key);
        call.env("DUO_SKEY", key.secret_key.expose()).run()
    };
    for command in ["plan", "apply", "verify"] {
        call(command).exits(75).warns("cannot be reached: connection refused");
    }
    call("doctor").exits(75).says("failed hostname and TLS");
}

#[test]
fn an_authority_that_is_not_trusted_ends_it_before_anything_is_sent() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let other = Server::start();
    let arguments =
        ["plan", "--connect-to", &server.running().address().to_string(), "--ca-file"].map(str::to_owned);
    let arguments = arguments.into_iter().chain([other.running().ca_file().display().to_string()]);
    let key = server.key("operator");
    let call = folder.duoctl(arguments).env("DUO_IKEY", &key.integration_key);
    call.env("DUO_SKEY", key.secret_key.expose()).run().exits(75).warns("certificate");
    assert!(server.account().requests().is_empty());
}

#[test]
fn a_rate_limit_is_waited_out_and_in_the_end_reported() {
    plan_exits("429=6", 0).says("3 to add");
    plan_exits("429=999", 75).warns("Duo's rate limit refused GET /admin/v3/integrations 7 times");
}

#[test]
fn server_errors_pages_of_gateways_and_lost_answers_are_tried_again_then_reported() {
    for fault in ["5xx", "html", "truncate", "reset-before"] {
        plan_exits(&format!("{fault}=2"), 0).says("3 to add");
        plan_exits(&format!("{fault}=999"), 75).warns("error: ");
    }
    plan_exits("html=999", 75).warns("is not from Duo's API");
}

#[test]
fn what_is_not_duos_api_is_an_error() {
    plan_exits("redirect=999", 1).warns("is not from Duo's API");
    plan_exits("huge=999", 1).warns("is not from Duo's API");
}

#[test]
fn a_list_that_is_not_whole_stops_everything() {
    let (folder, server) = (Folder::with(THREE), Server::disturbed("short-list"));
    for command in ["plan", "apply", "verify"] {
        let outcome = folder.duoctl([command]).at(&server).run().exits(75);
        outcome.warns("the list /admin/v3/integrations is incomplete");
    }
    assert_eq!(server.writes(), 0);
}

#[test]
fn groups_and_policies_that_cannot_be_read_are_not_taken_for_missing() {
    let folder = Folder::with(THREE);
    for (path, what) in [("/admin/v1/groups", "groups"), ("/admin/v2/policies", "policies")] {
        let server = Server::disturbed(&format!("5xx=999@{path}"));
        let said = format!("the {what} of the account could not be read");
        for command in [&["plan"][..], &["apply", "--auto-approve", "--no-verify"]] {
            let outcome = folder.duoctl(command).at(&server).run().warns(&said);
            assert!(
                !matches!(outcome.code, Some(0)) && !outcome.stderr.contains("did you mean"),
                "{outcome:?}"
            );
        }
        assert!(server.named("VPN").is_empty(), "the address that names one waits");
    }
}

/// An account whose lists have several pages: 512 applications and 110 groups and policies.
fn paged() -> Server {
    let server = Server::start();
    let mut account = server.account();
    for number in 0..500 {
        let stored = json!({"kind": "rdp", "name": format!("App {number}"), "user_access": "ALL_USERS"});
        account.place_application(&stored).unwrap();
    }
    for number in 0..107 {
        account.add_policy(&format!("Policy {number}")).unwrap();
    }
    for number in 0..100 {
        account.add_group(&format!("Group {number}")).unwrap();
    }
    drop(account);
    server
}

/// The last application, group and policy, which a list that moves or ends early lacks.
const LAST: &str = "applications:
  last: {type: rdp, name: App 499, user_access: permitted_groups, groups_allowed: [Group 99], policy: Policy 106}
  new: {type: rdp, name: New, user_access: no_users}
";

#[test]
fn trap_29_pages_that_shift_repeat_or_end_early_never_create_or_drop_anything() {
    let server = paged();
    let adopts = "Plan: 1 to add, 1 to change, 1 to adopt, 0 to delete.";
    Folder::with(LAST).duoctl(["plan"]).at(&server).run().exits(0).says(adopts);
    for fault in ["shift", "repeat", "end-early"] {
        // A list that keeps moving is reported, and the incomplete part is not used.
        server.calm();
        server.disturb(&if fault == "end-early" { fault.to_owned() } else { format!("{fault}=9999") });
        let folder = Folder::with(LAST);
        let before = folder.read("duo.yaml");
        for command in [
            &["plan"][..],
            &["apply", "--auto-approve", "--prune=now", "--allow", "destroys"],
            &["drift"],
            &["import", "."],
        ] {
            let outcome = folder.duoctl(command).at(&server).run();
            outcome.exits(75).warns("is incomplete: ").warns("duoctl did not use the incomplete list");
        }
        assert_eq!((folder.read("duo.yaml"), server.writes()), (before, 0), "{fault}");
        // A list that moved once is read again.
        if fault != "end-early" {
            server.calm();
            server.disturb(&format!("{fault}=3"));
            folder.duoctl(["plan"]).at(&server).run().exits(0).says(adopts);
        }
    }
}

#[test]
fn a_wrong_clock_is_learnt_and_told() {
    for skew in ["skew=900", "skew=-900"] {
        let outcome = plan_exits(skew, 0).says("3 to add");
        outcome.warns("warning: this machine's clock is ").warns("requests are signed with Duo's time");
    }
}

#[test]
fn dripping_answers_are_read_to_their_end() {
    // A page of five hundred would take too long to drip; the groups are enough.
    let (folder, server) = (Folder::with(THREE), Server::start());
    let applications = server.account().applications();
    for live in applications {
        let ikey = live["integration_key"].as_str().unwrap().to_owned();
        if live["name"] != "Configuration pipeline" {
            server.account().delete_application(&ikey).unwrap_or_else(|_| panic!("refused"));
        }
    }
    server.disturb("drip");
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("3 to add");
}

#[test]
fn a_lost_answer_to_a_create_never_makes_a_duplicate() {
    for fault in ["reset-after-commit=1", "reset-after-commit=999", "truncate=999"] {
        let (folder, server) = (Folder::with(THREE), Server::start());
        // Reads must work, or the outcome of what was lost could not be determined.
        if fault.starts_with("truncate") {
            let process = folder.duoctl(["apply", "--auto-approve"]).at(&server).start();
            server.wait_until("something was created", |account| account.applications().len() > 12);
            server.disturb(fault);
            drop(process.end());
            server.calm();
        } else {
            server.disturb(fault);
            let outcome = folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
            outcome.says("Applied: 3 of 3 steps.");
            server.calm();
        }
        folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
        assert_eq!(server.account().applications().len(), 12 + 3, "{fault}");
        folder.duoctl(["plan", "--detailed-exitcode"]).at(&server).run().exits(0);
    }
}

fn lists(account: &Account) -> usize {
    account.requests().get("GET /admin/v3/integrations").copied().unwrap_or_default()
}

#[test]
fn a_lost_create_is_found_by_its_marker_and_by_nothing_else() {
    // Of another type, so that it is not adopted, and never marked.
    let (server, name) = (Server::start(), "VPN");
    let other = json!({"type": "unix", "name": name, "user_access": "ALL_USERS", "notes": "Theirs"});
    server.account().create_application(object(other)).unwrap();
    let before = server.named(name)[0].clone();
    let folder = Folder::with(
        "applications: {vpn: {type: radius, name: VPN, user_access: no_users, policy: Contractors}}\n",
    );
    folder.duoctl(["plan"]).at(&server).run().exits(0);
    let reads: usize = server.account().requests().values().sum();
    // After the list was read for the second time.
    server.disturb(&format!("reset-before=1@{}", reads + 1));
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(4);
    server.calm();
    assert_eq!(server.named(name), [before], "what only looks like it is left alone");
}

#[test]
fn what_was_done_in_part_has_a_code_of_its_own_and_goes_on_next_time() {
    let (folder, server) = (Folder::with(THREE), Server::disturbed("writes-per-minute=1"));
    let outcome = folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(4);
    outcome.says("run `duoctl apply` again to continue").says("rate limit").says(" failed.\n");
    server.calm();
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    assert_eq!(server.account().applications().len(), 12 + 3);
    folder.duoctl(["plan", "--detailed-exitcode"]).at(&server).run().exits(0);
}

#[test]
fn nothing_done_at_all_keeps_the_code_of_the_failure() {
    let (folder, server) = (Folder::with(THREE), Server::disturbed("writes-per-minute=0"));
    let outcome = folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(75);
    outcome.says("Applied: 0 of 3 steps, 3 failed.");
    let json =
        folder.duoctl(["apply", "--auto-approve", "--format", "json"]).at(&server).run().exits(75).json();
    assert_eq!(json["steps"][0]["status"], "failed");
}

#[test]
fn an_account_that_cannot_be_read_after_the_writes_is_no_success() {
    let folder = Folder::with("applications: {vpn: {type: radius, name: VPN, user_access: no_users}}\n");
    let server = Server::disturbed("delay=100");
    let process = folder.duoctl(["apply", "--auto-approve"]).at(&server).start();
    // That of the plan, the one before the creation and the one after it.
    server.wait_until("the application was looked at", |account| lists(account) > 2);
    server.wait_until("it is bound", |account| {
        account
            .applications()
            .iter()
            .any(|live| live["name"] == "VPN" && !live["notes"].as_str().unwrap().contains("creating"))
    });
    server.disturb("5xx=9999");
    let outcome = process.end().exits(3);
    outcome.says("created applications.vpn").warns("the applications of the account could not be read");
}

#[test]
fn what_nobody_could_look_at_after_its_creation_stays_shut_until_the_next_run() {
    let folder = Folder::with("applications: {vpn: {type: radius, name: VPN, user_access: all_users}}\n");
    let server = Server::disturbed("delay=100");
    let arguments = ["apply", "--auto-approve", "--allow", "widens_access:applications.vpn"];
    let process = folder.duoctl(arguments).at(&server).start();
    server.wait_until("the application is there", |account| account.applications().len() > 12);
    server.disturb("5xx=9999");
    process.end().exits(4).says("part of it was done");
    server.calm();
    assert_eq!(server.named("VPN")[0]["user_access"], "NO_USERS");
    folder.duoctl(arguments).at(&server).run().exits(0);
    assert_eq!(server.named("VPN")[0]["user_access"], "ALL_USERS");
    assert_eq!(server.named("VPN").len(), 1);
}

#[test]
fn an_edit_between_the_plan_and_the_write_is_not_overwritten() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    folder.declare(&THREE.replace("Owned by the network team", "Owned by the VPN team"));
    let lists = server.account().requests()["GET /admin/v3/integrations"];
    let writes = server.writes();
    server.disturb("delay=150");
    let process = folder.duoctl(["apply", "--auto-approve"]).at(&server).start();
    server.wait_until("the plan is made", |account| account.requests()["GET /admin/v3/integrations"] > lists);
    server.edit("VPN", json!({"notes": "Do not touch until Monday"}));
    let outcome = process.end().exits(6);
    outcome.says("was changed in Duo since the plan was made; run `duoctl plan` again");
    assert_eq!(server.writes(), writes);
    assert_eq!(server.named("VPN")[0]["notes"], "Do not touch until Monday");
}

#[test]
fn an_application_that_vanishes_before_its_deletion_is_as_good_as_deleted() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    folder.declare(&THREE[..THREE.find("  vpn:").unwrap()]);
    let before = lists(&server.account());
    let ikey = server.ikey("VPN");
    server.disturb("delay=150");
    let arguments = ["apply", "--auto-approve", "--prune=now", "--allow", "destroys"];
    let process = folder.duoctl(arguments).at(&server).start();
    server.wait_until("the list was read again", |account| lists(account) > before + 1);
    server.account().delete_application(&ikey).unwrap_or_else(|_| panic!("refused"));
    process.end().exits(0);
}

#[test]
fn an_edit_between_the_plan_and_the_deletion_keeps_the_application() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    folder.declare(&THREE[..THREE.find("  vpn:").unwrap()]);
    let counts =
        |account: &Account| account.requests().get("GET /admin/v1/info/summary").copied().unwrap_or_default();
    let before = counts(&server.account());
    let writes = server.writes();
    server.disturb("delay=150");
    let process =
        folder.duoctl(["apply", "--auto-approve", "--prune=now", "--allow", "destroys"]).at(&server).start();
    server.wait_until("the plan is made", |account| counts(account) > before);
    server.edit("VPN", json!({"greeting": "The audit needs this one"}));
    process.end().exits(6).says("was changed in Duo since the plan was made");
    assert_eq!((server.writes(), server.named("VPN").len()), (writes, 1));
}

#[test]
fn a_marker_that_stands_twice_names_both_keys() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    let original = server.named("VPN")[0].clone();
    let copy = object(
        json!({"type": "radius", "name": "VPN copy", "notes": original["notes"], "user_access": "NO_USERS"}),
    );
    let copy = server.account().create_application(copy).unwrap_or_else(|_| panic!("refused"));
    let outcome = folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(1);
    outcome
        .warns(original["integration_key"].as_str().unwrap())
        .warns(copy["integration_key"].as_str().unwrap())
        .warns("error[forged-marker]");
}
