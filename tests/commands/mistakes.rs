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
