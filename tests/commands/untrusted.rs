//! YAML of a pull request runs nothing, reads nothing outside of its folder, and costs little.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{Folder, HEAD, Server, THREE};

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
        (&format!("{{file: {path}}}"), "which is not in the folder of the YAML"),
        ("{file: ../../../../../../etc/hostname}", "which is not in the folder of the YAML"),
        ("{file: link}", "which is not in the folder of the YAML"),
        (
            "{env: GITHUB_TOKEN}",
            "would read the variable `GITHUB_TOKEN`, whose name does not begin with DUO_",
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
        // The same is nothing unusual to who is trusted.
        folder.duoctl(["validate"]).run().exits(0);
    }
    assert!(server.account().requests().is_empty());
}

#[test]
fn nor_may_the_second_operator_or_the_integration_keys() {
    let bad = "{command: [touch, ran]}";
    for keys in [
        format!("integration_key: {bad}, secret_key: {{env: DUO_SKEY}}"),
        format!(
            "integration_key: {{env: DUO_IKEY}}, secret_key: {{env: DUO_SKEY}}, \
             second: {{integration_key: {{env: DUO_IKEY_2}}, secret_key: {bad}}}"
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

#[test]
fn an_authority_outside_of_the_folder_is_not_read() {
    let folder = Folder::empty();
    folder.write(
        "duo.yaml",
        &format!("{}{THREE}", HEAD.replace("tenant:\n", "tenant:\n  ca_file: /etc/passwd\n")),
    );
    folder.duoctl(["validate", "--untrusted"]).run().exits(1).warns("would read `/etc/passwd`");
    folder.duoctl(["validate"]).run().exits(0);
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
    // Nor does a document name the workspace of a file out there.
    let lured = Folder::empty();
    outside.write("other.yaml", &HEAD.replace("workspace: acme", "workspace: hunter2"));
    symlink(outside.path("other.yaml"), lured.path("duo.yaml")).unwrap();
    for command in ["plan", "validate"] {
        let told = lured.duoctl([command, "--untrusted", "--format", "json"]).run().exits(1);
        assert!(!format!("{told:?}").contains("hunter2"), "{told:?}");
    }
    refused.warns("more.duo.yaml` leads out of its folder").warns("x.duo.yaml` leads out of its folder");
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
    planned.says("Plan: 3 to add").warns("secret stores are not looked into: --untrusted");
    assert!(!folder.path("ran").exists());
    // Who is trusted gets what the YAML says, and here that fails.
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
        ("huge", huge, "is too large: at most 32 MB per file"),
    ] {
        let folder = Folder::empty();
        folder.write("duo.yaml", &text);
        let start = std::time::Instant::now();
        // Half a gigabyte of address space, and no more.
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
