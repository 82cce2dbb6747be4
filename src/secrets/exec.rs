//! Any other store, through a command: one JSON object on its stdin, and no secrets in its arguments or environment.
//!
//! Exit codes: 0 done; 3 on reading: nothing is there; anything else is a failure. A `read` command prints the `content`
//! that the `write` command was given. Reading the store back detects a command that lies.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::mask::masked;
use super::options;
use super::payload::{MAX_BYTES, Payload};
use super::store::{Contents, Place, Store, StoreError};
use crate::credentials::{SLOW, not_started, waiting_for};
use crate::secret::Secret;

/// The exit code by which a `read` command reports that nothing is there.
const NOTHING_THERE: i32 = 3;
/// How long a command may take by default.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The variables that a command inherits in addition to those that the YAML names.
const INHERITED: &[&str] = inherited(cfg!(windows));

/// On Windows most programs do not start without `SYSTEMROOT`, and none finds a `.cmd` file without `PATHEXT`.
const fn inherited(windows: bool) -> &'static [&'static str] {
    if windows {
        &["PATH", "PATHEXT", "SYSTEMROOT", "COMSPEC", "TEMP", "TMP", "USERPROFILE"]
    } else {
        &["PATH", "HOME", "LANG"]
    }
}

/// A store behind commands.
pub struct ExecStore {
    name: String,
    root: PathBuf,
    write: Vec<String>,
    read: Vec<String>,
    environment: Vec<String>,
    timeout: Duration,
    /// Whether the slow command has been announced.
    announced: AtomicBool,
}

/// How a command ended.
struct Ended {
    status: ExitStatus,
    output: Vec<u8>,
    words: String,
}

impl ExecStore {
    /// The store with its `write` and optional `read` command. Commands run in the workspace's folder.
    pub fn new(name: &str, options: &Value, root: &Path) -> Self {
        let timeout = options::timeout(options);
        Self {
            name: name.to_owned(),
            root: root.to_owned(),
            write: options::texts(options, "write"),
            read: options::texts(options, "read"),
            environment: options::texts(options, "environment"),
            timeout: timeout.unwrap_or(TIMEOUT),
            announced: AtomicBool::new(false),
        }
    }

    fn failed(&self, operation: &str, what: &str) -> StoreError {
        StoreError::new(format!("the {operation} command of the store `{}` {what}", self.name))
    }

    /// Announces once that the store is slow; many applications may wait for it.
    fn announce(&self, operation: &str) {
        if !self.announced.swap(true, Ordering::Relaxed) {
            let what = format!("the {operation} command of the store `{}`", self.name);
            waiting_for(&what, self.timeout.saturating_sub(SLOW));
        }
    }

    async fn run(&self, operation: &str, words: &[String], input: Value) -> Result<Ended, StoreError> {
        let (program, arguments) = words.split_first().ok_or_else(|| self.failed(operation, "is empty"))?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if !self.root.as_os_str().is_empty() {
            command.current_dir(&self.root);
        }
        let names = INHERITED.iter().copied().chain(self.environment.iter().map(String::as_str));
        command.envs(names.filter_map(|name| Some((name, std::env::var_os(name)?))));
        // Its own process group, so that its child processes are stopped with it.
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn();
        let mut child = child.map_err(|error| self.failed(operation, &not_started(words, &error)))?;
        let group = child.id();
        let input = Secret::new(input.to_string());
        let ended = tokio::time::timeout(self.timeout, async {
            let mut talking = pin!(talk(&mut child, group, input));
            tokio::select! {
                ended = &mut talking => ended,
                () = tokio::time::sleep(SLOW) => {
                    self.announce(operation);
                    talking.await
                }
            }
        })
        .await;
        end_group(group);
        match ended {
            Ok(Ok(ended)) => Ok(ended),
            Ok(Err(Trouble::TooMuch)) => Err(self
                .failed(operation, &format!("printed more than {} KiB and was stopped", MAX_BYTES / 1024))),
            Ok(Err(Trouble::Io(error))) => {
                Err(self.failed(operation, &format!("failed while exchanging data: {error}")))
            }
            Err(_) => {
                let seconds = self.timeout.as_secs();
                Err(self
                    .failed(operation, &format!("did not finish within {seconds} s and was stopped"))
                    .help("it may be waiting for input: provide it, or raise `timeout`"))
            }
        }
    }

    /// A failure with the command's own output, masked.
    fn refused<'s>(
        &self,
        operation: &str,
        ended: &Ended,
        secrets: impl Iterator<Item = &'s Secret>,
    ) -> StoreError {
        let error = self.failed(operation, &format!("ended with {}", ended.status));
        match masked(&ended.words, secrets) {
            words if words.is_empty() => error,
            words => StoreError { message: format!("{}: {words}", error.message), help: None },
        }
    }
}

