//! A machine with few resources: few files, little memory, no time.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Folder, HEAD, THREE};

/// Runs duoctl under a shell limit.
fn limited(folder: &Folder, limit: &str, arguments: &str) -> (Option<i32>, String) {
    let script = format!("ulimit {limit}; exec {} {arguments}", env!("CARGO_BIN_EXE_duoctl"));
    let output = Command::new("sh").args(["-c", &script]).current_dir(folder.root()).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}

#[test]
fn too_few_open_files_are_named_and_are_no_bug() {
    let folder = Folder::with(THREE);
    for limit in (5..40).step_by(3).chain([64]) {
        for arguments in ["validate", "apply --sandbox --auto-approve", "sandbox reset"] {
            let (code, text) = limited(&folder, &format!("-n {limit}"), arguments);
            assert!(matches!(code, Some(0 | 1 | 4 | 75)), "{limit} {arguments}: {code:?} {text}");
            assert!(!text.contains("a bug ended duoctl"), "{limit} {arguments}: {text}");
            if limit < 24 {
                assert!(code == Some(1) && text.contains("raise `ulimit -n`"), "{limit} {arguments}: {text}");
            }
        }
    }
    let (code, text) = limited(&folder, "-S -n 6", "validate");
    assert_eq!(code, Some(0), "a limit that may be raised is: {text}");
}

#[test]
fn many_stores_fit_into_little_memory() {
    let stores: String = (0..12).map(|n| format!("  s{n}: {{type: file, path: kept{n}}}\n")).collect();
    let applications: String = (0..12)
        .map(|n| format!("  a{n}: {{type: radius, name: A{n}, user_access: no_users, secret: {{store: s{n}, path: x}}}}\n"))
        .collect();
    let folder = Folder::with(&format!("applications:\n{applications}secret_stores:\n{stores}"));
    // glibc reserves 64 MB of addresses for each thread, the static binary none.
    for arguments in ["plan --sandbox", "apply --sandbox --auto-approve --no-verify", "plan --sandbox"] {
        let (code, text) = limited(&folder, "-v 900000", arguments);
        assert_eq!(code, Some(0), "{arguments}: {text}");
    }
}

/// As early as a process can catch a signal, and in commands that do not wait for one.
#[test]
fn a_signal_before_anything_has_begun_ends_as_any_other() {
    let folder = Folder::with(THREE);
    for signal in ["TERM", "INT"] {
        let mut process = Command::new(env!("CARGO_BIN_EXE_duoctl"))
            .args(["fmt", "-"])
            .current_dir(folder.root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let status = format!("/proc/{}/status", process.id());
        let start = Instant::now();
        let caught = || {
            let text = fs::read_to_string(&status).unwrap();
            let mask = text.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim().to_owned();
            u64::from_str_radix(&mask, 16).unwrap() & 0x4002 == 0x4002
        };
        while !caught() {
            assert!(start.elapsed() < Duration::from_secs(20), "SIGTERM and SIGINT are never caught");
            std::thread::yield_now();
        }
        let id = process.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        // `wait` would close it, and the end of its input may come before the signal.
        let input = process.stdin.take();
        assert_eq!(process.wait().unwrap().code(), Some(130), "{signal}");
        drop(input);
        let mut said = String::new();
        process.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "");
    }
}

/// Removes what a killed run left behind before its file had its name, but not what another run is writing.
#[test]
fn what_a_killed_edit_left_is_removed_by_the_next() {
    let folder = Folder::empty();
    let text = format!("{HEAD}{THREE}");
    for command in [&["fmt"][..], &["ignore", "applications.vpn", "name", "--reason", "x"]] {
        folder.write("duo.yaml", &text.replace("workspace: acme", "workspace:   acme"));
        folder.write(".duoctl-edit-aB3dE6", "half of a file");
        folder.write(".duoctl-edit-notes.txt", "mine");
        folder.write(".duoctl-edit-living", "of another run");
        let living = fs::File::open(folder.path(".duoctl-edit-living")).unwrap();
        living.lock().unwrap();
        folder.duoctl(command).run().exits(0);
        assert!(!folder.path(".duoctl-edit-aB3dE6").exists(), "{command:?}");
        assert!(
            folder.path(".duoctl-edit-notes.txt").exists() && folder.path(".duoctl-edit-living").exists()
        );
    }
}
