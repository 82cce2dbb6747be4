//! An unknown name or pattern on the command line stops the run with 64 and a suggestion, in every argument of every command.

use std::collections::BTreeSet;

use clap::{Arg, CommandFactory as _};
use duoctl::cli::args::Args;

use crate::support::{Folder, Server};

const YAML: &str = "applications:
  siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [read_log]}
identity_intelligence:
  emea: {display_name: Duo EMEA, access: read_only, push_verification: {application_name: Acme IT}}
";

/// Placeholders of values that name something in the YAML, the account or duoctl.
const NAMES: [&str; 10] = [
    "ADDRESS",
    "APPLICATION",
    "CODE",
    "COMMAND",
    "FIELD",
    "GLOB",
    "NAME",
    "NAME[:ADDRESS]",
    "TYPE",
    "WORKSPACE",
];

/// Placeholders of other values.
const OTHERS: [&str; 21] = [
    "ADDR:PORT",
    "AGE",
    "DATE",
    "DAYS",
    "DIR",
    "FILE",
    "FORMAT",
    "FORMAT=FILE",
    "HOST:PORT",
    "KIND[=N][@CALLS][@/PATH]",
    "N",
    "N%",
    "NAME=VALUE",
    "PATH",
    "PATH|PLAN",
    "PLAN",
    "PROPERTY=VALUE",
    "STATE_DIR",
    "TEXT",
    "TIME",
    "WHO",
];

/// Every argument that takes a name, a call with an unknown name, and the suggestion.
const CALLS: &[(&str, &[&str], &str)] = &[
    ("accept ADDRESS", &["accept", "applications.sien"], "applications.siem"),
    ("accept --field", &["accept", "siem", "--field", "greting"], "greeting"),
    (
        "apply --allow",
        &["apply", "--auto-approve", "--allow=replaces:applications.sien"],
        "applications.siem",
    ),
    ("apply --exclude", &["apply", "--auto-approve", "--exclude=sien"], "siem"),
    ("apply --only", &["apply", "--auto-approve", "--only=sien"], "siem"),
    ("attest NAME", &["attest", "emaa", "--by=me"], "emea"),
    ("drift --exclude", &["drift", "--exclude=sien"], "siem"),
    ("drift --only", &["drift", "--only=sien"], "siem"),
    ("explain CODE", &["explain", "unknown-referense"], "unknown-reference"),
    ("handoff NAME", &["handoff", "emaa"], "emea"),
    ("ignore ADDRESS", &["ignore", "applications.sien", "name", "--reason=x"], "applications.siem"),
    ("import --exclude", &["import", "--exclude=intranett"], "intranet"),
    ("import --only", &["import", "--only=intranett"], "intranet"),
    ("import --type", &["import", "--type=adminapy"], "adminapi"),
    ("graph --focus", &["graph", "--focus=sien"], "siem"),
    ("list --exclude", &["list", "--exclude=sien"], "siem"),
    ("list --only", &["list", "--only=sien"], "siem"),
    ("list --type", &["list", "--type=adminapy"], "adminapi"),
    ("man COMMAND", &["man", "plann"], "plan"),
    ("plan --allow", &["plan", "--allow=replaces:applications.sien"], "applications.siem"),
    ("plan --exclude", &["plan", "--exclude=sien"], "siem"),
    ("plan --only", &["plan", "--only=sien"], "siem"),
    ("keys abort --exclude", &["keys", "abort", "siem", "--exclude=sien"], "siem"),
    ("keys abort --only", &["keys", "abort", "--only=sien"], "siem"),
    ("keys abort ADDRESS", &["keys", "abort", "applications.sien"], "applications.siem"),
    (
        "keys abort --allow",
        &["keys", "abort", "siem", "--allow=replaces:applications.sien"],
        "applications.siem",
    ),
    ("keys confirm --exclude", &["keys", "confirm", "siem", "--exclude=sien"], "siem"),
    ("keys confirm --only", &["keys", "confirm", "--only=sien"], "siem"),
    ("keys confirm ADDRESS", &["keys", "confirm", "applications.sien"], "applications.siem"),
    (
        "keys confirm --allow",
        &["keys", "confirm", "siem", "--allow=replaces:applications.sien"],
        "applications.siem",
    ),
    ("keys list ADDRESS", &["keys", "list", "sien"], "siem"),
    ("keys status --exclude", &["keys", "status", "siem", "--exclude=sien"], "siem"),
    ("keys status --only", &["keys", "status", "--only=sien"], "siem"),
    ("keys status ADDRESS", &["keys", "status", "sien"], "siem"),
    ("keys rotate --exclude", &["keys", "rotate", "siem", "--exclude=sien"], "siem"),
    ("keys rotate --only", &["keys", "rotate", "--only=sien"], "siem"),
    ("keys rotate ADDRESS", &["keys", "rotate", "applications.sien"], "applications.siem"),
    (
        "keys rotate --allow",
        &["keys", "rotate", "siem", "--allow=replaces:applications.sien"],
        "applications.siem",
    ),
    ("sandbox edit APPLICATION", &["sandbox", "edit", "Intranett", "--set=name=x"], "Intranet"),
    ("keys list --exclude", &["keys", "list", "--exclude=sien"], "siem"),
    ("keys list --only", &["keys", "list", "--only=sien"], "siem"),
    ("verify --exclude", &["verify", "--exclude=sien"], "siem"),
    ("verify --only", &["verify", "--only=sien"], "siem"),
];

