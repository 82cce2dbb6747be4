//! An apply that is interrupted, killed, or runs at the same time as another loses and duplicates nothing.

use std::fmt::Write as _;

use duoctl::sandbox::account::Account;

use crate::support::seals::sealed;
use crate::support::{Folder, HEAD, Outcome, Server};

const COUNT: usize = 8;

/// Several applications, half of which take two calls to create.
fn several() -> Folder {
    let mut yaml = format!("{HEAD}applications:\n");
    for number in 0..COUNT {
        let policy = if number % 2 == 0 { ", policy: Contractors" } else { "" };
        writeln!(yaml, "  a{number}: {{type: radius, name: App {number}, user_access: permitted_groups, groups_allowed: [Finance]{policy}}}").unwrap();
    }
    let folder = Folder::empty();
    folder.write("duo.yaml", &yaml);
    folder
}

const APPLY: [&str; 4] = ["apply", "--auto-approve", "--no-verify", "--parallelism=2"];

/// The next run completes it, the one after has nothing to do, and nothing exists twice.
#[track_caller]
fn completes(folder: &Folder, server: &Server) {
    server.calm();
    folder.duoctl(APPLY).at(server).run().exits(0);
    for number in 0..COUNT {
        let found = server.named(&format!("App {number}"));
        assert_eq!(found.len(), 1, "App {number}");
        assert_eq!(found[0]["user_access"], "PERMITTED_GROUPS");
    }
    folder.duoctl(["plan", "--detailed-exitcode"]).at(server).run().exits(0);
}

fn posts(server: &Server) -> usize {
    server.writes()
}

fn interrupted_by(signal: &str) -> (Folder, Server, Outcome) {
    let (folder, server) = (several(), Server::disturbed("delay=60"));
    let process = folder.duoctl(APPLY).at(&server).start();
    server.wait_until("the first writes", |account| {
        account.requests().get("POST /admin/v3/integrations").is_some_and(|count| *count >= 2)
    });
    process.signal(signal);
    let outcome = process.end();
    (folder, server, outcome)
}

#[test]
fn an_interrupt_finishes_what_is_under_way_and_says_what_was_left() {
    for signal in ["INT", "TERM"] {
        let (folder, server, outcome) = interrupted_by(signal);
        let outcome = outcome
            .exits(130)
            .warns("interrupted: finishing requests in progress; interrupt again to stop at once")
            .says("not attempted applications.a7: the run was interrupted");
        let created = outcome.stdout.lines().filter(|line| line.starts_with("created ")).count();
        let left = outcome.stdout.lines().filter(|line| line.starts_with("not attempted ")).count();
        assert!(created >= 2 && created + left == COUNT, "{outcome:?}");
        assert!(
            outcome.stdout.contains(&format!("Applied: {created} of {COUNT} steps, {left} not attempted."))
        );
        let there = server.account().applications().len() - 12;
        assert_eq!(there, created, "what it says was created is there, and nothing else");
        completes(&folder, &server);
    }
}

/// While nothing is written yet, an interrupt ends the run at once; a program that waits for a document gets one.
#[test]
fn an_interrupt_while_the_account_is_read_is_reported() {
    for command in [&["plan"][..], &["verify"], &["list"], &["keys", "rotate", "a0"]] {
        let (folder, server) = (several(), Server::start());
        // A secret store that does not answer.
        let yaml = folder.read("duo.yaml").replacen(
            "groups_allowed",
            "secret: {store: cmd, path: a}, groups_allowed",
            1,
        );
        let store = "secret_stores: {cmd: {type: exec, read: [/bin/sh, -c, 'touch asked; exec sleep 60'], write: [cat]}}\n";
        folder.write("duo.yaml", &format!("{yaml}{store}"));
        let output = ["--format", "json", "--report", "json=report.json"];
        let process = folder.duoctl(command).args(output).at(&server).start();
        server.wait_until("the store is asked", |_| folder.path("asked").exists());
        process.signal("INT");
        let outcome = process.end().exits(130).warns("interrupted");
        let document = outcome.json();
        assert_eq!(
            (&document["kind"], &document["exit_code"]),
            (&"failure".into(), &130.into()),
            "{command:?}"
        );
        assert_eq!(folder.read("report.json"), outcome.stdout, "{command:?}");
    }
}

