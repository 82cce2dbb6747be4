//! A single request to a Vault server: TLS, bounded replies, and what its errors mean.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::super::options;
use super::super::store::StoreError;
use crate::credentials::Surroundings;
use crate::duo::https::{Authorities, TlsRoots, explain, tls_config};
use crate::duo::request::USER_AGENT;
use crate::secret::Secret;
use crate::text::printable;

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

const CONNECT: Duration = Duration::from_secs(10);
const TOTAL: Duration = Duration::from_secs(30);
/// The largest reply that is read, in bytes.
const MAX_ANSWER: usize = 1_000_000;

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

/// A server without a login.
pub(super) struct Http {
    address: String,
    namespace: String,
    authorities: Authorities,
    client: OnceCell<Client>,
}

/// A reply, whatever its status.
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    /// The body; `null` if it is empty or not JSON.
    pub(super) body: Value,
}

impl Answer {
    fn lines(&self, key: &str) -> impl Iterator<Item = &str> {
        let lines = self.body.get(key).and_then(Value::as_array).into_iter().flatten();
        lines.filter_map(Value::as_str)
    }

    /// The server's errors: a list of lines, or a single line from servers that only resemble Vault.
    fn complaints(&self) -> impl Iterator<Item = &str> {
        self.lines("errors").chain(self.body.get("error").and_then(Value::as_str))
    }

    /// Whether an error of the reply contains these words.
    pub(super) fn says(&self, words: &str) -> bool {
        self.complaints().any(|line| line.to_lowercase().contains(words))
    }

    /// Whether a warning of the reply contains these words.
    pub(super) fn warns(&self, words: &str) -> bool {
        self.lines("warnings").any(|line| line.to_lowercase().contains(words))
    }

    /// A 404 about the mount, not about the secret.
    pub(super) fn no_such_mount(&self) -> bool {
        ["no handler for route", "mount not found", "unsupported path", "preflight"]
            .iter()
            .any(|words| self.says(words))
    }

    /// What an error means that does not depend on the path.
    pub(super) fn refusal(&self, address: &str) -> StoreError {
        let said: Vec<&str> = self.complaints().map(str::trim).collect();
        let said = printable(&said.join("; "));
        match self.status {
            503 if self.says("sealed") => StoreError::new(format!("{address} is sealed"))
                .help("unseal it, then apply again; nothing is delivered twice"),
            501 => StoreError::new(format!("{address} is not initialised")),
            301 | 302 | 307 | 308 => StoreError::new(format!("{address} redirects to another server"))
                .help("set `address` to the active server or a load balancer"),
            429 | 473 => StoreError::new(format!("{address} asks clients to wait (HTTP {})", self.status))
                .help("apply again later"),
            status if said.is_empty() => StoreError::new(format!("{address} answered with HTTP {status}")),
            status => StoreError::new(format!("{address} refused the request: {said} (HTTP {status})")),
        }
    }
}

impl Http {
    pub(super) fn new(address: &str, options: &Value, around: &Surroundings) -> Self {
        let ca_file = Some(options::text(options, "ca_file")).filter(|file| !file.is_empty());
        Self {
            address: address.to_owned(),
            namespace: options::text(options, "namespace"),
            authorities: Authorities {
                roots: TlsRoots::named(&options::text(options, "tls_roots")).unwrap_or_default(),
                ca_file: ca_file.map(|file| around.folder.join(file)),
            },
            client: OnceCell::new(),
        }
    }

    /// Sends a single request.
    pub(super) async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        token: Option<&Secret>,
    ) -> Result<Answer, StoreError> {
        let client = self.client.get_or_try_init(|| async { self.open() }).await?;
        let mut headers = HeaderMap::from_iter([(REQUEST, HeaderValue::from_static("true"))]);
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(token.expose())
                .map_err(|_| StoreError::new("the Vault token contains invalid characters"))?;
            value.set_sensitive(true);
            headers.insert(TOKEN, value);
        }
        if !self.namespace.is_empty() {
            let value = HeaderValue::from_str(&self.namespace)
                .map_err(|_| StoreError::new("the Vault namespace contains invalid characters"))?;
            headers.insert(NAMESPACE, value);
        }
        let mut request = client.request(method, format!("{}/v1/{path}", self.address)).headers(headers);
        if let Some(body) = body {
            request = request.json(body);
        }
        let mut response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if bytes.len().saturating_add(chunk.len()) > MAX_ANSWER {
                return Err(StoreError::new(format!("the reply from {} is too long", self.address)));
            }
            bytes.extend_from_slice(&chunk);
        }
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        if status == 200 && body == Value::Null {
            return Err(StoreError::new(format!("the server at {} is not Vault", self.address))
                .help("check `address`; a proxy or a login page may be in front of it"));
        }
        Ok(Answer { status, body })
    }

    /// The server's name in messages.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    fn open(&self) -> Result<Client, StoreError> {
        let trust = tls_config(&self.authorities).map_err(|error| StoreError::new(error.to_string()))?;
        let builder = Client::builder()
            .tls_backend_preconfigured(trust)
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .https_only(true);
        builder
            .build()
            .map_err(|error| StoreError::new(format!("the HTTPS client cannot be set up: {error}")))
    }

    fn unreachable(&self, error: &reqwest::Error) -> StoreError {
        let reason = explain(error, CONNECT, TOTAL);
        StoreError::new(format!("{} cannot be reached: {reason}", self.address))
            .help("check `address`, `ca_file` and `tls_roots`, then apply again; nothing is delivered twice")
    }
}

/// A path with its slashes kept.
pub(super) fn escaped(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts.map(|part| utf8_percent_encode(part, ESCAPED).to_string()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use serde_json::json;

    use super::*;

    #[test]
    fn a_store_trusts_the_machine_only_when_it_says_so() {
        let authorities = |options: Value| {
            Http::new("https://vault.example", &options, &Surroundings::folder(Path::new("workspace")))
                .authorities
        };
        let bundled = Authorities::default();
        assert_eq!(bundled.roots, TlsRoots::Bundled);
        assert_eq!(authorities(json!({})), bundled);
        assert_eq!(authorities(json!({"tls_roots": "bundled"})), bundled);
        let system = Authorities { roots: TlsRoots::System, ca_file: None };
        assert_eq!(authorities(json!({"tls_roots": "system"})), system);
        let both = Authorities { ca_file: Some(PathBuf::from("workspace/ca.pem")), ..system };
        assert_eq!(authorities(json!({"tls_roots": "system", "ca_file": "ca.pem"})), both);
    }
}
