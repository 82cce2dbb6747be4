//! Single sign-on checks against the simulator's documents, and against documents that something else serves.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::json;

use super::*;
use crate::duo::object::Kind;
use crate::sandbox::account::Account;
use crate::sandbox::direct::Direct;

const NOW: &str = "2027-06-15T12:00:00Z";

fn saml() -> (Direct, Object) {
    let config = json!({
        "acs_urls": [{"url": "https://wiki.example.com/acs"}], "entity_id": "https://wiki.example.com/meta",
    });
    placed("sso-generic", json!({"saml_config": config}))
}

fn oidc() -> (Direct, Object) {
    placed("sso-oidc-generic", json!({"oidc_config": {"redirect_uris": ["https://portal.example.com/cb"]}}))
}

fn placed(kind: &str, sso: Value) -> (Direct, Object) {
    let direct = Direct::operator(Account::in_memory().unwrap());
    let stored = json!({"kind": kind, "name": "Wiki", "sso": sso});
    let ikey = direct.account().place_application(&stored).unwrap();
    let live = direct.account().application(&ikey).unwrap_or_else(|_| panic!("{ikey} is not there"));
    (direct, Object::decode(Kind::Application, live).unwrap())
}

async fn checked(probe: Probe, documents: &dyn Fetch, live: &Object) -> Vec<Check> {
    let service = Service { documents, now: NOW.parse().unwrap(), waits: &[] };
    check(probe, live, Some(&service)).await
}

fn verdicts(checks: &[Check]) -> BTreeMap<&str, Verdict> {
    checks.iter().map(|check| (check.name.as_str(), check.verdict)).collect()
}

/// Serves something else at the path of a URL that Duo shows.
fn publish(direct: &Direct, live: &Object, url: &str, body: impl Into<Vec<u8>>) {
    let url = Shown(live).text(url).unwrap();
    let path = url.splitn(4, '/').nth(3).unwrap();
    direct.account().published.insert(format!("/{path}"), ("text/plain", body.into()));
}

/// Year, month, day.
type Day = (i32, u8, u8);

/// Metadata with these certificates, given by when they are valid.
fn metadata(entity: &str, certificates: &[(Day, Day)]) -> String {
    let made = certificates.iter().map(|(from, until)| {
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        format!(
            "<m:KeyDescriptor><d:X509Certificate>{}</d:X509Certificate></m:KeyDescriptor>",
            BASE64_STANDARD.encode(made.der())
        )
    });
    format!(
        "<m:EntityDescriptor xmlns:m=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         xmlns:d=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{entity}\"><m:IDPSSODescriptor>{}</m:IDPSSODescriptor>\
         </m:EntityDescriptor>",
        made.collect::<String>()
    )
}

#[tokio::test]
async fn what_the_simulator_publishes_is_verified() {
    let (direct, live) = saml();
    let checks = checked(Probe::Metadata, &direct, &live).await;
    let verified = Verdict::Verified;
    let names = [("certificate", verified), ("entity id", verified), ("metadata", verified)];
    assert_eq!(verdicts(&checks), names.into(), "{checks:?}");
    assert_eq!(checks[2].detail, "valid until 2125-12-31, for 35992 days");
    for kind in
        ["sso-oidc-generic", "sso-oauth-client-credentials", "sso-oauth-server", "sso-oauth-server-mcp"]
    {
        let (direct, live) = placed(kind, json!({}));
        let checks = checked(Probe::Discovery, &direct, &live).await;
        let mut names =
            BTreeMap::from([("discovery", verified), ("issuer", verified), ("signing keys", verified)]);
        if kind == "sso-oidc-generic" {
            names.insert("client secret", Verdict::NotTestable);
        }
        assert_eq!(verdicts(&checks), names, "{kind}: {checks:?}");
    }
    assert_eq!(check(Probe::Metadata, &live, None).await[0].verdict, Verdict::NotTestable);
}

