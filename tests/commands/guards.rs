//! One case for each guard: it exits with 5 and writes nothing, even with --auto-approve; the message names the flag and the
//! number that lift it, and that flag does lift it.

use serde_json::json;

use crate::support::{Folder, HEAD, Server, THREE};

/// A guard and what triggers it.
struct Case {
    guard: &'static str,
    before: String,
    after: String,
    arguments: &'static [&'static str],
    /// The flag in the message; `None` if nothing lifts the guard.
    lift: &'static str,
}

fn many(count: usize, greeting: &str) -> String {
    let entry =
        |n| format!("  a{n}: {{type: radius, name: App {n}, user_access: no_users, greeting: {greeting}}}\n");
    format!("applications:\n{}", (0..count).map(entry).collect::<String>())
}

fn cases() -> Vec<Case> {
    let three = || THREE.to_owned();
    let some = |names: &[usize]| {
        let entry =
            |n| format!("  a{n}: {{type: radius, name: App {n}, user_access: no_users, greeting: x}}\n");
        format!("applications:\n{}", names.iter().map(entry).collect::<String>())
    };
    let console = "identity_intelligence: {emea: {display_name: EMEA, access: read_only}}\n";
    vec![
        Case {
            guard: "widens_access",
            before: three(),
            after: THREE
                .replace("permitted_groups\n    groups_allowed: [VPN Users, Contractors]", "all_users"),
            arguments: &[],
            lift: "--allow widens_access:applications.vpn",
        },
        Case {
            guard: "escalates_privilege",
            before: three(),
            after: THREE.replace("[info, read_resource]", "[info, read_resource, admins]"),
            arguments: &[],
            lift: "--allow escalates_privilege:applications.siem",
        },
        Case {
            guard: "breaks_handoff",
            before: format!("{THREE}{console}"),
            after: three(),
            arguments: &["--prune=now", "--allow=destroys"],
            lift: "--allow breaks_handoff:identity_intelligence.emea.admin_api",
        },
        Case {
            guard: "replaces",
            before: three(),
            after: THREE.replace("radius", "ldapproxy"),
            arguments: &[],
            lift: "--allow replaces:applications.vpn",
        },
        Case {
            guard: "max_deletes",
            before: some(&[0, 1, 2, 3, 4]),
            after: some(&[0]),
            arguments: &["--prune=now", "--allow=destroys"],
            lift: "--max-deletes 4",
        },
        Case {
            guard: "max_changes",
            before: many(12, "hello"),
            after: many(12, "bye"),
            arguments: &[],
            lift: "--max-changes 100%",
        },
        Case {
            guard: "empty",
            before: three(),
            after: String::new(),
            arguments: &["--prune"],
            lift: "--allow empty",
        },
        Case {
            guard: "destroys",
            before: some(&[0, 1]),
            after: some(&[0]),
            arguments: &["--prune=now"],
            lift: "--allow destroys:applications.a1",
        },
        Case {
            guard: "widens_access",
            before: some(&[0]),
            after: format!("{}  open: {{type: radius, name: Open, user_access: all_users}}\n", some(&[0])),
            arguments: &[],
            lift: "--allow widens_access:applications.open",
        },
        Case {
            guard: "escalates_privilege",
            before: some(&[0]),
            after: format!(
                "{}  key: {{type: adminapi, name: Key, user_access: no_users, permissions: [admins]}}\n",
                some(&[0])
            ),
            arguments: &[],
            lift: "--allow escalates_privilege:applications.key",
        },
        Case {
            guard: "protect",
            before: format!("{THREE}    protect: true\n"),
            after: THREE[..THREE.find("  vpn:").unwrap()].to_owned(),
            arguments: &["--prune"],
            lift: "",
        },
    ]
}

