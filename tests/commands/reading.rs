//! Every file or variable that a command reads: an invalid one is named at once, and none of its content is shown.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use crate::support::{Folder, HEAD, Outcome, Server};

const KEY: &str = "Aq3vT9kLmN2pR8sXwY5aBcD7eF1gH4jK6uV0oQiW";

/// Everything that names a file: the YAML, and the command.
fn places() -> Vec<(String, Vec<&'static str>)> {
    let api = "identity_intelligence: {a: {display_name: A, access: read_only, api: {file: FILE}}}\n";
    let in_yaml = |old: &str, new: &str| HEAD.replace(old, new);
    vec![
        (HEAD.into(), vec!["show", "FILE"]),
        (HEAD.into(), vec!["fmt", "FILE"]),
        (HEAD.into(), vec!["validate", "FILE"]),
        (HEAD.into(), vec!["plan", "--ca-file", "FILE"]),
        (in_yaml("tenant:\n", "tenant:\n  ca_file: FILE\n"), vec!["plan"]),
        (in_yaml("{env: DUO_SKEY}", "{file: FILE}"), vec!["plan"]),
        (in_yaml("{env: DUO_IKEY}", "{file: FILE}"), vec!["plan"]),
        (format!("{HEAD}{api}"), vec!["verify"]),
    ]
}

fn each(server: &Server, make: &dyn Fn(&Folder), check: impl Fn(&str, Outcome)) {
    for (yaml, arguments) in places() {
        let folder = Folder::empty();
        folder.write("duo.yaml", &yaml);
        make(&folder);
        let call = folder.duoctl(&arguments);
        let online = !arguments.contains(&"--ca-file") && matches!(arguments[0], "plan" | "verify");
        let outcome = if online && !yaml.contains("ca_file") {
            call.at(server).run()
        } else {
            call.env("DUO_IKEY", "DIXXXXXXXXXXXXXXXXXX").env("DUO_SKEY", KEY).run()
        };
        assert_ne!(outcome.code, Some(0), "{arguments:?} {yaml}: {outcome:?}");
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(!said.contains("hunter2"), "{said}");
        check(&format!("{arguments:?} of {yaml}\n{said}"), outcome);
    }
}

fn says(what: &'static str) -> impl Fn(&str, Outcome) {
    move |said, _| assert!(said.contains(what), "{what} in {said}")
}

#[test]
fn what_is_not_a_text_file_is_named_by_whoever_reads_it() {
    let server = Server::start();
    let pipe = |folder: &Folder| {
        assert!(Command::new("mkfifo").arg(folder.path("FILE")).status().unwrap().success());
    };
    each(&server, &pipe, says("it is a pipe, not a file"));
    let device = |folder: &Folder| std::os::unix::fs::symlink("/dev/zero", folder.path("FILE")).unwrap();
    each(&server, &device, says("it is a device, not a file"));
    each(&server, &|_| {}, says("not exist"));
    let wide: Vec<u8> = "\u{feff}hunter2\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    each(&server, &|folder| fs::write(folder.path("FILE"), &wide).unwrap(), says("UTF-16, not UTF-8"));
    let large = |folder: &Folder| fs::File::create(folder.path("FILE")).unwrap().set_len(1 << 40).unwrap();
    each(&server, &large, says("is too large: the limit is"));
}

#[test]
fn a_saved_plan_is_read_with_a_mark_and_not_as_utf_16() {
    let (folder, server) = (Folder::with(""), Server::start());
    folder.duoctl(["plan", "--out", "plan.json"]).at(&server).run().exits(0);
    let plan = folder.read("plan.json");
    folder.write("marked.json", &format!("\u{feff}{}", plan.replace('\n', "\r\n")));
    folder.duoctl(["show", "marked.json"]).run().exits(0).says("No changes.");
    folder.duoctl(["apply", "marked.json"]).at(&server).run().exits(0);
    let wide: Vec<u8> = plan.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(folder.path("wide.json"), wide).unwrap();
    folder.duoctl(["show", "wide.json"]).run().exits(1).warns("UTF-16, not UTF-8; save it as UTF-8");
    folder
        .duoctl(["apply", "wide.json"])
        .at(&server)
        .run()
        .exits(1)
        .warns("UTF-16, not UTF-8; save it as UTF-8");
    folder.duoctl(["show", "-"]).stdin(fs::File::open(folder.path("wide.json")).unwrap()).run().exits(1);
}

