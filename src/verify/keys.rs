//! Whether Duo accepts an application's own pair of keys, by read-only calls that do not disturb users (probes.md,
//! section 4).
//!
//! A pair is reported as wrong only if an answer says so. Any other answer that is not an acceptance is inconclusive:
//! advice to reset a working key would break whatever uses it.

use jiff::Timestamp;

use crate::duo::assertion::{health_check_call, token_id};
use crate::duo::call::{ApiCall, Transport};
use crate::duo::error::{DuoError, Refusal};
use crate::duo::object::{Ikey, Object};
use crate::duo::probe::{auth_check, auth_ping};
use crate::duo::sign::Scheme;
use crate::kinds::value::flag;
use crate::secret::Secret;

use super::report::{Check, Verdict};

/// From how many seconds on a wrong clock may be the reason why Duo refuses an assertion.
const CLOCK_MATTERS: u64 = 30;

const TRY_AGAIN: &str = "try again: `duoctl verify`";
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
    /// Verified, failed or inconclusive.
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

    fn open(detail: String, error: DuoError) -> Self {
        let refusal = (Answer::of(&error) != Answer::Nothing).then_some(error);
        Self { verdict: Verdict::Inconclusive, detail, fix: Some(TRY_AGAIN), refusal }
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

/// A way to test a pair of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyProbe {
    /// A read of the Admin API.
    AdminApi,
    /// `GET /auth/v2/check`.
    AuthApi,
    /// The health check of the Universal Prompt, with `GET /auth/v2/check` as the second opinion.
    UniversalPrompt,
}

impl KeyProbe {
    /// The probe of an application, if there is one that certainly answers.
    pub fn of(live: &Object) -> Option<Self> {
        let frameless = live.property("frameless_auth_prompt_enabled").and_then(flag);
        // The Web SDK, and applications for which Duo has seen a frameless authentication.
        let prompts = frameless == Some(true) && live.variant() != "adminapi" && live.variant() != "authapi";
        if prompts { Some(Self::UniversalPrompt) } else { Self::of_type(live.variant()) }
    }

    /// The probe of every application of a type.
    pub fn of_type(kind: &str) -> Option<Self> {
        match kind {
            "adminapi" => Some(Self::AdminApi),
            "authapi" => Some(Self::AuthApi),
            "websdk" => Some(Self::UniversalPrompt),
            _ => None,
        }
    }

    /// The name of the check in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::AdminApi => "secret key",
            Self::AuthApi => "auth check",
            Self::UniversalPrompt => "health check",
        }
    }

    /// Tests a pair of keys; `transport` may be any connection to the account.
    pub async fn ask<T: Transport>(
        self,
        transport: &T,
        ikey: &Ikey,
        secret: &Secret,
        now: Timestamp,
    ) -> Finding {
        let keyed = transport.signed_by(ikey, secret);
        match self {
            Self::AdminApi => {
                let call = ApiCall::get("/admin/v1/info/summary", &[]);
                match keyed.send(&call).await.map_err(|error| (Answer::of(&error), error)) {
                    Ok(_) => Finding::verified("Duo accepts the key for the Admin API"),
                    // Duo checks the permission and the caller's network after the signature.
                    Err((Answer::Forbidden, _)) => Finding::verified("Duo accepts the signature"),
                    Err((_, error)) => judged(error),
                }
            }
            Self::AuthApi => match auth_check(&keyed, Scheme::V5).await {
                Ok(_) => Finding::verified("Duo accepts the key for the Auth API"),
                Err(error) => judged(error),
            },
            Self::UniversalPrompt => match health_check(transport, ikey, secret, now).await {
                Ok(()) => Finding::verified("Duo accepts the client id and the client secret"),
                Err(error) if Answer::of(&error) == Answer::Nothing => judged(error),
                Err(error) => second_opinion(&keyed, error).await,
            },
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
async fn health_check<T: Transport>(
    transport: &T,
    ikey: &Ikey,
    secret: &Secret,
    now: Timestamp,
) -> Result<(), DuoError> {
    let refused = match send_health_check(transport, ikey, secret, now).await {
        Err(error) if Answer::of(&error) != Answer::Nothing => error,
        other => return other,
    };
    let Ok(duo) = auth_ping(transport).await else { return Err(refused) };
    match Timestamp::from_second(duo) {
        Ok(duo_now) if duo.abs_diff(now.as_second()) >= CLOCK_MATTERS => {
            send_health_check(transport, ikey, secret, duo_now).await
        }
        _ => Err(refused),
    }
}

async fn send_health_check<T: Transport>(
    transport: &T,
    ikey: &Ikey,
    secret: &Secret,
    now: Timestamp,
) -> Result<(), DuoError> {
    let id = token_id().ok_or_else(|| DuoError::NotSent {
        call: "POST /oauth/v1/health_check".to_owned(),
        reason: "this machine has no random numbers".to_owned(),
    })?;
    transport.send(&health_check_call(transport.host(), ikey, secret, now, &id)).await.map(drop)
}

#[cfg(test)]
pub(super) mod tests;
