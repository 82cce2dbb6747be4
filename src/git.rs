//! Asks git about a folder: only git knows all of its rules.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What git needs to find its configuration and its list of trusted folders.
const INHERITED: [&str; 9] = [
    "PATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "SUDO_UID",
    "SYSTEMROOT",
    "USERPROFILE",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
];

/// Runs git in a folder, with an optional path as the last argument.
pub(crate) fn git(folder: &Path, arguments: &[&str], file: Option<&Path>) -> std::io::Result<Output> {
    let mut command = Command::new("git");
    // A hook's variables would point git at another repository, and git does not need the keys in the environment.
    command.env_clear().envs(INHERITED.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.arg("-C").arg(folder).args(arguments).args(file).env("LC_ALL", "C").stdin(Stdio::null()).output()
}

/// Who commits in a folder, as `NAME <EMAIL>`, or the part of it that git's configuration has.
pub(crate) fn identity(folder: &Path) -> Option<String> {
    let of = |key: &str| {
        let output = git(folder, &["config", "--get", key], None).ok()?;
        let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (output.status.success() && !text.is_empty()).then_some(text)
    };
    match (of("user.name"), of("user.email")) {
        (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
        (name, email) => name.or(email),
    }
}
