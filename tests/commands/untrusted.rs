//! The YAML of a pull request runs nothing, reads nothing outside its folder, and costs little.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{Call, Folder, HEAD, Server, THREE};

fn with_credentials(secret_key: &str) -> Folder {
    let folder = Folder::empty();
    folder.write("duo.yaml", &format!("{}{THREE}", HEAD.replace("{env: DUO_SKEY}", secret_key)));
    folder
}

#[test]
fn what_a_pull_request_may_not_do_is_refused_before_it_is_done() {
    let server = Server::start();
    let outside = Folder::empty();
    outside.write("key", "hunter2hunter2hunter2\n");
    let path = outside.path("key").display().to_string();
    for (secret_key, what) in [
        ("{command: [sh, -c, touch ran; echo x]}", "this would run the command `sh`"),
        ("{command: [sh, -c, 'touch ran; echo x']}", "this would run the command `sh`"),
        (&format!("{{file: {path}}}"), "outside of the YAML's folder"),
        ("{file: ../../../../../../etc/hostname}", "outside of the YAML's folder"),
        ("{file: link}", "outside of the YAML's folder"),
        (
            "{env: GITHUB_TOKEN}",
            "would read the environment variable `GITHUB_TOKEN`, whose name does not start with DUO_",
        ),
    ] {
        let folder = with_credentials(secret_key);
        symlink(outside.path("key"), folder.path("link")).unwrap();
        for command in ["plan", "validate"] {
            let arguments = [command, "--untrusted"];
            let call = folder.duoctl(arguments);
            let call = if command == "plan" { call.at(&server) } else { call };
            let refused =
                call.env("GITHUB_TOKEN", "hunter2").run().exits(1).warns("error[untrusted]: ").warns(what);
            assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
            assert!(!folder.path("ran").exists());
        }
        // The same is normal for trusted YAML.
        folder.duoctl(["validate"]).run().exits(0);
    }
    assert!(server.account().requests().is_empty());
}

#[test]
fn nor_may_the_recovery_key_or_the_integration_keys() {
    let bad = "{command: [touch, ran]}";
    for keys in [
        format!("integration_key: {bad}, secret_key: {{env: DUO_SKEY}}"),
        format!(
            "integration_key: {{env: DUO_IKEY}}, secret_key: {{env: DUO_SKEY}}, \
             recovery: {{integration_key: {{env: DUO_RECOVERY_IKEY}}, secret_key: {bad}}}"
        ),
    ] {
        let folder = Folder::empty();
        let own = "integration_key: {env: DUO_IKEY}, secret_key: {env: DUO_SKEY}";
        folder.write("duo.yaml", &format!("{}{THREE}", HEAD.replace(own, &keys)));
        let refused = folder.duoctl(["validate", "--untrusted"]).run().exits(1);
        refused.warns("this would run the command `touch`");
        assert!(!folder.path("ran").exists());
        folder.duoctl(["validate"]).run().exits(0);
    }
}

#[test]
fn a_file_inside_and_a_variable_for_duo_are_as_good_as_ever() {
    let (server, folder) = (Server::start(), with_credentials("{file: key}"));
    folder.write("key", server.key("operator").secret_key.expose());
    folder.duoctl(["plan", "--untrusted"]).at(&server).run().exits(0).says("Plan: 3 to add");
    let folder = Folder::with(THREE);
    folder.duoctl(["plan", "--untrusted"]).at(&server).run().exits(0).says("Plan: 3 to add");
    folder.duoctl(["validate", "--untrusted"]).run().exits(0);
}