#[test]
fn a_second_interrupt_ends_it_at_once() {
    let (folder, server) = (several(), Server::start());
    let mut process = folder.duoctl(APPLY).at(&server).start();
    server.wait_until("the first write", |account| account.applications().len() > 12);
    server.disturb("delay=60000");
    process.signal("INT");
    assert_eq!(
        process.remark(),
        "interrupted: finishing requests in progress; interrupt again to stop at once"
    );
    process.signal("INT");
    process
        .end()
        .exits(130)
        .warns("interrupted again: requests in progress may or may not have been carried out");
    completes(&folder, &server);
}

#[test]
fn an_interrupt_while_keys_are_verified_is_an_interrupt() {
    let server = Server::start();
    let folder = Folder::with("applications: {help: {type: authapi, name: Help, user_access: no_users}}\n");
    let read = |account: &Account| account.requests().get("GET /admin/v1/integrations/{id}/skey").copied();
    assert_eq!(read(&server.account()), None);
    server.disturb("delay=300");
    let process = folder.duoctl(["apply", "--auto-approve"]).at(&server).start();
    // The call with the key takes another delay, so the signal comes before its answer.
    server.wait_until("the key is read", |account| read(account).is_some());
    process.signal("INT");
    let outcome = process.end().exits(130);
    assert!(!outcome.stdout.contains("Verified:"), "{outcome:?}");
}

#[test]
fn a_kill_at_any_moment_loses_nothing() {
    for writes in [1, 2, 4, 7] {
        let (folder, server) = (several(), Server::disturbed("delay=20"));
        let mut process = folder.duoctl(APPLY).at(&server).start();
        server.wait_until("enough is written", |account| {
            let written = account.requests().iter().filter(|(call, _)| call.starts_with("POST"));
            written.map(|(_, count)| count).sum::<usize>() >= writes
        });
        process.kill();
        assert!(posts(&server) < 12, "it was killed in the middle");
        completes(&folder, &server);
    }
}

#[test]
fn two_runs_at_once_leave_one_of_everything() {
    let (folder, server) = (several(), Server::disturbed("delay=20"));
    let runs = [(); 2].map(|()| folder.duoctl(APPLY).at(&server).start());
    for outcome in runs.map(|run| run.end()) {
        let code = outcome.code.unwrap();
        assert!([0, 4, 6].contains(&code), "{outcome:?}");
        assert!(!outcome.stderr.contains("panicked"), "{outcome:?}");
    }
    completes(&folder, &server);
}

/// A run that is about to create an application when another run creates it with these notes. Returns that application's key.
fn overtaken(folder: &Folder, server: &Server, notes: &[String]) -> (crate::support::Process, String) {
    let lists = |account: &duoctl::sandbox::account::Account| {
        account.requests().get("GET /admin/v3/integrations").copied().unwrap_or_default()
    };
    let before = lists(&server.account());
    server.disturb("delay=150");
    let process = folder.duoctl(APPLY).at(server).start();
    server.wait_until("the list was read again", |account| lists(account) > before + 1);
    for notes in notes {
        let rival =
            serde_json::json!({"type": "radius", "name": "VPN", "user_access": "NO_USERS", "notes": notes});
        server.account().create_application(crate::support::object(rival)).unwrap();
    }
    (process, server.ikey("VPN"))
}

const VPN: &str = "applications: {vpn: {type: radius, name: VPN, user_access: no_users}}\n";

#[test]
fn a_lost_create_beside_a_rival_is_not_known_so_neither_is_touched() {
    let (folder, server) = (Folder::with(VPN), Server::start());
    folder.duoctl(APPLY).at(&server).run().exits(0);
    // Both have exactly the same marker; its time is not known yet.
    let made = server.named("VPN")[0].clone();
    let (plain, _) = made["notes"].as_str().unwrap().split_once(" ~").unwrap();
    let secret = server.key("operator").secret_key;
    let now = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).unwrap();
    let at = |seconds| now + jiff::SignedDuration::from_secs(seconds);
    let marker = |seconds| sealed(secret.expose(), None, &format!("{plain} creating:{}]", at(seconds)));
    let rivals: Vec<String> = (-1..9).map(marker).collect();
    server.account().delete_application(made["integration_key"].as_str().unwrap()).unwrap();
    server.disturb("reset-after-commit=1");
    let (process, _) = overtaken(&folder, &server, &rivals);
    process.end().exits(4).says("failed applications.vpn");
    assert_eq!(server.named("VPN").len(), 11, "one of them is the other run's, and nobody knows which");
}

