//! Several runs that edit one file at once, and files whose owner, mode, names and comments matter.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use serde_json::json;

use crate::support::{Folder, Process, Server};

const FIELDS: [&str; 6] =
    ["user_access", "notes", "greeting", "policy", "groups_allowed", "username_normalization_policy"];

fn applications(count: usize) -> String {
    let mut text = String::from("applications:\n");
    for index in 0..count {
        text.push_str(&format!(
            "  a{index}:\n    type: radius\n    name: A {index}\n    user_access: permitted_groups\n    \
             groups_allowed:\n    - Contractors\n    notes: n\n    greeting: g\n    policy: Require trusted endpoints\n    \
             username_normalization_policy: simple\n"
        ));
    }
    text
}

#[test]
fn runs_that_edit_one_file_at_once_lose_nothing() {
    for line_end in ["\n", "\r\n"] {
        let folder = Folder::with(&applications(6));
        folder.write("duo.yaml", &folder.read("duo.yaml").replace('\n', line_end));
        let mut runs: Vec<Process> = Vec::new();
        for index in 0..6 {
            let address = format!("applications.a{index}");
            let reason = format!("reason {index}");
            runs.push(folder.duoctl(["ignore", &address, "user_access", "--reason", &reason]).start());
        }
        // The same address, field by field.
        for field in FIELDS {
            let reason = format!("for {field}");
            runs.push(folder.duoctl(["ignore", "applications.a0", field, "--reason", &reason]).start());
        }
        runs.push(folder.duoctl(["fmt", "."]).start());
        for run in runs {
            run.end().exits(0);
        }
        let text = folder.read("duo.yaml");
        for index in 1..6 {
            assert!(text.contains(&format!("reason {index}")), "reason {index} in\n{text}");
        }
        for field in &FIELDS[1..] {
            assert!(text.contains(&format!("for {field}")), "{field} in\n{text}");
        }
        assert_eq!(text.matches('\n').count(), text.matches(line_end).count());
        assert_eq!(fs::read_dir(folder.root()).unwrap().count(), 1, "nothing is left behind");
    }
}

/// Every command that edits the YAML offline, with a file that it would change.
fn edits(folder: &Folder) -> Vec<(&'static str, Vec<&'static str>)> {
    folder.declare(&applications(1));
    vec![
        ("ignore", vec!["ignore", "applications.a0", "notes", "--reason", "x"]),
        ("adopt", vec!["adopt", "applications.a0", "DIAAAAAAAAAAAAAAAAAA"]),
        ("fmt", vec!["fmt", "duo.yaml"]),
    ]
}

#[test]
fn what_cannot_be_kept_is_refused() {
    for (command, arguments) in edits(&Folder::empty()) {
        let folder = Folder::with(&applications(1));
        let before = folder.read("duo.yaml");
        let path = folder.path("duo.yaml");
        let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        set(0o444);
        folder.duoctl(&arguments).run().exits(1).warns("it is read-only");
        set(0o640);
        fs::hard_link(&path, folder.path("other")).unwrap();
        folder.duoctl(&arguments).run().exits(1).warns("it has a hard link");
        fs::remove_file(folder.path("other")).unwrap();
        assert_eq!(folder.read("duo.yaml"), before, "{command}");
        // As the superuser in a container, who edits other users' files.
        let owner = std::os::unix::fs::chown(&path, Some(1234), Some(4321)).is_ok();
        folder.duoctl(&arguments).run().exits(0);
        let found = fs::metadata(&path).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o640, "{command}");
        if owner {
            assert_eq!((found.uid(), found.gid()), (1234, 4321), "{command}");
        }
        assert_ne!(folder.read("duo.yaml"), before, "{command}");
    }
}

#[test]
fn a_comment_about_what_an_accept_removes_stops_it() {
    let yaml = |groups: &str| {
        format!(
            "applications:\n  a:\n    type: radius\n    name: A\n    user_access: permitted_groups\n    groups_allowed:\n{groups}"
        )
    };
    for (groups, kept) in [
        ("      - VPN Users  # core team\n      - Contractors\n", false),
        ("      # core team\n      - VPN Users\n      - Contractors\n", false),
        ("      - VPN Users\n      # others\n      - Contractors\n", true),
        ("      - VPN Users\n      - Contractors  # others\n", true),
    ] {
        let (folder, server) = (Folder::with(&yaml(groups)), Server::start());
        folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
        let contractors = id_of(&server, "Contractors");
        server.edit("A", json!({"groups_allowed": [contractors]}));
        let before = folder.read("duo.yaml");
        let outcome = folder.duoctl(["accept", "applications.a"]).at(&server).run();
        if kept {
            outcome.exits(0);
            let text = folder.read("duo.yaml");
            assert!(text.contains("# others") && !text.contains("VPN Users"), "{text}");
        } else {
            outcome.exits(1).warns("the comment # core team describes what would be removed");
            assert_eq!(folder.read("duo.yaml"), before);
        }
    }
}

/// The id of a group, read from an application that allows only this group.
fn id_of(server: &Server, name: &str) -> serde_json::Value {
    let folder = Folder::with(&format!(
        "applications: {{p: {{type: radius, name: Probe {name}, user_access: permitted_groups, groups_allowed: [{name}]}}}}\n"
    ));
    folder.write("duo.yaml", &folder.read("duo.yaml").replace("acme", "probe"));
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(server).run().exits(0);
    server.named(&format!("Probe {name}"))[0]["groups_allowed"][0].clone()
}
