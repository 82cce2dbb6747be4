//! A Python with the pinned packages of a folder of tests, installed once for each state of its `requirements.txt`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sha2::{Digest, Sha256};

/// The folder of the Python tests.
pub(crate) fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

fn run(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("{command:?} cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{command:?} failed:\n{text}"))
}

/// The interpreter of tests/conformance; the packages' programs are next to it. An error says why there is none.
pub(crate) fn python() -> Result<PathBuf, String> {
    python_of("conformance")
}

/// The interpreter of a folder of tests.
pub(crate) fn python_of(tests: &str) -> Result<PathBuf, String> {
    let requirements =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(tests).join("requirements.txt");
    let digest = Sha256::digest(fs::read(&requirements).unwrap());
    let name: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{tests}-{name}"));
    fs::create_dir_all(&folder).unwrap();
    // Another run of the tests may be installing at the same time.
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let python = folder.join(if cfg!(windows) { "venv/Scripts/python.exe" } else { "venv/bin/python" });
    let done = folder.join("installed");
    if !done.exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder.join("venv")))?;
        let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
        run(Command::new(&python).args(quiet).arg(&requirements))?;
        fs::write(done, "").unwrap();
    }
    Ok(python)
}

/// Reports that a test is skipped; under `CI` it fails instead.
pub(crate) fn skip(what: &str, reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what}: {reason}");
    eprintln!("\n*** SKIPPED, NOTHING WAS PROVEN: {what} ***\n{reason}\n");
}
