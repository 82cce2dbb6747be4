//! What other people entered in the account cannot forge a line of output, a key of the YAML or a marker.

use duoctl::config::load::load;
use duoctl::kinds::Kind;
use duoctl::text::is_harmful;
use serde_json::json;

use crate::support::{Folder, Outcome, Server, object};

/// Names and notes that someone could enter.
const NAMES: &[&str] = &[
    "VPN\nPlan: 0 to add, 0 to change, 0 to adopt, 0 to delete.",
    "VPN\r\n::error file=duo.yaml::all is lost",
    "::add-mask::VPN",
    "\u{1b}[2J\u{1b}]0;title\u{7}\u{1b}[31mred",
    "\u{9b}31mred\u{85}next\u{2028}line",
    "VPN \u{202e}gnp.exe\u{2066}\u{200f}",
    "zero\u{200b}width\u{feff}\u{e0041}",
    "<script>alert(1)</script> @everyone #1 [x](https://example.com) | a | b |",
    "VPN\" (radius) DI00000000000000000000 -> \"x",
    "name: other\n  user_access: all_users",
    "'}}, evil: {type: radius",
    "[duoctl acme/applications.vpn -]",
    "!!binary x",
    "*alias",
    "null",
];

/// No control sequences for a terminal, and no line that starts like duoctl's own lines.
#[track_caller]
fn plain(outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        assert!(!text.contains("panicked"), "{text}");
        for c in text.chars().filter(|c| *c != '\n') {
            assert!(!is_harmful(c), "{c:?} in {text}");
        }
        for line in text.lines() {
            let forged = ["::", "Plan: 0 to add, 0 to change, 0 to adopt, 0", "line\""]
                .iter()
                .find(|start| line.trim_start().starts_with(**start));
            assert_eq!(forged, None, "{line}");
        }
    }
}

/// An account in which everything has such a name.
fn hostile() -> (Server, Folder) {
    let server = Server::start();
    for name in NAMES {
        let stored = json!({"kind": "radius", "name": name, "notes": name, "greeting": name});
        server.account().place_application(&stored).unwrap();
        server.account().add_group(name).unwrap();
        server.account().add_policy(name).unwrap();
    }
    (server, Folder::with("applications: {}\n"))
}

#[test]
fn an_import_writes_hostile_names_as_values_and_nothing_else() {
    let (server, folder) = hostile();
    let imported = folder.duoctl(["import", "--format", "json"]).at(&server).run();
    plain(&imported);
    let text = folder.read("duo.yaml");
    assert!(text.chars().all(|c| c == '\n' || !is_harmful(c)), "{text}");
    let workspace = load(&folder.path("duo.yaml")).workspace.unwrap();
    let names: Vec<&str> = workspace
        .of(Kind::Application)
        .values()
        .filter_map(|entry| Some(entry.name.as_ref()?.value.as_str()))
        .collect();
    for name in NAMES.iter().filter(|name| !name.chars().any(|c| c.is_ascii_control())) {
        assert!(names.contains(&name.trim()), "{name:?} is not in {names:?}");
    }
    assert!(!workspace.of(Kind::Application).contains_key("evil"));
    assert_eq!((workspace.name.value.as_str(), workspace.guards.allow.len()), ("acme", 0));
    for arguments in [&["plan"][..], &["plan", "--format", "json"], &["validate"], &["drift"]] {
        plain(&folder.duoctl(arguments).at(&server).run());
    }
}

/// What the Admin Panel accepts is unknown, and may be more than the API does.
fn take_anything(server: &Server) {
    for switch in ["plain-texts=off", "limit-names=off", "limit-notes=off"] {
        server.account().switches.set(switch).unwrap();
    }
}

#[test]
fn an_edit_in_duo_is_shown_as_what_it_is() {
    let yaml = "applications: {vpn: {type: radius, name: VPN, user_access: no_users, greeting: Hello, notes: Ours}}\n";
    let (server, folder) = (Server::start(), Folder::with(yaml));
    take_anything(&server);
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    let ikey = server.ikey("VPN");
    for name in NAMES {
        let marker = server.account().application(&ikey).unwrap()["notes"].as_str().unwrap().to_owned();
        let marker = marker.rsplit_once("[duoctl ").unwrap().1.to_owned();
        // Two markers cancel each other.
        let text = if name.contains("[duoctl ") { "" } else { name };
        let edit = json!({"name": name, "greeting": name, "notes": format!("{text}\n[duoctl {marker}")});
        server.account().modify_application(&ikey, object(edit)).unwrap();
        let planned = folder.duoctl(["plan"]).at(&server).run().exits(0).says("(drift: changed in Duo)");
        // The step and the last line; text from Duo is always indented, after a sign.
        let begun = planned.stdout.lines().filter(|line| !line.is_empty() && !line.starts_with(' '));
        assert_eq!(begun.count(), 2, "{}", planned.stdout);
        plain(&planned);
        let document = folder.duoctl(["plan", "--format", "json"]).at(&server).run().exits(0);
        plain(&document);
        let shown = &document.json()["steps"][0]["changes"];
        assert!(shown.as_array().unwrap().iter().any(|change| change["before"] == **name), "{shown}");
    }
    plain(&folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0));
    assert!(
        server.named("VPN")[0]["notes"].as_str().unwrap().starts_with("Ours\n[duoctl acme/applications.vpn ")
    );
}

