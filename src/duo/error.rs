//! Errors of API calls. No variant holds a secret: bodies are never kept, only Duo's own message.

use thiserror::Error;

/// Why nothing reached Duo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// The hostname cannot be resolved.
    Name,
    /// Nothing answers, or the connection was refused.
    Connect,
    /// The certificate is not trusted, or not for this hostname, or TLS is too old.
    Tls,
    /// The proxy refused.
    Proxy,
    /// A timeout before anything was sent.
    Timeout,
    /// Anything else before the request was sent.
    Other,
}

/// A refusal in Duo's format (duo-api.md, section 2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The call: `GET /admin/v1/groups`.
    pub call: String,
    /// The HTTP status, the reliable signal; 200 if only `stat` is `FAIL`.
    pub status: u16,
    /// Duo's code, if it is a number, e.g. 40301.
    pub code: Option<u32>,
    /// Duo's text.
    pub message: String,
    /// Duo's detail: a parameter's name or a short reason.
    pub detail: Option<String>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Duo refused {}: {}", self.call, self.message)?;
        if let Some(detail) = &self.detail {
            write!(f, " ({detail})")?;
        }
        match self.code {
            Some(code) => write!(f, " [{code}]"),
            None => write!(f, " [HTTP {}]", self.status),
        }
    }
}

/// A call that failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DuoError {
    /// The call is invalid, so it was not sent.
    #[error("{call} was not sent: {reason}")]
    NotSent {
        /// The call.
        call: String,
        /// One line for people.
        reason: String,
    },
    /// Nothing was sent, so nothing happened.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// The API hostname.
        host: String,
        /// The kind of failure.
        kind: Unreachable,
        /// One line for people.
        reason: String,
    },
    /// The call may have been carried out, but its answer did not arrive completely.
    #[error("the answer to {call} was lost: {reason}")]
    Lost {
        /// The call.
        call: String,
        /// One line for people.
        reason: String,
    },
    /// Still 429 after the full back-off schedule.
    #[error("Duo's rate limit refused {call} {attempts} times; the call changed nothing, try again later")]
    RateLimited {
        /// The call.
        call: String,
        /// How often it was sent.
        attempts: u32,
    },
    /// Duo refused the call.
    #[error("{0}")]
    Refused(Refusal),
    /// The answer is not from Duo's API: HTML, a redirect, an oversized or malformed body.
    #[error("the answer to {call} is not from Duo's API: {reason} (HTTP {status})")]
    Unexpected {
        /// The call.
        call: String,
        /// The HTTP status.
        status: u16,
        /// One line for people.
        reason: String,
    },
    /// A list is incomplete, so missing objects mean nothing.
    #[error("the list {path} is incomplete: {reason}")]
    Incomplete {
        /// The path of the list.
        path: String,
        /// One line for people.
        reason: String,
    },
}

impl DuoError {
    /// Duo's code, if Duo refused the call with one.
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Refused(refusal) => refusal.code,
            Self::NotSent { .. }
            | Self::Unreachable { .. }
            | Self::Lost { .. }
            | Self::RateLimited { .. }
            | Self::Unexpected { .. }
            | Self::Incomplete { .. } => None,
        }
    }

    /// The HTTP status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            Self::Unexpected { status, .. } => Some(*status),
            Self::NotSent { .. }
            | Self::Unreachable { .. }
            | Self::Lost { .. }
            | Self::RateLimited { .. }
            | Self::Incomplete { .. } => None,
        }
    }

    /// Whether Duo reports that the object does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.status == 404)
    }

    /// Whether Duo refused the credentials or the permission.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Refused(refusal) if matches!(refusal.status, 401 | 403))
    }

    /// Whether the same call may succeed later without any change by the user.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Lost { .. } | Self::RateLimited { .. } => true,
            Self::Refused(refusal) => refusal.status >= 500,
            Self::Unexpected { status, .. } => *status >= 500,
            Self::Incomplete { .. } => true,
            Self::NotSent { .. } => false,
        }
    }

    /// Whether the failed call may have changed something. A read changes nothing.
    pub fn outcome_unknown(&self) -> bool {
        let writes = |call: &str| !call.starts_with("GET ");
        match self {
            Self::Lost { call, .. } => writes(call),
            Self::Refused(refusal) => refusal.status >= 500 && writes(&refusal.call),
            Self::Unexpected { call, status, .. } => {
                (*status >= 500 || (200..300).contains(status)) && writes(call)
            }
            Self::NotSent { .. }
            | Self::Unreachable { .. }
            | Self::RateLimited { .. }
            | Self::Incomplete { .. } => false,
        }
    }
}
