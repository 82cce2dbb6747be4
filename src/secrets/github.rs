//! GitHub's job log: its runner hides a text that it was told of, so it is told of each key before any store is.
//!
//! A store's command may print what it is given, where duoctl cannot mask it. The runner takes commands from both
//! streams of a step. They go to stderr: stdout holds documents, which jobs redirect to files, and a key must be in none.

use std::fs::File;
use std::io::{IsTerminal as _, Write as _};

use crate::secret::Secret;

/// Tells the runner of these secrets, in a job of GitHub Actions; does nothing anywhere else.
pub fn hide<'s>(secrets: impl IntoIterator<Item = &'s Secret>) {
    let asked = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    if !asked || !reaches_the_runner() {
        return;
    }
    let lines = Secret::new(secrets.into_iter().map(command).collect::<String>());
    // A runner that went away hides nothing, and shows nothing either.
    let _ = std::io::stderr().lock().write_all(lines.expose().as_bytes());
}

/// A runner reads a pipe. In a file the command would only give the key away.
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

/// The workflow command; GitHub's escapes keep a secret with line breaks on its line.
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
