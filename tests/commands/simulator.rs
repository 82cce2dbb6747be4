//! `sandbox serve` and `sandbox reset`, and how to reach a simulator elsewhere.

use serde_json::{Value, json};

use crate::support::{Call, Folder, Process, THREE};

/// A simulator in its own process, and its startup document.
fn serve(folder: &Folder, arguments: &[&str]) -> (Process, Value) {
    let mut process = folder.duoctl(["sandbox", "serve"].iter().chain(arguments)).start();
    let line = process.line();
    let document = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
    (process, document)
}

fn at(call: Call, document: &Value) -> Call {
    let key = document["keys"].as_array().unwrap().iter().find(|key| key["name"] == "operator").unwrap();
    call.env("DUO_IKEY", key["integration_key"].as_str().unwrap())
        .env("DUO_SKEY", key["secret_key"].as_str().unwrap())
}

fn way(document: &Value) -> [String; 4] {
    let address = document["url"].as_str().unwrap().strip_prefix("https://").unwrap();
    ["--connect-to", address, "--ca-file", document["ca_file"].as_str().unwrap()].map(str::to_owned)
}

#[test]
fn it_says_how_to_reach_it_serves_and_ends_with_a_signal() {
    let folder = Folder::with(THREE);
    for signal in ["TERM", "INT"] {
        let (process, document) = serve(&folder, &[]);
        assert_eq!(document["api_hostname"], "api-1a2b3c4d.duosecurity.com");
        assert_eq!(document["notice"], "this is a simulator, not Duo");
        let names: Vec<_> = document["keys"].as_array().unwrap().iter().map(|key| &key["name"]).collect();
        assert_eq!(names, ["auth", "no-permissions", "operator", "plan-only"]);
        let arguments = ["plan".to_owned()].into_iter().chain(way(&document));
        at(folder.duoctl(arguments), &document).run().exits(0).says("3 to add");
        process.signal(signal);
        process.end().exits(0).warns("this is a simulated Duo account, not Duo");
    }
}

#[test]
fn a_signal_right_after_the_line_ends_it_well_too() {
    let folder = Folder::empty();
    for _ in 0..5 {
        let (process, _) = serve(&folder, &[]);
        process.signal("TERM");
        process.end().exits(0);
    }
}

#[test]
fn its_state_survives_a_kill_and_is_forgotten_on_request() {
    let folder = Folder::with(THREE);
    let (mut process, document) = serve(&folder, &["--state", "state"]);
    let arguments = ["apply", "--auto-approve"].map(str::to_owned).into_iter().chain(way(&document));
    at(folder.duoctl(arguments), &document).run().exits(0);
    folder.duoctl(["sandbox", "reset", "--state", "state"]).run().exits(1).warns("in use by another process");
    process.kill();

    // The same account, reached without its own socket.
    folder.duoctl(["plan", "--sandbox=state", "--detailed-exitcode"]).run().exits(0).says("No changes.");
    let forgotten = folder.duoctl(["sandbox", "reset", "--state", "state"]).run().exits(0);
    assert_eq!(forgotten.stdout, "Reset the simulated account in state.\n");
    let again = folder.duoctl(["sandbox", "reset", "--state", "state"]).run().exits(0);
    assert_eq!(again.stdout, "No simulated account exists in state.\n");
    folder.duoctl(["plan", "--sandbox=state", "--detailed-exitcode"]).run().exits(2);
}

#[test]
fn reset_finds_the_account_of_a_yaml() {
    let folder = Folder::with(THREE);
    folder.duoctl(["plan", "--sandbox"]).run().exits(0);
    folder
        .duoctl(["sandbox", "reset", "duo.yaml"])
        .run()
        .exits(0)
        .says("Reset the simulated account in .duoctl/sandbox.");
    assert!(!folder.path(".duoctl/sandbox/journal.jsonl").exists());
    assert!(folder.path(".duoctl/sandbox/ca.pem").exists(), "clients go on trusting it");
}

#[test]
fn faults_and_switches_are_set_from_the_command_line() {
    let folder = Folder::with(THREE);
    let (_process, document) =
        serve(&folder, &["--fault", "skew=900", "--fault", "5xx=1", "--switch", "trim-text"]);
    let arguments = ["plan".to_owned()].into_iter().chain(way(&document));
    at(folder.duoctl(arguments), &document).run().exits(0).warns("this machine's clock is ");
}

