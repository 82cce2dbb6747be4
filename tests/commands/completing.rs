//! What a shell completes, requested in the same way as the scripts do.

use std::collections::BTreeSet;

use clap::{Arg, CommandFactory as _, ValueHint};
use clap_complete::ArgValueCompleter;
use duoctl::cli::args::Args;
use duoctl::sandbox::faults::FaultKind;

use crate::support::{Folder, HEAD, Server};

const YAML: &str = "vars:
  company: {default: Acme, description: the company}
applications:
  emea: {type: radius, name: '${vars.company} VPN', user_access: no_users}
  siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [read_log]}
identity_intelligence:
  emea: {display_name: Duo EMEA, access: read_only, push_verification: {application_name: Acme IT}}
removed: {applications.old: retain}
";

/// The values that a shell gets, with their descriptions.
fn asked(folder: &Folder, shell: &str, words: &[&str]) -> Vec<(String, String)> {
    let last = words.len().to_string();
    let call = folder.duoctl(["--", "duoctl"]).with(words).env("COMPLETE", shell);
    let outcome = call.env("_CLAP_IFS", "\n").env("_CLAP_COMPLETE_INDEX", last).run().exits(0);
    assert_eq!(outcome.stderr, "", "{words:?}");
    let line = |line: &str| {
        let (value, help) = line.split_once('\t').unwrap_or((line, ""));
        (value.to_owned(), help.to_owned())
    };
    outcome.stdout.lines().map(line).collect()
}

fn values(folder: &Folder, words: &[&str]) -> Vec<String> {
    asked(folder, "fish", words).into_iter().map(|(value, _)| value).collect()
}

/// The complete list of what may come next.
const CASES: &[(&[&str], &[&str])] = &[
    (&["dri"], &["drift"]),
    (
        &["plan", "--only", ""],
        &[
            "applications.emea",
            "old",
            "siem",
            "identity_intelligence.emea",
            "emea.admin_api",
            "emea.auth_api",
        ],
    ),
    (&["plan", "--only", "applications.s"], &["applications.siem"]),
    (&["plan", "--exclude=s"], &["--exclude=siem"]),
    (&["keys", "rotate", "siem", "s"], &["siem"]),
    (&["keys", "list", "identity_intelligence.emea.au"], &["identity_intelligence.emea.auth_api"]),
    (&["accept", ""], &["emea", "siem", "emea.admin_api", "emea.auth_api"]),
    (&["accept", "emea.admin_api", "--field", "per"], &["permissions"]),
    (&["accept", "emea", "--field", "per"], &[]),
    (&["accept", "emea", "siem", "--field", "gre"], &["greeting"]),
    (&["ignore", "s"], &["siem"]),
    (&["ignore", "siem", ""], &["name", "user_access", "permissions", "networks_for_api_access", "notes"]),
    (&["ignore", "emea", "net"], &[]),
    (&["ignore", "nothing", "net"], &["networks_for_api_access"]),
    (&["adopt", "si"], &["siem"]),
    (&["adopt", "siem", "si"], &[]),
    (&["adopt", "siem", "DIXXXXXXXXXXXXXXXXXX", "eme"], &["emea", "emea.admin_api", "emea.auth_api"]),
    (&["handoff", ""], &["emea"]),
    (&["attest", "e"], &["emea"]),
    (&["list", "--type", "adm"], &["adminapi"]),
    (&["import", "--type=radi"], &["--type=radius"]),
    (&["import", "--kind", "g"], &["group", "global-policy"]),
    (&["plan", "--allow", "e"], &["escalates_privilege", "empty"]),
    (&["apply", "--allow", "unv"], &["unverified_state:"]),
    (&["apply", "--allow", "replaces:s"], &["replaces:siem"]),
    (&["apply", "--allow", "empty:"], &[]),
    (&["keys", "abort", "--allow=breaks_handoff:emea.ad"], &["--allow=breaks_handoff:emea.admin_api"]),
    (&["explain", "unknown-ref"], &["unknown-reference"]),
    (&["explain", "widens"], &["widens_access"]),
    (&["explain", "7"], &["7", "75", "77"]),
    (&["man", "sandbox", "s"], &["serve"]),
    (&["man", "accept", "s"], &[]),
    (&["sandbox", "serve", "--switch", "wrong"], &["wrong-kind="]),
    (&["sandbox", "serve", "--switch", "wrong-kind="], &["wrong-kind=40102", "wrong-kind=40301"]),
    (&["sandbox", "serve", "--fault", "dri"], &["drip"]),
    (&["sandbox", "serve", "--fault", "del"], &["delay="]),
    (&["plan", "--var", ""], &["company="]),
    (&["plan", "--report", ""], &["json=", "markdown=", "html=", "github=", "gitlab="]),
    (&["plan", "--report", "json=duo"], &["json=duo.yaml"]),
    (&["graph", "--focus", "s"], &["siem"]),
    (&["graph", "--format", ""], &["human", "mermaid", "dot", "svg", "markdown", "html", "json"]),
    (&["apply", "--format", "j"], &["json", "jsonl", "junit"]),
    (&["completions", ""], &["bash", "elvish", "fish", "nushell", "powershell", "zsh"]),
    (&["plan", "duo"], &["duo.yaml"]),
];

