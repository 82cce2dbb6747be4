//! A call to Duo as data, and the interface that sends it: over HTTPS, or directly to the simulator in tests.

use std::future::Future;
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::DuoError;
use super::object::Ikey;
use super::sign::Scheme;
use crate::secret::Secret;

/// The HTTP methods that Duo's APIs use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads; safe to retry.
    Get,
    /// Creates and modifies; never retried when the outcome is unknown.
    Post,
    /// Modifies a policy.
    Put,
    /// Removes.
    Delete,
}

impl Method {
    /// The upper-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    /// Whether parameters travel in the body rather than in the query (duo-api.md, section 1.4).
    pub fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put)
    }
}

/// The rate budget that a call counts against (duo-api.md, section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Budget {
    /// Single objects and pages.
    Read,
    /// Changes.
    Write,
    /// Logs: a much lower rate.
    Log,
}

/// Who signs, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// `/auth/v2/ping` needs no signature.
    Unsigned,
    /// With the transport's key.
    By(Scheme),
}

/// A call.
#[derive(Clone, Debug)]
pub struct ApiCall {
    /// The method.
    pub method: Method,
    /// The path starting with `/`, ids percent-encoded, without a query.
    pub path: String,
    /// Query parameters of GET and DELETE (strings), or the JSON body of POST and PUT. With a version 2 scheme, or
    /// unsigned, the body is sent as a form.
    pub params: Map<String, Value>,
    /// The rate budget.
    pub budget: Budget,
    /// Who signs, and how.
    pub signing: Signing,
}

impl ApiCall {
    /// A read with query parameters, signed with version 5.
    pub fn get(path: impl Into<String>, query: &[(&str, &str)]) -> Self {
        let params = query.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
        Self::new(Method::Get, path, params, Budget::Read)
    }

    /// A change with a JSON body, signed with version 5.
    pub fn post(path: impl Into<String>, body: Map<String, Value>) -> Self {
        Self::new(Method::Post, path, body, Budget::Write)
    }

    /// A change by `PUT` with a JSON body, signed with version 5.
    pub fn put(path: impl Into<String>, body: Map<String, Value>) -> Self {
        Self::new(Method::Put, path, body, Budget::Write)
    }

    /// A removal, signed with version 5.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::Delete, path, Map::new(), Budget::Write)
    }

    fn new(method: Method, path: impl Into<String>, params: Map<String, Value>, budget: Budget) -> Self {
        Self { method, path: path.into(), params, budget, signing: Signing::By(Scheme::V5) }
    }

    /// Whether its answer may contain a key in clear text, so that none of it may be shown.
    pub fn hands_out_keys(&self) -> bool {
        self.path.ends_with("/skey")
            || self.path.contains("/client_secret")
            || self.params.contains_key("reset_secret_key")
    }

    /// The same call with another budget.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// The same call, signed in another way.
    #[must_use]
    pub fn signing(mut self, signing: Signing) -> Self {
        self.signing = signing;
        self
    }
}

/// A success: HTTP 200 with `stat` = `OK`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Success {
    /// `response`, whatever its shape.
    pub response: Value,
    /// `metadata`: paging of list calls; `Null` if there is none.
    pub metadata: Value,
}

/// Sends calls to one API host with one key.
///
/// An implementation signs, waits for the budget, backs off on 429, retries what is safe to retry, and learns the clock's
/// offset; callers see one call and one outcome.
pub trait Transport: Send + Sync {
    /// Sends one call.
    fn send(&self, call: &ApiCall) -> impl Future<Output = Result<Success, DuoError>> + Send;

    /// The same connection and budgets with another application's key, to probe it.
    fn signed_by(&self, ikey: &Ikey, secret: &Secret) -> Self
    where
        Self: Sized;

    /// The API hostname.
    fn host(&self) -> &str;

    /// Announces once per reason that a caller is about to wait, if the wait is long and a listener is set.
    fn announce(&self, _reason: &'static str, _wait: Duration) {}
}
