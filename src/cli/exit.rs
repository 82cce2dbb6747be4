//! Exit codes, the same for every format, and the one place that maps failures to them.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::credentials::CredentialError;
use crate::diagnostic::{Diagnostic, Sources};
use crate::duo::error::DuoError;
use crate::duo::explain::causes;
use crate::duo::https::HttpsError;
use crate::output::explain::Entry;
use crate::output::printer::{Printer, findings_width};
use crate::output::snippet;
use crate::text::safe;

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
    /// Findings at or above `--fail-severity`.
    Findings,
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
    /// Every way, by its code.
    pub const ALL: [Self; 12] = [
        Self::Done,
        Self::Error,
        Self::Pending,
        Self::NotVerified,
        Self::Partly,
        Self::Refused,
        Self::Stale,
        Self::Findings,
        Self::Usage,
        Self::Unavailable,
        Self::Denied,
        Self::Interrupted,
    ];

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
            Self::Findings => 7,
            Self::Usage => 64,
            Self::Unavailable => 75,
            Self::Denied => 77,
            Self::Interrupted => 130,
        }
    }

    /// What it means and what to do, for `duoctl explain` and the page about exit codes.
    pub fn explained(self) -> Entry {
        let (title, meaning, fix) = match self {
            Self::Done => (
                "done, or nothing to do",
                "The command did what it was asked for. This includes a plan with changes, without `--detailed-exitcode`.",
                "Nothing to do.",
            ),
            Self::Error => (
                "an error",
                "A problem with the YAML, a file or a key; an address that cannot be planned. Also a run that did everything \
                 but could not write a part of its output, e.g. because the disk is full; the message says so.",
                "Read the message; it says where and what to do.",
            ),
            Self::Pending => (
                "changes are pending",
                "`plan --detailed-exitcode` found that Duo and the YAML differ, or `drift` that something was changed in Duo.",
                "Review the plan and apply it, or copy the change made in Duo into the YAML with `duoctl accept`.",
            ),
            Self::NotVerified => (
                "verification failed",
                "The changes were applied, but verification failed or is incomplete; or `verify` failed.",
                "`duoctl verify -v` shows every check.",
            ),
            Self::Partly => (
                "partly applied",
                "A step failed, or Duo stored something other than what was sent.",
                "Run `duoctl apply` again: it continues from the current state of the account.",
            ),
            Self::Refused => (
                "refused",
                "A guard refused the plan, or consent was not given. Nothing was changed.",
                "The message names the flag that lifts the guard.",
            ),
            Self::Stale => (
                "the saved plan is stale",
                "The YAML, the account or duoctl changed since the plan was saved. Nothing was changed.",
                "Make a new plan.",
            ),
            Self::Findings => (
                "findings at or above `--fail-severity`",
                "`validate --fail-severity` found problems of at least that severity, including errors.",
                "Fix what was found, or choose a higher severity.",
            ),
            Self::Usage => (
                "the command line is wrong",
                "An argument is unknown, missing, or contradicts another one.",
                "See `duoctl COMMAND --help`.",
            ),
            Self::Unavailable => (
                "unreachable or rate limited",
                "Duo is unreachable, or its rate limit is used up.",
                "Safe to run again later.",
            ),
            Self::Denied => (
                "Duo refused the credentials or the permission",
                "The key is wrong, or its application lacks a permission that the command needs.",
                "`duoctl doctor` shows the causes.",
            ),
            Self::Interrupted => (
                "interrupted",
                "Requests in progress were finished, and nothing new was started.",
                "Run it again.",
            ),
        };
        Entry { title, meaning, fix }
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
    /// An argument that only the command can check.
    #[error("{0}")]
    Usage(String),
    /// What was asked for cannot be done safely.
    #[error("{0}")]
    Refused(String),
    /// The YAML has errors.
    #[error("the configuration has errors")]
    Config(Box<(Vec<Diagnostic>, Sources)>),
    /// A key could not be fetched.
    #[error("{key}: {error}")]
    Credentials {
        /// Its place in the YAML.
        key: &'static str,
        /// Why.
        error: CredentialError,
        /// The other key of the pair, if that could not be fetched either.
        also: Option<Box<(&'static str, CredentialError)>>,
    },
    /// The YAML names no credentials.
    #[error("the YAML has no `tenant.credentials`, so duoctl has no key to call Duo with")]
    NoCredentials,
    /// The connection cannot be set up.
    #[error(transparent)]
    Https(#[from] HttpsError),
    /// A call to Duo failed.
    #[error(transparent)]
    Duo(#[from] DuoError),
    /// Duo refuses the operator, and the YAML names a recovery key.
    #[error("{error}")]
    FirstRefused {
        /// The refusal.
        error: DuoError,
        /// What the recovery key can do about it.
        advice: String,
    },
    /// The simulator cannot be started.
    #[error("the sandbox in {state} cannot be used: {error}", state = state.display())]
    Sandbox {
        /// Its state folder.
        state: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file that `init` would write already exists.
    #[error("{path} already exists and is never overwritten", path = .0.display())]
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
    /// The YAML cannot be edited safely.
    #[error("{path} was not changed: {error}", path = path.display())]
    Edit {
        /// The file.
        path: PathBuf,
        /// Why.
        error: String,
        /// What to write by hand, if that is one line.
        line: Option<String>,
    },
    /// A file that `show` cannot read as a document.
    #[error("{path} cannot be shown: {reason}", path = path.display())]
    NoDocument {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// What ended a run after the recovery key had put back what the operator had lost.
    #[error(
        "{failure}; before that, the recovery key restored what the operator had lost, and nothing else was changed"
    )]
    Repaired {
        /// What ended it.
        failure: Box<Failure>,
    },
    /// A file that `apply` was given instead of a saved plan.
    #[error("{path} is not a saved plan: {reason}", path = path.display())]
    NoPlan {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A saved plan that does not match `--config`.
    #[error("{path} is not the expected plan, so nothing was changed: {reason}", path = path.display())]
    UnwantedPlan {
        /// The file.
        path: PathBuf,
        /// How it differs.
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
            | Self::NoDocument { .. }
            | Self::NoPlan { .. } => Exit::Error,
            Self::Refused(_) | Self::UnwantedPlan { .. } => Exit::Refused,
            Self::Repaired { .. } => Exit::Partly,
            Self::Duo(error) | Self::FirstRefused { error, .. } => Exit::of(error),
        }
    }

    /// Prints what went wrong, and what to do.
    pub fn print(&self, printer: Printer) {
        let error = printer.err.bad("error");
        match self {
            Self::Config(found) => {
                let (diagnostics, sources) = found.as_ref();
                printer.problem(&snippet::render(diagnostics, sources, printer.err.on, findings_width()));
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

    /// What to do, line by line.
    pub fn help(&self) -> Vec<String> {
        match self {
            Self::Credentials { also, .. } => {
                let also = also.as_ref().map(|also| safe(&format!("{}: {}", also.0, also.1)));
                let advice = "see `tenant.credentials` in the YAML, or try `--sandbox`, which needs no keys";
                also.into_iter().chain([advice.to_owned()]).collect()
            }
            Self::NoCredentials => vec![
                "add `tenant.credentials` with `integration_key: {env: DUO_IKEY}` and `secret_key: {env: DUO_SKEY}`, or \
                 try `--sandbox`, which needs no keys"
                    .to_owned(),
            ],
            Self::Duo(error) => {
                let causes = causes(error).into_iter().map(|cause| format!("{}: {}", cause.what, cause.fix));
                let unsent = matches!(error, DuoError::Unreachable { .. });
                let done = unsent.then(|| "nothing was sent, so Duo did nothing: it is safe to run again".to_owned());
                causes.chain(done).collect()
            }
            Self::FirstRefused { error, advice } => {
                let causes = causes(error).into_iter().map(|cause| format!("{}: {}", cause.what, cause.fix));
                std::iter::once(safe(advice)).chain(causes).collect()
            }
            Self::Repaired { failure } => failure.help(),
            Self::Edit { line, .. } => {
                line.iter().map(|line| format!("add it to the entry by hand: {line}")).collect()
            }
            Self::Exists(_) => vec!["pass another folder, or move the file away".to_owned()],
            Self::Usage(_)
            | Self::Refused(_)
            | Self::Config(_)
            | Self::Https(_)
            | Self::Sandbox { .. }
            | Self::File { .. }
            | Self::NoDocument { .. }
            | Self::NoPlan { .. }
            | Self::UnwantedPlan { .. } => Vec::new(),
        }
    }
}
