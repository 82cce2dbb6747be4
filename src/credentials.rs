//! Values from outside the YAML: environment variables, files, the output of commands.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use thiserror::Error;

use crate::config::model::{ValueSource, Workspace};
use crate::duo::types::{is_integration_key, is_secret_key};
use crate::reading::{self, ReadError};
use crate::secret::Secret;

/// The largest size of a single value, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// How long a command may run before the run announces that it is waiting for it.
pub(crate) const SLOW: Duration = Duration::from_secs(5);

/// Why a value could not be read. No variant holds the value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CredentialError {
    /// The variable is not set.
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
    /// The value is the other key of the pair.
    #[error("the value from {origin} is not {wanted} but looks like {found}; are the two swapped?")]
    Swapped {
        /// Where it came from.
        origin: String,
        /// What it should be.
        wanted: &'static str,
        /// What it looks like.
        found: &'static str,
    },
    /// The value is empty, too long or not text.
    #[error("the value from {origin} {reason}")]
    Unusable {
        /// Where it came from.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The environment of a command that fetches a value.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The workspace's folder, in which it runs.
    pub folder: PathBuf,
    /// Variables of duoctl's environment that the command does not get: a command that fetches one secret does not need
    /// another Duo secret.
    pub withheld: Vec<String>,
}

impl Surroundings {
    /// For the commands of a workspace.
    pub fn of(workspace: &Workspace) -> Self {
        let withheld = workspace.secret_variables().into_iter().map(str::to_owned).collect();
        Self { folder: workspace.root.clone(), withheld }
    }

    /// In a folder, with the full environment.
    pub fn folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), withheld: Vec::new() }
    }
}

/// Receives a line about a slow command.
type Listener = Box<dyn Fn(&str) + Send + Sync>;

static LISTENER: OnceLock<Listener> = OnceLock::new();

/// Sets where slow commands are announced. Only the first call in a process has an effect.
pub fn announce(listener: impl Fn(&str) + Send + Sync + 'static) {
    LISTENER.get_or_init(|| Box::new(listener));
}

/// Announces that the run waits for a command, and for how long at most.
pub(crate) fn waiting_for(what: &str, left: Duration) {
    if let Some(listener) = LISTENER.get() {
        listener(&format!("waiting for {what} (at most {} s more)", left.as_secs()));
    }
}

/// The form that a value must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One line, without surrounding whitespace or quotes.
    Line,
    /// A Duo integration key.
    IntegrationKey,
    /// A Duo secret key.
    SecretKey,
    /// A secret that seals markers. Seals are public, so a short secret could be guessed.
    StateKey,
}

impl Form {
    /// Why a text does not have this form.
    fn fault(self, text: &str) -> Option<&'static str> {
        let inner = text.trim();
        if inner.is_empty() {
            return Some("is empty");
        }
        if text.chars().any(char::is_control) {
            return Some("contains line breaks or control characters");
        }
        if text != inner {
            return Some("starts or ends with whitespace");
        }
        if ['"', '\'']
            .iter()
            .any(|quote| inner.len() > 1 && inner.starts_with(*quote) && inner.ends_with(*quote))
        {
            return Some("is enclosed in quotes");
        }
        match self {
            Self::IntegrationKey if !is_integration_key(text) => {
                Some("is not a Duo integration key (DI and 18 capital letters or digits)")
            }
            Self::SecretKey if !is_secret_key(text) => Some("is not a Duo secret key (40 letters or digits)"),
            Self::StateKey if text.chars().count() < 32 => {
                Some("is shorter than 32 characters, so it could be guessed from its seals")
            }
            Self::Line | Self::IntegrationKey | Self::SecretKey | Self::StateKey => None,
        }
    }
}

/// What messages call the keys.
const IKEY: &str = "an integration key";
const SKEY: &str = "a secret key";

/// Fetches a value. One trailing line break is removed.
///
/// # Errors
///
/// [`CredentialError`] with the origin and the reason, never with the value.
pub fn fetch(source: &ValueSource, form: Form, around: &Surroundings) -> Result<Secret, CredentialError> {
    let (origin, text) = match source {
        ValueSource::Env(name) => {
            let value = std::env::var_os(name).ok_or_else(|| CredentialError::NoVariable(name.clone()))?;
            let origin = format!("the environment variable {name}");
            let text = value.into_string().map_err(|_| unusable(&origin, "is not UTF-8 text"))?;
            if text.len() > usize::try_from(MAX_BYTES).unwrap_or(usize::MAX) {
                return Err(unusable(&origin, "is too long"));
            }
            (origin, text)
        }
        ValueSource::File(path) => {
            let reason =
                |error: ReadError| CredentialError::NoFile { path: path.clone(), reason: error.to_string() };
            (path.display().to_string(), reading::text(path, MAX_BYTES).map_err(reason)?)
        }
        ValueSource::Command { words, timeout } => run(words, *timeout, SLOW, around)?,
        ValueSource::Plain(text) => ("the YAML".to_owned(), text.clone()),
    };
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    let swapped = |wanted, found| CredentialError::Swapped { origin: origin.clone(), wanted, found };
    match form.fault(text) {
        Some(_) if form == Form::IntegrationKey && is_secret_key(text) => Err(swapped(IKEY, SKEY)),
        Some(_) if form == Form::SecretKey && is_integration_key(text) => Err(swapped(SKEY, IKEY)),
        Some(fault) => Err(unusable(&origin, fault)),
        None => Ok(Secret::new(text)),
    }
}

