//! Which hosts duoctl may connect to (duo-api.md, sections 0 and 9).

use thiserror::Error;

/// The domains of Duo's API.
const DOMAINS: [&str; 2] = [".duosecurity.com", ".duofederal.com"];

/// Why a host is not allowed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HostError {
    /// Not a bare hostname.
    #[error(
        "{0:?} is not a bare hostname; write it like api-1a2b3c4d.duosecurity.com, without https://, path or port"
    )]
    Malformed(String),
    /// A hostname that is not Duo's.
    #[error(
        "{0} is not a Duo API host (under duosecurity.com or duofederal.com); other hosts are allowed on loopback only"
    )]
    Foreign(String),
}

/// Checks an API hostname, ignoring case. With `loopback` the connection stays on this machine, so any name is allowed.
///
/// # Errors
///
/// [`HostError`] with the problem.
pub fn check_host(host: &str, loopback: bool) -> Result<(), HostError> {
    let plain = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if host.len() > 253 || !host.split('.').all(plain) {
        return Err(HostError::Malformed(crate::text::printable(host)));
    }
    let lower = host.to_ascii_lowercase();
    if loopback || DOMAINS.iter().any(|domain| lower.ends_with(domain)) {
        Ok(())
    } else {
        Err(HostError::Foreign(host.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duos_hosts_are_spoken_to() {
        for host in ["api-1a2b3c4d.duosecurity.com", "API-1A2B3C4D.DuoSecurity.com", "api-1.duofederal.com"] {
            assert_eq!(check_host(host, false), Ok(()), "{host}");
        }
    }

    #[test]
    fn other_hosts_only_on_loopback() {
        for host in [
            "localhost",
            "127.0.0.1",
            "duosecurity.com",
            "evilduosecurity.com",
            "api-1.duosecurity.com.evil.example",
            "api-1.duosecurity.co",
        ] {
            assert!(matches!(check_host(host, false), Err(HostError::Foreign(_))), "{host}");
            assert_eq!(check_host(host, true), Ok(()), "{host}");
        }
    }

    #[test]
    fn what_is_no_bare_hostname_is_never_spoken_to() {
        for host in [
            "",
            ".",
            ".duosecurity.com",
            "https://api-1.duosecurity.com",
            "api-1.duosecurity.com/",
            "api-1.duosecurity.com:443",
            "api-1.duosecurity.com.",
            "evil.example#.duosecurity.com",
            "evil.example\\.duosecurity.com",
            "user@api-1.duosecurity.com",
            "api 1.duosecurity.com",
            "ąpi.duosecurity.com",
            "-a.duosecurity.com",
            "[::1]",
        ] {
            for loopback in [false, true] {
                assert!(matches!(check_host(host, loopback), Err(HostError::Malformed(_))), "{host}");
            }
        }
    }
}
