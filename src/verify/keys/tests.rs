//! Tests the finding about a key for every answer that Duo, or something in its place, may give to a probe.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::duo::call::Success;
use crate::duo::error::Unreachable;
use crate::duo::request::title;

const PROBES: [KeyProbe; 3] = [KeyProbe::AdminApi, KeyProbe::AuthApi, KeyProbe::UniversalPrompt];

/// Answers probes and the second opinion, and records the calls.
#[derive(Clone)]
struct Double {
    first: Result<Value, DuoError>,
    second: Result<Value, DuoError>,
    time: i64,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Double {
    fn new(first: Result<Value, DuoError>, second: Result<Value, DuoError>) -> Self {
        Self { first, second, time: NOW, asked: Arc::default() }
    }

    fn calls(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(call, _)| call.clone()).collect()
    }
}

const NOW: i64 = 1_800_000_000;

impl Transport for Double {
    async fn send(&self, call: &ApiCall) -> Result<Success, DuoError> {
        let params = Value::Object(call.params.clone());
        let mut asked = self.asked.lock().unwrap();
        let is_second =
            call.path == "/auth/v2/check" && asked.iter().any(|(call, _)| call.starts_with("POST "));
        asked.push((title(call), params));
        let response = match call.path.as_str() {
            "/auth/v2/ping" => json!({"time": self.time}),
            _ if is_second => self.second.clone()?,
            _ => self.first.clone()?,
        };
        Ok(Success { response, metadata: Value::Null })
    }

    fn signed_by(&self, _: &Ikey, _: &Secret) -> Self {
        self.clone()
    }

    fn host(&self) -> &'static str {
        "api-00000000.duosecurity.com"
    }
}

async fn ask(probe: KeyProbe, double: &Double) -> Finding {
    let (ikey, secret) = (Ikey::new("DI1"), Secret::new("x".repeat(40)));
    let now = Timestamp::from_second(NOW).unwrap();
    probe.ask(double, &ikey, &secret, now).await
}

fn ok() -> Result<Value, DuoError> {
    Ok(json!({"time": NOW}))
}

fn refusal(status: u16, code: Option<u32>, message: &str, detail: Option<&str>) -> DuoError {
    let (call, message, detail) = ("GET /x".to_owned(), message.to_owned(), detail.map(str::to_owned));
    DuoError::Refused(Refusal { call, status, code, message, detail })
}

fn code(code: u32) -> DuoError {
    refusal(u16::try_from(code / 100).unwrap(), Some(code), "m", None)
}

const WRONG_TYPE: &str = "Wrong integration type for this API.";

/// Everything that is not an acceptance: Duo's codes, codes under other statuses, and what comes in Duo's place.
pub(in crate::verify) fn answers() -> Vec<DuoError> {
    let text = String::new;
    let mut answers: Vec<DuoError> = [
        40001, 40002, 40003, 40099, 40100, 40101, 40102, 40103, 40104, 40105, 40112, 40113, 40199, 40301,
        40399, 40401, 40501, 42901, 50000, 50300, 50400,
    ]
    .map(code)
    .into();
    // The same codes with status 200, as `stat: FAIL`.
    let under_200 = answers.iter().filter_map(|error| Some(refusal(200, Some(error.code()?), "m", None)));
    let under_200: Vec<_> = under_200.collect();
    answers.extend(under_200);
    // A code that does not belong to its status, and no code at all.
    for status in [400, 401, 403, 404, 429, 500, 502, 503] {
        answers.push(refusal(status, None, "m", None));
        for other in [40102, 40103, 40105, 40301, 50000] {
            if u32::from(status) != other / 100 {
                answers.push(refusal(status, Some(other), "m", None));
            }
        }
    }
    answers.extend([
        refusal(403, Some(40301), "Access forbidden", Some(WRONG_TYPE)),
        refusal(400, Some(40002), "invalid_client", Some("The provided client_assertion was invalid.")),
        refusal(200, Some(40002), "invalid_client", None),
        refusal(401, None, "invalid_client", None),
        DuoError::NotSent { call: text(), reason: text() },
        DuoError::Unreachable { host: text(), kind: Unreachable::Timeout, reason: text() },
        DuoError::Lost { call: text(), reason: text() },
        DuoError::RateLimited { call: text(), attempts: 7 },
        DuoError::Incomplete { path: text(), reason: text() },
        DuoError::Unexpected { call: text(), status: 200, reason: text() },
        DuoError::Unexpected { call: text(), status: 401, reason: text() },
        DuoError::Unexpected { call: text(), status: 403, reason: text() },
        DuoError::Unexpected { call: text(), status: 502, reason: text() },
    ]);
    answers
}

