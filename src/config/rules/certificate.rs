//! Certificates in the YAML: checks that the PEM is valid, and reads the end of validity.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The end of validity of the first certificate of a PEM text.
///
/// # Errors
///
/// Describes what is wrong with the text.
pub(super) fn valid_until(pem: &str) -> Result<Timestamp, &'static str> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| "its PEM is malformed")?;
    not_after(&certificate).ok_or("it is not an X.509 certificate")
}

/// `Certificate.tbsCertificate.validity.notAfter` (RFC 5280, section 4.1).
fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (_, certificate, _) = element(der)?;
    let (_, mut rest, _) = element(certificate)?;
    // Version 1 certificates have no version field.
    if rest.first() == Some(&0xa0) {
        (_, _, rest) = element(rest)?;
    }
    // Serial number, algorithm, issuer.
    for _ in 0..3 {
        (_, _, rest) = element(rest)?;
    }
    let (tag, validity, _) = element(rest)?;
    let (_, _, after) = element(validity)?;
    let (kind, time, _) = element(after)?;
    if tag != 0x30 {
        return None;
    }
    let text = std::str::from_utf8(time).ok()?.strip_suffix('Z')?;
    let text = match kind {
        // The year has two digits; 50 means 1950.
        0x17 => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        0x18 => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", &text).ok()?;
    TimeZone::UTC.to_timestamp(time).ok()
}

/// Splits a DER element into tag, content and the rest.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, length, rest @ ..] = der else { return None };
    let (length, rest) = if *length < 0x80 {
        (usize::from(*length), rest)
    } else {
        let count = usize::from(*length & 0x7f);
        let (bytes, rest) = rest.split_at_checked(count).filter(|_| (1..=3).contains(&count))?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn pem(year: i32) -> String {
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(1990, 1, 1);
        params.not_after = date_time_ymd(year, 3, 4);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    }

    #[test]
    fn the_end_of_a_certificate_is_read() {
        for year in [1999, 2049, 2050, 2120] {
            let until = valid_until(&pem(year)).unwrap().to_string();
            assert_eq!(until, format!("{year}-03-04T00:00:00Z"));
        }
        assert_eq!(valid_until("MIIB"), Err("its PEM is malformed"));
        let begin = "-----BEGIN CERTIFICATE-----\n";
        assert_eq!(
            valid_until(&format!("{begin}!!\n-----END CERTIFICATE-----\n")),
            Err("its PEM is malformed")
        );
        assert_eq!(
            valid_until(&format!("{begin}AAAA\n-----END CERTIFICATE-----\n")),
            Err("it is not an X.509 certificate")
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = not_after(&bytes);
            let _ = not_after(&[&[0x30, 0x3c, 0x30, 0x3a], bytes.as_slice()].concat());
        }
    }
}