/// What a reviewer sees of a deceptive name.
#[test]
fn a_name_that_deceives_is_spelled_out_and_warned_of() {
    for (name, code, like) in [
        ("Engin\u{ad}eering", "U+00AD", None),
        ("Engineering\u{3164}", "U+3164", None),
        ("Engi\u{fe01}neering", "U+FE01", None),
        ("Engineering\u{2800}Staff", "U+2800", None),
        ("Engineering\u{a0}Staff", "U+00A0", None),
        ("Engin\u{435}ering", "U+0435", Some("looks like the Latin letter `e`")),
    ] {
        let yaml = format!(
            "applications: {{vpn: {{type: radius, name: VPN, user_access: permitted_groups, groups_allowed: ['{name}']}}}}\n"
        );
        let (server, folder) = (Server::start(), Folder::with(&yaml));
        server.account().add_group(name).unwrap();
        for arguments in [&["validate"][..], &["plan"], &["plan", "--format", "markdown"]] {
            let call = folder.duoctl(arguments);
            let call = if arguments[0] == "plan" { call.at(&server) } else { call };
            let told = call.run().exits(0);
            plain(&told);
            told.warns("warning[deceptive-name]").warns(code).warns(like.unwrap_or("invisible character"));
        }
        for format in ["json", "sarif", "gitlab", "github"] {
            let told = folder.duoctl(["validate", "--format", format]).run().exits(0).says(code);
            assert!(!told.stdout.chars().any(|c| c != '\n' && is_harmful(c)), "{told:?}");
        }
        let reason = "suppress: [{code: deceptive-name, address: applications.vpn, reason: it is so}]\n";
        folder.declare(&format!("{yaml}{reason}"));
        assert!(!folder.duoctl(["validate"]).run().exits(0).stderr.contains("deceptive-name"));
        folder.declare(&format!("# {name}\n{yaml}  \n"));
        plain(&folder.duoctl(["fmt", "--diff"]).run());
    }
}

/// Values that duoctl treats as unset must not be written as values that other readers treat as unset.
#[test]
fn a_text_of_blanks_is_accepted_as_none() {
    let yaml = "applications: {vpn: {type: radius, name: VPN, user_access: no_users, greeting: Hello}}\n";
    for blank in ["\u{85}", "\u{a0}", "\u{2003}\u{3000}", "\t \n"] {
        let (server, folder) = (Server::start(), Folder::with(yaml));
        take_anything(&server);
        folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
        server.edit("VPN", json!({"greeting": blank}));
        folder.duoctl(["accept", "applications.vpn"]).at(&server).run().exits(0);
        let text = folder.read("duo.yaml");
        assert!(text.contains("greeting: null"), "{blank:?}: {text}");
        folder.duoctl(["plan"]).at(&server).run().exits(0).says("No changes");
    }
}

#[test]
fn a_megabyte_is_not_shown_whole_and_changes_nothing_else() {
    let (server, folder) = (Server::start(), Folder::with(crate::support::THREE));
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    take_anything(&server);
    let long = "\u{1b}[31m\u{e9}".repeat(1 << 17);
    server.edit("VPN", json!({"greeting": long}));
    folder.declare(&crate::support::THREE.replace("    name: VPN\n", "    name: VPN\n    greeting: Hello\n"));
    let planned = folder.duoctl(["plan"]).at(&server).run().exits(0).says("characters)\" -> \"Hello\"");
    assert!(planned.stdout.len() < 20_000, "{}", planned.stdout.len());
    plain(&planned);
    let document = folder.duoctl(["plan", "--format", "json"]).at(&server).run().exits(0);
    plain(&document);
    assert_eq!(document.json()["steps"][0]["changes"][0]["before"], json!(long));
}
