//! Files and folders: what a path means, what cannot be read, limits, and that no secret is ever shown.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use duoctl::config::files;
use duoctl::config::load::{Loaded, load, load_text};
use duoctl::diagnostic::{Code, Sources, has_errors};
use duoctl::kinds::Kind;
use duoctl::output::snippet::{render, summary};

const HEAD: &str = "version: 1\nworkspace: acme\ntenant: {api_hostname: api-1a2b3c4d.duosecurity.com}\n";

fn codes(loaded: &Loaded) -> Vec<Code> {
    loaded.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

fn application(key: &str) -> String {
    format!("applications:\n  {key}: {{type: radius, name: {key}, user_access: no_users}}\n")
}

#[test]
fn a_path_that_cannot_be_read_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let missing = load(&folder.path().join("nothing"));
    assert_eq!(codes(&missing), [Code::Unreadable]);
    assert!(missing.workspace.is_none());
    assert!(missing.diagnostics[0].message.contains("does not exist"));
}

#[test]
fn a_folder_without_yaml_names_what_is_there_instead() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(codes(&load(folder.path())), [Code::NoYaml]);
    fs::write(folder.path().join("config.yaml"), HEAD).unwrap();
    let loaded = load(folder.path());
    assert_eq!(codes(&loaded), [Code::NoYaml]);
    assert!(loaded.diagnostics[0].help.as_ref().unwrap().contains("`config.yaml` is not read"));
}

#[test]
fn a_folder_is_read_in_a_fixed_order_and_hidden_folders_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for path in ["b", ".git", "a/deep"] {
        fs::create_dir_all(root.join(path)).unwrap();
    }
    fs::write(root.join("duo.yaml"), HEAD).unwrap();
    fs::write(root.join("a.duo.yaml"), application("one")).unwrap();
    fs::write(root.join("b/duo.yaml"), application("two")).unwrap();
    fs::write(root.join("a/deep/x.duo.yaml"), application("three")).unwrap();
    fs::write(root.join(".git/duo.yaml"), HEAD).unwrap();
    fs::write(root.join("b/other.yaml"), "not: read").unwrap();
    fs::write(root.join(".gitignore"), "b/\n").unwrap();
    let loaded = load(root);
    assert_eq!(codes(&loaded), []);
    let names: Vec<_> = loaded
        .sources
        .files()
        .iter()
        .map(|file| file.path.strip_prefix(root).unwrap().display().to_string())
        .collect();
    assert_eq!(names, ["duo.yaml", "a/deep/x.duo.yaml", "a.duo.yaml", "b/duo.yaml"]);
    assert_eq!(loaded.workspace.unwrap().of(Kind::Application).len(), 3);
}