#[test]
fn every_kind_of_name_is_completed_for_every_shell() {
    let folder = Folder::with(YAML);
    let shells = ["bash", "elvish", "nushell", "powershell", "zsh"];
    for ((words, expected), shell) in CASES.iter().zip(shells.into_iter().cycle()) {
        for shell in ["fish", shell] {
            let found = asked(&folder, shell, words);
            let found: Vec<&str> = found.iter().map(|(value, _)| value.as_str()).collect();
            assert_eq!(found, *expected, "{shell}: {words:?}");
        }
    }
    let all = values(&folder, &["sandbox", "serve", "--fault", ""]);
    assert_eq!(all.len(), FaultKind::ALL.len());
    // An option is offered once it is started, or if nothing else can come.
    assert!(values(&folder, &["accept", "--fi"]).contains(&"--field".to_owned()));
    assert!(values(&folder, &["drift", "duo.yaml", ""]).contains(&"--who".to_owned()));
}

#[test]
fn helps_come_with_the_values_for_shells_that_show_them() {
    let folder = Folder::with(YAML);
    for (words, help) in [
        (&["keys", "rotate", "sie"][..], "adminapi, SIEM"),
        (&["plan", "--var", "c"], "the company"),
        (&["apply", "--allow", "replaces"], "a new application with a new key replaces the old one"),
        (&["explain", "75"], "unreachable or rate limited"),
        (&["explain", "7"], "findings at or above --fail-severity"),
        (&["list", "--type", "radius"], "RADIUS"),
        (&["handoff", ""], "Duo EMEA"),
    ] {
        for shell in ["fish", "nushell", "powershell", "zsh"] {
            assert_eq!(asked(&folder, shell, words)[0].1, help, "{words:?}");
        }
        assert_eq!(asked(&folder, "bash", words)[0].1, "", "{words:?}");
    }
}

#[test]
fn the_workspace_is_the_one_of_the_call() {
    let (here, there) = (Folder::empty(), Folder::with(YAML));
    let path = there.root().display().to_string();
    let both = format!("--workspace={path}");
    for words in [
        &["-w", &path, "accept", "s"][..],
        &["accept", "-w", &path, "s"],
        &[&both, "accept", "s"],
        &["plan", &path, "--allow", "replaces", "--max-changes", "nonsense%", "--only", "s"],
    ] {
        assert_eq!(values(&here, words), ["siem"], "{words:?}");
    }
    let ask = || here.duoctl(["--", "duoctl", "accept", "s"]).env("COMPLETE", "fish");
    ask().env("DUOCTL_WORKSPACE", &path).run().exits(0).says("siem\t");
    assert_eq!(ask().run().exits(0).stdout, "");
    let home = there.root().parent().unwrap();
    let tilde = format!("~/{}", there.root().file_name().unwrap().to_str().unwrap());
    let ask = here.duoctl(["--", "duoctl", "accept", "-w", &tilde, "s"]).env("COMPLETE", "fish");
    ask.env("HOME", home).run().exits(0).says("siem\t");
}

/// Pressing TAB must not require trust in the YAML.
#[test]
fn nothing_of_the_yaml_is_run_no_secret_is_read_and_nobody_is_called() {
    let server = Server::start();
    let folder = Folder::empty();
    let head = HEAD.replace("{env: DUO_SKEY}", "{command: [sh, -c, touch ran; echo x]}");
    let head = head.replace("{env: DUO_IKEY}", "{file: key}");
    let stores = "secret_stores: {kept: {type: exec, command: [sh, -c, touch ran]}}\n";
    let vars = "vars: {token: {required: true}, mark: {default: x}}\n";
    let rest = YAML.split_once("applications:").unwrap().1.replace("${vars.company}", "${vars.token}");
    folder.write("duo.yaml", &format!("{head}{stores}{vars}applications:{rest}"));
    folder.write("key", "hunter2hunter2hunter2");
    server.disturb("delay=60000");
    for (words, expected) in CASES {
        let call = folder.duoctl(["--", "duoctl"]).with(words).at(&server).env("COMPLETE", "fish");
        let call = call.env("DUOCTL_VAR_TOKEN", "hunter2").env("DUO_SKEY", "hunter2");
        let outcome = call.run().exits(0).never_tells("hunter2");
        if !expected.is_empty() && !words.contains(&"--var") {
            assert!(outcome.stdout.contains(expected.last().unwrap()), "{words:?}: {}", outcome.stdout);
        }
    }
    assert!(!folder.path("ran").exists());
    server.calm();
}

