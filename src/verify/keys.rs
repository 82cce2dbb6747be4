//! Whether Duo accepts an application's own pair of keys, by the calls of [`super::probes`] (probes.md, section 4).
//!
//! A pair is reported as wrong only if an answer says so. Any other answer that is not an acceptance is inconclusive:
//! advice to reset a working key would break whatever uses it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::duo::assertion::{health_check_call, token_id};
use crate::duo::call::{ApiCall, Transport};
use crate::duo::error::{DuoError, Refusal};
use crate::duo::object::Ikey;
use crate::duo::probe::{auth_check, auth_ping, list_accounts, rest_check};
use crate::duo::sign::Scheme;
use crate::secret::Secret;
use crate::text::bounded;

use super::once::OncePer;
use super::probes::{Certainty, Probe};
use super::report::{Check, Verdict};

/// From how many seconds on a wrong clock may be the reason why Duo refuses an assertion.
const CLOCK_MATTERS: u64 = 30;

pub(super) const TRY_AGAIN: &str = "try again: `duoctl verify`";
const RESET: &str = "reset the secret key in Duo, and verify again";

/// What an error shows about the pair that was used (duo-api.md, section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 40103: the signature does not match the secret key.
    WrongSecret,
    /// 40102: the integration key is unknown, or of a type that this API does not know.
    UnknownKey,
    /// 40301 with a matching detail: only another type of application may make this call.
    WrongType,
    /// Any other 403: a permission or a network is missing.
    Forbidden,
    /// 40104, 40105: the clock.
    Clock,
    /// Another refusal.
    Refused,
    /// No answer from Duo about the call: 429, 5xx, HTML, no response.
    Nothing,
}

impl Answer {
    /// Classifies an error. A code counts only with its own HTTP status, or with 200.
    pub fn of(error: &DuoError) -> Self {
        let DuoError::Refused(Refusal { status, code, detail, .. }) = error else { return Self::Nothing };
        let code = code.filter(|code| *status == 200 || code / 100 == u32::from(*status));
        match (code, status) {
            (_, 429 | 500..) | (Some(42900..=42999 | 50000..), _) => Self::Nothing,
            (Some(40102), _) => Self::UnknownKey,
            (Some(40103), _) => Self::WrongSecret,
            (Some(40104 | 40105), _) => Self::Clock,
            (Some(40300..=40399), _) | (None, 403) => {
                let told =
                    detail.as_deref().is_some_and(|detail| detail.starts_with("Wrong integration type"));
                if told { Self::WrongType } else { Self::Forbidden }
            }
            _ => Self::Refused,
        }
    }
}

/// What the calls with a pair of keys showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Verified, failed, inconclusive or not testable.
    pub verdict: Verdict,
    /// What was seen.
    pub detail: String,
    /// What to do, if anything.
    pub fix: Option<&'static str>,
    /// Duo's refusal, if Duo refused a call.
    pub refusal: Option<DuoError>,
}

impl Finding {
    fn verified(detail: &str) -> Self {
        Self { verdict: Verdict::Verified, detail: detail.to_owned(), fix: None, refusal: None }
    }

    fn wrong(detail: String, error: DuoError) -> Self {
        Self { verdict: Verdict::Failed, detail, fix: Some(RESET), refusal: Some(error) }
    }

    fn not_testable(detail: String, refusal: Option<DuoError>) -> Self {
        Self { verdict: Verdict::NotTestable, detail, fix: None, refusal }
    }

    fn open(detail: String, error: DuoError) -> Self {
        let answer = Answer::of(&error);
        let refusal = (answer != Answer::Nothing).then_some(error);
        // Duo gives these answers each time.
        let stays = matches!(answer, Answer::WrongType | Answer::Forbidden);
        Self { verdict: Verdict::Inconclusive, detail, fix: (!stays).then_some(TRY_AGAIN), refusal }
    }

    /// The finding as a check of a report.
    pub fn check(self, name: &str) -> Check {
        let check = Check::new(name, self.verdict, self.detail);
        match self.fix {
            Some(fix) => check.fix(fix),
            None => check,
        }
    }
}

/// What all tests of a run share.
#[derive(Clone, Debug)]
pub struct Controls {
    allowed: bool,
    seen: Arc<OncePer<Control>>,
}

impl Default for Controls {
    fn default() -> Self {
        Self::allowed(true)
    }
}

impl Controls {
    /// Whether control calls may be sent.
    pub fn allowed(allowed: bool) -> Self {
        Self { allowed, seen: Arc::default() }
    }

