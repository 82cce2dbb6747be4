//! Runs that cover a part, and accounts with errors in a part: the rest proceeds, and what was left out is reported.

use serde_json::json;

use crate::support::{Folder, Server, THREE, object};

#[test]
fn a_partial_run_says_what_it_left_out() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let only = ["--only", "applications.vpn"];
    let sentence = "2 addresses were left out by --only or --exclude: applications.helpdesk, applications.siem. 2 of them would change.";
    folder.duoctl(["plan"].iter().chain(&only)).at(&server).run().exits(0).says(sentence);
    let applied = folder.duoctl(["apply", "--auto-approve"].iter().chain(&only)).at(&server).run().exits(0);
    assert_eq!(applied.says(sentence).stdout.matches(sentence).count(), 1, "said once");
    let document = |command: &[&str]| {
        let arguments = command.iter().chain(&only).chain(&["--format", "json"]);
        folder.duoctl(arguments).at(&server).run().json()
    };
    let left_out = json!(["applications.helpdesk", "applications.siem"]);
    assert_eq!(document(&["apply", "--auto-approve"])["left_out"], left_out);
    for command in ["plan", "drift"] {
        let document = document(&[command]);
        assert_eq!(document["left_out"], 2);
        assert_eq!((&document["left_out_addresses"], &document["left_out_pending"]), (&left_out, &left_out));
    }
    assert_eq!(document(&["verify"])["left_out"], left_out);
    let outcome = folder.duoctl(["plan"].iter().chain(&only)).at(&server).run().exits(0).says(sentence);
    assert_eq!(outcome.last_line(), "No changes. What was selected matches the configuration.");
    folder.duoctl(["drift"].iter().chain(&only)).at(&server).run().exits(0).says(sentence);
    folder.duoctl(["verify"].iter().chain(&only)).at(&server).run().exits(0).says(sentence);
    // An exclusion takes precedence; an address that left the YAML counts, too.
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    folder.declare("applications:\n  vpn: {type: radius, name: VPN, user_access: no_users}\n");
    let outcome = folder
        .duoctl(["plan", "--only", "*", "--exclude", "*.siem", "--prune=now"])
        .at(&server)
        .run()
        .exits(0);
    outcome.says("1 address was left out by --only or --exclude: applications.siem. It would change.");
}

#[test]
fn what_is_wrong_at_one_address_stops_only_that_one() {
    let server = Server::start();
    {
        let mut account = server.account();
        account.add_group("Twins").unwrap();
        account.add_group("Twins").unwrap();
    }
    let folder = Folder::with(&format!(
        "{THREE}  twins: {{type: radius, name: Twins, user_access: permitted_groups, groups_allowed: [Twins]}}\n"
    ));
    let outcome = folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(4);
    outcome
        .warns("2 groups are named `Twins`")
        .warns("choose one by its id: `{id: DG")
        .says("Applied: 3 of 3 steps.");
    assert_eq!(server.named("Twins").len(), 0);
}

#[test]
fn a_policy_that_is_renamed_during_the_run_is_named_and_widens_nothing() {
    let server = Server::start();
    let key = server.account().add_policy("Strict").unwrap();
    let declared = THREE.replace("Require trusted endpoints", "Strict");
    let folder = Folder::with(&declared);
    folder.duoctl(["plan", "--out", "plan.json"]).at(&server).run().exits(0);
    let rename = |name: &str| {
        let body = crate::support::object(json!({"policy_name": name}));
        server.account().as_administrator("PUT", &format!("/admin/v2/policies/{key}"), body);
    };
    rename("Renamed");
    let outcome = folder.duoctl(["apply", "plan.json"]).at(&server).run();
    assert_eq!(server.writes(), 0);
    outcome.exits(6);
    let outcome = folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(4);
    outcome.warns("the account has no policy named `Strict`").says("Applied: 2 of 2 steps.");
    assert_eq!(server.named("VPN").len(), 0);
    rename("Strict");
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    assert_eq!(server.named("VPN")[0]["policy_key"], key.as_str());
    // Renamed after it was attached: the address stops, and the policy stays attached.
    rename("Renamed");
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(1).warns("applications.vpn: ");
    assert_eq!(server.named("VPN")[0]["policy_key"], key.as_str());
}

#[test]
fn a_hundred_and_one_groups_and_a_field_that_the_type_lacks_are_refused_before_anything_is_sent() {
    let groups = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("G{n}")).collect();
        format!(
            "applications:\n  vpn: {{type: radius, name: VPN, user_access: permitted_groups, groups_allowed: [{}]}}\n",
            names.join(", ")
        )
    };
    let folder = Folder::with(&groups(101));
    folder.duoctl(["validate"]).run().exits(1).warns("at most 100");
    folder.declare(&groups(100));
    folder.duoctl(["validate"]).run().exits(0);
    folder.declare(
        "applications:\n  vpn: {type: radius, name: VPN, user_access: no_users, permissions: [info]}\n",
    );
    folder.duoctl(["validate"]).run().exits(1).warns("an application of type `radius` has no `permissions`");
}