#[test]
fn what_it_cannot_do_is_said_at_once() {
    let folder = Folder::empty();
    let refused = |arguments: &[&str], code: i32, because: &str| {
        let outcome = folder.duoctl(["sandbox", "serve"].iter().chain(arguments)).run().exits(code);
        assert_eq!(outcome.stdout, "");
        outcome.warns(because);
    };
    refused(&["--listen", "0.0.0.0:0"], 64, "is not a loopback address");
    refused(&["--listen", "nonsense"], 64, "--listen");
    refused(&["--fault", "nonsense"], 64, "unknown fault `nonsense`; known faults: 429=N, ");
    refused(&["--fault", "delay"], 64, "fault `delay` needs a number: delay=MS");
    refused(&["--switch", "nonsense"], 64, "unknown switch `nonsense`; known switches: ");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    refused(&["--listen", &taken.local_addr().unwrap().to_string()], 1, "cannot listen on 127.0.0.1:");
    folder.write("file", "");
    refused(&["--state", "file"], 1, "the sandbox in file cannot be used");
}

#[test]
fn a_way_that_leaves_this_machine_is_refused() {
    let folder = Folder::with(THREE);
    let refused = |address: &str| folder.duoctl(["plan", "--connect-to", address]).run().exits(64);
    refused("192.0.2.1:443").warns("only a loopback address");
    refused("example.com:443").warns("write a loopback address with a port");
    let (_process, document) = serve(&folder, &[]);
    let [flag, address, ca, file] = way(&document);
    let by_name = address.replace("127.0.0.1", "localhost");
    at(folder.duoctl(["plan".to_owned(), flag, by_name, ca, file]), &document).run().exits(0);
    folder
        .duoctl(["plan", "--sandbox", "--connect-to", "127.0.0.1:1"])
        .run()
        .exits(64)
        .warns("cannot be used with");
}

#[test]
fn the_simulator_is_named_on_every_use_and_reaches_any_tenant() {
    let folder = Folder::with(THREE);
    folder.write(
        "duo.yaml",
        &folder.read("duo.yaml").replace("api-1a2b3c4d.duosecurity.com", "api-0.duofederal.com"),
    );
    for command in ["plan", "verify", "doctor", "apply"] {
        let outcome = folder.duoctl([command, "--sandbox", "-q"]).run();
        assert!(
            outcome.stderr.contains("sandbox: this is a simulated Duo account in .duoctl/sandbox, not Duo")
        );
    }
    let document = folder.duoctl(["plan", "--sandbox", "--format", "json"]).run().exits(0).json();
    assert_eq!(document["api_hostname"], json!("api-0.duofederal.com"));
}

#[test]
fn a_shell_takes_the_way_to_it_from_the_environment() {
    let folder = Folder::with(THREE);
    let mut process = folder.duoctl(["sandbox", "serve", "--print-env"]).start();
    let lines: Vec<String> = (0..5).map(|_| process.line()).collect();
    let names = lines.iter().map(|line| line.strip_prefix("export ").unwrap().split('=').next().unwrap());
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["DUO_HOST", "DUO_IKEY", "DUO_SKEY", "DUOCTL_CONNECT_TO", "DUOCTL_CA_FILE"]
    );
    assert_eq!(lines[0], "export DUO_HOST='api-1a2b3c4d.duosecurity.com'");
    folder.write("env.sh", &lines.join("\n"));
    // From any folder: the file's path is absolute.
    std::fs::create_dir(folder.path("elsewhere")).unwrap();
    let script = format!(". ../env.sh && cd ../elsewhere && exec {} \"$@\"", env!("CARGO_BIN_EXE_duoctl"));
    let script = format!("cd elsewhere && {script}");
    for command in ["plan", "doctor", "apply", "verify"] {
        let call = folder.shell(&script).args([command, ".."]);
        let more =
            if command == "apply" { &["--auto-approve", "--allow=escalates_privilege"][..] } else { &[] };
        call.args(more).run().exits(0);
    }
    folder.shell(&script).args(["plan", "..", "--detailed-exitcode"]).run().exits(0).says("No changes.");
    // The command line takes precedence.
    let other = ["plan", "..", "--connect-to=127.0.0.1:1"];
    folder.shell(&script).args(other).run().exits(75);
    let simulated = folder.shell(&script).args(["plan", "..", "--sandbox=state"]).run().exits(0);
    simulated.warns("this is a simulated Duo account in state").says("3 to add");
}

