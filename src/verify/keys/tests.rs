//! Tests the finding about a key for every answer that Duo, or something in its place, may give to a probe.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::duo::call::Success;
use crate::duo::catalogue::kinds;
use crate::duo::error::Unreachable;
use crate::duo::request::title;
use crate::verify::probes::{Probe, TABLE};

/// What is answered to each call, and what was asked.
#[derive(Clone)]
struct Double {
    /// `/admin`, `/accounts`.
    api: Result<Value, DuoError>,
    check: Result<Value, DuoError>,
    /// `/auth/v2/check` with another secret key.
    control: Result<Value, DuoError>,
    rest: Result<Value, DuoError>,
    health: Result<Value, DuoError>,
    time: i64,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    secret: String,
}

impl Double {
    /// Everything is answered in the same way.
    fn new(answer: Result<Value, DuoError>) -> Self {
        Self {
            api: answer.clone(),
            check: answer.clone(),
            control: answer.clone(),
            rest: answer.clone(),
            health: answer,
            time: NOW,
            asked: Arc::default(),
            secret: String::new(),
        }
    }

    fn calls(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(call, _)| call.clone()).collect()
    }
}

const NOW: i64 = 1_800_000_000;

fn secret() -> Secret {
    Secret::new("x".repeat(40))
}

impl Transport for Double {
    async fn send(&self, call: &ApiCall) -> Result<Success, DuoError> {
        let params = Value::Object(call.params.clone());
        self.asked.lock().unwrap().push((title(call), params));
        let is_control = self.secret != secret().expose();
        let response = match call.path.as_str() {
            "/auth/v2/ping" => json!({"time": self.time}),
            "/auth/v2/check" if is_control => self.control.clone()?,
            "/auth/v2/check" => self.check.clone()?,
            "/rest/v1/check" => self.rest.clone()?,
            "/oauth/v1/health_check" => self.health.clone()?,
            _ => self.api.clone()?,
        };
        Ok(Success { response, metadata: Value::Null })
    }

    fn signed_by(&self, _: &Ikey, secret: &Secret) -> Self {
        Self { secret: secret.expose().to_owned(), ..self.clone() }
    }

    fn host(&self) -> &'static str {
        "api-00000000.duosecurity.com"
    }
}

async fn asked(probe: Probe, double: &Double, controls: &Controls) -> Finding {
    let (ikey, secret) = (Ikey::new("DI1"), secret());
    let now = Timestamp::from_second(NOW).unwrap();
    ask(probe, "some-type", double, Pair { ikey: &ikey, secret: &secret }, controls, now).await
}

async fn found(probe: Probe, double: &Double) -> Finding {
    asked(probe, double, &Controls::default()).await
}