    /// What Duo answers to a wrong secret key of a type, asked once in a run. It is a failed signature in Duo's eyes.
    async fn answer<T: Transport>(&self, kind: &str, transport: &T, pair: Pair<'_>) -> Control {
        if !self.allowed {
            return Control::Off;
        }
        let asked = async {
            let wrong = transport.signed_by(pair.ikey, &altered(pair.secret));
            match auth_check(&wrong, Scheme::V5).await.map_err(|error| Answer::of(&error)) {
                Err(Answer::WrongSecret) => Control::Signature,
                Err(Answer::WrongType | Answer::UnknownKey) => Control::Alike,
                Ok(_) | Err(_) => Control::Nothing,
            }
        };
        self.seen.get(kind, asked).await
    }
}

/// What Duo does with a wrong secret key of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Control {
    /// duoctl may not ask.
    Off,
    /// Duo refuses the signature, so it checks it before the type.
    Signature,
    /// Duo answers as it does to a right one.
    Alike,
    /// The answer shows nothing.
    Nothing,
}

/// A secret key that differs in its last character.
fn altered(secret: &Secret) -> Secret {
    let mut text = secret.expose().to_owned();
    let last = text.pop();
    text.push(if last == Some('a') { 'b' } else { 'a' });
    Secret::new(text)
}

/// A pair of keys.
#[derive(Clone, Copy)]
pub struct Pair<'k> {
    /// The integration key.
    pub ikey: &'k Ikey,
    /// The secret key.
    pub secret: &'k Secret,
}

/// Tests a pair of keys of a type; `transport` may be any connection to the account.
pub async fn ask<T: Transport>(
    probe: Probe,
    kind: &str,
    transport: &T,
    pair: Pair<'_>,
    controls: &Controls,
    now: Timestamp,
) -> Finding {
    let keyed = transport.signed_by(pair.ikey, pair.secret);
    let checked = async |certainty| {
        let test = AuthTest { kind, transport, keyed: &keyed, pair, controls, certainty };
        test.check().await
    };
    match probe {
        Probe::AdminApi => {
            let call = ApiCall::get("/admin/v1/info/summary", &[]);
            match keyed.send(&call).await.map_err(|error| (Answer::of(&error), error)) {
                Ok(_) => Finding::verified("Duo accepts the key for the Admin API"),
                // Duo checks the permission and the caller's network after the signature.
                Err((Answer::Forbidden, _)) => Finding::verified("Duo accepts the signature"),
                Err((_, error)) => judged(error),
            }
        }
        Probe::AccountsApi => match list_accounts(&keyed).await {
            Ok(()) => Finding::verified("Duo accepts the key for the Accounts API"),
            Err(error) => judged(error),
        },
        Probe::AuthCheck(certainty) => checked(certainty).await,
        Probe::AuthOrRestCheck => {
            let found = checked(Certainty::Open).await;
            let open = matches!(found.verdict, Verdict::Inconclusive | Verdict::NotTestable);
            if open && rest_check(&keyed).await.is_ok() {
                return Finding::verified("Duo accepts the key on /rest/v1/check");
            }
            found
        }
        Probe::HealthCheck => match health_check(transport, pair, now).await {
            Ok(()) => Finding::verified(HEALTHY),
            Err(error) if Answer::of(&error) == Answer::Nothing => judged(error),
            Err(error) => second_opinion(&keyed, error).await,
        },
        Probe::HealthOrAuthCheck(certainty) => match health_check(transport, pair, now).await {
            Ok(()) => Finding::verified(HEALTHY),
            Err(refused) => {
                let found = checked(certainty).await;
                let detail = format!("Duo refuses the health check ({refused}); {}", found.detail);
                Finding { detail, ..found }
            }
        },
        Probe::Metadata | Probe::Discovery => {
            Finding::not_testable(probe.without_key().unwrap_or_default().to_owned(), None)
        }
    }
}

const HEALTHY: &str = "Duo accepts the client id and the client secret";

/// `/auth/v2/check` with a pair of keys, and what it takes to judge the answer (probes.md, section 4).
struct AuthTest<'a, T> {
    kind: &'a str,
    transport: &'a T,
    keyed: &'a T,
    pair: Pair<'a>,
    controls: &'a Controls,
    certainty: Certainty,
}