/// Every file whose name is almost that of a workspace file is reported, and no other is.
#[test]
fn files_that_are_almost_read_are_errors() {
    let near = [
        "duo.yml",
        "vpn.duo.yml",
        "Duo.yaml",
        "DUO.YAML",
        "vpn.Duo.yaml",
        "vpn.duo.YAML",
        "VPN.DUO.YML",
        "duo.yaml ",
        " duo.yaml",
        "duo.yaml.",
        "duo\u{200b}.yaml",
        "vpn.duo.yaml\u{a0}",
    ];
    for name in near {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("duo.yaml"), HEAD).unwrap();
        fs::create_dir(folder.path().join("apps")).unwrap();
        fs::write(folder.path().join("apps").join(name), application("two")).unwrap();
        let loaded = load(folder.path());
        assert_eq!(codes(&loaded), [Code::MisnamedFile], "{name:?}");
        let message = &loaded.diagnostics[0].message;
        let seen = name.replace('\u{200b}', "\\u{200b}").replace('\u{a0}', "\\u{a0}");
        assert!(message.contains(&seen), "{name:?}: {message}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("duo.yaml"), HEAD).unwrap();
    for name in [
        "pipeline.yml",
        "config.yaml",
        "duo.json",
        "duo.yaml.bak",
        "duo.yaml~",
        "myduo.yaml",
        "duo",
        ".vpn.duo.yml",
        "._vpn.duo.yaml",
        "xduo.yml",
    ] {
        fs::write(folder.path().join(name), "not: read").unwrap();
    }
    assert_eq!(codes(&load(folder.path())), []);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_an_error_and_never_waited_for() {
    use std::os::unix::{ffi::OsStrExt as _, fs::symlink, net::UnixListener};
    let with = |make: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("duo.yaml"), HEAD).unwrap();
        make(folder.path());
        let loaded = load(folder.path());
        (codes(&loaded), loaded.diagnostics.first().map_or(String::new(), |found| found.message.clone()))
    };
    let pipe = |root: &Path| {
        let made = std::process::Command::new("mkfifo").arg(root.join("a.duo.yaml")).status();
        assert!(made.unwrap().success());
    };
    let (found, message) = with(&pipe);
    assert_eq!(found, [Code::Unreadable]);
    assert!(message.ends_with("a.duo.yaml`: it is a pipe, not a file"), "{message}");
    assert_eq!(
        with(&|root| drop(UnixListener::bind(root.join("a.duo.yaml")).unwrap())).0,
        [Code::Unreadable]
    );
    for name in ["a.duo.yaml", "a.duo.yml", "apps"] {
        let (found, message) = with(&|root| symlink("nowhere", root.join(name)).unwrap());
        assert_eq!(found, [Code::Unreadable], "{name}");
        assert!(message.contains(name), "{message}");
    }
    assert_eq!(with(&|root| symlink("a.duo.yaml", root.join("a.duo.yaml")).unwrap()).0, [Code::Unreadable]);
    // Links of other tools, such as an editor's lock file.
    for name in ["README.md", ".#a.duo.yaml", "other.yaml"] {
        assert_eq!(with(&|root| symlink("nowhere", root.join(name)).unwrap()).0, [], "{name}");
    }
    let latin = std::ffi::OsStr::from_bytes(b"b\xfcro.duo.yaml");
    assert_eq!(
        with(&|root| fs::write(root.join(latin), application("two")).unwrap()).0,
        [Code::MisnamedFile]
    );
    for text in [&b"\xff\xfea\0:\0"[..], b"a\0:\0 \0", b"a: caf\xe9"] {
        assert_eq!(with(&|root| fs::write(root.join("a.duo.yaml"), text).unwrap()).0, [Code::NotUtf8]);
    }
    // A second name of a file that is read is ignored.
    assert_eq!(with(&|root| symlink("duo.yaml", root.join("duo.yml")).unwrap()).0, []);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_loops_are_safe() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("..data")).unwrap();
    fs::write(root.join("..data/duo.yaml"), HEAD).unwrap();
    symlink(root.join("..data/duo.yaml"), root.join("duo.yaml")).unwrap();
    symlink(root.join("..data/duo.yaml"), root.join("again.duo.yaml")).unwrap();
    symlink(root, root.join("loop")).unwrap();
    symlink(root.join("nowhere"), root.join("broken.yaml")).unwrap();
    let loaded = load(root);
    assert!(!has_errors(&loaded.diagnostics), "{:?}", loaded.diagnostics);
    assert_eq!(loaded.sources.files().len(), 1);
}

#[test]
fn a_file_of_50_mb_is_refused_without_being_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("duo.yaml");
    fs::File::create(&path).unwrap().set_len(50 * 1024 * 1024).unwrap();
    let begin = Instant::now();
    assert_eq!(codes(&load(&path)), [Code::TooLarge]);
    assert_eq!(codes(&load(folder.path())), [Code::TooLarge]);
    assert!(begin.elapsed() < Duration::from_millis(500), "{:?}", begin.elapsed());
}

#[test]
fn many_files_together_have_limits_too() {
    let folder = tempfile::tempdir().unwrap();
    // Sparse, so that they cost nothing: each may be read, but all together are too large.
    let paths: Vec<_> = ["a", "b", "c"].map(|name| folder.path().join(format!("{name}.duo.yaml"))).into();
    for path in &paths {
        fs::File::create(path).unwrap().set_len(30 << 20).unwrap();
    }
    let (mut sources, mut diagnostics) = (Sources::default(), Vec::new());
    let read = files::read(&paths, &mut sources, &mut diagnostics);
    assert_eq!((read.len(), diagnostics.len(), diagnostics[0].code), (2, 1, Code::TooLarge));
    assert!(diagnostics[0].message.contains("c.duo.yaml` is too large"), "{diagnostics:?}");

    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        let text = format!("{name}: [{}]\n", "x,".repeat(260_000));
        fs::write(folder.path().join(format!("{name}.duo.yaml")), text).unwrap();
    }
    let found = load(folder.path());
    let message = "the files have too many values in total";
    assert!(found.diagnostics.iter().any(|diagnostic| diagnostic.message == message));
}