#[tokio::test]
async fn a_certificate_is_reported_before_it_expires() {
    let old = (2020, 1, 1);
    for (certificates, expected, words) in [
        (vec![(old, (2027, 7, 16))], Verdict::Verified, "valid until 2027-07-16, for 30 days"),
        (vec![(old, (2027, 7, 15))], Verdict::Pending, "valid until 2027-07-15, for 29 days only"),
        (vec![(old, (2027, 6, 16))], Verdict::Pending, "valid until 2027-06-16, for 0 days only"),
        (vec![(old, (2027, 6, 15))], Verdict::Failed, "it expired on 2027-06-15, 0 days ago"),
        (vec![((2028, 1, 1), (2029, 1, 1))], Verdict::Failed, "it is not valid before 2028-01-01"),
        // A service provider may still know the old one.
        (
            vec![(old, (2030, 1, 1)), (old, (2027, 6, 1))],
            Verdict::Pending,
            "one of 2 expired on 2027-06-01, 14 days ago",
        ),
        (vec![], Verdict::Failed, "the metadata has no signing certificate"),
    ] {
        let (direct, live) = saml();
        let entity = Shown(&live).text("entity_id").unwrap().to_owned();
        publish(&direct, &live, "metadata_url", metadata(&entity, &certificates));
        let checks = checked(Probe::Metadata, &direct, &live).await;
        assert_eq!((checks[2].verdict, checks[2].detail.as_str()), (expected, words));
        assert_eq!(checks[2].fix.is_some(), expected != Verdict::Verified);
    }
}

#[tokio::test]
async fn another_services_documents_are_not_accepted() {
    let (direct, live) = saml();
    publish(
        &direct,
        &live,
        "metadata_url",
        metadata("https://evil.example/\u{1b}[31m", &[((2020, 1, 1), (2040, 1, 1))]),
    );
    let checks = checked(Probe::Metadata, &direct, &live).await;
    assert_eq!(checks[1].verdict, Verdict::Failed);
    assert!(
        checks[1]
            .detail
            .starts_with("the document names https://evil.example/\\u{1b}[31m, but Duo shows https://sso-")
    );

    let (direct, live) = oidc();
    let shown = |name: &str| Shown(&live).text(name).unwrap().to_owned();
    let (issuer, keys) = (shown("issuer"), shown("jwks_endpoint_url"));
    for (document, name, verdict) in [
        (json!({"issuer": "https://evil.example", "jwks_uri": keys}), "issuer", Verdict::Failed),
        (json!({"issuer": issuer, "jwks_uri": "https://evil.example/jwks"}), "signing keys", Verdict::Failed),
        (json!({"issuer": issuer}), "signing keys", Verdict::Inconclusive),
        (json!({"jwks_uri": keys}), "discovery", Verdict::Inconclusive),
        (json!([]), "discovery", Verdict::Inconclusive),
    ] {
        publish(&direct, &live, "discovery_url", document.to_string());
        let checks = checked(Probe::Discovery, &direct, &live).await;
        assert_eq!(verdicts(&checks)[name], verdict, "{document}: {checks:?}");
    }
    // Its keys are still asked for nowhere else.
    assert!(!direct.account().requests().keys().any(|call| call.contains("evil")));
}

#[tokio::test]
async fn keys_that_sign_nothing_are_not_accepted() {
    let (direct, live) = oidc();
    for keys in [
        json!({"keys": []}),
        json!({}),
        json!({"keys": "all"}),
        json!({"keys": [{"use": "sig"}]}),
        json!({"keys": [{"kty": "RSA", "use": "enc"}]}),
    ] {
        publish(&direct, &live, "jwks_endpoint_url", keys.to_string());
        let checks = checked(Probe::Discovery, &direct, &live).await;
        assert_eq!(verdicts(&checks)["signing keys"], Verdict::Inconclusive, "{keys}: {checks:?}");
    }
}

#[tokio::test]
async fn only_a_document_that_does_not_exist_is_a_failure() {
    struct Answers(FetchError);
    impl Fetch for Answers {
        fn fetch<'a>(
            &'a self,
            _: &'a str,
        ) -> futures_util::future::BoxFuture<'a, Result<Vec<u8>, FetchError>> {
            Box::pin(async { Err(self.0.clone()) })
        }
    }
    let url = || "https://x".to_owned();
    for (error, verdict) in [
        (FetchError::Absent { url: url(), status: 404 }, Verdict::Failed),
        (
            FetchError::Unexpected { url: url(), reason: "answers with HTTP 503".to_owned() },
            Verdict::Inconclusive,
        ),
        (FetchError::Unreachable { url: url(), reason: "no connection".to_owned() }, Verdict::Inconclusive),
        (FetchError::Forbidden { url: url(), reason: "its host is not one of Duo's" }, Verdict::NotTestable),
    ] {
        for ((_, live), probe) in [(saml(), Probe::Metadata), (oidc(), Probe::Discovery)] {
            let checks = checked(probe, &Answers(error.clone()), &live).await;
            assert_eq!(checks[0].verdict, verdict, "{probe:?}: {error:?}");
        }
    }
}
