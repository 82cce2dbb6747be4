//! The certificate authorities that a TLS connection trusts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

use crate::reading::{self, Encoding};

/// The largest certificate file that is read.
const MAX_FILE: u64 = 4 << 20;

/// Where the trusted authorities come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsRoots {
    /// Mozilla's list, built into duoctl.
    #[default]
    Bundled,
    /// The list of this machine, which its administrators may have changed.
    System,
}

impl TlsRoots {
    /// Every value by its name in the YAML and on the command line.
    pub const NAMED: [(&str, Self); 2] = [("bundled", Self::Bundled), ("system", Self::System)];

    /// The value with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, roots)| roots)
    }
}

/// The authorities that a TLS connection trusts. By default the bundled ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorities {
    /// Where the trusted authorities come from.
    pub roots: TlsRoots,
    /// A PEM file with additional trusted authorities.
    pub ca_file: Option<PathBuf>,
}

impl Authorities {
    /// Trusts the authorities in this file in addition to the bundled ones.
    pub fn file(ca_file: impl Into<PathBuf>) -> Self {
        Self { ca_file: Some(ca_file.into()), ..Self::default() }
    }
}

/// Why the authorities cannot be loaded.
#[derive(Debug, Error)]
pub enum TrustError {
    /// This machine has no readable list of authorities.
    #[error("tls_roots is system, but this machine has no usable certificate authorities: {reason}")]
    NoSystemRoots {
        /// One line for people.
        reason: String,
    },
    /// The file cannot be read.
    #[error("the CA file {} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// One line for people.
        reason: String,
    },
    /// The file contains no certificate.
    #[error("the CA file {} contains no certificate; it must be PEM, with -----BEGIN CERTIFICATE-----", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A certificate in the file is broken.
    #[error("certificate {number} in the CA file {} is unusable: {reason}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The number of the certificate, from 1.
        number: usize,
        /// One line for people.
        reason: String,
    },
    /// The crypto provider does not offer TLS 1.2 or 1.3.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// TLS 1.2 or newer with `ring`, independent of the process's default provider.
///
/// # Errors
///
/// [`TrustError`] when the file or the list of this machine is not usable.
pub fn client_config(authorities: &Authorities) -> Result<ClientConfig, TrustError> {
    let roots = trusted(authorities)?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TrustError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// One of the two lists, and the file.
fn trusted(authorities: &Authorities) -> Result<RootCertStore, TrustError> {
    let mut roots = match authorities.roots {
        TlsRoots::Bundled => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        TlsRoots::System => system_roots()?,
    };
    if let Some(path) = &authorities.ca_file {
        add_file(&mut roots, path)?;
    }
    Ok(roots)
}

/// The authorities of this machine. One that cannot be used is skipped, as in other programs. An empty list is an error:
/// nothing would be trusted, and each call would fail for a reason that is hard to guess.
fn system_roots() -> Result<RootCertStore, TrustError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if !roots.is_empty() {
        return Ok(roots);
    }
    let reason = found.errors.first().map_or_else(
        || "install them (Debian: ca-certificates), or set SSL_CERT_FILE".to_owned(),
        ToString::to_string,
    );
    Err(TrustError::NoSystemRoots { reason })
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), TrustError> {
    let unreadable = |reason: String| TrustError::Unreadable { path: path.to_owned(), reason };
    let bytes = reading::bytes(path, MAX_FILE).map_err(|error| unreadable(error.to_string()))?;
    if let Some(wide @ Encoding::Wide(_)) = reading::encoding(&bytes) {
        return Err(unreadable(wide.to_string()));
    }
    let pem = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut found = 0;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        found += 1;
        let broken = |reason: String| TrustError::Broken { path: path.to_owned(), number: found, reason };
        let certificate = certificate.map_err(|_| broken("its PEM is malformed".to_owned()))?;
        roots.add(certificate).map_err(|error| broken(error.to_string()))?;
    }
    if found == 0 { Err(TrustError::Empty { path: path.to_owned() }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn message(content: &[u8]) -> String {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let text = client_config(&Authorities::file(file.path())).unwrap_err().to_string();
        text.replace(&file.path().display().to_string(), "FILE")
    }

    #[test]
    fn a_usable_file_adds_to_the_built_in_roots() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["x".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "a comment\n{pem}{}", key.serialize_pem()).unwrap();
        let mut roots = RootCertStore::empty();
        add_file(&mut roots, file.path()).unwrap();
        assert_eq!(roots.len(), 1);
        assert!(client_config(&Authorities::file(file.path())).is_ok());
    }

    #[test]
    fn one_list_is_trusted_and_never_both() {
        let bundled = trusted(&Authorities::default()).unwrap();
        assert_eq!(bundled.roots, webpki_roots::TLS_SERVER_ROOTS);
        let mut machine = RootCertStore::empty();
        machine.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let system = Authorities { roots: TlsRoots::System, ca_file: None };
        match trusted(&system) {
            Ok(trusted) => assert_eq!(trusted.roots, machine.roots),
            Err(error) => assert!(machine.is_empty(), "{error}"),
        }
    }

    #[test]
    fn an_unusable_file_is_explained() {
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        for content in ["", "hello", key.as_str()] {
            assert_eq!(
                message(content.as_bytes()),
                "the CA file FILE contains no certificate; it must be PEM, with -----BEGIN CERTIFICATE-----"
            );
        }
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(message(broken).starts_with("certificate 1 in the CA file FILE is unusable: "));
        let cut = b"-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert!(
            message(cut).starts_with("certificate 1 in the CA file FILE is unusable: its PEM is malformed")
        );
        assert!(
            message(&vec![b'x'; (4 << 20) + 1])
                .ends_with("cannot be read: it is too large: the limit is 4 MB")
        );
        let missing = client_config(&Authorities::file("no/such/file.pem")).unwrap_err().to_string();
        assert_eq!(missing, "the CA file no/such/file.pem cannot be read: it does not exist");
    }

    #[test]
    fn every_name_of_a_list_is_distinct_and_understood() {
        for (name, roots) in TlsRoots::NAMED {
            assert_eq!(TlsRoots::named(name), Some(roots));
        }
        assert_eq!(TlsRoots::named("System"), None);
        assert_eq!(TlsRoots::default(), TlsRoots::Bundled);
    }
}