fn unusable(origin: &str, reason: impl Into<String>) -> CredentialError {
    CredentialError::Unusable { origin: origin.to_owned(), reason: reason.into() }
}

/// Why a command could not be started, with a hint if the whole command was written as one word.
pub(crate) fn not_started(words: &[String], error: &io::Error) -> String {
    let hint = match words {
        [word] if error.kind() == io::ErrorKind::NotFound && word.trim().contains(char::is_whitespace) => {
            let items: Vec<&str> = word.split_whitespace().take(3).collect();
            let more = if word.split_whitespace().count() > 3 { ", ..." } else { "" };
            format!("; write each word as an item of the list: [{}{more}]", items.join(", "))
        }
        [program, ..] if error.kind() == io::ErrorKind::NotFound && program.starts_with('~') => {
            "; `~` is not expanded: write the full path".to_owned()
        }
        _ => String::new(),
    };
    format!("cannot be started: {error}{hint}")
}

/// Runs a command until it ends, for at most `timeout`, and announces it when it takes longer than `slow`.
fn run(
    words: &[String],
    timeout: Duration,
    slow: Duration,
    around: &Surroundings,
) -> Result<(String, String), CredentialError> {
    let (program, arguments) =
        words.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    let name = program.split_whitespace().next().unwrap_or_default();
    let failed = |reason: String| CredentialError::Command { program: name.to_owned(), reason };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    if !around.folder.as_os_str().is_empty() {
        command.current_dir(&around.folder);
    }
    for name in &around.withheld {
        command.env_remove(name);
    }
    // On a terminal the command may prompt, which it could not do from its own process group.
    let grouped = !io::stdin().is_terminal();
    #[cfg(unix)]
    if grouped {
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
    }
    let mut child = command.spawn().map_err(|error| failed(not_started(words, &error)))?;
    let (sender, receiver) = channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.take(MAX_BYTES + 1).read_to_end(&mut bytes).map(|_| bytes);
            // After the timeout the receiver is gone.
            let _ = sender.send(read);
        });
    }
    let slow = slow.min(timeout);
    let output = receiver.recv_timeout(slow).or_else(|waited| {
        if waited == RecvTimeoutError::Timeout && timeout > slow {
            waiting_for(&format!("the command `{name}`"), timeout.saturating_sub(slow));
        }
        receiver.recv_timeout(timeout.saturating_sub(slow))
    });
    let Ok(output) = output else {
        end(&mut child, grouped);
        let seconds = timeout.as_secs();
        return Err(failed(format!(
            "did not finish within {seconds} s and was stopped; it may be waiting for input: provide it, or raise \
             `timeout`"
        )));
    };
    let bytes = output.map_err(|error| failed(format!("produced output that cannot be read: {error}")))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
        end(&mut child, grouped);
        return Err(failed(format!("printed more than {} KB and was stopped", MAX_BYTES / 1024)));
    }
    // It closed its output, so it may use only the remaining time.
    let status = child.wait().map_err(|error| failed(format!("cannot be waited for: {error}")))?;
    if !status.success() {
        return Err(failed(format!("ended with {status}")));
    }
    let origin = format!("the command `{name}`");
    let text = String::from_utf8(bytes).map_err(|_| unusable(&origin, "is not UTF-8 text"))?;
    Ok((origin, text))
}

/// Stops a command, and its child processes if it has its own process group.
fn end(child: &mut Child, grouped: bool) {
    #[cfg(unix)]
    if grouped && let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // The group may be empty already.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    #[cfg(not(unix))]
    let _ = grouped;
    let _ = child.kill();
    let _ = child.wait();
}