#[test]
fn an_application_that_is_deleted_between_plan_and_apply_is_named_and_the_others_proceed() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    folder.declare(&THREE.replace("team", "team, floor 2").replace("SIEM export", "SIEM"));
    folder.duoctl(["plan", "--out", "plan.json"]).at(&server).run().exits(0);
    let vpn = server.ikey("VPN");
    server.account().delete_application(&vpn).unwrap_or_else(|_| panic!("refused"));
    let outcome = folder.duoctl(["apply", "plan.json"]).at(&server).run().exits(6);
    outcome.warns(&vpn);
    assert_eq!(server.named("SIEM").len(), 0);
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0).says("created applications.vpn");
    assert_eq!(server.named("SIEM").len(), 1);
}

#[test]
fn an_application_that_is_deleted_while_the_apply_runs_is_named_and_the_others_proceed() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    folder.declare(&THREE.replace("network team", "other team").replace("SIEM export", "SIEM"));
    let vpn = server.ikey("VPN");
    server.account().forget_requests();
    server.disturb("delay=400");
    let running = folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).start();
    // Every answer is delayed, so that the requests of the steps come after the account is read.
    let lists = ["GET /admin/v3/integrations", "GET /admin/v1/groups", "GET /admin/v2/policies"];
    server.wait_until("the account is read", |account| {
        lists.iter().all(|list| account.requests().contains_key(*list))
    });
    server.account().delete_application(&vpn).unwrap_or_else(|_| panic!("refused"));
    server.calm();
    let outcome = running.end().exits(4);
    outcome
        .says(&format!("{vpn} was deleted since the plan was made; run `duoctl plan` again"))
        .says("Applied: 1 of 2 steps");
    assert_eq!((server.named("SIEM").len(), server.named("VPN").len()), (1, 0));
}

#[test]
fn what_the_yaml_cannot_say_is_shown_once_on_request_and_never_a_difference() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    server.account().switches.extra_property = true;
    for command in ["plan", "drift"] {
        let quiet = folder.duoctl([command]).at(&server).run().exits(0);
        assert_eq!(quiet.stderr, "");
        let told = folder.duoctl([command, "-v"]).at(&server).run().exits(0).says("No changes.");
        assert_eq!(
            told.stderr.matches("unmanaged field seen: `brand_new_property` on 15 applications").count(),
            1,
            "{}",
            told.stderr
        );
    }
}

#[test]
fn texts_of_several_lines_are_shown_line_by_line() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    let notes =
        |middle: &str| format!("notes: |\n      Owned by the network team\n      {middle}\n      Third line");
    folder.declare(&THREE.replace("notes: Owned by the network team", &notes("Second line")));
    let outcome = folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    outcome.says("    notes\n      | Owned by the network team\n      + Second line\n      + Third line\n");
    folder.declare(&THREE.replace("notes: Owned by the network team", &notes("Another \u{202e}line")));
    let outcome = folder.duoctl(["plan"]).at(&server).run().exits(0);
    outcome.says("    notes\n      | Owned by the network team\n      - Second line\n      + Another \\u{202e}line\n      | Third line\n");
    let document = folder.duoctl(["plan", "--format", "json"]).at(&server).run().exits(0).json();
    assert_eq!(
        document["steps"][0]["changes"][0]["after"],
        "Owned by the network team\nAnother \u{202e}line\nThird line"
    );
}

const DELIVERED: &str = "applications:
  vpn: {type: radius, name: VPN, user_access: no_users, secret: {store: local, path: vpn}}
secret_stores: {local: {type: file, path: kept}}
";
const NOT_BEGUN: &str = ": an earlier step of the address failed";

#[test]
fn the_rest_of_a_replacement_stays_while_the_keys_of_its_successor_are_not_delivered() {
    let (folder, server) = (Folder::with(DELIVERED), Server::start());
    for (kind, state) in [("radius", ""), ("unix", " replaced")] {
        let notes = format!("[duoctl acme/applications.vpn -{state}]");
        let body = json!({"type": kind, "name": "VPN", "user_access": "NO_USERS", "notes": notes});
        server.account().create_application(object(body)).unwrap();
    }
    server.seal();
    let arguments = ["apply", "--auto-approve", "--no-verify", "--allow=replaces:applications.vpn"];
    // Only keys are read there.
    server.disturb("5xx=99@/admin/v1/integrations");
    folder.duoctl(arguments).at(&server).run().exits(4).says(NOT_BEGUN);
    assert_eq!(server.named("VPN").len(), 2, "whoever reads the store has the old key");
    server.calm();
    folder.duoctl(arguments).at(&server).run().exits(0);
    assert_eq!((server.named("VPN").len(), folder.path("kept/vpn").exists()), (1, true));
}

#[test]
fn keys_are_not_handed_out_while_the_application_is_not_as_declared() {
    let (folder, server) = (Folder::with(DELIVERED), Server::start());
    let body = json!({"type": "radius", "name": "VPN", "user_access": "ALL_USERS",
        "notes": "[duoctl acme/applications.vpn -]"});
    server.account().create_application(object(body)).unwrap();
    server.seal();
    server.disturb(&format!("5xx=99@/admin/v3/integrations/{}", server.ikey("VPN")));
    let arguments = ["apply", "--auto-approve", "--no-verify"];
    let outcome = folder.duoctl(arguments).at(&server).run().exits(75).says(NOT_BEGUN);
    assert!(!outcome.stdout.contains("not known"), "what only reads did nothing: {outcome:?}");
    assert!(!folder.path("kept/vpn").exists());
    server.calm();
    folder.duoctl(arguments).at(&server).run().exits(0);
    assert!(folder.path("kept/vpn").exists());
}
