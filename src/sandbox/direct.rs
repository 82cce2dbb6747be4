//! The simulator without sockets: [`Transport`] over an account in this process, for tests.
//!
//! Every call is signed, verified and answered as over HTTPS; only the conversion to bytes is skipped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, pending};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::{Map, Value};

use super::account::{Account, Key};
use super::call::Reply;
use super::faults::Strike;
use super::message::{RawReply, RawRequest};
use crate::duo::call::{ApiCall, Signing, Success, Transport};
use crate::duo::documents::{Fetch, FetchError};
use crate::duo::error::{DuoError, Refusal};
use crate::duo::object::Ikey;
use crate::duo::sign::{Scheme, Signable, authorization, canonical_params, signature};
use crate::secret::Secret;

/// Gets the account after every call, including refused and lost ones.
type Watch = Arc<Mutex<dyn FnMut(&mut Account) + Send>>;

/// A client of an account in this process. Clones share the account.
#[derive(Clone)]
pub struct Direct {
    account: Arc<Mutex<Account>>,
    host: String,
    ikey: Ikey,
    secret: Secret,
    watch: Option<Watch>,
}

impl Direct {
    /// A client with one of the account's keys.
    pub fn new(account: Arc<Mutex<Account>>, key: &Key) -> Self {
        let ikey = Ikey::new(key.integration_key.as_str());
        let host = account.lock().unwrap_or_else(PoisonError::into_inner).api_hostname().to_owned();
        Self { account, host, ikey, secret: key.secret_key.clone(), watch: None }
    }

    /// A client of a new account, with the operator's key.
    pub fn operator(account: Account) -> Self {
        let key = account.key("operator");
        let (ikey, secret) = match key {
            Some(key) => (key.integration_key, key.secret_key),
            None => (String::new(), Secret::new("")),
        };
        let host = account.api_hostname().to_owned();
        Self { account: Arc::new(Mutex::new(account)), host, ikey: Ikey::new(ikey), secret, watch: None }
    }

    /// The same client, which passes the account to `watch` after each of its calls.
    #[must_use]
    pub fn watched(&self, watch: impl FnMut(&mut Account) + Send + 'static) -> Self {
        Self { watch: Some(Arc::new(Mutex::new(watch))), ..self.clone() }
    }

    /// The account, to inspect and to edit behind the client's back. Must not be held across a call.
    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often a path was called, e.g. `GET /admin/v3/integrations/{id}`.
    pub fn requests(&self, call: &str) -> usize {
        self.account().requests().get(call).copied().unwrap_or_default()
    }

    /// The total number of calls.
    pub fn total_requests(&self) -> usize {
        self.account().requests().values().sum()
    }

    /// Resets the call counts.
    pub fn forget_requests(&self) {
        self.account().forget_requests();
    }

    /// The key that signs.
    pub fn ikey(&self) -> &Ikey {
        &self.ikey
    }

    fn request(&self, call: &ApiCall, now: i64) -> RawRequest {
        let (scheme, signed) = match call.signing {
            Signing::Unsigned => (Scheme::V5, false),
            Signing::By(scheme) => (scheme, true),
        };
        let is_json = call.method.has_body() && signed && matches!(scheme, Scheme::V4 | Scheme::V5);
        let is_form = call.method.has_body() && !is_json;
        let pairs = if is_json { Vec::new() } else { pairs(&call.params) };
        let body = match (is_json, is_form) {
            (true, _) => Value::Object(call.params.clone()).to_string().into_bytes(),
            (_, true) => canonical_params(&pairs).into_bytes(),
            (false, false) => Vec::new(),
        };
        let date = date(now);
        let mut headers = vec![("Host".to_owned(), self.host.clone()), ("Date".to_owned(), date.clone())];
        if signed {
            let signable = Signable {
                date: &date,
                method: call.method.as_str(),
                host: &self.host,
                path: &call.path,
                params: &pairs,
                body: if is_json { &body } else { b"" },
                duo_headers: &[],
            };
            let signature = signature(scheme, &self.secret, &signable);
            headers.push(("Authorization".to_owned(), authorization(self.ikey.as_str(), &signature)));
        }
        let media_type = if is_form { "application/x-www-form-urlencoded" } else { "application/json" };
        if call.method.has_body() {
            headers.push(("Content-Type".to_owned(), media_type.to_owned()));
        }
        let has_query = !call.method.has_body() && !pairs.is_empty();
        let target =
            if has_query { format!("{}?{}", call.path, canonical_params(&pairs)) } else { call.path.clone() };
        RawRequest::new(call.method.as_str(), &target, headers, body)
    }
}