#[test]
fn whoever_meets_a_rival_takes_back_its_own() {
    let (folder, server) = (Folder::with(VPN), Server::start());
    let (process, rival) = overtaken(
        &folder,
        &server,
        &["[duoctl acme/applications.vpn - creating:2026-11-24T12:00:00Z]".into()],
    );
    let outcome = process.end().exits(6);
    outcome.says(&format!("another run created applications.vpn as {rival} at the same time, so DI"));
    assert_eq!(server.named("VPN").len(), 1, "its own is gone");
    assert_eq!(server.ikey("VPN"), rival);
    server.calm();
    server.seal();
    folder.duoctl(APPLY).at(&server).run().exits(0);
    assert_eq!((server.named("VPN").len(), server.ikey("VPN")), (1, rival));
}

#[test]
fn a_state_folder_is_used_by_one_run_at_a_time() {
    let folder = several();
    let mut server = folder.duoctl(["sandbox", "serve"]).start();
    server.line();
    let outcome = folder.duoctl(["apply", "--sandbox", "--auto-approve"]).run().exits(1);
    outcome.warns("the sandbox in .duoctl/sandbox cannot be used").warns("in use by another process");
    server.kill();
    folder.duoctl(["apply", "--sandbox", "--auto-approve", "--no-verify"]).run().exits(0);
}

/// Two runs with different YAML, held so that both plan before either writes.
#[test]
fn two_runs_that_want_different_things_never_both_succeed() {
    let yaml = |greeting: &str| {
        format!(
            "{HEAD}applications: {{vpn: {{type: radius, name: VPN, user_access: no_users, greeting: {greeting}}}}}\n"
        )
    };
    let (ci, laptop, server) = (Folder::empty(), Folder::empty(), Server::start());
    ci.write("duo.yaml", &yaml("before"));
    ci.duoctl(APPLY).at(&server).run().exits(0);
    ci.write("duo.yaml", &yaml("ci"));
    laptop.write("duo.yaml", &yaml("laptop"));
    server.disturb("delay=100");
    let runs = [&ci, &laptop].map(|folder| folder.duoctl(APPLY).at(&server).start());
    let ends = runs.map(crate::support::Process::end);
    let live = server.named("VPN")[0]["greeting"].as_str().unwrap().to_owned();
    let winners: Vec<bool> = ends.iter().map(|end| end.code == Some(0)).collect();
    let expected = [live == "ci", live == "laptop"];
    // A run that reports success has its value in Duo; the other one says why not.
    assert!(winners.iter().zip(expected).all(|(won, is)| !won || is), "{live}: {ends:#?}");
    assert!(winners != [true, true], "{ends:#?}");
    for end in ends.iter().filter(|end| end.code != Some(0)) {
        assert!(matches!(end.code, Some(4 | 6)), "{end:?}");
        let why = ["was changed in Duo since the plan was made", "the account still differs"];
        assert!(why.iter().any(|why| end.stdout.contains(why)), "{end:?}");
    }
}

#[test]
fn two_workspaces_never_both_own_one_application() {
    let (server, folders) = (Server::start(), [Folder::empty(), Folder::empty()]);
    let body =
        serde_json::json!({"type": "radius", "name": "VPN", "user_access": "NO_USERS", "notes": "Ours"});
    server.account().create_application(crate::support::object(body)).unwrap();
    for (folder, workspace) in folders.iter().zip(["acme", "other"]) {
        let head = HEAD.replace("workspace: acme", &format!("workspace: {workspace}"));
        folder.write(
            "duo.yaml",
            &format!("{head}applications: {{vpn: {{type: radius, name: VPN, user_access: no_users}}}}\n"),
        );
    }
    // On a busy machine, longer than the time between the starts of both runs.
    server.disturb("delay=400");
    let runs = folders.each_ref().map(|folder| folder.duoctl(APPLY).at(&server).start());
    let ends = runs.map(crate::support::Process::end);
    server.calm();
    let notes = server.named("VPN")[0]["notes"].as_str().unwrap().to_owned();
    assert!(notes.starts_with("Ours\n[duoctl ") && notes.matches("[duoctl ").count() == 1, "{notes}");
    assert_eq!(server.account().applications().len(), 12 + 1, "nothing is there twice");
    let owner = usize::from(notes.contains("[duoctl other/"));
    assert!(ends[1 - owner].code != Some(0), "{ends:#?}");
    // From then on one of them has nothing to do, and the other one is told who owns the application.
    folders[owner].duoctl(["plan", "--detailed-exitcode"]).at(&server).run().exits(0);
    let refused = folders[1 - owner].duoctl(APPLY).at(&server).run().exits(1);
    refused.warns(["acme", "other"][owner]);
    assert_eq!(server.named("VPN")[0]["notes"], *notes);
}
