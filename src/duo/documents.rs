//! Public documents of an account's single sign-on service (SAML metadata, OpenID discovery, signing keys), and the TLS
//! handshake with any host. Nothing here is signed, and no key is sent.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_ENCODING, LOCATION};
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::host::check_host;
use super::https::{Authorities, HttpsConfig, TrustError, explain, explain_tls, tls_config};
use super::request::USER_AGENT;
use crate::text::{bounded, printable};

/// The largest document that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// The most characters of a URL that are shown.
const SHOWN: usize = 200;

/// Why a document could not be fetched. Texts are printable.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FetchError {
    /// The URL may not be called.
    #[error("{url} is not called: {reason}")]
    Forbidden {
        /// The URL.
        url: String,
        /// Why.
        reason: &'static str,
    },
    /// There is nothing at the URL.
    #[error("{url} answers with HTTP {status}")]
    Absent {
        /// The URL.
        url: String,
        /// 404 or 410.
        status: u16,
    },
    /// An answer that is not the document.
    #[error("{url} {reason}")]
    Unexpected {
        /// The URL.
        url: String,
        /// What it does instead.
        reason: String,
    },
    /// No complete answer.
    #[error("{url} cannot be read: {reason}")]
    Unreachable {
        /// The URL.
        url: String,
        /// One line for people.
        reason: String,
    },
}

/// Fetches public documents: over HTTPS, or from the simulator in tests.
pub trait Fetch: Send + Sync {
    /// The body of a document.
    fn fetch<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, FetchError>>;
}

/// How hosts are reached: the same way as the account's API.
#[derive(Clone, Debug)]
pub struct Route {
    authorities: Authorities,
    connect_to: Option<SocketAddr>,
    connect_timeout: Duration,
    total_timeout: Duration,
}

impl Route {
    /// The route of a connection to the API.
    pub fn of(config: &HttpsConfig) -> Self {
        Self {
            authorities: config.authorities.clone(),
            connect_to: config.connect_to,
            connect_timeout: config.connect_timeout,
            total_timeout: config.total_timeout,
        }
    }
}

/// Fetches documents from Duo's hosts only. With `connect_to`, every name leads to that loopback address.
pub struct Documents {
    client: reqwest::Client,
    route: Route,
}

/// Sends every name to one address.
struct Always(SocketAddr);

impl Resolve for Always {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(std::iter::once(self.0));
        Box::pin(async move { Ok(addresses) })
    }
}

