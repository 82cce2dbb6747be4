//! Secrets in memory: wiped when they are dropped, in no core dump, and in no panic.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use duoctl::secret::Secret;

use super::support::Folder;

/// How often the bytes, each turned over, stand in this process's memory.
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
            found += bytes.windows(turned.len()).filter(|window| same(window)).count();
        }
    }
    found
}

#[test]
#[ignore = "started by the test of wiping, alone in a process"]
fn a_secret_comes_and_goes() {
    // Made at run time, so that the program itself does not hold it; its end, since an allocator writes into the start.
    let text: String = (0..96_u8).map(|n| char::from(b'!' + (n.wrapping_mul(37) % 90))).collect();
    let turned: Vec<u8> = text.bytes().skip(48).map(|byte| !byte).collect();
    let mut roomy = String::with_capacity(4096);
    roomy.push_str(&text);
    drop(Secret::new(text));
    let secret = Secret::new(roomy);
    let copy = secret.clone();
    println!("HELD {}", seen(&turned));
    drop((secret, copy));
    println!("LEFT {}", seen(&turned));
}

#[test]
#[ignore = "started by the test of panics"]
fn a_bug_with_a_secret() {
    duoctl::cli::panics::install();
    let secret = Secret::new("hunter2hunter2");
    assert!(secret.expose().is_empty(), "it was {}", secret.expose());
}

fn alone(test: &str) -> (String, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .env("RUST_BACKTRACE", "full");
    let output = command.output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_secret_is_wiped_when_it_is_dropped() {
    let (out, err) = alone("memory::a_secret_comes_and_goes");
    let held =
        out.lines().find_map(|line| line.split_once("HELD ")).unwrap_or_else(|| panic!("{out}{err}")).1;
    assert!(held.parse::<usize>().unwrap() >= 2, "the search finds what is there: {held}");
    assert!(out.contains("LEFT 0"), "{out}");
}

#[test]
fn a_panic_tells_its_place_and_nothing_else() {
    let (out, err) = alone("memory::a_bug_with_a_secret");
    assert!(
        err.contains("error: a bug ended duoctl ") && err.contains("tests/secrets/memory.rs:"),
        "{out}{err}"
    );
    assert!(!err.contains("hunter2") && !out.contains("hunter2"), "{out}{err}");
}

#[test]
#[cfg(target_os = "linux")]
fn no_core_dump_holds_a_secret() {
    let folder = Folder::new();
    let mut child = Command::new("sh")
        .args([
            "-c",
            "ulimit -c unlimited 2>/dev/null; exec \"$0\" sandbox serve",
            env!("CARGO_BIN_EXE_duoctl"),
        ])
        .current_dir(folder.dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let words: Vec<&str> = core.split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{core}");
    let abort = Command::new("kill").args(["-ABRT", &child.id().to_string()]).status().unwrap();
    let status = child.wait().unwrap();
    assert!(abort.success() && status.signal() == Some(6) && !status.core_dumped(), "{status:?}");
}
