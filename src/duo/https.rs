//! The only code that touches the network: HTTPS to one API host (duo-api.md, section 9).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, HOST, HeaderMap, HeaderName,
    HeaderValue, LOCATION, RETRY_AFTER,
};
use thiserror::Error;

use super::backoff::Backoff;
use super::call::Method;
use super::channel::{Channel, Exchange, Fault};
use super::error::Unreachable;
use super::host::{HostError, check_host};
use super::limiter::Limits;
use super::object::Ikey;
use super::reply::{Body, Reply};
use super::request::{Key, SignedRequest, USER_AGENT};
use crate::secret::Secret;

mod fault;
mod proxy;
mod trust;

pub use trust::{Authorities, TlsRoots, TrustError, client_config as tls_config};

/// An error of an HTTP client in one line for people, without URLs.
pub fn explain(error: &reqwest::Error, connect: Duration, total: Duration) -> String {
    match fault::fault(error, connect, total) {
        Fault::Unreachable(_, reason) | Fault::Lost(reason) => reason,
    }
}

/// What is wrong with a server's TLS, in one line for people.
pub(crate) fn explain_tls(error: &rustls::Error) -> String {
    fault::untrusted(error)
}

/// The transport that commands use.
pub type HttpsTransport = Channel<Https>;

/// How to reach an account.
pub struct HttpsConfig {
    /// The API hostname, bare.
    pub host: String,
    /// The key that signs.
    pub ikey: Ikey,
    /// Its secret half.
    pub skey: Secret,
    /// The trusted authorities.
    pub authorities: Authorities,
    /// Connect to this loopback address instead, with the same hostname: server name, certificate check, `Host` header and
    /// signature do not change. Proxies are bypassed.
    pub connect_to: Option<SocketAddr>,
    /// The rate budgets.
    pub limits: Limits,
    /// The waits after a 429 and between retries.
    pub backoff: Backoff,
    /// The time limit for setting up a connection, including TLS. Shorter than `total_timeout`.
    pub connect_timeout: Duration,
    /// The time limit for a complete reply, however slowly it arrives.
    pub total_timeout: Duration,
    /// The most bytes of a reply's body that are read.
    pub max_body: usize,
    /// Resolves the hostname instead of the system, e.g. so that a test needs no name server.
    pub resolver: Option<Arc<dyn reqwest::dns::Resolve>>,
}

impl HttpsConfig {
    /// For Duo itself, with suitable limits and timeouts.
    pub fn new(host: impl Into<String>, ikey: Ikey, skey: Secret) -> Self {
        Self {
            host: host.into(),
            ikey,
            skey,
            authorities: Authorities::default(),
            connect_to: None,
            limits: Limits::DUO,
            backoff: Backoff::default(),
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
            max_body: 32_000_000,
            resolver: None,
        }
    }
}

/// Why no transport could be created. Nothing was sent.
#[derive(Debug, Error)]
pub enum HttpsError {
    /// The host is not allowed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// `connect_to` is not on this machine, so another host than the owner of the hostname could answer.
    #[error("{0} is not a loopback address; connect to 127.0.0.1 or [::1], or leave it out")]
    NotLoopback(SocketAddr),
    /// The host is an address that differs from `connect_to`.
    #[error("the host is the address {host}, but connect_to is {connect_to}")]
    OtherAddress {
        /// The host.
        host: IpAddr,
        /// The address to connect to.
        connect_to: SocketAddr,
    },
    /// The trusted authorities could not be loaded.
    #[error(transparent)]
    Authorities(#[from] TrustError),
    /// A proxy variable in the environment is invalid. Its value is not repeated: it may contain a password.
    #[error("the environment variable {variable} cannot be used: {reason}")]
    Proxy {
        /// Its name.
        variable: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// The HTTP client could not be set up.
    #[error("the HTTPS client cannot be set up: {0}")]
    Client(String),
}

impl HttpsTransport {
    /// A transport over HTTPS. Sends nothing yet.
    ///
    /// TLS is 1.2 or newer; proxies come from the environment (`HTTPS_PROXY`, `NO_PROXY`); redirects are not
    /// followed.
    ///
    /// # Errors
    ///
    /// [`HttpsError`] when the host, the address or the authorities are unusable.
    pub fn open(config: HttpsConfig) -> Result<Self, HttpsError> {
        let host = config.host.to_ascii_lowercase();
        let https = Https::new(&config, &host)?;
        let key = Key { ikey: config.ikey, skey: config.skey };
        Ok(Self::new(https, host, key, config.limits, config.backoff))
    }
}

/// HTTPS to one host.
pub struct Https {
    reads: reqwest::Client,
    /// Keeps no connections. A peer that closes one silently loses the next request on it: a read is retried, but the outcome
    /// of a write would be unknown.
    writes: reqwest::Client,
    /// Scheme and authority of every URL.
    base: String,
    host: HeaderValue,
    connect_timeout: Duration,
    total_timeout: Duration,
    max_body: usize,
}

impl Https {
    fn new(config: &HttpsConfig, host: &str) -> Result<Self, HttpsError> {
        check_host(host, config.connect_to.is_some())?;
        let base = base(host, config.connect_to)?;
        // A simulator on this machine is reached without a proxy.
        let environment = |name: &str| std::env::var_os(name).filter(|_| config.connect_to.is_none());
        if let Some((variable, reason)) = proxy::fault(environment) {
            return Err(HttpsError::Proxy { variable, reason });
        }
        // Both clients share TLS sessions.
        let tls = trust::client_config(&config.authorities)?;
        let build = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| HttpsError::Client(fault::innermost(&error)))
        };
        Ok(Self {
            reads: build(client(config, host, tls.clone()))?,
            writes: build(client(config, host, tls).pool_max_idle_per_host(0))?,
            base,
            host: HeaderValue::from_str(host).map_err(|_| HostError::Malformed(host.to_owned()))?,
            connect_timeout: config.connect_timeout,
            total_timeout: config.total_timeout,
            max_body: config.max_body,
        })
    }