impl Direct {
    /// `None` if no answer ever comes.
    fn exchange(&self, call: &ApiCall) -> Option<Result<Success, DuoError>> {
        let now = Timestamp::now().as_second();
        let request = self.request(call, now);
        let mut account = self.account();
        let lost = |reason: &str| DuoError::Lost { call: described(call), reason: reason.to_owned() };
        let strike = account.strike(&request, now);
        let answer = match strike {
            Strike::None | Strike::ResetAfter | Strike::Truncate | Strike::HaltAfter | Strike::Endless => {
                Some(account.answer(&request, now))
            }
            Strike::Answer(_) | Strike::ResetBefore | Strike::Halt => None,
        };
        if let Some(watch) = &self.watch {
            (watch.lock().unwrap_or_else(PoisonError::into_inner))(&mut account);
        }
        match (strike, answer) {
            (Strike::None, Some(reply)) => Some(outcome(call, reply)),
            (Strike::Answer(raw), _) => Some(Err(made_up(call, &raw))),
            (Strike::Truncate, _) => Some(Err(lost("the answer ended early"))),
            (Strike::Halt | Strike::HaltAfter | Strike::Endless, _) => None,
            (Strike::None | Strike::ResetBefore | Strike::ResetAfter, _) => {
                Some(Err(lost("the connection was reset")))
            }
        }
    }
}

impl Fetch for Direct {
    /// As over HTTPS, for the documents of this account.
    fn fetch<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, FetchError>> {
        Box::pin(async move {
            let rest = url.strip_prefix("https://").unwrap_or_default();
            let (host, path) = rest.split_at_checked(rest.find('/').unwrap_or_default()).unwrap_or_default();
            let headers = vec![("Host".to_owned(), host.to_owned())];
            let request = RawRequest::new("GET", path, headers, Vec::new());
            match self.account().answer(&request, Timestamp::now().as_second()) {
                Reply::Raw { body, .. } => Ok(body),
                _ => Err(FetchError::Absent { url: url.to_owned(), status: 404 }),
            }
        })
    }
}

impl Transport for Direct {
    async fn send(&self, call: &ApiCall) -> Result<Success, DuoError> {
        // As on a network, other tasks run before an answer arrives.
        tokio::task::yield_now().await;
        match self.exchange(call) {
            Some(outcome) => outcome,
            None => pending().await,
        }
    }

    fn signed_by(&self, ikey: &Ikey, secret: &Secret) -> Self {
        Self { ikey: ikey.clone(), secret: secret.clone(), ..self.clone() }
    }

    fn host(&self) -> &str {
        &self.host
    }
}

fn pairs(params: &Map<String, Value>) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    params.iter().map(|(key, value)| (key.clone(), text(value))).collect()
}

fn date(now: i64) -> String {
    let date = Timestamp::from_second(now).map(|time| DateTimePrinter::new().timestamp_to_string(&time));
    date.ok().and_then(Result::ok).unwrap_or_default()
}

fn described(call: &ApiCall) -> String {
    format!("{} {}", call.method.as_str(), call.path)
}

fn outcome(call: &ApiCall, reply: Reply) -> Result<Success, DuoError> {
    match reply {
        Reply::Ok(response) => Ok(Success { response, metadata: Value::Null }),
        Reply::Page(rows, metadata) => Ok(Success { response: Value::Array(rows), metadata }),
        Reply::Fail { code, message, detail } => {
            let status = u16::try_from(code / 100).unwrap_or(500);
            let message = message.to_owned();
            Err(DuoError::Refused(Refusal {
                call: described(call),
                status,
                code: Some(code),
                message,
                detail,
            }))
        }
        Reply::SoftFail(refusal) => outcome(call, *refusal).map_err(|error| match error {
            DuoError::Refused(refusal) => DuoError::Refused(Refusal { status: 200, ..refusal }),
            other => other,
        }),
        Reply::NotSimulated { what } => {
            let reason = format!("not simulated: {what}");
            Err(DuoError::Unexpected { call: described(call), status: 501, reason })
        }
        Reply::Raw { content_type, .. } => {
            let reason = format!("{content_type} instead of Duo's JSON");
            Err(DuoError::Unexpected { call: described(call), status: 200, reason })
        }
    }
}

/// The error for a faked reply, without retries.
fn made_up(call: &ApiCall, raw: &RawReply) -> DuoError {
    let described = described(call);
    match (raw.status, serde_json::from_slice::<Value>(&raw.body)) {
        (429, _) => DuoError::RateLimited { call: described, attempts: 1 },
        (status, Ok(envelope)) => DuoError::Refused(Refusal {
            call: described,
            status,
            code: envelope.get("code").and_then(Value::as_u64).and_then(|code| u32::try_from(code).ok()),
            message: envelope.get("message").and_then(Value::as_str).unwrap_or_default().to_owned(),
            detail: None,
        }),
        (status, Err(_)) => {
            DuoError::Unexpected { call: described, status, reason: "it is not JSON".to_owned() }
        }
    }
}