// The tests' commands are `sh` scripts.
#[cfg(all(test, unix))]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    fn line(source: &ValueSource) -> Result<Secret, CredentialError> {
        fetch(source, Form::Line, &Surroundings::default())
    }

    fn error(source: &ValueSource) -> String {
        line(source).map_or_else(|error| error.to_string(), |_| "no error".to_owned())
    }

    fn command(script: &str) -> ValueSource {
        let words = vec!["sh".into(), "-c".into(), script.into()];
        ValueSource::Command { words, timeout: Duration::from_secs(30) }
    }

    #[test]
    fn one_line_break_and_a_mark_are_not_part_of_a_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for text in ["abc", "abc\n", "abc\r\n", "\u{feff}abc\r\n"] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(
                line(&ValueSource::File(path.clone())).map(|s| s.expose().to_owned()),
                Ok("abc".to_owned())
            );
        }
        assert_eq!(line(&command("echo abc")).map(|s| s.expose().to_owned()), Ok("abc".to_owned()));
    }

    #[test]
    fn a_command_gets_no_other_secret_of_duos() {
        // A variable that every process of a test has.
        let script = command("echo \"got:$CARGO_MANIFEST_DIR\"");
        let got = |withheld: &[&str]| {
            let withheld = withheld.iter().map(|name| (*name).to_owned()).collect();
            let around = Surroundings { folder: PathBuf::new(), withheld };
            fetch(&script, Form::Line, &around).map(|secret| secret.expose().to_owned()).unwrap()
        };
        assert_eq!(got(&["CARGO_MANIFEST_DIR"]), "got:");
        assert_ne!(got(&["DUO_SKEY"]), "got:", "it has the rest");
    }

    #[test]
    fn failures_name_the_origin_and_never_the_value() {
        let unset = ValueSource::Env("DUOCTL_SURELY_UNSET".into());
        assert_eq!(error(&unset), "the environment variable DUOCTL_SURELY_UNSET is not set");
        assert_eq!(error(&command("echo hunter2; exit 3")), "the command `sh` ended with exit status: 3");
        let lines = "the value from the command `sh` contains line breaks or control characters";
        assert_eq!(error(&command("printf 'hunter2\\nmore'")), lines);
        assert_eq!(error(&command("printf 'hunter\\r2'")), lines);
        assert_eq!(error(&command("true")), "the value from the command `sh` is empty");
        assert_eq!(
            error(&command("printf 'hunter2\\377'")),
            "the value from the command `sh` is not UTF-8 text"
        );
        let endless = "the command `sh` printed more than 64 KB and was stopped";
        assert_eq!(error(&command("while :; do echo hunter2hunter2; done")), endless);
        assert_eq!(
            error(&ValueSource::File("no/such/file".into())),
            "no/such/file cannot be read: it does not exist"
        );
        let home = ValueSource::File("cred/~/x".into());
        assert!(
            error(&home).ends_with("it does not exist; `~` is not expanded: write the full path"),
            "{}",
            error(&home)
        );
    }

    #[test]
    fn a_command_line_in_one_word_is_explained() {
        let one = |word: &str| {
            error(&ValueSource::Command { words: vec![word.to_owned()], timeout: Duration::from_secs(30) })
        };
        assert!(
            one("op read op://x/hunter2 y")
                .ends_with("; write each word as an item of the list: [op, read, op://x/hunter2, ...]")
        );
        assert!(one("op read op://x/y").starts_with("the command `op` cannot be started: "));
        assert!(one("~/bin/key").ends_with("; `~` is not expanded: write the full path"));
        assert!(!one("surely-not-there").contains("item of the list"));
    }

    #[test]
    fn a_command_that_waits_is_announced_and_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let said = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        announce({
            let said = std::sync::Arc::clone(&said);
            move |line| said.lock().unwrap().push(line.to_owned())
        });
        let start = Instant::now();
        let words = ["sh", "-c", "sleep 600; echo hunter2"].map(str::to_owned);
        let ended = run(
            &words,
            Duration::from_secs(2),
            Duration::from_millis(10),
            &Surroundings::folder(folder.path()),
        );
        let message = ended.unwrap_err().to_string();
        assert!(
            message.starts_with("the command `sh` did not finish within 2 s and was stopped; "),
            "{message}"
        );
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
        assert_eq!(*said.lock().unwrap(), ["waiting for the command `sh` (at most 1 s more)"]);
    }

    #[test]
    fn keys_of_another_shape_are_refused_before_anything_is_sent() {
        let (ikey, skey) = ("DIXXXXXXXXXXXXXXXXXX", "a1".repeat(20));
        for (form, text, fault) in [
            (Form::IntegrationKey, ikey, None),
            (Form::SecretKey, &*skey, None),
            (Form::IntegrationKey, &skey, Some("swapped?")),
            (Form::SecretKey, ikey, Some("swapped?")),
            (Form::IntegrationKey, "dixxxxxxxxxxxxxxxxxx", Some("18 capital letters")),
            (Form::SecretKey, "hunter2", Some("40 letters or digits")),
            (Form::Line, "a b", None),
            (Form::Line, "'", None),
        ] {
            let found = fetch(&ValueSource::Plain(text.into()), form, &Surroundings::default());
            let message = found.as_ref().err().map(ToString::to_string);
            assert_eq!(message.is_some(), fault.is_some(), "{form:?} {text}");
            if let (Some(message), Some(fault)) = (message, fault) {
                assert!(message.contains(fault) && !message.contains(text), "{message}");
            }
        }
    }

    proptest! {
        /// Any character around a key makes it invalid, and the message never shows it.
        #[test]
        fn what_surrounds_a_key_is_named(before in "[ \t\"'\u{a0}]{0,2}", after in "[ \t\"'\u{a0}\n]{0,3}") {
            let key = "b2".repeat(20);
            let text = format!("{before}{key}{after}");
            let found = fetch(&ValueSource::Plain(text), Form::SecretKey, &Surroundings::default());
            let plain = before.is_empty() && matches!(after.as_str(), "" | "\n");
            prop_assert_eq!(found.is_ok(), plain);
            if let Err(error) = found {
                prop_assert!(!error.to_string().contains(&key));
            }
        }
    }
}
