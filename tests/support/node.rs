//! A folder with the pinned npm packages of a folder of tests, installed once for each state of its lock file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

/// A folder with the packages of `tests/FOLDER` and these files of it. An error says why there is none.
pub(crate) fn folder_of(tests: &str, files: &[&str]) -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(tests);
    let digest = Sha256::digest(fs::read(source.join("package-lock.json")).unwrap());
    let name: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("node-{name}"));
    fs::create_dir_all(&folder).unwrap();
    // Another run of the tests may be installing at the same time.
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    for file in files.iter().chain(&["package.json", "package-lock.json"]) {
        fs::copy(source.join(file), folder.join(file)).unwrap();
    }
    let done = folder.join("installed");
    if !done.exists() {
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        let mut install = Command::new(npm);
        install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]).current_dir(&folder);
        let output = install.output().map_err(|error| format!("{install:?} cannot be started: {error}"))?;
        if !output.status.success() {
            return Err(format!("{install:?} failed:\n{}", String::from_utf8_lossy(&output.stderr)));
        }
        fs::write(done, "").unwrap();
    }
    Ok(folder)
}
