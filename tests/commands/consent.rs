//! Nothing is written without consent, and risky changes need a consent by name.

use std::process::Stdio;

use serde_json::json;

use crate::support::{Folder, HEAD, Outcome, Server, THREE};

#[test]
fn without_a_terminal_nothing_is_written_unless_it_was_approved_beforehand() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let outcome = folder.duoctl(["apply"]).at(&server).run().exits(5);
    insta::assert_snapshot!(outcome.stderr, @"refused: there is no terminal to ask for consent, so nothing was changed; pass --auto-approve, or apply a saved plan");
    assert_eq!(server.writes(), 0);
    // `yes |` is not a terminal either.
    let answer = folder.path("yes");
    std::fs::write(&answer, "yes\n").unwrap();
    let file = std::fs::File::open(answer).unwrap();
    folder.duoctl(["apply"]).at(&server).stdin(Stdio::from(file)).run().exits(5);
    assert_eq!(server.writes(), 0);
    // A machine still gets its document.
    let document = folder.duoctl(["apply", "--format", "json"]).at(&server).run().exits(5).json();
    assert_eq!(document["summary"], json!({"applied": 0, "failed": 0, "not_attempted": 0}));
    assert_eq!(document["plan"]["summary"]["add"], json!(3));
}

#[test]
fn what_was_approved_is_what_is_there() {
    type Edit = fn(&Server);
    let edits: [(Edit, &str); 3] = [
        (|server| server.edit("VPN", json!({"greeting": "Not today"})), "changed in Duo"),
        (
            |server| {
                let ikey = server.ikey("Intranet");
                server.account().delete_application(&ikey).unwrap_or_else(|_| panic!("refused"));
            },
            "applications were added or removed in Duo",
        ),
        (|_| {}, ""),
    ];
    for (edit, what) in edits {
        let (folder, server) = (Folder::with(THREE), Server::start());
        folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
        folder.declare(&THREE.replace("Owned by the network team", "Owned by the VPN team"));
        let writes = server.writes();
        let mut process = folder.duoctl(["apply", "--no-verify"]).at(&server).start_at_terminal();
        process.until("accepted: ");
        edit(&server);
        process.answer("yes\n");
        if what.is_empty() {
            process.end().exits(0).says("Applied: 1 of 1 steps.");
        } else {
            process.end().exits(6).says("changed before it was approved").says(what);
            assert_eq!(server.writes(), writes, "{what}");
        }
    }
}

#[test]
fn a_terminal_asks_for_each_consent_by_its_name() {
    const OPEN: &str = "applications:
  a: {type: radius, name: A, user_access: all_users}
  b: {type: adminapi, name: B, user_access: no_users, permissions: [write_resource]}
";
    // The second answer is for the second consent, the third for the plan.
    for (answers, code, made) in [
        (["escalates_privilege", "widens_access", "yes"], 0, 2),
        (["yes", "", ""], 5, 0),
        (["escalates_privilege", "yes", ""], 5, 0),
        (["escalates_privilege", "widens_access", "no"], 5, 0),
    ] {
        let (folder, server) = (Folder::with(OPEN), Server::start());
        let before = server.account().applications().len();
        let mut process = folder.duoctl(["apply", "--no-verify"]).at(&server).start_at_terminal();
        let questions = ["Type `escalates_privilege`", "Type `widens_access`", "Apply this plan?"];
        for (question, answer) in questions.iter().zip(answers).take_while(|(_, answer)| !answer.is_empty()) {
            process.until(question);
            process.answer(&format!("{answer}\n"));
        }
        process.end().exits(code);
        assert_eq!(server.account().applications().len() - before, made, "{answers:?}");
    }
}