    fn headers(&self, request: &SignedRequest) -> Result<HeaderMap, Fault> {
        let mut headers = HeaderMap::new();
        let mut put = |name: HeaderName, text: &str, sensitive: bool| {
            let mut value = HeaderValue::from_str(text).map_err(|_| {
                Fault::Unreachable(
                    Unreachable::Other,
                    format!("the {name} header cannot be sent; check the keys"),
                )
            })?;
            value.set_sensitive(sensitive);
            headers.insert(name, value);
            Ok(())
        };
        put(DATE, &request.date, false)?;
        if let Some(authorization) = &request.authorization {
            put(AUTHORIZATION, authorization.expose(), true)?;
        }
        if let Some(content_type) = request.content_type {
            put(CONTENT_TYPE, content_type, false)?;
        }
        // Signatures cover the host without a port, and a simulator verifies them by this header.
        headers.insert(HOST, self.host.clone());
        Ok(headers)
    }

    fn fault(&self, error: &reqwest::Error) -> Fault {
        fault::fault(error, self.connect_timeout, self.total_timeout)
    }

    async fn body(&self, mut response: reqwest::Response) -> Body {
        let announced =
            response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: usize| length > self.max_body) {
            return Body::TooLarge(self.max_body);
        }
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len().saturating_add(chunk.len()) > self.max_body => {
                    return Body::TooLarge(self.max_body);
                }
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => return Body::Whole(bytes),
                Err(error) => {
                    return Body::Broken(match self.fault(&error) {
                        Fault::Lost(reason) | Fault::Unreachable(_, reason) => reason,
                    });
                }
            }
        }
    }
}

impl Exchange for Https {
    async fn exchange(&self, request: &SignedRequest) -> Result<Reply, Fault> {
        let (client, method) = match request.method {
            Method::Get => (&self.reads, reqwest::Method::GET),
            Method::Post => (&self.writes, reqwest::Method::POST),
            Method::Put => (&self.writes, reqwest::Method::PUT),
            Method::Delete => (&self.writes, reqwest::Method::DELETE),
        };
        let mut builder = client
            .request(method, format!("{}{}", self.base, request.target))
            .headers(self.headers(request)?);
        if request.content_type.is_some() {
            builder = builder.body(request.body.clone());
        }
        let response = builder.send().await.map_err(|error| self.fault(&error))?;
        let text =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        // Duo does not send Retry-After so far. Of its two forms only seconds are supported.
        let retry_after =
            text(RETRY_AFTER).and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
        let (content_type, content_encoding, location) =
            (text(CONTENT_TYPE), text(CONTENT_ENCODING), text(LOCATION));
        let status = response.status().as_u16();
        let body = self.body(response).await;
        Ok(Reply { status, content_type, content_encoding, location, retry_after, body })
    }
}

/// Scheme and authority of every URL.
fn base(host: &str, connect_to: Option<SocketAddr>) -> Result<String, HttpsError> {
    let Some(address) = connect_to else { return Ok(format!("https://{host}")) };
    if !address.ip().to_canonical().is_loopback() {
        return Err(HttpsError::NotLoopback(address));
    }
    match host.parse::<IpAddr>() {
        Ok(ip) if ip != address.ip() => Err(HttpsError::OtherAddress { host: ip, connect_to: address }),
        Ok(_) => Ok(format!("https://{address}")),
        Err(_) => Ok(format!("https://{host}")),
    }
}

fn client(config: &HttpsConfig, host: &str, tls: rustls::ClientConfig) -> reqwest::ClientBuilder {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(config.connect_timeout)
        .timeout(config.total_timeout)
        // Shorter than the idle timeout of any gateway.
        .pool_idle_timeout(Duration::from_secs(20))
        .https_only(true);
    if let Some(resolver) = &config.resolver {
        builder = builder.dns_resolver(Arc::clone(resolver));
    }
    if let Some(address) = config.connect_to {
        // The URL has no port, so the port comes from this address.
        builder = builder.no_proxy().resolve(host, address);
    }
    builder
}
