//! How long an X.509 certificate is valid: the only thing of it that duoctl needs (RFC 5280, section 4.1). The signature is
//! not checked: certificates of SAML are trusted because they are in the metadata.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// From when until when a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// The validity of a certificate in DER; `None` if it is not one.
pub(super) fn validity(der: &[u8]) -> Option<Validity> {
    let (certificate, []) = value(der, SEQUENCE)? else { return None };
    let (mut body, _) = value(certificate, SEQUENCE)?;
    if let Some((_, rest)) = value(body, VERSION) {
        body = rest;
    }
    // Serial number, signature algorithm, issuer.
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        (_, body) = value(body, tag)?;
    }
    let (times, _) = value(body, SEQUENCE)?;
    let (from, rest) = time(times)?;
    let (until, []) = time(rest)? else { return None };
    Some(Validity { from, until })
}

/// The content of the first element, if it has this tag, and what follows it.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    if *first != tag {
        return None;
    }
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        // A certificate is far smaller than four bytes of length can say.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// `YYMMDDHHMMSSZ`, where years from 50 on are of the last century, or `YYYYMMDDHHMMSSZ`.
fn time(der: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (text, rest, short) = match (value(der, UTC_TIME), value(der, GENERALIZED_TIME)) {
        (Some((text, rest)), _) => (text, rest, true),
        (None, Some((text, rest))) => (text, rest, false),
        (None, None) => return None,
    };
    let digits = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let century = match short {
        false => "",
        true if digits >= "50" => "19",
        true => "20",
    };
    let moment = DateTime::strptime("%Y%m%d%H%M%S", format!("{century}{digits}")).ok()?;
    Some((TimeZone::UTC.to_timestamp(moment).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber, date_time_ymd};
    use std::sync::LazyLock;

    fn made(from: (i32, u8, u8), until: (i32, u8, u8)) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "x".repeat(200));
        params.serial_number = Some(SerialNumber::from(vec![0x7f; 20]));
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn both_forms_of_time_are_read() {
        for (from, until) in
            [((2026, 1, 2), (2029, 12, 31)), ((1999, 2, 28), (2049, 12, 31)), ((2050, 1, 1), (2126, 11, 28))]
        {
            let at = |(year, month, day): (i32, u8, u8)| -> Timestamp {
                format!("{year:04}-{month:02}-{day:02}T00:00:00Z").parse().unwrap()
            };
            let expected = Validity { from: at(from), until: at(until) };
            assert_eq!(validity(&made(from, until)), Some(expected));
        }
    }

    #[test]
    fn what_is_not_a_certificate_has_no_validity() {
        let whole = made((2026, 1, 2), (2029, 12, 31));
        assert_eq!(validity(b"sandbox"), None);
        assert_eq!(validity(&[whole.as_slice(), b"x"].concat()), None);
        for end in 0..whole.len() {
            assert_eq!(validity(&whole[..end]), None, "{end}");
        }
    }

    static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| made((2026, 1, 2), (2029, 12, 31)));

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), at in 0_usize..500) {
            let _ = validity(&bytes);
            let mut whole = WHOLE.clone();
            for (place, byte) in bytes.iter().enumerate() {
                if let Some(old) = whole.get_mut(at + place) {
                    *old = *byte;
                }
            }
            let _ = validity(&whole);
        }
    }
}