/// Someone who chooses the certificate authorities can answer in Duo's place.
#[test]
fn the_yaml_names_no_certificate_authority() {
    let server = Server::start();
    let authority = fs::read_to_string(server.running().ca_file()).unwrap();
    for file in ["ca.pem", "./ca.pem", "/etc/passwd", "link.pem"] {
        let folder = Folder::empty();
        folder.write("ca.pem", &authority);
        symlink("ca.pem", folder.path("link.pem")).unwrap();
        let head = HEAD.replace("tenant:\n", &format!("tenant:\n  ca_file: {file}\n"));
        folder.write("duo.yaml", &format!("{head}{THREE}"));
        let refused = "this would trust the certificate authorities in ";
        folder.duoctl(["validate", "--untrusted"]).run().exits(1).warns(refused).warns("--ca-file");
        let key = server.key("operator");
        let call = |arguments: &[&str]| {
            let address = server.running().address().to_string();
            let call = folder.duoctl(arguments).with(&["--untrusted", "--connect-to", &address]);
            call.env("DUO_IKEY", &key.integration_key).env("DUO_SKEY", key.secret_key.expose())
        };
        let before = server.account().requests().len();
        for command in READING {
            call(command).run().exits(1).warns(refused);
        }
        assert_eq!(server.account().requests().len(), before, "nothing is sent");
        // The pipeline sets it instead of the YAML.
        let ca = server.running().ca_file().display().to_string();
        call(&["plan", "--ca-file", &ca]).run().exits(0).says("Plan: 3 to add");
        call(&["plan"]).env("DUOCTL_CA_FILE", &ca).run().exits(0).says("Plan: 3 to add");
        folder.duoctl(["validate", "--untrusted"]).env("DUOCTL_CA_FILE", &ca).run().exits(0);
        folder.duoctl(["validate"]).run().exits(0);
    }
}

/// Every command that reads the YAML and goes online.
const READING: &[&[&str]] = &[
    &["plan"],
    &["drift"],
    &["verify"],
    &["doctor"],
    &["keys", "list"],
    &["list"],
    &["handoff"],
    &["import"],
    &["accept", "applications.vpn"],
];

#[test]
fn no_command_trusts_yaml_that_is_not() {
    let server = Server::start();
    let folder = with_credentials("{command: [touch, ran]}");
    let text = folder.read("duo.yaml");
    let offline: &[&[&str]] = &[&["validate"], &["ignore", "applications.vpn", "name", "--reason", "x"]];
    for arguments in READING {
        let call = folder.duoctl(*arguments).with(&["--untrusted"]).at(&server);
        call.run().exits(1).warns("this would run the command `touch`");
    }
    for arguments in offline {
        folder
            .duoctl(*arguments)
            .with(&["--untrusted"])
            .run()
            .exits(1)
            .warns("would run the command `touch`");
    }
    assert!(!folder.path("ran").exists());
    assert_eq!(folder.read("duo.yaml"), text);
    assert!(server.account().requests().is_empty());
    // Commands that write with the YAML's authority do not have this option.
    for command in
        [&["apply"][..], &["keys", "rotate", "vpn"], &["keys", "confirm", "vpn"], &["keys", "abort", "vpn"]]
    {
        folder.duoctl(command).with(&["--untrusted"]).run().exits(64);
    }
}