/// Arguments whose names cannot be checked, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("adopt ADDRESS", "an entry is made where there is none"),
    ("adopt --formerly", "the name of a workspace that is no more; `plan` says whether anything had it"),
    ("apply --caller-address", "an address of the network"),
    ("plan --caller-address", "an address of the network"),
    ("sandbox serve --api-hostname", "the name that the simulator takes"),
    ("ignore FIELD", "it goes into the YAML, whose rules refuse it with 1 and show the line"),
];

fn arguments(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
    let valued = |arg: &&Arg| {
        arg.get_action().takes_values() && arg.get_possible_values().is_empty() && !arg.is_global_set()
    };
    for arg in command.get_arguments().filter(valued) {
        let value = arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
        let name = arg.get_long().map_or(value.to_owned(), |long| format!("--{long}"));
        found.push((format!("{path}{name}"), value.to_owned()));
    }
    for inner in command.get_subcommands() {
        arguments(inner, &format!("{path}{} ", inner.get_name()), found);
    }
}

#[test]
fn every_argument_that_takes_a_name_is_tried() {
    let mut found = Vec::new();
    arguments(&Args::command(), "", &mut found);
    let known: BTreeSet<&str> = NAMES.into_iter().chain(OTHERS).collect();
    let unknown: Vec<_> = found.iter().filter(|(_, value)| !known.contains(value.as_str())).collect();
    assert!(unknown.is_empty(), "say whether these are names: {unknown:#?}");
    let named: BTreeSet<&str> = found
        .iter()
        .filter(|(_, value)| NAMES.contains(&value.as_str()))
        .map(|(name, _)| name.as_str())
        .collect();
    let tried = CALLS.iter().map(|(name, ..)| *name).chain(ELSEWHERE.iter().map(|(name, _)| *name));
    assert_eq!(named, tried.collect());
}

#[test]
fn a_name_that_means_nothing_stops_the_run_and_says_what_was_meant() {
    let (folder, server) = (Folder::with(YAML), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    let (yaml, writes) = (folder.read("duo.yaml"), server.writes());
    for (name, arguments, meant) in CALLS {
        let call = folder.duoctl(*arguments);
        let online = !matches!(arguments[0], "explain" | "ignore" | "man" | "sandbox");
        let outcome = if online { call.at(&server).run() } else { call.run() };
        let outcome = outcome.exits(64);
        assert!(outcome.stderr.contains(&format!("did you mean `{meant}`?")), "{name}: {}", outcome.stderr);
        assert_eq!((folder.read("duo.yaml"), server.writes()), (yaml.clone(), writes), "{name}");
    }
    // An empty pattern matches nothing, either.
    for option in ["--only=", "--exclude="] {
        for command in ["plan", "drift", "verify", "keys list"] {
            folder.duoctl(command.split(' ')).with(&[option]).at(&server).run().exits(64);
        }
        folder.duoctl(["apply", "--auto-approve", option]).at(&server).run().exits(64);
    }
    folder.duoctl(["import", "--only="]).at(&server).run().exits(64);
    folder.duoctl(["import", "--type="]).at(&server).run().exits(64);
}
