//! Secrets in memory: wiped when dropped, in no core dump, and in no panic message.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, Stdio};

use duoctl::secret::Secret;

use super::workspace::Folder;

/// How often the inverted bytes occur in this process's memory.
fn seen(turned: &[u8]) -> usize {
    let mut memory = fs::File::open("/proc/self/mem").unwrap();
    let mut found = 0;
    for line in fs::read_to_string("/proc/self/maps").unwrap().lines().filter(|line| line.contains(" rw")) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        if to - from > 1 << 30 || memory.seek(SeekFrom::Start(from)).is_err() {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        if memory.read_exact(&mut bytes).is_ok() {
            let same = |window: &[u8]| window.iter().zip(turned).all(|(is, turned)| *is == !*turned);
            // Not what this search itself has read so far.
            let (begin, own) = (usize::try_from(from).unwrap(), bytes.as_ptr().addr());
            let is_own = |at: usize| (own..own + bytes.len()).contains(&(begin + at));
            let windows = bytes.windows(turned.len()).enumerate();
            found += windows.filter(|(at, window)| same(window) && !is_own(*at)).count();
        }
        // Otherwise the next search would find what this one read.
        bytes.fill(0);
        std::hint::black_box(&bytes);
    }
    found
}

#[test]
#[ignore = "started by the test of wiping, alone in a process"]
fn a_secret_comes_and_goes() {
    // Created at run time, so that the program itself does not contain it; long, and its end is searched for, since the search
    // itself writes to the start of freed memory.
    let mut text = "x".repeat(40_000);
    text.extend((0..96_u8).map(|n| char::from(b'!' + (n.wrapping_mul(37) % 90))));
    let turned: Vec<u8> = text.bytes().skip(40_000).map(|byte| !byte).collect();
    let mut roomy = String::with_capacity(60_000);
    roomy.push_str(&text);
    // Allocations behind them prevent them from being returned to the system, where they could not be found.
    let fences: Vec<Box<[u8; 512]>> = (0..64).map(|n| Box::new([n; 512])).collect();
    drop(Secret::new(text));
    let secret = Secret::new(roomy);
    // Before anything reuses the spare capacity.
    println!("ONCE {}", seen(&turned));
    let copy = secret.clone();
    println!("HELD {}", seen(&turned));
    drop((secret, copy));
    println!("LEFT {} {}", seen(&turned), fences.len());
}

#[test]
#[ignore = "started by the test of panics"]
fn a_bug_with_a_secret() {
    duoctl::cli::panics::install();
    let secret = Secret::new("hunter2hunter2");
    assert!(secret.expose().is_empty(), "it was {}", secret.expose());
}

fn alone(test: &str) -> (String, String) {
    let mut command = crate::support::alone(module_path!(), test);
    let output = command.env("RUST_BACKTRACE", "full").output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_secret_is_wiped_when_it_is_dropped() {
    let (out, err) = alone("a_secret_comes_and_goes");
    let held =
        out.lines().find_map(|line| line.split_once("HELD ")).unwrap_or_else(|| panic!("{out}{err}")).1;
    assert!(held.parse::<usize>().unwrap() >= 2, "the search finds what is there: {held}");
    assert!(out.contains("ONCE 1\n"), "a text with room to spare leaves no copy: {out}");
    assert!(out.contains("LEFT 0 "), "{out}");
}

#[test]
fn a_panic_tells_its_place_and_nothing_else() {
    let (out, err) = alone("a_bug_with_a_secret");
    assert!(
        err.contains("error: a bug ended duoctl ") && err.contains("tests/secrets/memory.rs:"),
        "{out}{err}"
    );
    assert!(!err.contains("hunter2") && !out.contains("hunter2"), "{out}{err}");
}

#[test]
#[cfg(target_os = "linux")]
fn no_core_dump_holds_a_secret() {
    let folder = Folder::empty();
    let mut child = Command::new("sh")
        .args([
            "-c",
            "ulimit -c unlimited 2>/dev/null; exec \"$0\" sandbox serve",
            env!("CARGO_BIN_EXE_duoctl"),
        ])
        .current_dir(folder.root())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let abort = Command::new("kill").args(["-ABRT", &child.id().to_string()]).status().unwrap();
    let status = child.wait().unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let words: Vec<&str> = core.split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{core}");
    assert!(abort.success() && status.signal() == Some(6) && !status.core_dumped(), "{status:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn no_other_process_of_the_user_may_look_into_it() {
    let folder = Folder::empty();
    let binary = folder.path("duoctl");
    fs::copy(env!("CARGO_BIN_EXE_duoctl"), &binary).unwrap();
    fs::set_permissions(folder.root(), fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = Command::new(&binary);
    if rustix::process::geteuid().is_root() {
        // Root may read anything, so another user shows what is really protected.
        command.uid(65_534).gid(65_534);
    }
    let mut child =
        command.args(["sandbox", "serve"]).current_dir(folder.root()).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 1];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let owners = ["mem", "environ"].map(|file| fs::metadata(format!("/proc/{}/{file}", child.id())));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(owners.map(|found| found.unwrap().uid()), [0, 0], "root's, so nobody else's");
}

#[test]
fn a_panic_of_the_program_itself_tells_its_place_and_nothing_else() {
    let folder = Folder::empty();
    // The only panic that can be triggered from outside.
    let outcome = Command::new(env!("CARGO_BIN_EXE_duoctl"))
        .arg("validate")
        .env("TOKIO_WORKER_THREADS", "0")
        .env("RUST_BACKTRACE", "full")
        .current_dir(folder.root())
        .output()
        .unwrap();
    assert_eq!(outcome.status.code(), Some(1));
    let said = String::from_utf8(outcome.stderr).unwrap();
    assert!(said.starts_with("error: a bug ended duoctl ") && said.contains("/tokio-"), "{said}");
    assert_eq!((said.lines().count(), outcome.stdout.len()), (1, 0), "{said}");
}

#[test]
#[cfg(target_os = "linux")]
fn without_room_for_its_threads_it_ends_and_does_not_hang() {
    let folder = Folder::empty();
    let status = Command::new("timeout")
        .args(["20", "sh", "-c", "ulimit -v 5000000; exec \"$0\" validate", env!("CARGO_BIN_EXE_duoctl")])
        .env("TOKIO_WORKER_THREADS", "100")
        .env("RUST_MIN_STACK", "1000000000")
        .current_dir(folder.root())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}
