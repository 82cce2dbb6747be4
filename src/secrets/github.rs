//! GitHub's job log: the runner hides texts that it is told to mask, so each key is registered before any store gets it.
//!
//! A store's command may print its input, which duoctl cannot mask. The runner reads commands from both streams of a
//! step. They go to stderr: stdout holds documents, which jobs redirect to files, and no file may contain a key.

use std::fs::File;
use std::io::{IsTerminal as _, Write as _};

use crate::secret::Secret;

/// Registers these secrets with the runner in a GitHub Actions job; does nothing elsewhere.
pub fn hide<'s>(secrets: impl IntoIterator<Item = &'s Secret>) {
    let asked = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    if !asked || !reaches_the_runner() {
        return;
    }
    let lines = Secret::new(secrets.into_iter().map(command).collect::<String>());
    // If the runner is gone, nothing is hidden and nothing is shown.
    let _ = std::io::stderr().lock().write_all(lines.expose().as_bytes());
}

/// A runner reads a pipe. In a file the command would only reveal the key.
fn reaches_the_runner() -> bool {
    let stderr = std::io::stderr();
    !stderr.is_terminal() && !is_file(&stderr)
}

#[cfg(unix)]
fn is_file(stderr: &std::io::Stderr) -> bool {
    use std::os::fd::AsFd as _;
    let copy = stderr.as_fd().try_clone_to_owned().map(File::from);
    copy.and_then(|copy| copy.metadata()).is_ok_and(|metadata| metadata.is_file())
}

#[cfg(windows)]
fn is_file(stderr: &std::io::Stderr) -> bool {
    use std::os::windows::io::AsHandle as _;
    let copy = stderr.as_handle().try_clone_to_owned().map(File::from);
    copy.and_then(|copy| copy.metadata()).is_ok_and(|metadata| metadata.is_file())
}

/// The workflow command. GitHub's escapes keep a secret with line breaks on one line.
fn command(secret: &Secret) -> String {
    let text = secret.expose().replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    format!("::add-mask::{text}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_stays_on_its_line() {
        assert_eq!(command(&Secret::new("a%b\r\nc")), "::add-mask::a%25b%0D%0Ac\n");
    }
}
