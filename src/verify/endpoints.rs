//! Whether the hosts of an application that users are sent to answer over TLS: only on request, and without sending anything
//! to them but a handshake.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use url::Url;

use super::once::OncePer;
use super::report::{Check, Verdict};
use crate::duo::documents::{HandshakeError, Handshakes};
use crate::duo::object::Object;
use crate::text::bounded;

/// Endpoints of one run: each host is tried once.
pub struct Endpoints {
    handshakes: Handshakes,
    tried: OncePer<Result<(), HandshakeError>>,
}

impl Endpoints {
    /// Nothing is sent yet.
    pub fn new(handshakes: Handshakes) -> Self {
        Self { handshakes, tried: OncePer::default() }
    }

    /// One check for each host.
    pub(super) async fn check(&self, live: &Object) -> Vec<Check> {
        let (mut hosts, mut checks) = (BTreeMap::<_, BTreeSet<&str>>::new(), Vec::new());
        for (use_, text) in of(live) {
            match place(text) {
                Ok(place) => drop(hosts.entry(place).or_default().insert(use_)),
                Err(why) => {
                    let name = format!("endpoint {}", bounded(&without_login(text), 200));
                    checks.push(Check::new(name, Verdict::NotTestable, format!("{use_}: {why}")));
                }
            }
        }
        for ((host, port), uses) in hosts {
            let authority = if port == 443 { host.clone() } else { format!("{host}:{port}") };
            let tried = self.tried.get(&authority, self.handshakes.shake(&host, port)).await;
            let uses = uses.into_iter().collect::<Vec<_>>().join(" and ");
            checks.push(judged(&format!("endpoint {authority}"), &uses, tried));
        }
        checks
    }
}

/// A URL without a name and password, which a report does not need.
fn without_login(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return text.to_owned() };
    if url.username().is_empty() && url.password().is_none() {
        return text.to_owned();
    }
    // Refused only for URLs that have no login.
    let _ = (url.set_username(""), url.set_password(None));
    url.to_string()
}

fn judged(name: &str, uses: &str, tried: Result<(), HandshakeError>) -> Check {
    let check = |verdict, reason: &str| Check::new(name, verdict, format!("{uses}: {reason}"));
    match tried {
        Ok(()) => check(Verdict::Verified, "answers over TLS with a valid certificate"),
        Err(HandshakeError::Elsewhere(why)) => check(Verdict::NotTestable, why),
        Err(HandshakeError::WrongCertificate(reason)) => {
            check(Verdict::Failed, &reason).fix("renew or correct the certificate of this host")
        }
        Err(HandshakeError::Open(reason)) => check(Verdict::Inconclusive, &reason)
            .fix("check it from a network where users reach it; it may not answer to this machine"),
    }
}

/// The URLs that Duo sends users to, each with its use.
fn of(live: &Object) -> Vec<(&'static str, &str)> {
    let sso = live.property("sso");
    let at = |pointer: &str| sso.and_then(|sso| sso.pointer(pointer));
    let list = |pointer: &str| at(pointer).and_then(Value::as_array).into_iter().flatten();
    let acs = list("/saml_config/acs_urls").filter_map(|acs| acs.get("url"));
    let redirects = list("/oidc_config/redirect_uris");
    let logout = at("/saml_config/slo_url");
    let named = acs.map(|url| ("ACS", url)).chain(redirects.map(|url| ("redirect", url)));
    let all = named.chain(logout.map(|url| ("logout", url)));
    all.filter_map(|(use_, url)| Some((use_, url.as_str().filter(|url| !url.is_empty())?))).collect()
}

/// Host and port of a URL that is reached over TLS.
fn place(text: &str) -> Result<(String, u16), &'static str> {
    let url = Url::parse(text).map_err(|_| "it is not a URL")?;
    match (url.scheme(), url.host()) {
        ("https", Some(host)) => Ok((host.to_string(), url.port().unwrap_or(443))),
        ("http", _) => Err("it is not encrypted"),
        _ => Err("it opens an application of the user's device"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duo::object::Kind;
    use serde_json::json;

    #[test]
    fn every_address_that_users_are_sent_to_is_found_once() {
        let live = Object::decode(Kind::Application, json!({
            "integration_key": "DIX", "type": "sso-generic",
            "sso": {
                "saml_config": {
                    "acs_urls": [{"url": "https://wiki.example.com/acs"}, {"url": "https://[2001:db8::1]:8443/acs"}, {"url": 1}],
                    "slo_url": "https://wiki.example.com/logout", "entity_id": "https://other.example.com",
                },
                "oidc_config": {"redirect_uris": ["com.example.app:/cb", "http://localhost/cb", ""]},
            },
        }))
        .unwrap();
        let found: Vec<_> = of(&live).into_iter().map(|(use_, url)| (use_, place(url))).collect();
        let wiki = || Ok(("wiki.example.com".to_owned(), 443));
        assert_eq!(
            found,
            [
                ("ACS", wiki()),
                ("ACS", Ok(("[2001:db8::1]".to_owned(), 8443))),
                ("redirect", Err("it opens an application of the user's device")),
                ("redirect", Err("it is not encrypted")),
                ("logout", wiki()),
            ]
        );
    }
}
