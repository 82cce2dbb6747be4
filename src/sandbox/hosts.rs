//! The names under which the account can be reached.

use std::net::IpAddr;

const DOMAINS: &[&str] = &[".duosecurity.com", ".duofederal.com"];

/// Whether a name, without its port, leads to the account: its API hostname, its single sign-on service, or this machine.
pub(super) fn reach(api_hostname: &str, name: &str) -> bool {
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_here = name == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback());
    is_here || name == api_hostname || sso(api_hostname).is_some_and(|own| own == name)
}

/// The host of an account's single sign-on service (duo-api.md, section 3.5); `None` for a name that is not Duo's.
pub(super) fn sso(api_hostname: &str) -> Option<String> {
    let domain = DOMAINS.iter().find(|domain| api_hostname.ends_with(**domain))?;
    let account = api_hostname.strip_prefix("api-")?.strip_suffix(domain)?;
    Some(format!("sso-{account}.sso{domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_has_its_own_names_and_this_machine() {
        let own = "api-1a2b3c4d.duosecurity.com";
        for name in [own, "sso-1a2b3c4d.sso.duosecurity.com", "localhost", "127.0.0.1", "127.8.8.8", "[::1]"]
        {
            assert!(reach(own, name), "{name}");
        }
        for name in [
            "",
            "api-ffffffff.duosecurity.com",
            "api-1a2b3c4d.duofederal.com",
            "sso-ffffffff.sso.duosecurity.com",
            "api-1a2b3c4d.duosecurity.com.example.com",
            "1a2b3c4d.duosecurity.com",
            "192.0.2.1",
            "localhost.example.com",
        ] {
            assert!(!reach(own, name), "{name}");
        }
    }
}
