//! Common mistakes: each is refused with 64 (or 1 for a file), and the message says what to type.

use crate::support::{Folder, HEAD};

const ONE: &str = "applications:\n  vpn: {type: radius, name: VPN, user_access: no_users}\n";

/// A call, and the expected message.
const MISTAKES: &[(&[&str], &str)] = &[
    (&["apply", "live", "--yes"], "use `--auto-approve`"),
    (&["apply", "live", "-y"], "use `--auto-approve`"),
    (&["apply", "live", "--force"], "use `--auto-approve`"),
    (&["plan", "live", "--json"], "use `--format json`"),
    (&["plan", "live", "-o", "json"], "use `--format FORMAT`"),
    (&["plan", "live", "--profile", "prod"], "use `-w PATH`"),
    (&["plan", "--path", "live"], "use `-w PATH`"),
    (&["plan", "-f", "live"], "use `-w PATH`"),
    (&["apply", "live", "--dry-run"], "use `duoctl plan`"),
    (&["apply", "live", "--dry_run"], "use `duoctl plan`"),
    (&["plan", "live", "--target", "applications.vpn"], "use `--only GLOB`"),
    (&["validate", "live", "--online"], "use `duoctl plan`"),
    (&["plan", "live", "--no-color"], "use `--color never`"),
    (&["apply", "live", "--prune", "now"], "use `--prune=now`"),
    (&["apply", "--prune", "now"], "use `--prune=now`"),
    (&["plan", "live", "--sandbox", "state"], "use `--sandbox=state`"),
    (&["plan", "--sandbox", "state"], "use `--sandbox=state`"),
    (&["keys", "rotate", "vpn", "--status"], "use `duoctl keys status`"),
    (&["keys", "rotate", "--confirm", "vpn"], "use `duoctl keys confirm ADDRESS`"),
    (&["rotate", "vpn"], "use `duoctl keys rotate`"),
    (&["secrets"], "use `duoctl keys list`"),
    (&["diff"], "use `duoctl plan`"),
    (&["deploy"], "use `duoctl apply`"),
    (&["lint"], "use `duoctl validate`"),
    (&["pull"], "use `duoctl import`"),
    (&["login"], "use `duoctl doctor`"),
    (&["version"], "use `duoctl --version`"),
    (&["ls"], "use `duoctl list`"),
    (&["attest", "emea", "live"], "use `-w live`"),
    (&["ignore", "vpn", "greeting", "live", "--reason=x"], "use `-w live`"),
    (&["handoff", "live"], "use `-w live`"),
    (&["keys", "status", "live"], "use `-w live`"),
    (&["adopt", "vpn", "DIXXXXXXXXXXXXXXXXXX", "live"], "use `-w live`"),
    (&["plan", "live", "-w", "live"], "give one of them"),
    (&["apply", "live", "--max-deletes", "many"], "write a whole number from 0 to "),
    (&["plan", "live", "--parallelism", "0"], "write a whole number from 1 to 64"),
    (&["drift", "live", "--who", "--days", "1.5"], "write a whole number from 1 to 180"),
    (&["ignore", "vpn", "greeting", "--reason=x", "--until", "soon"], "write a date such as 2027-06-30"),
    (&["vaildate"], "a similar subcommand exists: 'validate'"),
    (&["plan", "--detailed-exit-code"], "a similar argument exists: '--detailed-exitcode'"),
];

#[test]
fn each_mistake_is_told_what_to_type() {
    let folder = Folder::empty();
    std::fs::create_dir(folder.path("live")).unwrap();
    folder.write("live/duo.yaml", &format!("{HEAD}{ONE}"));
    for (arguments, advice) in MISTAKES {
        let outcome = folder.duoctl(*arguments).run().exits(64);
        assert!(outcome.stderr.contains(advice), "{arguments:?} has no `{advice}`:\n{}", outcome.stderr);
        // clap's own guess that a misspelt option is a value is misleading.
        assert!(!outcome.stderr.contains("as a value"), "{arguments:?}: {}", outcome.stderr);
    }
}

/// Several workspaces at once: every finding, one last line, and the worst exit code.
#[test]
fn several_workspaces_are_validated_together() {
    let folder = Folder::empty();
    for (name, yaml) in [("a", ONE), ("b", ONE), ("c", "applications: {x: {type: radius}}\n")] {
        std::fs::create_dir(folder.path(name)).unwrap();
        folder.write(&format!("{name}/duo.yaml"), &format!("{HEAD}{yaml}"));
    }
    let valid = folder.duoctl(["validate", "a", "b"]).run().exits(0);
    assert!(valid.last_line().starts_with("Valid: 2 workspaces, 2 applications, "), "{}", valid.last_line());
    let json = folder.duoctl(["validate", "a", "c", "--format", "json"]).run().exits(1).json();
    assert_eq!((&json["valid"], &json["workspaces"]), (&false.into(), &2.into()));
    let found = json["diagnostics"].as_array().unwrap();
    assert!(found.iter().all(|found| found["place"]["file"] == "c/duo.yaml") && !found.is_empty(), "{json}");
    folder.duoctl(["validate", "a", "c"]).run().exits(1).warns("c/duo.yaml").says("Not valid: ");
    folder.duoctl(["validate", "a", "nowhere"]).run().exits(1).warns("cannot read `nowhere`");
    folder.duoctl(["validate", "a", "-w", "b"]).run().exits(64);
}

/// A simulator that does not answer, or not with its own certificate, is named next to Duo's own causes.
#[test]
fn a_wrong_simulator_is_named() {
    let folder = Folder::with(ONE);
    let connect = ["plan", "--connect-to", "127.0.0.1:9"];
    let outcome =
        folder.duoctl(connect).env("DUO_IKEY", "DIXXXXXXXXXXXXXXXXXX").env("DUO_SKEY", "x".repeat(40)).run();
    outcome.exits(75).warns("this run connects to the simulator at 127.0.0.1:9");
}
