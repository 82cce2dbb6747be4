//! Turns the HTTP client's errors into plain words, and tells whether anything was sent.

use std::error::Error;
use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError};

use crate::duo::channel::Fault;
use crate::duo::error::Unreachable;

/// Without a connection nothing was sent; any later error may have come after the request.
pub(super) fn fault(error: &reqwest::Error, connect: Duration, total: Duration) -> Fault {
    if error.is_builder() {
        return Fault::Unreachable(Unreachable::Other, innermost(error));
    }
    if error.is_connect() {
        let (kind, reason) = connecting(error, connect);
        return Fault::Unreachable(kind, reason);
    }
    if error.is_timeout() {
        return Fault::Lost(format!("it did not arrive within {}", seconds(total)));
    }
    Fault::Lost("the connection ended before the answer was complete".to_owned())
}

fn connecting(error: &reqwest::Error, limit: Duration) -> (Unreachable, String) {
    if let Some(refusal) = chain(error).map(ToString::to_string).find(|text| text.starts_with("tunnel error"))
    {
        return (Unreachable::Proxy, proxy(&refusal));
    }
    if error.is_dns() {
        return (Unreachable::Name, "the name cannot be resolved; check the name and the network".to_owned());
    }
    if let Some(tls) = chain(error).find_map(within::<rustls::Error>) {
        return (Unreachable::Tls, untrusted(tls));
    }
    if error.is_timeout() {
        return (Unreachable::Timeout, format!("no connection within {}", seconds(limit)));
    }
    match chain(error).find_map(|error| error.downcast_ref::<io::Error>()) {
        Some(io) if io.kind() == io::ErrorKind::UnexpectedEof => {
            (Unreachable::Connect, "the connection was closed while TLS was set up".to_owned())
        }
        Some(io) => (Unreachable::Connect, io.kind().to_string()),
        None => (Unreachable::Other, innermost(error)),
    }
}

fn proxy(refusal: &str) -> String {
    let what = match refusal {
        text if text.contains("authorization required") => "asks for credentials",
        text if text.contains("underlying connection") => "cannot be reached",
        text if text.contains("unsuccessful") => "refuses to connect to it",
        _ => "closed the connection",
    };
    format!("the proxy {what}; check HTTPS_PROXY and NO_PROXY")
}

/// What is wrong with the server's TLS, and what to do.
pub(super) fn untrusted(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::UnknownIssuer => {
                "its certificate comes from an untrusted authority; behind a proxy that inspects TLS, \
                 set ca_file to that proxy's authority, or tls_roots to system if this machine trusts it"
                    .to_owned()
            }
            CertificateError::BadSignature => {
                "its certificate was not signed by the trusted authority of that name; the ca_file may be out of date"
                    .to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another hostname; check the name, and who answers for it".to_owned()
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired, or this machine's clock is wrong".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet, or this machine's clock is wrong".to_owned()
            }
            other => format!("its certificate is not valid: {other}"),
        },
        rustls::Error::PeerIncompatible(_)
        | rustls::Error::AlertReceived(AlertDescription::ProtocolVersion | AlertDescription::InsufficientSecurity) => {
            "it does not offer TLS 1.2 or newer with a cipher that is still safe".to_owned()
        }
        rustls::Error::InvalidMessage(_) => "the server does not use TLS".to_owned(),
        other => format!("TLS failed: {other}"),
    }
}

/// The text of the root cause. The outer errors may contain a URL with its query.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().filter(|cause| !cause.is::<reqwest::Error>()).map_or_else(
        || "the HTTP client failed".to_owned(),
        |cause| crate::text::printable(&cause.to_string()),
    )
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// An error of type `E`, even inside I/O errors, which do not return the wrapped error as their source.
fn within<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    if let Some(found) = error.downcast_ref::<E>() {
        return Some(found);
    }
    let inner: &'a (dyn Error + 'static) = error.downcast_ref::<io::Error>()?.get_ref()?;
    within(inner)
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::dns::{Name, Resolve, Resolving};
    use std::sync::Arc;

    struct NoNames;

    impl Resolve for NoNames {
        fn resolve(&self, _: Name) -> Resolving {
            Box::pin(async { Err("no such name".into()) })
        }
    }

    #[tokio::test]
    async fn a_name_without_address_is_told_apart() {
        let tls = super::super::trust::client_config(&super::super::Authorities::default()).unwrap();
        let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
        let client = client.dns_resolver(Arc::new(NoNames)).build().unwrap();
        let error = client.get("https://api-00000000.duosecurity.com/?a=hidden").send().await.unwrap_err();
        let found = fault(&error, Duration::from_secs(1), Duration::from_secs(1));
        let reason = "the name cannot be resolved; check the name and the network".to_owned();
        assert_eq!(found, Fault::Unreachable(Unreachable::Name, reason));
        assert!(!innermost(&error).contains("hidden"));
    }

    #[test]
    fn an_error_inside_io_errors_is_found() {
        let tls = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::other(tls.clone()));
        assert_eq!(within::<rustls::Error>(&wrapped), Some(&tls));
        assert_eq!(within::<rustls::Error>(&io::Error::other("x")), None);
    }
}
