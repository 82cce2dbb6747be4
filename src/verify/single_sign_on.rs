//! What Duo's single sign-on service publishes about an application: SAML metadata, or OpenID discovery and signing keys.
//! These documents prove that the service knows the application, not that a client secret is right.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::certificate::{Validity, validity};
use super::metadata;
use super::probes::Probe;
use super::report::{Check, Verdict};
use crate::duo::documents::{Fetch, FetchError};
use crate::duo::object::Object;
use crate::text::{bounded, counted, printable};

/// How long before it expires a certificate needs attention.
const AHEAD: SignedDuration = SignedDuration::from_hours(30 * 24);

const METADATA: &str = "metadata";
const ENTITY_ID: &str = "entity id";
const CERTIFICATE: &str = "certificate";
const DISCOVERY: &str = "discovery";
const ISSUER: &str = "issuer";
const SIGNING_KEYS: &str = "signing keys";
const CLIENT_SECRET: &str = "client secret";

const TRY_AGAIN: &str = "try again: `duoctl verify`";
const RENEW: &str = "renew the certificate in the Duo Admin Panel, and give it to the service provider";

/// What a check works with.
pub(super) struct Service<'a> {
    /// Fetches the documents.
    pub(super) documents: &'a dyn Fetch,
    /// The time by Duo's clock, as far as it is known.
    pub(super) now: Timestamp,
    /// Pauses before a document that does not exist is asked for again: a new application may take a moment.
    pub(super) waits: &'a [Duration],
}

/// The checks of a single sign-on application. Without a way to fetch documents, nothing is tested.
pub(super) async fn check(probe: Probe, live: &Object, service: Option<&Service<'_>>) -> Vec<Check> {
    let shown = Shown(live);
    let untested = |name: &str, detail: &str| vec![Check::new(name, Verdict::NotTestable, detail)];
    let Some(service) = service else {
        return untested(probe.name(), "its public documents are not fetched here");
    };
    match probe {
        Probe::Metadata => match shown.text("metadata_url") {
            Some(url) => service.saml(url, &shown).await,
            None => untested(METADATA, "Duo shows no metadata URL for it"),
        },
        _ => {
            let mut checks = match shown.text("discovery_url") {
                Some(url) => service.openid(url, &shown).await,
                None => untested(DISCOVERY, "Duo shows no discovery URL for it"),
            };
            if !live.client_ids().is_empty() {
                let why = probe.without_key().unwrap_or_default();
                checks.push(Check::new(CLIENT_SECRET, Verdict::NotTestable, why));
            }
            checks
        }
    }
}

/// What Duo's API shows of the service.
struct Shown<'a>(&'a Object);

impl<'a> Shown<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        let metadata = self.0.property("sso").and_then(|sso| sso.get("idp_metadata"));
        metadata?.get(name)?.as_str().filter(|text| !text.is_empty())
    }
}

impl Service<'_> {
    async fn saml(&self, url: &str, shown: &Shown<'_>) -> Vec<Check> {
        let bytes = match self.document(url).await {
            Ok(bytes) => bytes,
            Err(error) => return vec![unread(METADATA, &error)],
        };
        let metadata = match metadata::read(&bytes) {
            Ok(metadata) => metadata,
            Err(reason) => return vec![broken(METADATA, url, reason)],
        };
        let fetched = Check::new(METADATA, Verdict::Verified, format!("{} answers", place(url)));
        let same = same(ENTITY_ID, &metadata.entity_id, shown.text("entity_id"));
        let validities = metadata.certificates.iter().map(|der| validity(der));
        vec![fetched, same, certificates(validities.collect(), self.now)]
    }

    async fn openid(&self, url: &str, shown: &Shown<'_>) -> Vec<Check> {
        let document = match self.json(DISCOVERY, url).await {
            Ok(document) => document,
            Err(check) => return vec![check],
        };
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        let Some(issuer) = text("issuer") else {
            return vec![broken(DISCOVERY, url, "it names no issuer")];
        };
        let fetched = Check::new(DISCOVERY, Verdict::Verified, format!("{} answers", place(url)));
        let issuer = same(ISSUER, issuer, shown.text("issuer"));
        // A client follows the document.
        let keys = match (text("jwks_uri"), shown.text("jwks_endpoint_url")) {
            (None, _) => broken(SIGNING_KEYS, url, "it names no `jwks_uri`"),
            (Some(named), Some(expected)) if named != expected => same(SIGNING_KEYS, named, Some(expected)),
            (Some(named), _) => self.signing_keys(named).await,
        };
        vec![fetched, issuer, keys]
    }

    async fn signing_keys(&self, url: &str) -> Check {
        let document = match self.json(SIGNING_KEYS, url).await {
            Ok(document) => document,
            Err(check) => return check,
        };
        let keys = document.get("keys").and_then(Value::as_array).into_iter().flatten();
        let signs = |key: &&Value| {
            key.get("kty").is_some_and(Value::is_string) && key.get("use").is_none_or(|usage| usage == "sig")
        };
        match keys.filter(signs).count() {
            0 => broken(SIGNING_KEYS, url, "it has no key for signatures"),
            count => {
                let count = counted(count, "key", "keys");
                Check::new(SIGNING_KEYS, Verdict::Verified, format!("{} has {count}", place(url)))
            }
        }
    }

    async fn json(&self, name: &str, url: &str) -> Result<Value, Check> {
        let bytes = self.document(url).await.map_err(|error| unread(name, &error))?;
        match serde_json::from_slice(&bytes) {
            Ok(document @ Value::Object(_)) => Ok(document),
            Ok(_) | Err(_) => Err(broken(name, url, "it is not a JSON object")),
        }
    }

    async fn document(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        for wait in self.waits {
            match self.documents.fetch(url).await {
                Err(FetchError::Absent { .. }) => tokio::time::sleep(*wait).await,
                other => return other,
            }
        }
        self.documents.fetch(url).await
    }
}