#[test]
fn a_folder_that_a_link_has_elsewhere_is_not_read() {
    for repository in [true, false] {
        let outside = Folder::empty();
        fs::create_dir_all(outside.path("checkout/infra")).unwrap();
        if repository {
            fs::create_dir(outside.path("checkout/.git")).unwrap();
        }
        let yaml = format!("{HEAD}{THREE}").replace("{env: DUO_SKEY}", "{file: key}");
        outside.write("duo.yaml", &yaml.replace("workspace: acme", "workspace: hunter2"));
        outside.write("key", "hunter2hunter2hunter2\n");
        fs::create_dir(outside.path("checkout/real")).unwrap();
        outside.write("checkout/real/duo.yaml", &format!("{HEAD}{THREE}"));
        let checkout = outside.path("checkout");
        symlink("..", checkout.join("duo")).unwrap();
        symlink("../..", checkout.join("infra/duo")).unwrap();
        symlink("duo", checkout.join("twice")).unwrap();
        symlink("../duo.yaml", checkout.join("file.duo.yaml")).unwrap();
        symlink("real", checkout.join("inside")).unwrap();
        Call::new(&checkout, ["fmt", "real"]).run();
        let absolute = checkout.join("duo").display().to_string();
        let through = [
            "duo",
            "./duo",
            "duo/",
            "duo/duo.yaml",
            "infra/duo",
            "infra/../duo",
            "twice",
            "duo/checkout/duo",
            "file.duo.yaml",
            absolute.as_str(),
        ];
        for path in through {
            for command in
                [&["validate"][..], &["fmt", "--check"], &["fmt", "--check", "--diff"], &["fmt"], &["plan"]]
            {
                let call = Call::new(&checkout, command.iter().chain(&["--untrusted", path]));
                let refused = call.run().exits(1).warns("error[untrusted]: ");
                assert!(!format!("{refused:?}").contains("hunter2"), "{path}: {refused:?}");
            }
        }
        for path in ["inside", "real", "infra/../real", "./inside/duo.yaml"] {
            Call::new(&checkout, ["validate", "--untrusted", path]).run().exits(0);
            Call::new(&checkout, ["fmt", "--check", "--untrusted", path]).run().exits(0);
        }
        // What the caller writes is intended.
        Call::new(&checkout.join("real"), ["validate", "--untrusted", "."]).run().exits(0);
        Call::new(&checkout.join("infra"), ["validate", "--untrusted", "../real"]).run().exits(0);
        Call::new(&checkout, ["validate", "--untrusted", &checkout.join("real").display().to_string()])
            .run()
            .exits(0);
    }
}

#[test]
fn formatting_shows_nothing_from_elsewhere() {
    let outside = Folder::empty();
    outside.write("secrets.json", "{\"token\":    \"hunter2\"}\n");
    let folder = Folder::with(THREE);
    symlink("/proc/self/environ", folder.path("a.duo.yaml")).unwrap();
    symlink(outside.path("secrets.json"), folder.path("b.duo.yaml")).unwrap();
    symlink(outside.path(""), folder.path("more")).unwrap();
    outside.write("c.duo.yaml", "hunter2:   1\n");
    for arguments in [&["--check"][..], &["--check", "--diff"], &["--diff"], &[]] {
        for paths in [&["."][..], &["a.duo.yaml", "b.duo.yaml"], &["more/c.duo.yaml"], &["duo.yaml", "more"]]
        {
            let call = folder.duoctl(["fmt", "--untrusted"]).with(arguments).with(paths);
            let refused = call.env("A_SECRET", "hunter2").run().exits(1).warns("error[untrusted]: ");
            assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
        }
    }
    assert_eq!(outside.read("c.duo.yaml"), "hunter2:   1\n");
}

/// Keys are sent in clear text, and secrets are not.
#[test]
fn a_secret_in_the_place_of_a_key_is_not_sent() {
    let server = Server::start();
    let own = "integration_key: {env: DUO_IKEY}, secret_key: {env: DUO_SKEY}";
    for (keys, what) in [
        ("integration_key: {env: DUO_SKEY}, secret_key: {env: DUO_OTHER}", "are the two swapped?"),
        ("integration_key: {file: key}, secret_key: {env: DUO_OTHER}", "are the two swapped?"),
        ("integration_key: {env: DUO_ODD}, secret_key: {env: DUO_SKEY}", "is not a Duo integration key"),
        ("integration_key: {env: DUO_SKEY}, secret_key: {env: DUO_SKEY}", "the same source as a secret"),
        ("integration_key: {file: key}, secret_key: {file: ./key}", "the same source as a secret"),
        (
            "integration_key: {env: DUO_IKEY}, secret_key: {env: DUO_SKEY}, \
             recovery: {integration_key: {env: DUO_SKEY}, secret_key: {env: DUO_OTHER}}",
            "the same source as a secret",
        ),
    ] {
        let folder = Folder::empty();
        let secret = server.key("operator").secret_key.expose().to_owned();
        folder.write("key", &secret);
        folder.write("duo.yaml", &format!("{}{THREE}", HEAD.replace(own, keys)));
        for untrusted in [&[][..], &["--untrusted"]] {
            let call = folder.duoctl(["plan"]).with(untrusted).at(&server);
            let refused =
                call.env("DUO_OTHER", &secret).env("DUO_ODD", "hunter2hunter2").run().exits(1).warns(what);
            assert!(!format!("{refused:?}").contains(&secret) && !format!("{refused:?}").contains("hunter2"));
        }
    }
    assert!(server.account().requests().is_empty(), "nothing was sent");
}

