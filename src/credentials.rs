//! Values that stand outside the YAML: environment variables, files, the output of commands.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use thiserror::Error;

use crate::config::model::{ValueSource, Workspace};
use crate::secret::Secret;

/// A file with a single value is never larger than this many bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Why a value could not be had. No variant holds the value.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CredentialError {
    /// The variable is not set, or not text.
    #[error("the environment variable {0} is not set")]
    NoVariable(String),
    /// The file cannot be read.
    #[error("{path} cannot be read: {reason}")]
    NoFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The command cannot be started, or failed. Its own output is not repeated: it might hold the value.
    #[error("the command `{program}` {reason}")]
    Command {
        /// The program, without its arguments.
        program: String,
        /// Why.
        reason: String,
    },
    /// The value is empty, too long or not text.
    #[error("the value from {origin} {reason}")]
    Unusable {
        /// Where it came from.
        origin: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// What surrounds a command that fetches a value.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The workspace's folder, in which it runs.
    pub folder: PathBuf,
    /// The variables of duoctl's environment that it does not get: a command that fetches one secret has no need of
    /// another one of Duo's.
    pub withheld: Vec<String>,
}

impl Surroundings {
    /// Those of the commands of a workspace.
    pub fn of(workspace: &Workspace) -> Self {
        let withheld = workspace.secret_variables().into_iter().map(str::to_owned).collect();
        Self { folder: workspace.root.clone(), withheld }
    }

    /// In a folder, with the whole environment.
    pub fn folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), withheld: Vec::new() }
    }
}

/// Fetches a value. One trailing newline is not part of it.
///
/// # Errors
///
/// [`CredentialError`] with the origin and the reason, never with the value.
pub fn fetch(source: &ValueSource, around: &Surroundings) -> Result<Secret, CredentialError> {
    let (origin, bytes) = match source {
        ValueSource::Env(name) => {
            let value = std::env::var(name).map_err(|_| CredentialError::NoVariable(name.clone()))?;
            (format!("the environment variable {name}"), value.into_bytes())
        }
        ValueSource::File(path) => {
            let read = std::fs::read(path);
            let reason = |error: std::io::Error| CredentialError::NoFile {
                path: path.clone(),
                reason: error.to_string(),
            };
            (path.display().to_string(), read.map_err(reason)?)
        }
        ValueSource::Command(words) => run(words, around)?,
        ValueSource::Plain(text) => ("the YAML".to_owned(), text.clone().into_bytes()),
    };
    let unusable = |reason| CredentialError::Unusable { origin: origin.clone(), reason };
    if bytes.len() > MAX_BYTES {
        return Err(unusable("is far too long"));
    }
    let text = String::from_utf8(bytes).map_err(|_| unusable("is not text"))?;
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if text.trim().is_empty() {
        return Err(unusable("is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(unusable("holds more than one line"));
    }
    Ok(Secret::new(text))
}

fn run(words: &[String], around: &Surroundings) -> Result<(String, Vec<u8>), CredentialError> {
    let (program, arguments) =
        words.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    let failed = |reason: String| CredentialError::Command { program: program.to_owned(), reason };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit());
    if !around.folder.as_os_str().is_empty() {
        command.current_dir(&around.folder);
    }
    for name in &around.withheld {
        command.env_remove(name);
    }
    let output = command.output().map_err(|error| failed(format!("cannot be started: {error}")))?;
    if !output.status.success() {
        return Err(failed(format!("ended with {}", output.status)));
    }
    Ok((format!("the command `{program}`"), output.stdout))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(source: &ValueSource) -> String {
        match fetch(source, &Surroundings::default()) {
            Ok(_) => "no error".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    fn command(script: &str) -> ValueSource {
        ValueSource::Command(vec!["sh".into(), "-c".into(), script.into()])
    }

    #[test]
    fn one_trailing_newline_is_not_part_of_a_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "abc\r\n").unwrap();
        assert_eq!(
            fetch(&ValueSource::File(path), &Surroundings::default()).map(|s| s.expose().to_owned()),
            Ok("abc".to_owned())
        );
        assert_eq!(
            fetch(&command("echo abc"), &Surroundings::default()).map(|s| s.expose().to_owned()),
            Ok("abc".to_owned())
        );
    }

    #[test]
    fn a_command_gets_no_other_secret_of_duos() {
        // A variable that every process of a test has.
        let script = command("echo \"got:$CARGO_MANIFEST_DIR\"");
        let got = |withheld: &[&str]| {
            let withheld = withheld.iter().map(|name| (*name).to_owned()).collect();
            let around = Surroundings { folder: PathBuf::new(), withheld };
            fetch(&script, &around).map(|secret| secret.expose().to_owned()).unwrap()
        };
        assert_eq!(got(&["CARGO_MANIFEST_DIR"]), "got:");
        assert_ne!(got(&["DUO_SKEY"]), "got:", "it has the rest");
    }

    #[test]
    fn failures_name_the_origin_and_never_the_value() {
        assert_eq!(
            error(&ValueSource::Env("DUOCTL_SURELY_UNSET".into())),
            "the environment variable DUOCTL_SURELY_UNSET is not set"
        );
        assert_eq!(error(&command("echo hunter2; exit 3")), "the command `sh` ended with exit status: 3");
        assert_eq!(
            error(&command("printf 'hunter2\\nmore'")),
            "the value from the command `sh` holds more than one line"
        );
        assert_eq!(error(&command("true")), "the value from the command `sh` is empty");
        assert!(
            error(&ValueSource::File("no/such/file".into())).starts_with("no/such/file cannot be read: ")
        );
    }
}