/// A link may lead to a file that the author of the YAML must not show.
#[test]
#[cfg(unix)]
fn no_link_out_of_the_folder_is_followed() {
    let (folder, outside) = (Folder::with(YAML), Folder::empty());
    outside
        .write("kept.duo.yaml", "applications: {kept: {type: radius, name: Kept, user_access: no_users}}\n");
    std::os::unix::fs::symlink(outside.path("kept.duo.yaml"), folder.path("kept.duo.yaml")).unwrap();
    assert_eq!(values(&folder, &["adopt", ""]), ["emea", "siem", "emea.admin_api", "emea.auth_api"]);
}

#[test]
fn what_goes_wrong_is_not_said_on_the_line_that_is_typed() {
    let folder = Folder::empty();
    let quiet = |folder: &Folder, shell: &str, words: &[&str]| {
        let call = folder.duoctl(["--"]).with(words).env("COMPLETE", shell);
        let outcome = call.run().exits(0);
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""), "{shell} {words:?}");
    };
    for yaml in [
        None,
        Some(""),
        Some("[1, 2"),
        Some("applications: 5"),
        Some("\u{0}"),
        Some("version: 1\nworkspace: a\n"),
    ] {
        if let Some(yaml) = yaml {
            folder.write("duo.yaml", yaml);
        }
        quiet(&folder, "fish", &["duoctl", "accept", "x"]);
        quiet(&folder, "zsh", &["duoctl", "plan", "-w", "nowhere", "--only", "x"]);
    }
    quiet(&folder, "tcsh", &["duoctl", "accept", "x"]);
    quiet(&folder, "fish", &["duoctl", "nothing", "x", "--y", "z"]);
    folder.write("duo.yaml", &format!("{HEAD}applications: {{vpn: {{type: radius}}, siem: 5}}"));
    assert_eq!(values(&folder, &["accept", "v"]), ["vpn"], "what can be read of broken YAML counts");
}

/// A variable that other programs may set must not turn a command into a no-op that succeeds.
#[test]
fn the_variable_alone_changes_no_command() {
    let folder = Folder::empty();
    for shell in ["bash", "1", "nothing"] {
        folder.duoctl(["validate"]).env("COMPLETE", shell).run().exits(1).warns("duo.yaml");
        folder.duoctl(["explain", "--", "7"]).env("COMPLETE", shell).run().exits(0).says("7, an exit code");
    }
    folder.duoctl(["--", "validate"]).run().exits(64);
    folder.duoctl(["--", "validate"]).env("COMPLETE", "").run().exits(64);
}

#[test]
fn what_people_wrote_cannot_command_the_terminal() {
    let text = "\"q\\u202ed\\tc\\e]0;b\\nx\"";
    let folder = Folder::with(&format!(
        "vars: {{host: {{default: x, description: {text}}}, \"y\\e[1m\": {{default: x}}}}
applications:
  vpn: {{type: radius, name: {text}, user_access: no_users}}
  \"x\\e[1m\": {{type: radius}}
"
    ));
    for (words, expected) in [(&["plan", "--only", ""], "vpn"), (&["plan", "--var", ""], "host=")] {
        let found = asked(&folder, "fish", words);
        let [(value, help)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(value, expected);
        assert!(!help.contains(|c: char| c.is_control() || c == '\u{202e}'), "{help:?}");
        assert!(expected == "vpn" || help.starts_with('q'), "{help:?}");
    }
}

/// Arguments that name something but are not completed, and why.
const LEFT: &[(&str, &str)] = &[
    ("adopt --formerly", "the name of a workspace that is no more"),
    ("apply --caller-address", "an address of the network"),
    ("import --exclude", "what the account has, and nobody is called"),
    ("import --only", "what the account has, and nobody is called"),
    ("plan --caller-address", "an address of the network"),
    ("sandbox edit --set", "what Duo's API has"),
    ("sandbox edit APPLICATION", "what the simulated account has, and its file has keys"),
    ("sandbox serve --api-hostname", "the name that the simulator takes"),
];

/// Placeholders of values that are not names: dates, numbers, texts.
const FREE: [&str; 10] = ["ADDR:PORT", "AGE", "DATE", "DAYS", "HOST:PORT", "N", "N%", "TEXT", "TIME", "WHO"];

#[test]
fn every_argument_is_completed_or_said_why_not() {
    let mut left = BTreeSet::new();
    let mut pending = vec![(String::new(), Args::command())];
    while let Some((path, command)) = pending.pop() {
        for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
            let value =
                arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
            let name = arg.get_long().map_or(value.to_owned(), |long| format!("--{long}"));
            if !FREE.contains(&value) && !is_completed(arg) {
                left.insert(format!("{path}{name}"));
            }
        }
        let inner =
            command.get_subcommands().map(|inner| (format!("{path}{} ", inner.get_name()), inner.clone()));
        pending.extend(inner);
    }
    assert_eq!(left, LEFT.iter().map(|(name, _)| (*name).to_owned()).collect());
}

fn is_completed(arg: &Arg) -> bool {
    arg.get::<ArgValueCompleter>().is_some()
        || !arg.get_possible_values().is_empty()
        || arg.get_value_hint() != ValueHint::Unknown
}