#[test]
fn all_problems_of_all_files_come_in_one_run() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("duo.yaml"), format!("{HEAD}guards: {{max: 1}}\n")).unwrap();
    fs::write(folder.path().join("a.duo.yaml"), "applications: [\n").unwrap();
    fs::write(folder.path().join("b.duo.yaml"), b"applications: {\xff}\n").unwrap();
    fs::write(folder.path().join("c.duo.yaml"), "").unwrap();
    fs::write(folder.path().join("d.duo.yaml"), "applications: {x: {type: radius}}\nguards: 5\n").unwrap();
    let loaded = load(folder.path());
    let expected = [
        Code::UnknownKey,
        Code::Syntax,
        Code::NotUtf8,
        Code::EmptyFile,
        Code::MissingKey,
        Code::MissingKey,
        Code::WrongType,
    ];
    assert_eq!(codes(&loaded), expected);
    assert_eq!(summary(&loaded.diagnostics), "7 errors");
    let text = render(&loaded.diagnostics, &loaded.sources, false, 100);
    for place in ["duo.yaml:4:10", "a.duo.yaml:1:15", "b.duo.yaml:1:16", "c.duo.yaml:1:1", "d.duo.yaml:1:16"]
    {
        assert!(text.contains(place), "{place} in\n{text}");
    }
}

#[test]
fn relative_paths_start_at_the_folder() {
    let loaded = load(Path::new("tests/samples/valid/several-files"));
    assert_eq!(loaded.workspace.unwrap().root, Path::new("tests/samples/valid/several-files"));
    let loaded = load(Path::new("tests/samples/valid/sources-file.yaml"));
    let credentials = loaded.workspace.unwrap().tenant.credentials.unwrap();
    let shown = format!("{:?}", credentials);
    assert!(shown.contains("tests/samples/valid/ikey") && shown.contains("\"/run/secrets/skey\""), "{shown}");
}

/// A misplaced secret in clear text appears in no message and in no snippet.
#[test]
fn a_secret_in_the_wrong_place_is_never_shown() {
    const SECRET: &str = "Zq3vT9kLmN2pR8sXwY5aBcD7eF1gH4jK6uV0oQiW";
    let places = [
        "tenant: {api_hostname: @}",
        "tenant: {api_hostname: x, credentials: {integration_key: @, secret_key: @}}",
        "tenant: {api_hostname: x, credentials: {integration_key: a, secret_key: [@]}}",
        "tenant: {api_hostname: x, credentials: {integration_key: a, secret_key: {@: x}}}",
        "tenant: {api_hostname: x, plan: @, @: 1}",
        "workspace: @",
        "@: 1",
        "? [@]\n: 1",
        "applications: {@: {}, vpn: {type: radius, name: V, user_access: @, skey: @, @: @}}",
        "applications: {vpn: {type: radius, name: V, user_access: no_users, secret: @}}",
        "applications: {vpn: {type: adminapi, name: V, user_access: no_users, permissions: [@], networks_for_api_access: [@]}}",
        "applications: {vpn: {integration_key: @}}",
        "applications: {vpn: {type: @, name: V, user_access: no_users, ignore: [{field: @, reason: x}]}}",
        "applications: {vpn: {type: a, name: V, user_access: permitted_groups, groups_allowed: [@, @]}}",
        "applications: {vpn: {type: a, name: V, user_access: no_users, secret: {store: @, path: x}}}",
        "secret_stores: {v: {type: vault, address: \"https://x\", mount: kv, token: @}}",
        "secret_stores: {v: {type: @}}",
        "secret_stores:\n  v:\n    type: vault\n    token: |\n      @\n    token:\n      @\n",
        "identity_intelligence: {a: {api: {token_url: @, client_secret: @}}}",
        "identity_intelligence: {a: {display_name: d, access: @, attested: @, secret: {store: a, path: @}}}",
        "guards: {max_changes: @, allow: [{risk: @, address: @, reason: r}]}",
        "tenant: {api_hostname: x, credentials: {secret_key: \"@",
        "applications:\n\tvpn: {secret_key: @}",
        "tenant: !@ x",
        "tenant: *@",
    ];
    for place in places {
        let text = place.replace('@', SECRET);
        let loaded = load_text("duo.yaml".into(), text);
        assert!(has_errors(&loaded.diagnostics), "{place}");
        for styled in [false, true] {
            let shown = render(&loaded.diagnostics, &loaded.sources, styled, 120);
            assert!(!shown.contains("Zq3vT9kL") && !shown.contains("oQiW"), "{place}:\n{shown}");
        }
        let debug = format!("{:?}", loaded.diagnostics);
        assert!(!debug.contains("Zq3vT9kL"), "{place}:\n{debug}");
    }
}

