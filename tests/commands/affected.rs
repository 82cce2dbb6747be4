//! Who is affected by a change of access or policy, what counting them costs, and the message when that fails.

use serde_json::{Value, json};

use crate::support::{Folder, Server, THREE};

/// Applied, with named people in two separate groups. Returns the id of the group Blue, too.
fn staffed() -> (Folder, Server, String) {
    let server = Server::start();
    let blue = {
        let mut account = server.account();
        let red = account.add_group("Red").unwrap();
        let blue = account.add_group("Blue").unwrap();
        for (name, status, groups) in [
            ("ann", "active", vec![red.clone()]),
            ("bob", "active", vec![red, blue.clone()]),
            ("cyd\u{202e}\u{1b}[31m", "bypass", vec![blue.clone()]),
            ("dan", "disabled", vec![blue.clone()]),
            ("eve", "locked out", vec![blue.clone()]),
        ] {
            account.add_user(name, status, &groups).unwrap();
        }
        blue
    };
    let folder = Folder::with(&portal("groups_allowed: [Red]"));
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    server.account().forget_requests();
    (folder, server, blue)
}

fn crowd(server: &Server, group: &str, size: usize) {
    let mut account = server.account();
    for number in 0..size {
        account.add_user(&format!("user{number:04}"), "active", &[group.to_owned()]).unwrap();
    }
}

fn portal(access: &str) -> String {
    let access =
        if access.starts_with("groups") { format!("permitted_groups, {access}") } else { access.to_owned() };
    format!("applications:\n  portal: {{type: radius, name: Portal, user_access: {access}}}\n")
}

fn expansions(server: &Server) -> (usize, usize) {
    let account = server.account();
    let count = |call: &str| account.requests().get(call).copied().unwrap_or_default();
    (count("GET /admin/v2/groups/{id}/users"), count("GET /admin/v1/users"))
}

#[test]
fn those_who_gain_and_lose_are_counted_and_named_safely() {
    let (folder, server, _) = staffed();
    folder.declare(&portal("groups_allowed: [Blue]"));
    let outcome = folder.duoctl(["plan"]).at(&server).run().exits(0);
    let outcome =
        outcome.says("    @ 1 user gains access: cyd\\u{202e}\\u{1b}[31m\n    @ 1 user loses access: ann\n");
    assert!(!outcome.stdout.contains("who is affected"), "{}", outcome.stdout);
    assert_eq!(expansions(&server), (2, 1));
    let document = folder.duoctl(["plan", "--format", "json"]).at(&server).run().exits(0).json();
    let affected = &document["steps"][0]["affected"];
    assert_eq!(
        affected["gains"],
        json!({"bound": "exactly", "count": 1, "first": ["cyd\u{202e}\u{1b}[31m"]})
    );
    assert_eq!(affected["loses"], json!({"bound": "exactly", "count": 1, "first": ["ann"]}));
    assert_eq!(
        document["impact"],
        json!({"requests": 3, "budget": 20, "exhausted": false, "counts_disabled": false, "problems": []})
    );
    folder.declare(&portal("no_users"));
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("    @ 2 users lose access: ann, bob\n");
    folder.declare(&portal("all_users"));
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("gain access: ");
}

#[test]
fn nothing_is_read_where_nobodys_access_changes() {
    let (folder, server, _) = staffed();
    folder.declare(&portal("groups_allowed: [Red], greeting: Hello"));
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("1 to change");
    folder.declare(&format!("{}{}", portal("groups_allowed: [Red]"), &THREE["applications:\n".len()..]));
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("3 to add");
    assert_eq!(expansions(&server), (0, 0));
}

