//! Where the YAML is: PATH, `--workspace`, `DUOCTL_WORKSPACE`, or the current folder.

use clap::CommandFactory as _;
use duoctl::cli::args::Args;

use crate::support::{Folder, HEAD, Server};

const ONE: &str = "applications:\n  vpn: {type: radius, name: VPN, user_access: no_users, greeting: Hi}\n";

/// A folder without a workspace, with a workspace in a folder below.
fn nested() -> Folder {
    let folder = Folder::empty();
    std::fs::create_dir(folder.path("live")).unwrap();
    folder.write("live/duo.yaml", &format!("{HEAD}{ONE}"));
    folder
}

#[test]
fn every_way_to_name_the_workspace_leads_to_it() {
    let folder = nested();
    let valid = "Valid: workspace acme";
    for arguments in [
        &["validate", "live"][..],
        &["validate", "-w", "live"],
        &["-w", "live", "validate"],
        &["--workspace=live", "validate"],
    ] {
        folder.duoctl(arguments).run().exits(0).says(valid);
    }
    folder.duoctl(["validate"]).env("DUOCTL_WORKSPACE", "live").run().exits(0).says(valid);
    // The command line takes precedence over the environment; an empty variable counts as unset.
    folder.duoctl(["validate", "live"]).env("DUOCTL_WORKSPACE", "elsewhere").run().exits(0);
    folder.duoctl(["validate", "-w", "live"]).env("DUOCTL_WORKSPACE", "elsewhere").run().exits(0);
    folder.duoctl(["validate"]).env("DUOCTL_WORKSPACE", "elsewhere").run().exits(1).warns("elsewhere");
    folder.duoctl(["validate"]).env("DUOCTL_WORKSPACE", "").run().exits(0);
    let both = folder.duoctl(["validate", "live", "-w", "live"]).run().exits(64);
    both.warns("PATH and --workspace both name the workspace");
}

#[test]
fn the_workspace_holds_also_for_commands_that_take_names() {
    let (folder, server) = (nested(), Server::start());
    folder.duoctl(["apply", "live", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    server.edit("VPN", serde_json::json!({"greeting": "Hello"}));
    folder.duoctl(["drift", "-w", "live"]).at(&server).run().exits(2);
    folder
        .duoctl(["accept", "vpn", "-w", "live"])
        .at(&server)
        .run()
        .exits(0)
        .says("~ applications.vpn greeting");
    folder.duoctl(["ignore", "vpn", "greeting", "--reason", "x", "-w", "live"]).run().exits(0);
    folder.duoctl(["keys", "list", "-w", "live"]).at(&server).run().exits(0);
    folder.duoctl(["fmt", "--check"]).env("DUOCTL_WORKSPACE", "live").run();
    folder.duoctl(["sandbox", "reset", "-w", "live"]).run().exits(0).says("live/.duoctl/sandbox");
    folder.duoctl(["init", "-w", "other"]).run().exits(0).says("other/duo.yaml");
}

#[test]
fn a_misspelt_variable_is_a_warning() {
    let folder = Folder::with(ONE);
    let run = |name: &str| folder.duoctl(["validate"]).env(name, "127.0.0.1:1").run().exits(0);
    run("DUOCTL_CONECT_TO").warns("`DUOCTL_CONECT_TO` has no effect; did you mean `DUOCTL_CONNECT_TO`?");
    run("DUOCTL_PROFILE").warns("`DUOCTL_PROFILE` has no effect");
    for name in ["DUOCTL_CONNECT_TO", "DUOCTL_VAR_HOST", "DUO_IKEY"] {
        assert!(!run(name).stderr.contains("has no effect"), "{name}");
    }
}

/// Every command that takes names, with a path in place of one.
const NAMES: &[&[&str]] = &[
    &["accept", "PATH"],
    &["accept", "vpn", "PATH"],
    &["ignore", "PATH", "greeting", "--reason=x"],
    &["adopt", "PATH", "DIXXXXXXXXXXXXXXXXXX"],
    &["adopt", "vpn", "DIXXXXXXXXXXXXXXXXXX", "PATH"],
    &["handoff", "PATH"],
    &["attest", "PATH"],
    &["keys", "list", "PATH"],
    &["keys", "rotate", "PATH"],
    &["keys", "status", "PATH"],
    &["keys", "confirm", "PATH"],
    &["keys", "abort", "PATH"],
];

#[test]
fn a_path_where_a_name_belongs_is_told_how_to_be_given() {
    let folder = nested();
    let known = Args::command();
    let names = |command: &clap::Command| {
        command.get_positionals().any(|arg| {
            let value =
                arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
            ["ADDRESS", "NAME"].contains(&value)
        })
    };
    let keys = known.find_subcommand("keys").unwrap();
    for command in known.get_subcommands().chain(keys.get_subcommands()).filter(|command| names(command)) {
        let listed = NAMES.iter().any(|call| call.contains(&command.get_name()));
        assert!(listed, "{} takes names", command.get_name());
    }
    for (path, what) in [("live", "a folder"), ("live/duo.yaml", "a file"), (".", "a folder")] {
        for call in NAMES {
            let call = call.iter().map(|word| if *word == "PATH" { path } else { word });
            let outcome = folder.duoctl(call).run().exits(64);
            outcome.warns(&format!("`{path}` is {what}, not a name; use `-w {path}`"));
        }
    }
    // A name that the workspace knows is a name, whatever file is next to it.
    std::fs::create_dir(folder.path("live/vpn")).unwrap();
    let inside = Folder::with(ONE);
    std::fs::create_dir(inside.path("vpn")).unwrap();
    inside.duoctl(["ignore", "vpn", "greeting", "--reason", "x"]).run().exits(0);
}

#[test]
fn several_addresses_are_accepted_together_or_not_at_all() {
    let two = "applications:
  vpn: {type: radius, name: VPN, user_access: no_users, greeting: Hi}
  wiki: {type: radius, name: Wiki, user_access: no_users, greeting: Hi}
";
    let (folder, server) = (Folder::with(two), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    server.edit("VPN", serde_json::json!({"greeting": "Hello"}));
    server.edit("Wiki", serde_json::json!({"greeting": "Good morning"}));
    let before = folder.read("duo.yaml");
    folder.duoctl(["accept", "vpn", "applications.nobody"]).at(&server).run().exits(64);
    assert_eq!(folder.read("duo.yaml"), before);
    let accepted = folder.duoctl(["accept", "vpn", "wiki", "vpn"]).at(&server).run().exits(0);
    accepted.says("\"Hello\"").says("\"Good morning\"");
    let again = folder.duoctl(["accept", "vpn", "wiki"]).at(&server).run().exits(0);
    again
        .warns("applications.vpn: no field of the YAML was changed in Duo")
        .warns("applications.wiki: no field of the YAML was changed in Duo");
    folder.duoctl(["drift"]).at(&server).run().exits(0);
}