#[test]
fn a_variable_that_cannot_be_used_is_named_and_never_shown() {
    let folder = Folder::with("");
    let bytes = OsStr::from_bytes;
    let cases: [(&str, &OsStr); 12] = [
        ("DUO_SKEY", bytes(b"hunter2\xff")),
        ("DUO_IKEY", bytes(b"hunter2\xff")),
        ("DUO_SKEY", bytes(b"hunter2 ")),
        ("DUO_SKEY", bytes(b"\"hunter2\"")),
        ("DUO_SKEY", bytes(b"hunter2\r")),
        ("DUO_IKEY", bytes(b" hunter2")),
        ("DUO_IKEY", bytes(b"hunter2")),
        ("HTTPS_PROXY", bytes(b"http://me:hunter2@")),
        ("https_proxy", bytes(b"socks5://me:hunter2@proxy:1080")),
        ("ALL_PROXY", bytes(b"http://hunter2\xff")),
        ("NO_PROXY", bytes(b"hunter2\xff")),
        ("DUOCTL_CONNECT_TO", bytes(b"hunter2\xff")),
    ];
    for (name, value) in cases {
        for command in [&["plan"][..], &["verify"], &["doctor"], &["import"]] {
            let call = folder.duoctl(command).env("DUO_IKEY", "DIXXXXXXXXXXXXXXXXXX").env("DUO_SKEY", KEY);
            let outcome = call.env(name, value).run();
            let said = format!("{}{}", outcome.stdout, outcome.stderr);
            assert!(matches!(outcome.code, Some(1 | 64)), "{name} {command:?}: {outcome:?}");
            assert!(said.contains(name) && !said.contains("hunter2"), "{name} {command:?}: {said}");
            assert!(!said.contains("is not set"), "{name} {command:?}: {said}");
        }
    }
}

#[test]
fn a_dumb_terminal_gets_no_control_sequences() {
    let folder = Folder::with("applications: {a: {type: radius, name: A}}\n");
    let binary = env!("CARGO_BIN_EXE_duoctl");
    let run = |term: &str| {
        let script = format!("script -qec \"'{binary}' validate\" /dev/null");
        folder.shell(&script).env("TERM", term).run().stdout
    };
    assert!(run("xterm").contains('\u{1b}'), "{}", run("xterm"));
    assert!(!run("dumb").contains('\u{1b}'), "{}", run("dumb"));
}

#[test]
fn two_outputs_never_go_to_one_file() {
    let (folder, server) = (Folder::with(""), Server::start());
    fs::create_dir(folder.path("sub")).unwrap();
    folder.write("there.json", "mine");
    fs::hard_link(folder.path("there.json"), folder.path("hard.json")).unwrap();
    std::os::unix::fs::symlink(folder.root(), folder.path("link")).unwrap();
    let absolute = folder.path("new.json");
    let pairs = [
        ("new.json", "new.json"),
        ("new.json", "./new.json"),
        ("new.json", "sub/../new.json"),
        ("new.json", absolute.to_str().unwrap()),
        ("new.json", "link/new.json"),
        ("there.json", "hard.json"),
    ];
    for (one, other) in pairs {
        for command in ["plan", "verify", "drift"] {
            let arguments =
                [command, "--report", &format!("json={one}"), "--report", &format!("markdown={other}")];
            folder.duoctl(arguments).at(&server).run().exits(64).warns("two outputs go to the same file");
        }
        let arguments = ["plan", "--out", one, "--report", &format!("markdown={other}")];
        folder.duoctl(arguments).at(&server).run().exits(64).warns("two outputs go to the same file");
    }
    folder.duoctl(["plan", "--out", "-"]).at(&server).run().exits(64).warns("- is not a file");
    folder.duoctl(["plan", "--report", "json=-"]).at(&server).run().exits(64).warns("name a file");
    for name in ["duo.yaml", "./duo.yaml", "x.duo.yml", "sub/DUO.yaml"] {
        folder.duoctl(["plan", "--out", name]).at(&server).run().exits(64).warns("name of a workspace file");
    }
    assert_eq!((folder.read("there.json"), folder.read("duo.yaml")), ("mine".to_owned(), HEAD.to_owned()));
    assert!(!absolute.exists() && !folder.path("-").exists());
}