impl Documents {
    /// A client; sends nothing yet. Redirects are not followed.
    ///
    /// # Errors
    ///
    /// When the trusted authorities cannot be loaded.
    pub fn new(route: Route) -> Result<Self, TrustError> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls_config(&route.authorities)?)
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(route.connect_timeout)
            .timeout(route.total_timeout)
            .https_only(true);
        if let Some(address) = route.connect_to {
            builder = builder.no_proxy().dns_resolver(Arc::new(Always(address)));
        }
        let client = builder.build().map_err(|error| TrustError::Tls(error.to_string()))?;
        Ok(Self { client, route })
    }

    async fn get(&self, text: &str) -> Result<Vec<u8>, FetchError> {
        let url = bounded(text, SHOWN);
        let target = target(text, self.route.connect_to)
            .map_err(|reason| FetchError::Forbidden { url: url.clone(), reason })?;
        let unreachable = |error: &reqwest::Error| FetchError::Unreachable {
            url: url.clone(),
            reason: explain(error, self.route.connect_timeout, self.route.total_timeout),
        };
        let unexpected = |reason: String| FetchError::Unexpected { url: url.clone(), reason };
        let mut response = self.client.get(target).send().await.map_err(|error| unreachable(&error))?;
        let header = |name| {
            response.headers().get(name).map(|value| printable(&String::from_utf8_lossy(value.as_bytes())))
        };
        match response.status().as_u16() {
            200 => {}
            status @ (404 | 410) => return Err(FetchError::Absent { url, status }),
            status @ 300..=399 => {
                let place = header(LOCATION).unwrap_or_else(|| "nowhere".to_owned());
                return Err(unexpected(format!(
                    "redirects to {place}, which is not followed (HTTP {status})"
                )));
            }
            status => return Err(unexpected(format!("answers with HTTP {status}"))),
        }
        if let Some(encoding) = header(CONTENT_ENCODING).filter(|encoding| encoding != "identity") {
            return Err(unexpected(format!("answers in the encoding {encoding}, which was not asked for")));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
            if bytes.len().saturating_add(chunk.len()) > MAX_BYTES {
                return Err(unexpected(format!("answers with more than {MAX_BYTES} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

impl Fetch for Documents {
    fn fetch<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, FetchError>> {
        Box::pin(self.get(url))
    }
}

/// The URL to request, if it may be called: HTTPS to one of Duo's hosts, or to the simulator at `connect_to`.
fn target(text: &str, connect_to: Option<SocketAddr>) -> Result<Url, &'static str> {
    let mut url = Url::parse(text).map_err(|_| "it is not a URL")?;
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return Err("it is not an https:// URL without a user name and password");
    }
    let port = match (url.host(), connect_to) {
        (Some(Host::Domain(name)), None) if check_host(name, false).is_ok() => match url.port() {
            None => None,
            Some(_) => return Err("Duo answers on port 443 only"),
        },
        // The port comes from the address to which every name leads.
        (Some(Host::Domain(_)), Some(_)) => None,
        (Some(Host::Ipv4(ip)), Some(address)) if IpAddr::V4(ip) == address.ip() => Some(address.port()),
        (Some(Host::Ipv6(ip)), Some(address)) if IpAddr::V6(ip) == address.ip() => Some(address.port()),
        (_, None) => return Err("its host is not one of Duo's"),
        (_, Some(_)) => return Err("it is not the simulator"),
    };
    url.set_port(port).map_err(|()| "its port cannot be set")?;
    Ok(url)
}

/// Why no TLS connection could be set up with a host. Texts are printable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// Not called, and why.
    Elsewhere(&'static str),
    /// The certificate has expired, or is for another name.
    WrongCertificate(String),
    /// Anything else, which may depend on where duoctl runs.
    Open(String),
}

/// Sets up TLS connections and closes them. No request is sent.
pub struct Handshakes {
    tls: Arc<rustls::ClientConfig>,
    limit: Duration,
    /// Only this machine may be reached, because the account is simulated.
    loopback: bool,
}

impl Handshakes {
    /// Trusts the same authorities as a connection to the API.
    ///
    /// # Errors
    ///
    /// When the trusted authorities cannot be loaded.
    pub fn new(route: &Route) -> Result<Self, TrustError> {
        let tls = Arc::new(tls_config(&route.authorities)?);
        Ok(Self { tls, limit: route.connect_timeout, loopback: route.connect_to.is_some() })
    }

    /// One TCP connection and one TLS handshake; the certificate has to be valid for the name.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`].
    pub async fn shake(&self, host: &str, port: u16) -> Result<(), HandshakeError> {
        let open = |reason: String| HandshakeError::Open(reason);
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_here = bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if self.loopback && !is_here {
            return Err(HandshakeError::Elsewhere(
                "the account is simulated, so duoctl connects to nothing outside of this machine",
            ));
        }
        if !self.loopback && is_here {
            return Err(HandshakeError::Elsewhere("it is on the device of the person who logs in"));
        }
        let name =
            ServerName::try_from(bare.clone()).map_err(|_| open("its name is not valid".to_owned()))?;
        let connected = async {
            let addresses = lookup_host((bare.as_str(), port))
                .await
                .map_err(|_| "its name cannot be resolved".to_owned())?;
            let wanted: Vec<SocketAddr> =
                addresses.filter(|address| !self.loopback || address.ip().is_loopback()).collect();
            if wanted.is_empty() {
                return Err("its name leads to no address".to_owned());
            }
            TcpStream::connect(wanted.as_slice()).await.map_err(|error| error.kind().to_string())
        };
        let late = || format!("no connection within {} s", self.limit.as_secs());
        let stream = tokio::time::timeout(self.limit, connected).await;
        let stream = stream.map_err(|_| open(late()))?.map_err(open)?;
        let shaken = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream);
        match tokio::time::timeout(self.limit, shaken).await {
            Err(_) => Err(open(late())),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(judged(&error)),
        }
    }
}

/// A certificate that is wrong wherever the caller is, or anything else.
fn judged(error: &std::io::Error) -> HandshakeError {
    use rustls::CertificateError::{Expired, ExpiredContext, NotValidForName, NotValidForNameContext};
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(
            tls @ rustls::Error::InvalidCertificate(
                Expired | ExpiredContext { .. } | NotValidForName | NotValidForNameContext { .. },
            ),
        ) => HandshakeError::WrongCertificate(explain_tls(tls)),
        Some(tls) => HandshakeError::Open(explain_tls(tls)),
        None => HandshakeError::Open(error.kind().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_duos_hosts_are_called_and_with_a_simulator_only_this_machine() {
        let sandbox: SocketAddr = "127.0.0.1:8443".parse().unwrap();
        let shown = |text: &str, to| target(text, to).map(|url| url.to_string());
        let metadata = "https://sso-1a2b3c4d.sso.duosecurity.com/saml2/sp/DIX/metadata";
        assert_eq!(shown(metadata, None).as_deref(), Ok(metadata));
        assert_eq!(shown(metadata, Some(sandbox)).as_deref(), Ok(metadata));
        let with_port = metadata.replace(".com/", ".com:8443/");
        assert_eq!(shown(&with_port, None), Err("Duo answers on port 443 only"));
        assert_eq!(shown(&with_port, Some(sandbox)).as_deref(), Ok(metadata));
        assert_eq!(shown("https://127.0.0.1/x", Some(sandbox)).as_deref(), Ok("https://127.0.0.1:8443/x"));
        for refused in [
            "http://sso-1a2b3c4d.sso.duosecurity.com/",
            "https://user@sso-1a2b3c4d.sso.duosecurity.com/",
            "https://sso.duosecurity.com.example.com/",
            "https://example.com/",
            "https://192.0.2.1/",
            "https://127.0.0.1/",
            "https://localhost/",
            "https://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
            "metadata",
            "",
        ] {
            assert!(target(refused, None).is_err(), "{refused}");
        }
        for refused in ["https://192.0.2.1/", "https://[::1]/", "https://127.0.0.2/"] {
            assert_eq!(shown(refused, Some(sandbox)), Err("it is not the simulator"), "{refused}");
        }
    }
}