#[test]
fn every_guard_refuses_names_what_lifts_it_and_is_lifted_by_it() {
    for Case { guard, before, after, arguments, lift } in cases() {
        let (folder, server) = (Folder::with(&before), Server::start());
        folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
        folder.declare(&after);
        let writes = server.writes();
        let apply: Vec<&str> =
            ["apply", "--auto-approve", "--no-verify"].iter().chain(arguments).copied().collect();
        // Every consent except the required one.
        let others = [
            "--allow=widens_access",
            "--allow=escalates_privilege",
            "--allow=breaks_handoff",
            "--allow=empty",
            "--allow=destroys",
        ]
        .into_iter()
        .chain(["--allow=replaces", "--max-deletes=99", "--max-changes=100%"])
        .filter(|flag| {
            let name = flag.trim_start_matches("--").split('=').next().unwrap();
            let needed = lift.trim_start_matches("--").split([' ', '=']).next().unwrap();
            if name == "allow" { !flag.ends_with(&format!("={guard}")) } else { name != needed }
        });
        let refused = folder.duoctl(apply.iter().copied().chain(others)).at(&server).run().exits(5);
        assert_eq!(server.writes(), writes, "{guard}: nothing is written");
        let refused = refused.says(&format!("  ! {guard}: ")).says("Refused; nothing was changed:");
        let json = ["--format", "json"];
        let document = folder.duoctl(apply.iter().chain(&json)).at(&server).run().exits(5).json();
        let named =
            document["plan"]["refusals"].as_array().unwrap().iter().any(|refusal| refusal["guard"] == guard);
        assert!(named, "{guard}: {document:#}");
        assert_eq!(server.writes(), writes, "{guard}: nothing is written");
        if lift.is_empty() {
            refused.says("declare applications.vpn with `protect: false` and apply that first");
            continue;
        }
        let refused = refused.says(&format!("to allow it: {lift}\n"));
        // As written in the message, flag by flag.
        let offered =
            refused.stdout.lines().filter_map(|line| line.trim_start().strip_prefix("to allow it: "));
        let offered: Vec<&str> = offered.flat_map(|flags| flags.split(' ')).collect();
        let all = folder.duoctl(apply).at(&server).run().exits(5);
        let needed = all.stdout.lines().filter_map(|line| line.trim_start().strip_prefix("to allow it: "));
        let needed: Vec<String> = needed.flat_map(|flags| flags.split(' ')).map(str::to_owned).collect();
        assert!(needed.iter().map(String::as_str).any(|flag| offered.contains(&flag)), "{needed:?}");
        let lifted = ["apply", "--auto-approve", "--no-verify"].iter().chain(arguments);
        let lifted = lifted.map(|flag| (*flag).to_owned()).chain(needed);
        folder.duoctl(lifted).at(&server).run().exits(0).says("Applied: ");
    }
}

/// The operator in the YAML, with a restriction.
fn operator(server: &Server, networks: &str, more: &str) -> String {
    let key = server.key("operator").integration_key;
    format!(
        "applications: {{me: {{integration_key: {key}, type: adminapi, name: Configuration pipeline, user_access: no_users, \
         networks_for_api_access: [{networks}]}}}}\n{more}"
    )
}

#[test]
fn duoctl_never_shuts_out_the_address_that_it_calls_from() {
    let server = Server::start();
    server.account().switches.self_networks = true;
    let folder = Folder::empty();
    let apply = |networks: &str, more: &str, flags: &[&str]| {
        folder.write("duo.yaml", &format!("{HEAD}{}", operator(&server, networks, more)));
        let flags = ["apply", "--auto-approve", "--no-verify"].iter().chain(flags);
        folder.duoctl(flags).at(&server).run()
    };
    // No address was stated, and Duo's log does not know this key yet.
    let refused =
        apply("192.0.2.0/24", "", &[]).exits(5).says("self_lockout").says("nothing lifts this guard");
    refused.says("it is not known where duoctl calls from; set --caller-address ADDRESS");
    apply("192.0.2.0/24", "", &["--caller-address=198.51.100.1"])
        .exits(5)
        .says("duoctl calls from 198.51.100.1");
    apply("192.0.2.0/24", "guards: {caller_address: 198.51.100.1}\n", &[]).exits(5);
    assert_eq!(server.writes(), 0);

    // Duo's log knows the address once the key has changed something.
    folder.write("duo.yaml", &format!("{HEAD}{THREE}"));
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    let writes = server.writes();
    let prune = "--exclude=applications.[!m]*";
    apply("192.0.2.0/24", "", &[prune]).exits(5).says("duoctl calls from 127.0.0.1, which is outside them");
    assert_eq!(server.writes(), writes);
    apply("127.0.0.0/8", "", &[prune]).exits(0).says("updated applications.me");
    let own = server.named("Configuration pipeline");
    assert_eq!(own[0]["networks_for_api_access"], json!("127.0.0.0/8"));
    // A stated address takes precedence over the log.
    apply("127.0.0.0/8, 192.0.2.0/24", "guards: {caller_address: 203.0.113.1}\n", &[prune]).exits(5);
    apply("127.0.0.0/9", "", &[prune, "--caller-address=127.0.0.1"]).exits(0);
}