#[test]
fn the_budget_is_kept_and_its_end_is_visible() {
    let (folder, server, blue) = staffed();
    crowd(&server, &blue, 1100);
    folder.declare(&portal("groups_allowed: [Blue, Red]"));
    let run = |budget: &str| {
        server.account().forget_requests();
        let outcome = folder.duoctl(["plan", "--impact-budget", budget]).at(&server).run().exits(0);
        let (members, users) = expansions(&server);
        (outcome, members + users)
    };
    let (outcome, requests) = run("20");
    outcome.says("@ 1101 users gain access: cyd");
    assert_eq!(requests, 3 + 1 + 4);
    // The allowance is not enough for all users: who is disabled is unknown.
    let (outcome, requests) = run("6");
    outcome.says("@ 1103 users gain access: ").says("disabled and locked-out users are counted, too");
    assert_eq!(requests, 5);
    let (outcome, requests) = run("2");
    outcome.says("who is affected: counting stopped after 2 requests; --impact-budget N allows more");
    assert_eq!(requests, 2);
    let (outcome, requests) = run("0");
    outcome.says("users are not counted with --impact-budget 0");
    assert_eq!(requests, 0);
    folder.declare(&portal("groups_allowed: [Blue]"));
    let (outcome, _) = run("1");
    outcome.says("the number of users who gain access is unknown");
}

#[test]
fn groups_that_cannot_be_expanded_fail_no_plan() {
    let (folder, server, blue) = staffed();
    folder.declare(&portal("groups_allowed: [Blue]"));
    crowd(&server, &blue, 600);
    for fault in ["shift", "end-early", "repeat-offset", "short-list", "5xx=999", "html=999"] {
        server.disturb(&format!("{fault}@/admin/v2/groups/{}", blue));
        let outcome = folder.duoctl(["plan"]).at(&server).run().exits(0);
        let outcome = outcome
            .says("~ update applications.portal")
            .says("the number of users who gain access is unknown")
            .says("who is affected: ")
            .says("1 to change");
        assert!(outcome.stdout.contains(&blue), "{fault}: {}", outcome.stdout);
        server.calm();
    }
    // The same key may list applications and groups, but may not read users.
    server.disturb("5xx=999@/admin/v1/users");
    let outcome = folder.duoctl(["plan", "--format", "json"]).at(&server).run().exits(0).json();
    assert_eq!(outcome["impact"]["counts_disabled"], true);
    assert_eq!(outcome["steps"][0]["affected"]["gains"]["bound"], "exactly");
}

#[test]
fn a_policy_names_the_applications_that_share_it() {
    let server = Server::start();
    let folder = Folder::with(THREE);
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    folder.declare(&THREE.replace("policy: Require trusted endpoints", "policy: Block anonymous networks"));
    let outcome = folder.duoctl(["plan"]).at(&server).run().exits(0);
    outcome
        .says("@ 9 users log in under another policy: ")
        .says("@ the policy \"Require trusted endpoints\" is used by 1 other application: \"Finance servers\" DI")
        .says("@ the policy \"Block anonymous networks\" is used by 1 other application: \"Branch office VPN\" DI")
        .says(" (unmanaged)\n");
    let document = folder.duoctl(["plan", "--format", "json"]).at(&server).run().exits(0).json();
    let to = &document["steps"][0]["affected"]["policy"]["to"];
    assert_eq!(to["shared_with"][0]["name"], "Branch office VPN");
    assert_eq!(to["shared_with"][0]["address"], Value::Null);
}

#[test]
fn a_saved_plan_is_carried_out_whoever_joined_a_group_meanwhile() {
    let (folder, server, _) = staffed();
    folder.declare(&portal("groups_allowed: [Blue]"));
    folder.duoctl(["plan", "--out", "plan.json"]).at(&server).run().exits(0);
    assert!(folder.read("plan.json").contains("\"affected\""));
    server.account().add_user("new", "active", &[]).unwrap();
    folder
        .duoctl(["apply", "plan.json", "--allow", "widens_access"])
        .at(&server)
        .run()
        .exits(0)
        .says("Applied: 1 of 1 steps.");
}