#[test]
fn the_summary_of_a_step_is_added_to_under_every_spelling() {
    let (folder, server) = (Folder::with(""), Server::start());
    fs::create_dir(folder.path("sub")).unwrap();
    for spelling in ["sum.md", "./sum.md", "sub/../sum.md", folder.path("sum.md").to_str().unwrap()] {
        folder.write("sum.md", "before\n");
        let call = folder.duoctl(["plan", "--report", &format!("markdown={spelling}")]).at(&server);
        call.env("GITHUB_STEP_SUMMARY", folder.path("sum.md")).run().exits(0);
        let text = folder.read("sum.md");
        assert!(text.starts_with("before\n") && text.len() > 20, "{spelling}: {text}");
    }
}

#[test]
fn a_saved_plan_is_applied_from_any_folder() {
    let (folder, server) = (Folder::empty(), Server::start());
    for place in ["ws", "sub/deep", "art"] {
        fs::create_dir_all(folder.path(place)).unwrap();
    }
    let one = "applications: {one: {type: radius, name: One, user_access: no_users}}\n";
    folder.write("ws/duo.yaml", &format!("{HEAD}{one}"));
    let apply = |from: &str, plan: &str, rest: &[&str]| {
        // It would be stale if it were another workspace, and not applied if none were found.
        let arguments = [&["apply", plan][..], rest].concat();
        crate::support::Call::new(&folder.path(from), arguments).at(&server).run()
    };
    let plan = |from: &str, yaml: &str, out: &str| {
        crate::support::Call::new(&folder.path(from), ["plan", yaml, "--out", out])
            .at(&server)
            .run()
            .exits(0);
    };
    plan(".", "ws", "p.json");
    apply("sub", "../p.json", &["--config", "ws"]).exits(5).warns("but --config is");
    apply("sub", "../p.json", &[]).exits(0).says("created applications.one");
    for (from, yaml, out, apply_from, saved, config) in [
        (".", "ws", "p.json", "sub/deep", "../../p.json", "../../ws"),
        ("ws", ".", "p.json", ".", "ws/p.json", "ws"),
        ("ws", ".", "../art/p.json", "sub", "../art/p.json", "../ws"),
        (".", "ws", "art/p.json", "art", "p.json", "../ws"),
        (".", "ws", "p.json", "ws", "../p.json", "duo.yaml"),
        ("sub", "../ws/duo.yaml", "p.json", ".", "sub/p.json", "ws"),
    ] {
        plan(from, yaml, out);
        apply(apply_from, saved, &[]).exits(0).says("No changes.");
        apply(apply_from, saved, &["--config", config]).exits(0).says("No changes.");
    }
    // Moved alone, it is found from the folder where it was created.
    plan(".", "ws", "p.json");
    fs::rename(folder.path("p.json"), folder.path("sub/p.json")).unwrap();
    apply(".", "sub/p.json", &[]).exits(0);
    apply("sub", "p.json", &[]).exits(1).warns("neither relative to this file nor in this folder");
}

#[test]
fn imported_files_can_be_checked_out_on_windows() {
    let (folder, server) = (Folder::with(""), Server::start());
    let names = ["aux", "nul", "PRN", "com1"];
    let mut yaml = String::from("applications:\n");
    for (index, name) in names.iter().enumerate() {
        yaml.push_str(&format!("  a{index}: {{type: radius, name: {name}, user_access: no_users}}\n"));
    }
    let made = Folder::with(&yaml);
    made.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    for name in names {
        server.edit(name, serde_json::json!({"notes": ""}));
    }
    folder.duoctl(["import", ".", "--split", "application"]).at(&server).run().exits(0);
    for name in names {
        let file = format!("applications/application-{}.duo.yaml", name.to_lowercase());
        assert!(folder.read(&file).contains(&format!("  {}:", name.to_lowercase())), "{file}");
    }
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("15 to adopt");
}