#[test]
fn a_guard_names_the_flag_that_lifts_it_and_the_flag_does() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    let writes = server.writes();
    folder.declare(
        &THREE
            .replace("permitted_groups\n    groups_allowed: [VPN Users, Contractors]", "all_users")
            .replace("[info, read_resource]", "[info, read_resource, write_resource]"),
    );
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("An apply would be refused:");
    let refused = folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(5);
    let shown = refused.stdout.replace(&offered(&refused), "LINE");
    insta::assert_snapshot!(crate::support::even(&shown), @r#"
    ~ update applications.siem  "SIEM export" (adminapi) DI…
        permissions
          + "write_resource"
        ! escalates_privilege: the key may do more

    ~ update applications.vpn  "VPN" (radius) DI…
        user_access  "permitted_groups" -> "all_users"
        ! widens_access: more users may log in
        @ 33 users gain access: ada.bianchi, alan.bianchi, barbara.albrecht, barbara.bianchi, clara.albrecht and 28 more

    Refused; nothing was changed:
      ! escalates_privilege: applications.siem: the key may do more
          to allow it: --allow escalates_privilege:applications.siem
      ! widens_access: applications.vpn: more users may log in
          to allow it: --allow widens_access:applications.vpn
      to consent to all of it:
        LINE

    Plan: 0 to add, 2 to change, 0 to adopt, 0 to delete. 12 unmanaged. Risks: 1 escalates_privilege, 1 widens_access.
    Refused; nothing was changed.
    "#);
    assert_eq!(server.writes(), writes, "nothing was written");
    let document =
        folder.duoctl(["apply", "--auto-approve", "--format", "json"]).at(&server).run().exits(5).json();
    assert_eq!(document["plan"]["refusals"][0]["guard"], json!("escalates_privilege"));

    let one = ["apply", "--auto-approve", "--allow", "widens_access:applications.vpn"];
    folder.duoctl(one).at(&server).run().exits(5);
    let both = one.iter().chain(&["--allow", "escalates_privilege:applications.siem"]);
    folder.duoctl(both).at(&server).run().exits(0).says("Applied: 2 of 2 steps.");
}

#[test]
fn a_replacement_needs_its_own_flag() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    let old = server.ikey("VPN");
    folder.declare(&THREE.replace("radius", "ldapproxy"));
    let refused = folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(5);
    refused.says("--allow replaces:applications.vpn");
    assert_eq!(server.ikey("VPN"), old);
    let allowed =
        folder.duoctl(["apply", "--auto-approve", "--allow", "replaces:applications.vpn"]).at(&server).run();
    allowed.exits(0).says("replaced applications.vpn");
    assert_eq!(server.named("VPN").len(), 1);
    assert_ne!(server.ikey("VPN"), old);
}

#[test]
fn an_empty_yaml_does_not_empty_the_account() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    folder.declare("");
    let arguments = ["apply", "--auto-approve", "--prune"];
    folder.duoctl(arguments).at(&server).run().exits(5).says("to allow it: --allow empty");
    assert_eq!(server.named("VPN")[0]["user_access"], "PERMITTED_GROUPS");
    folder.duoctl(arguments.iter().chain(&["--allow=empty"])).at(&server).run().exits(0);
    assert_eq!(server.named("VPN")[0]["user_access"], "NO_USERS");
}