/// Whether a program can be started from a folder.
#[cfg(unix)]
fn check_program(program: &str, root: &Path) -> std::io::Result<()> {
    use std::io::{Error, ErrorKind};
    use std::os::unix::fs::PermissionsExt as _;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        if program.contains('/') { vec![root.to_owned()] } else { std::env::split_paths(&path).collect() };
    let files = folders.into_iter().filter_map(|folder| std::fs::metadata(folder.join(program)).ok());
    let files: Vec<_> = files.filter(std::fs::Metadata::is_file).collect();
    if files.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, "the program does not exist"));
    }
    if !files.iter().any(|file| file.permissions().mode() & 0o111 != 0) {
        return Err(Error::new(ErrorKind::PermissionDenied, "it is not executable"));
    }
    Ok(())
}

/// On other platforms a file of that name is not enough to tell what can be started.
#[cfg(not(unix))]
fn check_program(_: &str, _: &Path) -> std::io::Result<()> {
    Ok(())
}

impl Store for ExecStore {
    fn ready(&self) -> Result<(), StoreError> {
        for (operation, words) in [("write", &self.write), ("read", &self.read)] {
            if let Some(program) = words.first()
                && let Err(error) = check_program(program, &self.root)
            {
                let help =
                    format!("install `{program}`, or correct `secret_stores.{}.{operation}`", self.name);
                return Err(self.failed(operation, &not_started(words, &error)).help(help));
            }
        }
        Ok(())
    }

    fn read<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Contents, StoreError>> {
        Box::pin(async move {
            let input = json!({"operation": "read", "path": place.path, "format": place.format.name()});
            let ended = self.run("read", &self.read, input).await?;
            if ended.status.code() == Some(NOTHING_THERE) {
                return Ok(Contents { payload: None, revision: 0 });
            }
            if !ended.status.success() {
                return Err(self.refused("read", &ended, std::iter::empty()));
            }
            let foreign = |why: &str| StoreError::foreign(&self.describe(&place.path), why);
            let text = String::from_utf8(ended.output).map_err(|_| foreign("it is not text"))?;
            let payload = Payload::parse(&text, place.format).map_err(foreign)?;
            Ok(Contents { payload, revision: 0 })
        })
    }

    fn write<'a>(
        &'a self,
        place: &'a Place,
        payload: &'a Payload,
        _revision: u64,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let input = json!({
                "operation": "write",
                "path": place.path,
                "format": place.format.name(),
                "content": payload.render(place.format).expose(),
                "secret": payload.object(),
            });
            let ended = self.run("write", &self.write, input).await?;
            if ended.status.success() {
                Ok(())
            } else {
                Err(self.refused("write", &ended, payload.secrets()))
            }
        })
    }

    fn describe(&self, path: &str) -> String {
        format!("store {}: {path}", self.name)
    }

    fn write_only(&self) -> bool {
        self.read.is_empty()
    }
}

enum Trouble {
    TooMuch,
    Io(std::io::Error),
}

async fn talk(child: &mut Child, group: Option<u32>, input: Secret) -> Result<Ended, Trouble> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A command need not read its input; reading the store back shows whether it did its work.
            let _ = stdin.write_all(input.expose().as_bytes()).await;
            let _ = stdin.shutdown().await;
        }
        Ok(())
    };
    let wait = async {
        let status = child.wait().await.map_err(Trouble::Io)?;
        // A child process may hold its output open forever.
        end_group(group);
        Ok(status)
    };
    let ((), output, words, status) = tokio::try_join!(feed, bounded(stdout), bounded(stderr), wait)?;
    Ok(Ended { status, output, words: String::from_utf8_lossy(&words).into_owned() })
}

async fn bounded(stream: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
        stream.take(limit.saturating_add(1)).read_to_end(&mut bytes).await.map_err(Trouble::Io)?;
    }
    if bytes.len() > MAX_BYTES { Err(Trouble::TooMuch) } else { Ok(bytes) }
}

/// Stops every process that the command left running.
#[cfg(unix)]
fn end_group(group: Option<u32>) {
    let group = group.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // The group may be empty already.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end_group(_: Option<u32>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_inherit_what_their_system_needs_and_no_keys() {
        assert_eq!(inherited(false), ["PATH", "HOME", "LANG"]);
        assert!(inherited(true).contains(&"SYSTEMROOT") && inherited(true).contains(&"PATHEXT"));
        assert!(inherited(true).iter().all(|name| !name.starts_with("DUO")));
    }
}