#[test]
fn no_link_leads_out_of_the_folder() {
    let outside = Folder::empty();
    outside.write("passwords", "root:hunter2\n  - more: [\n");
    let folder = Folder::with(THREE);
    symlink(outside.path("passwords"), folder.path("more.duo.yaml")).unwrap();
    fs::create_dir(outside.path("elsewhere")).unwrap();
    outside.write("elsewhere/x.duo.yaml", "hunter2: [\n");
    symlink(outside.path("elsewhere"), folder.path("apps")).unwrap();
    let refused = folder.duoctl(["validate", "--untrusted"]).run().exits(1);
    assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
    // A document does not name the workspace of an outside file either.
    let lured = Folder::empty();
    outside.write("other.yaml", &HEAD.replace("workspace: acme", "workspace: hunter2"));
    symlink(outside.path("other.yaml"), lured.path("duo.yaml")).unwrap();
    for command in ["plan", "validate"] {
        let told = lured.duoctl([command, "--untrusted", "--format", "json"]).run().exits(1);
        assert!(!format!("{told:?}").contains("hunter2"), "{told:?}");
    }
    refused.warns("`more.duo.yaml` leads outside of its folder").warns("`apps` leads outside of its folder");
    assert!(folder.duoctl(["validate"]).run().exits(1).stderr.contains("hunter2"));
}

#[test]
fn no_secret_store_is_opened() {
    let stores = "secret_stores: {other: {type: exec, write: [touch, ran], read: [touch, ran]}, \
                  vault: {type: vault, address: 'https://127.0.0.1:1', mount: kv, token: {env: HOME_TOKEN}}}\n";
    let yaml = THREE.replace("[Employees]}", "[Employees], secret: {store: other, path: x}}");
    let yaml =
        yaml.replace("[info, read_resource]}", "[info, read_resource], secret: {store: vault, path: y}}");
    let (server, folder) = (Server::start(), Folder::with(&format!("{yaml}{stores}")));
    let planned = folder.duoctl(["plan", "--untrusted"]).at(&server).run().exits(0);
    planned.says("Plan: 3 to add").warns("secret stores are not opened with --untrusted");
    assert!(!folder.path("ran").exists());
    // Trusted YAML is executed, and here that fails.
    folder.duoctl(["plan"]).at(&server).run().exits(1);
    assert!(folder.path("ran").exists());
}

#[test]
fn bombs_and_floods_end_quickly_and_cost_little() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let previous = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{previous}]\n"));
    }
    let deep = format!("a: {}\n", "[".repeat(200_000));
    let merges: String = (0..3000).map(|n| format!("m{n}: &m{n} {{<<: *base, k{n}: 1}}\n")).collect();
    let base = format!(
        "base: &base {{{}}}\n{merges}",
        (0..3000).map(|n| format!("b{n}: 1")).collect::<Vec<_>>().join(", ")
    );
    let huge = format!("{HEAD}{}", "# a hundred megabytes\n".repeat(100_000_000 / 22));
    for (what, text, code) in [
        ("bomb", bomb, "error[too-large]"),
        ("deep", deep, "error[too-large]"),
        ("merges", base, "error["),
        ("huge", huge, "is too large: the limit is 32 MB per file"),
    ] {
        let folder = Folder::empty();
        folder.write("duo.yaml", &text);
        let start = std::time::Instant::now();
        // Half a gigabyte of address space at most.
        let binary = env!("CARGO_BIN_EXE_duoctl");
        let script = format!("ulimit -v 500000; exec {binary} validate --untrusted");
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .current_dir(folder.path(""))
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{what}: {stderr:.500}");
        assert!(stderr.contains(code), "{what}: {stderr:.500}");
        assert!(start.elapsed().as_secs() < 10, "{what} took {:?}", start.elapsed());
    }
}
