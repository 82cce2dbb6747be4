//! Tokens, and the errors of answers.

use std::time::{Duration, Instant};

use serde_json::Value;
use thiserror::Error;

use crate::duo::https::TrustError;
use crate::secret::Secret;

/// How long a token is used if the answer does not contain its lifetime, which is ten hours (section 6.1).
const LIFETIME: u64 = 36_000;
/// How long before its expiry a token is replaced.
const MARGIN: u64 = 300;

/// An access token.
pub(super) struct Token {
    pub(super) text: Secret,
    until: Instant,
}

impl Token {
    /// Reads the answer of the token endpoint.
    pub(super) fn read(answer: &Value) -> Option<Self> {
        let text = answer.get("access_token")?.as_str().filter(|text| !text.is_empty())?;
        let seconds = answer.get("expires_in").and_then(Value::as_u64).unwrap_or(LIFETIME).min(LIFETIME);
        // A token with a lifetime shorter than the margin is used once.
        let until = Instant::now() + Duration::from_secs(seconds.saturating_sub(MARGIN));
        Some(Self { text: Secret::new(text), until })
    }

    pub(super) fn is_fresh(&self) -> bool {
        Instant::now() < self.until
    }
}

/// One entry of `errors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphQlError {
    /// `errorType`, if there is one.
    pub kind: String,
    /// `message`.
    pub message: String,
}

impl GraphQlError {
    /// Whether it means that a field does not exist, or not for this client.
    pub fn is_unsupported(&self) -> bool {
        let message = self.message.to_lowercase();
        let words =
            ["fieldundefined", "cannot query field", "is undefined", "not authorized", "unauthorized"];
        words.iter().any(|word| message.contains(word)) || self.kind.to_lowercase().contains("unauthorized")
    }

    /// Whether it means that no person was found.
    pub fn is_not_found(&self) -> bool {
        let text = format!("{} {}", self.kind, self.message).to_lowercase();
        ["not found", "notfound", "does not exist", "no user"].iter().any(|word| text.contains(word))
    }
}

/// Why the API returned no data. No variant contains a credential or a token.
#[derive(Debug, Error)]
pub enum ApiError {
    /// The URL may not be called.
    #[error("{0}")]
    Forbidden(String),
    /// The certificate authorities cannot be set up.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// No answer.
    #[error("{place} cannot be reached: {reason}")]
    Unreachable {
        /// The host.
        place: String,
        /// One line for people.
        reason: String,
    },
    /// The token endpoint refuses the client.
    #[error("the token endpoint refuses the client ({status}{reason})")]
    Client {
        /// The HTTP status.
        status: u16,
        /// Its message, prefixed with `: `.
        reason: String,
    },
    /// The token is not accepted.
    #[error("the API does not accept the token from the token endpoint")]
    Unauthorized,
    /// A redirect, which is never followed because it could send the credentials elsewhere.
    #[error("{place} redirects ({status}), which is not followed; check the URL in the YAML")]
    Redirect {
        /// The host.
        place: String,
        /// The HTTP status.
        status: u16,
    },
    /// Too many requests.
    #[error("{place} asks to slow down (429)")]
    Slow {
        /// The host.
        place: String,
    },
    /// GraphQL reports errors.
    #[error("the API reports: {}", errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; "))]
    Refused {
        /// All of them.
        errors: Vec<GraphQlError>,
    },
    /// Anything that is not an answer of the API.
    #[error("{0}")]
    Unexpected(String),
}

impl ApiError {
    /// Whether retrying may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Slow { .. } => true,
            Self::Forbidden(_)
            | Self::Trust(_)
            | Self::Client { .. }
            | Self::Unauthorized
            | Self::Redirect { .. }
            | Self::Refused { .. }
            | Self::Unexpected(_) => false,
        }
    }
}

pub(super) fn unexpected(what: &str) -> ApiError {
    ApiError::Unexpected(format!("the answer does not match the documented API: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_is_replaced_before_it_expires() {
        let token = |answer: Value| Token::read(&answer);
        assert!(token(json!({"access_token": "t", "expires_in": 36_000})).unwrap().is_fresh());
        assert!(token(json!({"access_token": "t"})).unwrap().is_fresh());
        assert!(!token(json!({"access_token": "t", "expires_in": 200})).unwrap().is_fresh());
        assert!(token(json!({"access_token": ""})).is_none() && token(json!({"token": "t"})).is_none());
    }

    #[test]
    fn both_ways_to_say_that_a_field_is_missing_are_understood() {
        let error = |kind: &str, message: &str| GraphQlError { kind: kind.into(), message: message.into() };
        for unsupported in [
            error(
                "ValidationError",
                "Validation error of type FieldUndefined: Field 'x' in type 'Query' is undefined",
            ),
            error("", "Cannot query field \"x\" on type \"Query\"."),
            error("Unauthorized", "Not Authorized to access x on type Query"),
        ] {
            assert!(unsupported.is_unsupported(), "{unsupported:?}");
        }
        assert!(!error("Internal", "something broke").is_unsupported());
        assert!(error("NotFound", "End user was not found").is_not_found());
    }
}