/// Every way to test a key.
fn probes() -> Vec<Probe> {
    let all = kinds().iter().map(|kind| Probe::of_type(kind.name));
    let with_key = all.filter(|probe| probe.without_key().is_none());
    let mut distinct: Vec<Probe> = Vec::new();
    for probe in with_key {
        if !distinct.contains(&probe) {
            distinct.push(probe);
        }
    }
    assert_eq!(distinct.len(), TABLE.len() + 1);
    distinct
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

fn wrong_type() -> DuoError {
    refusal(403, Some(40301), "Access forbidden", Some(WRONG_TYPE))
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

const AUTH: [Probe; 3] = [
    Probe::AuthCheck(Certainty::Firm),
    Probe::AuthCheck(Certainty::Likely),
    Probe::AuthCheck(Certainty::Open),
];

#[tokio::test]
async fn a_key_fails_only_on_an_answer_that_means_a_wrong_key() {
    let answers = answers();
    assert!(answers.len() > 70, "{}", answers.len());
    for error in &answers {
        for probe in probes() {
            // Whatever is asked, this is the answer, so a second call agrees and a control shows no difference.
            let found = found(probe, &Double::new(Err(error.clone()))).await;
            let forbidden = Answer::of(error) == Answer::Forbidden;
            let alike = match Answer::of(error) {
                Answer::WrongType => {
                    !matches!(probe, Probe::AdminApi | Probe::AccountsApi | Probe::HealthCheck)
                }
                Answer::UnknownKey => !matches!(
                    probe,
                    Probe::AdminApi
                        | Probe::AccountsApi
                        | Probe::HealthCheck
                        | Probe::AuthCheck(Certainty::Firm)
                ),
                _ => false,
            };
            let expected = match probe {
                _ if proves_wrong(error) => Verdict::Failed,
                Probe::AdminApi if forbidden => Verdict::Verified,
                _ if alike => Verdict::NotTestable,
                _ => Verdict::Inconclusive,
            };
            assert_eq!(found.verdict, expected, "{probe:?}: {error:?}");
            let advises_a_reset = found.fix.is_some_and(|fix| fix.contains("reset"));
            assert_eq!(advises_a_reset, expected == Verdict::Failed, "{probe:?}: {error:?}");
            // Duo gives these answers each time, so trying again is no advice.
            let stays = matches!(Answer::of(error), Answer::WrongType | Answer::Forbidden);
            let quiet = matches!(expected, Verdict::Verified | Verdict::NotTestable)
                || stays && expected == Verdict::Inconclusive;
            assert_eq!(found.fix.is_none(), quiet, "{probe:?}: {error:?}");
            if expected == Verdict::Inconclusive {
                assert!(found.detail.contains(&error.to_string()), "the reason is named: {found:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_403_proves_the_signature_of_an_admin_api_key_unless_it_names_the_type() {
    let ask = async |error| found(Probe::AdminApi, &Double::new(Err(error))).await.verdict;
    assert_eq!(ask(code(40301)).await, Verdict::Verified);
    assert_eq!(ask(refusal(403, None, "m", None)).await, Verdict::Verified);
    assert_eq!(ask(wrong_type()).await, Verdict::Inconclusive);
    // A proxy's page is not an answer from Duo.
    let page = DuoError::Unexpected { call: String::new(), status: 403, reason: String::new() };
    assert_eq!(ask(page).await, Verdict::Inconclusive);
}

/// The table of verdicts, for every answer to the control.
#[tokio::test]
async fn a_type_that_is_not_let_in_is_proven_by_what_happens_to_a_wrong_key() {
    for control in answers().into_iter().map(Err).chain([ok()]) {
        for probe in AUTH {
            let double = Double { control: control.clone(), ..Double::new(Err(wrong_type())) };
            let verdict = found(probe, &double).await.verdict;
            let answer = control.as_ref().err().map(Answer::of);
            let expected = match answer {
                Some(Answer::WrongSecret) => Verdict::Verified,
                Some(Answer::WrongType | Answer::UnknownKey) => Verdict::NotTestable,
                _ => Verdict::Inconclusive,
            };
            assert_eq!(verdict, expected, "{probe:?}: {control:?}");
            // Without a detail it may be a restriction to networks, and an unknown key is no acceptance.
            for error in [code(40301), code(40102)] {
                let double = Double { check: Err(error.clone()), ..double.clone() };
                let verdict = found(probe, &double).await.verdict;
                assert!(
                    matches!(verdict, Verdict::Inconclusive | Verdict::NotTestable),
                    "{probe:?}: {error:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_control_is_asked_for_once_for_a_type_and_only_if_it_may_be() {
    let controls = Controls::default();
    let double = Double { control: Err(code(40103)), ..Double::new(Err(wrong_type())) };
    let probe = Probe::AuthCheck(Certainty::Open);
    for expected in [2, 3, 4] {
        assert_eq!(asked(probe, &double, &controls).await.verdict, Verdict::Verified);
        assert_eq!(double.calls().len(), expected);
    }
    double.asked.lock().unwrap().clear();
    let found = asked(probe, &double, &Controls::allowed(false)).await;
    assert_eq!((found.verdict, double.calls().len()), (Verdict::NotTestable, 1));
    assert!(found.detail.contains("switched off"), "{found:?}");
    // An accepted key needs none.
    let double = Double::new(ok());
    asked(probe, &double, &Controls::default()).await;
    assert_eq!(double.calls(), ["GET /auth/v2/check"]);
}

#[tokio::test]
async fn a_wrong_signature_needs_a_second_call_where_the_answer_is_not_certain() {
    for second in answers().into_iter().map(Err).chain([Ok(json!("valid"))]) {
        for probe in AUTH {
            let double = Double { rest: second.clone(), ..Double::new(Err(code(40103))) };
            let found = found(probe, &double).await;
            let firm = probe == Probe::AuthCheck(Certainty::Firm);
            let agrees = second.as_ref().is_err_and(proves_wrong);
            let expected = if firm || agrees { Verdict::Failed } else { Verdict::Inconclusive };
            assert_eq!(found.verdict, expected, "{probe:?}: {second:?}");
            assert_eq!(double.calls().len(), if firm { 1 } else { 2 });
        }
    }
}

#[tokio::test]
async fn older_clients_keys_are_proven_by_the_older_check() {
    for check in answers() {
        let double =
            Double { check: Err(check.clone()), rest: Ok(json!("valid")), ..Double::new(Err(check.clone())) };
        let found = found(Probe::AuthOrRestCheck, &double).await;
        assert_eq!(found.verdict, Verdict::Verified, "{check:?}");
    }
    let double = Double { check: Err(code(40301)), rest: Ok(json!("pong")), ..Double::new(Err(code(40301))) };
    assert_eq!(found(Probe::AuthOrRestCheck, &double).await.verdict, Verdict::Inconclusive);
}

#[tokio::test]
async fn the_health_check_fails_a_key_only_together_with_a_wrong_signature() {
    let invalid = || refusal(400, Some(40002), "invalid_client", None);
    for second in answers() {
        let double = Double { health: Err(invalid()), ..Double::new(Err(second.clone())) };
        let found = found(Probe::HealthCheck, &double).await;
        let expected = if proves_wrong(&second) { Verdict::Failed } else { Verdict::Inconclusive };
        assert_eq!(found.verdict, expected, "{second:?}");
        assert!(found.refusal.is_some() && found.detail.contains("invalid_client"));
    }
    let double = Double { health: Err(invalid()), ..Double::new(ok()) };
    let finding = found(Probe::HealthCheck, &double).await;
    assert_eq!(finding.verdict, Verdict::Inconclusive);
    assert!(finding.detail.contains("Duo accepts the secret key on /auth/v2/check"), "{finding:?}");
    // An answer that is not a refusal needs no second opinion.
    let double = Double { health: Err(code(50000)), ..Double::new(ok()) };
    assert_eq!(found(Probe::HealthCheck, &double).await.refusal, None);
    assert_eq!(double.calls(), ["POST /oauth/v1/health_check"]);
    // Where the prompt may not be in use, its refusal means nothing.
    for refused in answers() {
        let double = Double { health: Err(refused.clone()), ..Double::new(ok()) };
        let probe = Probe::HealthOrAuthCheck(Certainty::Open);
        assert_eq!(found(probe, &double).await.verdict, Verdict::Verified, "{refused:?}");
    }
}

#[tokio::test]
async fn an_assertion_that_a_wrong_clock_made_is_made_again_by_duos() {
    let invalid = refusal(200, Some(40002), "invalid_client", None);
    let mut double = Double { health: Err(invalid), ..Double::new(ok()) };
    found(Probe::HealthCheck, &double).await;
    assert_eq!(double.calls(), ["POST /oauth/v1/health_check", "GET /auth/v2/ping", "GET /auth/v2/check"]);
    (double.time, double.asked) = (NOW + 900, Arc::default());
    found(Probe::HealthCheck, &double).await;
    let health = "POST /oauth/v1/health_check";
    assert_eq!(double.calls(), [health, "GET /auth/v2/ping", health, "GET /auth/v2/check"]);
    let asked = double.asked.lock().unwrap();
    assert_ne!(asked[0].1["client_assertion"], asked[2].1["client_assertion"]);
}

#[tokio::test]
async fn an_acceptance_is_verified() {
    for probe in probes() {
        let double = Double { api: Ok(json!([])), ..Double::new(ok()) };
        let finding = found(probe, &double).await;
        assert_eq!((finding.verdict, double.calls().len()), (Verdict::Verified, 1), "{probe:?}");
        assert_eq!(finding.refusal, None);
    }
    // Without a time, or a list, it is not Duo's answer.
    let odd = Double::new(Ok(json!({})));
    for probe in [Probe::AuthCheck(Certainty::Firm), Probe::AccountsApi] {
        assert_eq!(found(probe, &odd).await.verdict, Verdict::Inconclusive, "{probe:?}");
    }
}

/// Whatever Duo answers, every call reads, and none reaches a user.
#[tokio::test]
async fn no_check_of_any_type_does_more_than_read() {
    let safe = BTreeSet::from([
        "GET /admin/v1/info/summary",
        "GET /auth/v2/check",
        "GET /auth/v2/ping",
        "GET /rest/v1/check",
        "POST /accounts/v1/account/list",
        "POST /oauth/v1/health_check",
    ]);
    let mut seen = BTreeSet::new();
    for answer in answers().into_iter().map(Err).chain([ok()]) {
        for probe in probes() {
            let double = Double::new(answer.clone());
            found(probe, &double).await;
            seen.extend(double.calls());
        }
    }
    assert_eq!(seen, safe.iter().map(|call| (*call).to_owned()).collect());
}