/// The one answer that proves a wrong secret key.
pub(in crate::verify) fn proves_wrong(error: &DuoError) -> bool {
    error.code() == Some(40103) && matches!(error.status(), Some(401 | 200))
}

#[tokio::test]
async fn a_key_fails_only_on_an_answer_that_means_a_wrong_key() {
    let answers = answers();
    assert!(answers.len() > 70, "{}", answers.len());
    for first in &answers {
        for probe in PROBES {
            // The second opinion of the health check is inconclusive here, so it can never fail a key alone.
            let double = Double::new(Err(first.clone()), Err(code(40301)));
            let found = ask(probe, &double).await;
            let signed = probe != KeyProbe::UniversalPrompt;
            let forbidden = Answer::of(first) == Answer::Forbidden;
            let expected = match (signed, probe) {
                (true, _) if proves_wrong(first) => Verdict::Failed,
                (_, KeyProbe::AdminApi) if forbidden => Verdict::Verified,
                _ => Verdict::Inconclusive,
            };
            assert_eq!(found.verdict, expected, "{probe:?}: {first:?}");
            let advises_a_reset = found.fix.is_some_and(|fix| fix.contains("reset"));
            assert_eq!(advises_a_reset, expected == Verdict::Failed, "{probe:?}: {first:?}");
            assert_eq!(found.fix.is_none(), expected == Verdict::Verified);
            if expected == Verdict::Inconclusive {
                assert!(found.detail.contains(&first.to_string()), "the reason is named: {found:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_403_proves_the_signature_of_an_admin_api_key_unless_it_names_the_type() {
    let ask = async |error| ask(KeyProbe::AdminApi, &Double::new(Err(error), ok())).await.verdict;
    assert_eq!(ask(code(40301)).await, Verdict::Verified);
    assert_eq!(ask(refusal(403, None, "m", None)).await, Verdict::Verified);
    assert_eq!(ask(refusal(403, Some(40301), "m", Some(WRONG_TYPE))).await, Verdict::Inconclusive);
    // A proxy's page is not an answer from Duo.
    let page = DuoError::Unexpected { call: String::new(), status: 403, reason: String::new() };
    assert_eq!(ask(page).await, Verdict::Inconclusive);
}

#[tokio::test]
async fn the_health_check_fails_a_key_only_together_with_a_wrong_signature() {
    let invalid = || refusal(400, Some(40002), "invalid_client", None);
    for second in answers() {
        let found = ask(KeyProbe::UniversalPrompt, &Double::new(Err(invalid()), Err(second.clone()))).await;
        let expected = if proves_wrong(&second) { Verdict::Failed } else { Verdict::Inconclusive };
        assert_eq!(found.verdict, expected, "{second:?}");
        assert!(found.refusal.is_some() && found.detail.contains("invalid_client"));
    }
    let found = ask(KeyProbe::UniversalPrompt, &Double::new(Err(invalid()), ok())).await;
    assert_eq!(found.verdict, Verdict::Inconclusive);
    assert!(found.detail.contains("Duo accepts the secret key on /auth/v2/check"), "{found:?}");
    // An answer that is not a refusal needs no second opinion.
    let double = Double::new(Err(code(50000)), ok());
    assert_eq!(ask(KeyProbe::UniversalPrompt, &double).await.refusal, None);
    assert_eq!(double.calls(), ["POST /oauth/v1/health_check"]);
}

#[tokio::test]
async fn an_assertion_that_a_wrong_clock_made_is_made_again_by_duos() {
    let invalid = refusal(200, Some(40002), "invalid_client", None);
    let mut double = Double::new(Err(invalid), ok());
    ask(KeyProbe::UniversalPrompt, &double).await;
    assert_eq!(double.calls(), ["POST /oauth/v1/health_check", "GET /auth/v2/ping", "GET /auth/v2/check"]);
    (double.time, double.asked) = (NOW + 900, Arc::default());
    ask(KeyProbe::UniversalPrompt, &double).await;
    let health = "POST /oauth/v1/health_check";
    assert_eq!(double.calls(), [health, "GET /auth/v2/ping", health, "GET /auth/v2/check"]);
    let asked = double.asked.lock().unwrap();
    assert_ne!(asked[0].1["client_assertion"], asked[2].1["client_assertion"]);
}

#[tokio::test]
async fn an_acceptance_is_verified() {
    for probe in PROBES {
        let double = Double::new(ok(), Err(code(50000)));
        let found = ask(probe, &double).await;
        assert_eq!((found.verdict, double.calls().len()), (Verdict::Verified, 1));
    }
    // Without a time it is not Duo's answer.
    let found = ask(KeyProbe::AuthApi, &Double::new(Ok(json!({})), ok())).await;
    assert_eq!(found.verdict, Verdict::Inconclusive);
}