impl<T: Transport> AuthTest<'_, T> {
    async fn check(&self) -> Finding {
        let error = match auth_check(self.keyed, Scheme::V5).await {
            Ok(_) => return Finding::verified("Duo accepts the key for the Auth API"),
            Err(error) => error,
        };
        match (Answer::of(&error), self.certainty) {
            (Answer::WrongSecret, Certainty::Likely | Certainty::Open) => self.confirmed(error).await,
            (Answer::WrongType, _) | (Answer::UnknownKey, Certainty::Likely | Certainty::Open) => {
                self.controlled(error).await
            }
            _ => judged(error),
        }
    }

    /// A wrong signature where it is not certain what this type gets: a second call has to agree.
    async fn confirmed(&self, error: DuoError) -> Finding {
        match rest_check(self.keyed).await.map_err(|second| (Answer::of(&second), second)) {
            Err((Answer::WrongSecret, _)) => judged(error),
            Ok(()) => Finding::open(format!("{error}; but Duo accepts the key on /rest/v1/check"), error),
            Err((_, second)) => {
                Finding::open(format!("{error}; a second call does not confirm it: {second}"), error)
            }
        }
    }

    /// A type that is not let in: proven if the same call with a wrong secret key is refused for its signature.
    async fn controlled(&self, error: DuoError) -> Finding {
        let type_is_named = Answer::of(&error) == Answer::WrongType;
        let kind = bounded(self.kind, 60);
        match self.controls.answer(self.kind, self.transport, self.pair).await {
            Control::Signature if type_is_named => Finding::verified(
                "Duo accepts the signature; this type may not use the Auth API, which is expected",
            ),
            Control::Alike => Finding::not_testable(
                format!("Duo refuses a wrong secret key of the type `{kind}` in the same way as a right one"),
                Some(error),
            ),
            Control::Off => Finding::not_testable(
                format!("Duo lets no key of the type `{kind}` in, and the control call is switched off"),
                Some(error),
            ),
            Control::Signature | Control::Nothing => judged(error),
        }
    }
}

/// What an error proves about the pair that signed the call.
fn judged(error: DuoError) -> Finding {
    let words = match Answer::of(&error) {
        Answer::WrongSecret => return Finding::wrong(format!("the secret key is wrong: {error}"), error),
        Answer::UnknownKey => {
            format!("Duo lists the application, but does not know its integration key here: {error}")
        }
        Answer::WrongType => {
            format!("Duo does not let this type of application make the call, so it proves nothing: {error}")
        }
        Answer::Forbidden => {
            format!("Duo refuses the call without saying whether the key is right: {error}")
        }
        Answer::Clock => format!("this machine's clock differs from Duo's: {error}"),
        Answer::Refused | Answer::Nothing => error.to_string(),
    };
    Finding::open(words, error)
}

/// Duo answers `invalid_client` to any problem in the health check, so a second call decides.
async fn second_opinion<T: Transport>(keyed: &T, refused: DuoError) -> Finding {
    match auth_check(keyed, Scheme::V5).await.map_err(|error| (Answer::of(&error), error)) {
        Ok(_) => {
            let words = format!("{refused}; but Duo accepts the secret key on /auth/v2/check");
            Finding {
                fix: Some("check the other settings of the application"),
                ..Finding::open(words, refused)
            }
        }
        Err((Answer::WrongSecret, error)) => Finding::wrong(format!("{refused}; {error}"), refused),
        Err((_, error)) => Finding::open(
            format!(
                "{refused}; this does not have to mean a wrong key, and a second call proves nothing: {error}"
            ),
            refused,
        ),
    }
}

/// One health check, repeated with Duo's time if this machine's clock may be the reason for a refusal.
async fn health_check<T: Transport>(transport: &T, pair: Pair<'_>, now: Timestamp) -> Result<(), DuoError> {
    let refused = match send_health_check(transport, pair, now).await {
        Err(error) if Answer::of(&error) != Answer::Nothing => error,
        other => return other,
    };
    let Ok(duo) = auth_ping(transport).await else { return Err(refused) };
    match Timestamp::from_second(duo) {
        Ok(duo_now) if duo.abs_diff(now.as_second()) >= CLOCK_MATTERS => {
            send_health_check(transport, pair, duo_now).await
        }
        _ => Err(refused),
    }
}

async fn send_health_check<T: Transport>(
    transport: &T,
    pair: Pair<'_>,
    now: Timestamp,
) -> Result<(), DuoError> {
    let id = token_id().ok_or_else(|| DuoError::NotSent {
        call: "POST /oauth/v1/health_check".to_owned(),
        reason: "this machine has no random numbers".to_owned(),
    })?;
    transport.send(&health_check_call(transport.host(), pair.ikey, pair.secret, now, &id)).await.map(drop)
}

#[cfg(test)]
pub(super) mod tests;
