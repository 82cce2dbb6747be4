//! Python programs that tests need, from PyPI, pinned by a `requirements.txt`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sha2::{Digest, Sha256};

/// Runs a command to its end; what it printed where it failed.
pub fn run(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("{command:?} cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{command:?} failed:\n{text}"))
}

/// The folder with the programs of a virtual environment, installed once for each state of the `requirements.txt` in a
/// folder of the tests.
pub fn programs(folder: &str) -> Result<PathBuf, String> {
    let requirements =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder).join("requirements.txt");
    let digest = Sha256::digest(fs::read(&requirements).unwrap());
    let name: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{folder}-{name}"));
    fs::create_dir_all(&place).unwrap();
    // Another run of the tests may be installing at the same time.
    let lock = File::create(place.join("lock")).unwrap();
    lock.lock().unwrap();
    let programs = place.join(if cfg!(windows) { "venv/Scripts" } else { "venv/bin" });
    let done = place.join("installed");
    if !done.exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(place.join("venv")))?;
        let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
        run(Command::new(programs.join("python")).args(quiet).arg(&requirements))?;
        fs::write(done, "").unwrap();
    }
    Ok(programs)
}