/// A short secret is recognised only by its key.
#[test]
fn a_short_secret_under_its_key_is_never_shown() {
    for text in [
        "tenant: {api_hostname: x, credentials: {integration_key: a, secret_key: hunter2}}",
        "tenant:\n  credentials:\n    secret_key: hunter2\n",
        "tenant:\n  credentials:\n    secret_key: >\n      hunter2\n",
        "tenant:\n  credentials:\n    secret_key:\n      hunter2\n",
        "tenant:\n  credentials:\n    \"secret_key\": 'hunter2'\n",
        "tenant:\n  credentials:\n    secret_key:\n      - hunter2\n",
        "applications:\n  vpn: {type: radius, name: V, user_access: no_users, skey: hunter2}\n",
        "secret_stores: {v: {type: vault, app_role: {role_id: a, secret_id: hunter2}, address: b, mount: c}}",
    ] {
        let loaded = load_text("duo.yaml".into(), text.to_owned());
        assert!(has_errors(&loaded.diagnostics));
        let shown = render(&loaded.diagnostics, &loaded.sources, false, 120);
        assert!(!shown.contains("hunter2"), "{text}:\n{shown}");
        assert!(!format!("{:?}", loaded.workspace).contains("hunter2"), "{text}");
    }
}

/// The work grows with the size of the YAML, not faster.
#[test]
fn ten_times_the_applications_take_ten_times_as_long() {
    let yaml = |count: usize| {
        let mut text = format!("{HEAD}applications:\n");
        for index in 0..count {
            text.push_str(&format!(
                "  app-{index}:\n    type: radius\n    name: Application {index}\n    user_access: permitted_groups\n    groups_allowed: [VPN Users, Contractors]\n    policy: Require trusted endpoints\n    notes: Owned by team {index}\n"
            ));
        }
        text
    };
    let time = |count: usize| {
        let text = yaml(count);
        let begin = Instant::now();
        let loaded = load_text("duo.yaml".into(), text);
        assert!(loaded.valid().is_some());
        begin.elapsed()
    };
    time(100);
    let small = (0..3).map(|_| time(1_000)).min().unwrap();
    let large = time(10_000);
    assert!(large < small * 40, "1,000: {small:?}, 10,000: {large:?}");
}

/// Cut, doubled and garbled in every cheap way: no panic, and every place is within its file.
#[test]
fn damaged_files_are_reported_and_never_crash() {
    let mut samples: Vec<_> = fs::read_dir("tests/samples/invalid")
        .unwrap()
        .chain(fs::read_dir("tests/samples/valid").unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && path.metadata().unwrap().len() < 2_000)
        .filter(|path| !path.ends_with("alias-bomb.yaml"))
        .collect();
    samples.sort();
    let mut loads = 0;
    for path in samples {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let boundaries: Vec<usize> = text.char_indices().map(|(offset, _)| offset).collect();
        for (step, offset) in boundaries.iter().enumerate().step_by(11) {
            let (before, after) = text.split_at(*offset);
            let insert = [
                "\t",
                "[",
                "{",
                "\"",
                ": ",
                "\n",
                "&a ",
                "*a",
                "<<: ",
                "- ",
                "\u{0}",
                "\u{202e}é",
                "null",
                "|\n",
            ][step % 14];
            for damaged in [before.to_owned(), after.to_owned(), format!("{before}{insert}{after}")] {
                let loaded = load_text("duo.yaml".into(), damaged);
                for diagnostic in &loaded.diagnostics {
                    let spans = diagnostic.related.iter().map(|(span, _)| *span).chain(diagnostic.span);
                    for span in spans {
                        assert!(
                            loaded.sources.locate(span).is_some(),
                            "{path:?} at {offset}: {diagnostic:?}"
                        );
                    }
                }
                let shown = render(&loaded.diagnostics, &loaded.sources, false, 80);
                assert!(!shown.contains(['\u{0}', '\u{202e}']), "{path:?} at {offset}: {shown:?}");
                loads += 1;
            }
        }
    }
    assert!(loads > 5_000, "{loads}");
}

#[test]
fn many_distinct_merges_stay_linear() {
    let mut text = format!("{HEAD}guards:\n");
    let mut names = Vec::new();
    for index in 0..5_000 {
        text.push_str(&format!("  g{index}: &g{index} {{k{index}: 1}}\n"));
        names.push(format!("*g{index}"));
    }
    text.push_str(&format!("  all: {{<<: [{}]}}\n", names.join(", ")));
    let begin = Instant::now();
    assert!(has_errors(&load_text("duo.yaml".into(), text).diagnostics));
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}