/// A URL, short enough for one line.
fn place(url: &str) -> String {
    bounded(url, 200)
}

/// A document that was not fetched. Only Duo's own "there is none" is a failure: the rest may pass.
fn unread(name: &str, error: &FetchError) -> Check {
    match error {
        FetchError::Absent { .. } => {
            let detail = format!("Duo's single sign-on does not know the application: {error}");
            Check::new(name, Verdict::Failed, detail)
                .fix("open the application in the Duo Admin Panel and save it")
        }
        FetchError::Forbidden { .. } => Check::new(name, Verdict::NotTestable, error.to_string()),
        FetchError::Unexpected { .. } | FetchError::Unreachable { .. } => {
            Check::new(name, Verdict::Inconclusive, error.to_string()).fix(TRY_AGAIN)
        }
    }
}

/// An answer that is not the document; it may come from something in Duo's place.
fn broken(name: &str, url: &str, reason: &str) -> Check {
    let detail = format!("the document at {} cannot be used: {reason}", place(url));
    Check::new(name, Verdict::Inconclusive, detail)
        .fix("open the URL in a browser; a proxy may answer in Duo's place")
}

/// A name in a document has to be the one that Duo's API shows.
fn same(name: &str, found: &str, expected: Option<&str>) -> Check {
    match expected {
        Some(expected) if expected == found => {
            Check::new(name, Verdict::Verified, format!("{}, as Duo shows it", printable(found)))
        }
        Some(expected) => {
            let detail =
                format!("the document names {}, but Duo shows {}", printable(found), printable(expected));
            Check::new(name, Verdict::Failed, detail)
                .fix("compare both in the Duo Admin Panel, and check who answers at the URL")
        }
        None => {
            let detail = format!("the document names {}; Duo shows nothing to compare", printable(found));
            Check::new(name, Verdict::NotTestable, detail)
        }
    }
}

/// Every certificate counts, because a service provider may know any of them.
fn certificates(found: Vec<Option<Validity>>, now: Timestamp) -> Check {
    let amiss = |verdict, detail: String| Check::new(CERTIFICATE, verdict, detail).fix(RENEW);
    if found.is_empty() {
        return Check::new(CERTIFICATE, Verdict::Failed, "the metadata has no signing certificate")
            .fix(RENEW);
    }
    let Some(found) = found.into_iter().collect::<Option<Vec<Validity>>>() else {
        let detail = "a certificate in the metadata cannot be read";
        return Check::new(CERTIFICATE, Verdict::Inconclusive, detail).fix(TRY_AGAIN);
    };
    let valid = |it: &&Validity| it.from <= now && now < it.until;
    let first = found.iter().map(|it| it.until).min().unwrap_or(now);
    let left = first.duration_since(now);
    let days = counted(usize::try_from(left.as_hours().abs() / 24).unwrap_or_default(), "day", "days");
    if !found.iter().any(|it| valid(&it)) {
        return amiss(
            Verdict::Failed,
            match found.iter().map(|it| it.from).min() {
                Some(from) if now < from => format!("it is not valid before {}", date(from)),
                _ => format!("it expired on {}, {days} ago", date(first)),
            },
        );
    }
    if left <= SignedDuration::ZERO {
        let detail = format!("one of {} expired on {}, {days} ago", found.len(), date(first));
        return amiss(Verdict::Pending, detail);
    }
    let detail = format!("valid until {}, for {days}", date(first));
    if left <= AHEAD {
        return amiss(Verdict::Pending, format!("{detail} only"));
    }
    Check::new(CERTIFICATE, Verdict::Verified, detail)
}

fn date(moment: Timestamp) -> String {
    TimeZone::UTC.to_datetime(moment).date().to_string()
}

#[cfg(test)]
mod tests;