#[test]
fn a_protected_application_stays() {
    let (folder, server) = (Folder::with(&format!("{THREE}    protect: true\n")), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    folder.declare(&THREE[..THREE.find("  vpn:").unwrap()]);
    let all = ["apply", "--auto-approve", "--prune=now", "--max-deletes", "9"];
    folder.duoctl(all).at(&server).run().exits(5).says("applications.vpn is protected");
    assert_eq!(server.named("VPN").len(), 1);
}

#[test]
fn the_operator_never_locks_itself_out() {
    let server = Server::start();
    let operator = server.key("operator").integration_key;
    let folder = Folder::with(&format!(
        "applications: {{me: {{integration_key: {operator}, type: adminapi, name: Configuration pipeline, user_access: \
         no_users, permissions: [info]}}}}\n"
    ));
    let everything = ["apply", "--auto-approve", "--allow", "escalates_privilege"];
    folder
        .duoctl(everything)
        .at(&server)
        .run()
        .exits(5)
        .says("self_lockout")
        .says("nothing lifts this guard");
}

/// The command that a refusal offers, split into words.
fn offered(outcome: &Outcome) -> String {
    let (_, after) = outcome.stdout.split_once("to consent to all of it:\n").unwrap();
    after.lines().next().unwrap().trim().to_owned()
}

#[test]
fn what_a_refusal_offers_can_be_pasted() {
    const OPEN: &str = "applications:
  a: {type: radius, name: A, user_access: all_users}
  b: {type: adminapi, name: B, user_access: no_users, permissions: [write_resource]}
  c: {type: radius, name: C, user_access: no_users}
";
    let (folder, server) = (Folder::empty(), Server::start());
    std::fs::create_dir(folder.path("my duo")).unwrap();
    folder.write("my duo/duo.yaml", &format!("{HEAD}{OPEN}"));
    let call = ["apply", "my duo", "--auto-approve", "--only", "applications.[ab]"];
    let (address, ca_file) = (server.running().address().to_string(), server.running().ca_file().to_owned());
    let way = ["--connect-to", &address, "--ca-file", ca_file.to_str().unwrap()];
    let refused = folder
        .duoctl(call)
        .at(&server)
        .env("DUOCTL_CONNECT_TO", "")
        .env("DUOCTL_CA_FILE", "")
        .with(&way)
        .run()
        .exits(5);
    let line = offered(&refused);
    for word in ["'my duo'", "--auto-approve", "--only 'applications.[ab]'", "--connect-to", "--ca-file"] {
        assert!(line.contains(word), "no {word} in {line}");
    }
    // A plan offers the same except for the approval, and so does its document.
    let plan = folder
        .duoctl(["plan", "my duo", "--only", "applications.[ab]"])
        .at(&server)
        .env("DUOCTL_CONNECT_TO", "")
        .env("DUOCTL_CA_FILE", "");
    let plan = plan.with(&way).run().exits(0);
    assert_eq!(offered(&plan), line.replace(" --auto-approve", ""));
    let json = folder.duoctl(["plan", "my duo", "--format", "json"]).at(&server).run().exits(0).json();
    assert!(json["consent"].as_str().unwrap().starts_with("duoctl apply 'my duo' "));
    let pasted = line.replacen("duoctl", env!("CARGO_BIN_EXE_duoctl"), 1);
    let key = server.key("operator");
    let call = folder.shell(&pasted).env("DUO_IKEY", &key.integration_key);
    let call = call.env("DUO_SKEY", key.secret_key.expose()).env("DUOCTL_SIMULATOR_BACKOFF_MS", "1");
    call.run().exits(0).says("Applied: 2 of 2 steps");
    // A limit that was too low is replaced.
    folder.write("my duo/duo.yaml", &format!("{HEAD}applications: {{}}\n"));
    let call = ["apply", "my duo", "--prune=now", "--max-deletes=1", "--auto-approve"];
    let refused = folder.duoctl(call).at(&server).run().exits(5);
    assert!(offered(&refused).contains("--max-deletes 2") && !offered(&refused).contains("--max-deletes 1"));
}

#[test]
fn a_folder_with_any_name_reaches_no_terminal_by_a_command_in_a_message() {
    let (folder, server) = (Folder::empty(), Server::start());
    let name = "duo\u{1b}[2J";
    std::fs::create_dir(folder.path(name)).unwrap();
    let yaml = "applications: {a: {type: radius, name: A, user_access: no_users}}\n";
    folder.write(&format!("{name}/duo.yaml"), &format!("{HEAD}{yaml}"));
    folder.duoctl(["apply", name, "--auto-approve"]).at(&server).run().exits(0);
    folder.write(&format!("{name}/duo.yaml"), &format!("{HEAD}applications: {{}}\n"));
    let plan = folder.duoctl(["plan", name]).at(&server).run();
    let told = plan.says("`duoctl apply ");
    assert!(!told.stdout.contains('\u{1b}') && !told.stderr.contains('\u{1b}'), "{told:?}");
}
