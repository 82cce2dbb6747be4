//! The certificate authority of a state folder, and the server certificates that it signs.
//!
//! The authority is created once and kept, so that a client that trusts `ca.pem` still does so after a restart. The server
//! certificate is created on every start. The authority may only sign for Duo's domains and loopback, so trusting it, or
//! losing its key, does not affect any other name.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivatePkcs8KeyDer;
use sha2::{Digest, Sha256};

use crate::atomic::{self, Readers};
use crate::duo::sign::hex;
use crate::reading::{self, ReadError};

/// The largest certificate or key that is read.
const MAX_FILE: u64 = 64 * 1024;

const CERTIFICATE: &str = "ca.pem";
const PRIVATE_KEY: &str = "ca.key";
const AUTHORITY_DAYS: i64 = 3650;
const SERVER_DAYS: i64 = 30;
/// The clocks of clients may be behind.
const SLACK_DAYS: i64 = 2;

/// The names that a server certificate is for.
const NAMES: &[&str] = &["*.duosecurity.com", "*.duofederal.com", "*.sso.duosecurity.com", "localhost"];
/// The domains that the authority may sign for.
const DOMAINS: &[&str] = &["duosecurity.com", "duofederal.com", "localhost"];

/// A certificate authority.
pub(super) struct Authority {
    params: CertificateParams,
    key: KeyPair,
    /// The certificate that clients trust.
    pub(super) pem: String,
    /// Its path.
    pub(super) file: PathBuf,
}

impl Authority {
    /// The authority of an existing state folder; created if it is missing.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let (file, key_file) = (folder.join(CERTIFICATE), folder.join(PRIVATE_KEY));
        let key = match reading::text(&key_file, MAX_FILE) {
            Ok(text) => KeyPair::from_pem(&text).map_err(|error| unusable(&key_file, &error))?,
            Err(ReadError::Missing) => {
                let key = KeyPair::generate().map_err(io::Error::other)?;
                // Readable only by its owner, and written atomically.
                atomic::create(&key_file, &key.serialize_pem(), Readers::Owner)?;
                // A certificate for another key is useless.
                fs::remove_file(&file).or_else(absent)?;
                key
            }
            Err(error) => return Err(error.into()),
        };
        let params = params(&key)?;
        let pem = match reading::text(&file, MAX_FILE) {
            Ok(pem) => pem,
            Err(ReadError::Missing) => {
                let pem = params.self_signed(&key).map_err(io::Error::other)?.pem();
                atomic::create(&file, &pem, Readers::Umask)?;
                pem
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self { params, key, pem, file })
    }

    /// TLS with a new certificate for Duo's names and loopback.
    pub(super) fn server(&self) -> io::Result<ServerConfig> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "duoctl sandbox");
        for name in NAMES {
            let name = (*name).try_into().map_err(io::Error::other)?;
            params.subject_alt_names.push(SanType::DnsName(name));
        }
        params.subject_alt_names.extend([
            SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
            SanType::IpAddress(Ipv6Addr::LOCALHOST.into()),
        ]);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        valid_for(&mut params, SERVER_DAYS)?;
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(&key, &issuer).map_err(io::Error::other)?;
        ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .map_err(io::Error::other)
    }
}

fn absent(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn unusable(file: &Path, error: &rcgen::Error) -> io::Error {
    let text = format!("{} is not a usable key ({error}); remove it to get a new one", file.display());
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// An authority's parameters are derived from its key, so that a kept certificate and a new one agree.
fn params(key: &KeyPair) -> io::Result<CertificateParams> {
    let mut params = CertificateParams::default();
    let mut id = hex(&Sha256::digest(key.public_key_raw()));
    id.truncate(8);
    params.distinguished_name.push(DnType::CommonName, format!("duoctl sandbox CA {id} (not Duo)"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages =
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    let domains = DOMAINS.iter().map(|domain| GeneralSubtree::DnsName((*domain).to_owned()));
    let loopback = [
        CidrSubnet::from_v4_prefix(Ipv4Addr::LOCALHOST.octets(), 8),
        CidrSubnet::from_v6_prefix(Ipv6Addr::LOCALHOST.octets(), 128),
    ];
    let loopback = loopback.into_iter().map(GeneralSubtree::IpAddress);
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: domains.chain(loopback).collect(),
        excluded_subtrees: Vec::new(),
    });
    valid_for(&mut params, AUTHORITY_DAYS)?;
    Ok(params)
}

fn valid_for(params: &mut CertificateParams, days: i64) -> io::Result<()> {
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let date = |days: i64| -> io::Result<_> {
        let date = today.checked_add(days.days()).map_err(io::Error::other)?;
        let small = |number: i8| u8::try_from(number).map_err(io::Error::other);
        Ok(date_time_ymd(i32::from(date.year()), small(date.month())?, small(date.day())?))
    };
    params.not_before = date(-SLACK_DAYS)?;
    params.not_after = date(days)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_is_kept_and_its_key_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let first = Authority::open(folder.path()).unwrap();
        let second = Authority::open(folder.path()).unwrap();
        assert_eq!(first.pem, second.pem);
        assert_eq!(fs::read_to_string(&second.file).unwrap(), first.pem);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(folder.path().join(PRIVATE_KEY)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(folder.path().join(PRIVATE_KEY), "no key").unwrap();
        let error = Authority::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains("ca.key is not a usable key"), "{error}");
    }
}