#[test]
fn the_authorities_of_this_machine_count_only_when_asked_for() {
    let folder = Folder::with(THREE);
    let (_process, document) = serve(&folder, &[]);
    let [way, address, _, ca] = way(&document);
    let declared = folder.read("duo.yaml");
    let yaml = |roots: &str| match roots {
        "" => declared.clone(),
        roots => declared.replace("\n  credentials:", &format!("\n  tls_roots: {roots}\n  credentials:")),
    };
    // A machine whose administrator trusts the simulator's authority, which no built-in list has.
    for (in_yaml, as_option, code) in [
        ("", None, 75),
        ("bundled", None, 75),
        ("system", None, 0),
        ("", Some("bundled"), 75),
        ("", Some("system"), 0),
        ("bundled", Some("system"), 0),
        ("system", Some("bundled"), 75),
    ] {
        folder.write("duo.yaml", &yaml(in_yaml));
        assert_eq!(folder.read("duo.yaml").contains("tls_roots"), !in_yaml.is_empty());
        let mut arguments = vec!["plan", &way, &address];
        arguments.extend(as_option.iter().flat_map(|roots| ["--tls-roots", roots]));
        println!("{arguments:?}, in the YAML: {in_yaml:?}");
        let outcome = at(folder.duoctl(arguments), &document).env("SSL_CERT_FILE", &ca).run().exits(code);
        assert!(code == 0 || outcome.stderr.contains("an untrusted authority"));
    }
    // The simulator has its own authority: it needs neither list.
    folder.write("duo.yaml", &yaml("system"));
    folder.duoctl(["plan", "--sandbox=another"]).env("SSL_CERT_FILE", "missing.pem").run().exits(0);
}

#[test]
fn a_variable_that_leads_off_this_machine_is_refused() {
    let folder = Folder::with(THREE);
    let call = |value: &str| folder.duoctl(["plan"]).env("DUOCTL_CONNECT_TO", value).run().exits(64);
    call("192.0.2.1:443").warns("DUOCTL_CONNECT_TO cannot be used: only a loopback address");
    call("nonsense").warns("write a loopback address with a port");
}

#[test]
fn it_is_one_account_with_one_hostname() {
    let folder = Folder::with(THREE);
    // A state folder created for another hostname serves the requested one, with all its content.
    let yaml = folder.read("duo.yaml");
    folder.write("duo.yaml", &yaml.replace("api-1a2b3c4d", "api-5a4db0c5"));
    let risky = ["apply", "--sandbox=state", "--auto-approve", "--allow=escalates_privilege"];
    folder.duoctl(risky).run().exits(0);
    let (process, document) = serve(&folder, &["--state", "state"]);
    assert_eq!(document["api_hostname"], "api-5a4db0c5.duosecurity.com");
    let plan = |document: &Value| {
        let arguments = ["plan", "--detailed-exitcode"].map(str::to_owned).into_iter().chain(way(document));
        at(folder.duoctl(arguments), document)
    };
    plan(&document).run().exits(0).says("No changes.");
    process.signal("TERM");
    process.end().exits(0);
    let (mut process, document) =
        serve(&folder, &["--state", "state", "--api-hostname", "API-1A2B3C4D.duosecurity.com"]);
    assert_eq!(document["api_hostname"], "api-1a2b3c4d.duosecurity.com");
    let refused = plan(&document).run().exits(77);
    refused.warns("[40103]").warns("the API hostname belongs to another account");
    process.remark();
    let remark = process.remark();
    assert!(remark.contains("refused a request for api-5a4db0c5.duosecurity.com"), "{remark}");
    let doctor = ["doctor".to_owned()].into_iter().chain(way(&document));
    let outcome = at(folder.duoctl(doctor), &document).run().exits(77);
    outcome.says("the API hostname belongs to another account");
    folder.write("duo.yaml", &yaml);
    plan(&document).run().exits(0).says("No changes.");
    drop(process);
    let outcome = folder.duoctl(["sandbox", "serve", "--api-hostname", "api.example.com"]).run().exits(64);
    outcome.warns("is not a Duo API host");
}
