//! Exit codes, the same for every format, and the one place that maps failures to them.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::config::diagnostic::{Diagnostic, Sources};
use crate::credentials::CredentialError;
use crate::duo::error::DuoError;
use crate::duo::explain::causes;
use crate::duo::https::HttpsError;
use crate::output::paint::safe;
use crate::output::printer::{Printer, terminal_width};
use crate::output::snippet;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// An error.
    Error,
    /// Changes are pending.
    Pending,
    /// Applied, but verification failed; or `verify` failed.
    NotVerified,
    /// Partly applied.
    Partly,
    /// Refused by a guard, or no consent off a terminal.
    Refused,
    /// The saved plan is stale.
    Stale,
    /// Usage.
    Usage,
    /// Rate limited or unreachable; safe to retry.
    Unavailable,
    /// Duo refused the credentials or the permission.
    Denied,
    /// Interrupted.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Error => 1,
            Self::Pending => 2,
            Self::NotVerified => 3,
            Self::Partly => 4,
            Self::Refused => 5,
            Self::Stale => 6,
            Self::Usage => 64,
            Self::Unavailable => 75,
            Self::Denied => 77,
            Self::Interrupted => 130,
        }
    }

    /// The exit code of a call that failed.
    pub fn of(error: &DuoError) -> Self {
        match error {
            _ if error.is_denied() => Self::Denied,
            _ if error.is_transient() => Self::Unavailable,
            DuoError::NotSent { .. }
            | DuoError::Unreachable { .. }
            | DuoError::Lost { .. }
            | DuoError::RateLimited { .. }
            | DuoError::Refused(_)
            | DuoError::Unexpected { .. }
            | DuoError::Incomplete { .. } => Self::Error,
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug, Error)]
pub enum Failure {
    /// An argument that only the command can judge.
    #[error("{0}")]
    Usage(String),
    /// The YAML has errors.
    #[error("the configuration has errors")]
    Config(Box<(Vec<Diagnostic>, Sources)>),
    /// A key could not be had.
    #[error("{key}: {error}")]
    Credentials {
        /// Its place in the YAML.
        key: &'static str,
        /// Why.
        error: CredentialError,
    },
    /// The YAML names no credentials.
    #[error("the YAML has no `tenant.credentials`, so there is no key to call Duo with")]
    NoCredentials,
    /// The connection cannot be set up.
    #[error(transparent)]
    Https(#[from] HttpsError),
    /// Duo, or the way to it.
    #[error(transparent)]
    Duo(#[from] DuoError),
    /// The simulator cannot be started.
    #[error("the sandbox in {state} cannot be used: {error}", state = state.display())]
    Sandbox {
        /// Its state folder.
        state: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file that `init` would write exists already.
    #[error("{path} exists already, and is never overwritten", path = .0.display())]
    Exists(PathBuf),
    /// A file cannot be read or written.
    #[error("{path} {what}: {error}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `cannot be written`, `cannot be read`.
        what: &'static str,
        /// Why.
        error: io::Error,
    },
    /// The YAML cannot be edited without harm.
    #[error("{path} was not changed: {error}", path = path.display())]
    Edit {
        /// The file.
        path: PathBuf,
        /// Why.
        error: String,
        /// What to write by hand, where that is one line.
        line: Option<String>,
    },
    /// A saved plan that cannot be used at all.
    #[error("{path} is not a saved plan: {reason}", path = path.display())]
    NoPlan {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Failure {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Config(_)
            | Self::Credentials { .. }
            | Self::NoCredentials
            | Self::Https(_)
            | Self::Sandbox { .. }
            | Self::Exists(_)
            | Self::File { .. }
            | Self::Edit { .. }
            | Self::NoPlan { .. } => Exit::Error,
            Self::Duo(error) => Exit::of(error),
        }
    }

    /// Prints what went wrong, and what to do.
    pub fn print(&self, printer: Printer) {
        let error = printer.err.bad("error");
        match self {
            Self::Config(found) => {
                let (diagnostics, sources) = found.as_ref();
                printer.problem(&snippet::render(diagnostics, sources, printer.err.on, terminal_width()));
            }
            other => {
                let mut text = format!("{error}: {}\n", safe(&other.to_string()));
                for line in other.help() {
                    let _ = writeln!(text, "  {line}");
                }
                printer.problem(&text);
            }
        }
    }

    fn help(&self) -> Vec<String> {
        match self {
            Self::Credentials { .. } => {
                vec!["see `tenant.credentials` in the YAML, or try `--sandbox`, which needs no keys".to_owned()]
            }
            Self::NoCredentials => vec![
                "add `tenant.credentials` with `integration_key: {env: DUO_IKEY}` and `secret_key: {env: DUO_SKEY}`, or \
                 try `--sandbox`, which needs no keys"
                    .to_owned(),
            ],
            Self::Duo(error) => {
                causes(error).into_iter().map(|cause| format!("{}: {}", cause.what, cause.fix)).collect()
            }
            Self::Edit { line, .. } => {
                line.iter().map(|line| format!("write it into the entry by hand: {line}")).collect()
            }
            Self::Exists(_) => vec!["give another folder, or move the file away".to_owned()],
            Self::Usage(_)
            | Self::Config(_)
            | Self::Https(_)
            | Self::Sandbox { .. }
            | Self::File { .. }
            | Self::NoPlan { .. } => Vec::new(),
        }
    }
}
