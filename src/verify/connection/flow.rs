//! The checks on the side of Identity Intelligence: token, ping, the integration's status, data, this account's users.
//! Pure functions: they take the observations and return what these prove about this integration.

use std::time::Duration;

use jiff::Timestamp;

use crate::intelligence::api::{ApiError, IntegrationStatus};
use crate::names::same;
use crate::verify::report::{Check, Verdict};

use super::age::{Age, Entered, Values};
use super::sample::Sample;
use super::seen::{Answer, Data, Seen, Users};

const TOKEN: &str = "token";
const PING: &str = "ping";
const STATUS: &str = "integration status";
const DATA: &str = "data from Duo";
const USERS: &str = "this account's users";

/// How far a date may be ahead of Duo's clock.
const AHEAD: Duration = Duration::from_secs(300);

/// How to get newer evidence.
const COLLECT: &str = "press Test Connectivity and Collect Now in the console, or wait for the next collection (about every \
                       hour); then run `duoctl verify`";

/// What is judged: one integration, its attestation, and the time.
pub(super) struct Subject<'a> {
    /// The entry, as people type it.
    pub(super) entry: &'a str,
    /// The display name in the console.
    pub(super) name: &'a str,
    /// When its values were created.
    pub(super) values: &'a Values,
    /// Why missing data is not a failure yet.
    pub(super) grace: Option<&'a str>,
    /// The current time by Duo's clock.
    pub(super) now: Timestamp,
}

/// Every check, in order.
pub(super) fn checks(subject: &Subject<'_>, answer: &Answer, sample: &Sample) -> Vec<Check> {
    let all = |verdict, detail: &str| {
        [TOKEN, PING, STATUS, DATA, USERS].map(|name| Check::new(name, verdict, detail)).to_vec()
    };
    let without_token = |first: Check| {
        let mut checks = all(Verdict::NotTestable, "without a token, nothing can be queried");
        checks.splice(..1, [first]);
        checks
    };
    let token = Check::new(TOKEN, Verdict::Verified, "the token endpoint accepts the API client");
    match answer {
        Answer::NotDeclared => {
            all(Verdict::NotVerifiable, "the entry has no `api` in the YAML, so nothing can be queried")
        }
        Answer::Unusable(reason) => without_token(
            Check::new(TOKEN, Verdict::Failed, reason.clone())
                .fix(format!("correct `identity_intelligence.{}.api` in the YAML", subject.entry)),
        ),
        Answer::NoToken(error) => without_token(failure(TOKEN, error)),
        Answer::Silent(error) => {
            let ping = match error {
                Some(error) => failure(PING, error),
                None => Check::new(PING, Verdict::Failed, "the public API returns `false`"),
            };
            let silent = [STATUS, DATA, USERS]
                .map(|name| Check::new(name, Verdict::NotTestable, "the public API does not answer"));
            [token, ping].into_iter().chain(silent).collect()
        }
        Answer::Seen(seen) => vec![
            token,
            Check::new(PING, Verdict::Verified, "the public API answers"),
            subject.status(seen),
            subject.data(seen),
            subject.users(seen, sample),
        ],
    }
}

pub(super) fn failure(name: &str, error: &ApiError) -> Check {
    let verdict = if error.is_transient() { Verdict::Inconclusive } else { Verdict::Failed };
    Check::new(name, verdict, error.to_string()).fix(advice(error))
}

/// How to fix an error of the public API.
pub(crate) fn advice(error: &ApiError) -> &'static str {
    match error {
        _ if error.is_transient() => "try again: `duoctl verify`",
        ApiError::Client { .. } => {
            "check the client id and secret, and whether the console shows an audience for this API client"
        }
        ApiError::Unauthorized => {
            "check that token_url and api_url belong together, and the API client in the console"
        }
        _ => "compare token_url and api_url with the values copied from the console",
    }
}

/// The integrations with a display name, which is the only link to a declaration (identity-intelligence.md, section 10).
pub(super) fn named<'s>(statuses: &'s [IntegrationStatus], name: &str) -> Vec<&'s IntegrationStatus> {
    statuses.iter().filter(|status| same(&status.name, name)).collect()
}

/// The outcome of a collection (identity-intelligence.md, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Good,
    Bad,
    /// None has ended yet.
    Open,
    /// A status that no published schema contains.
    Unknown,
}

impl Outcome {
    pub(super) fn of(status: &IntegrationStatus) -> Self {
        match status.status.as_str() {
            "SUCCESS" => Self::Good,
            "FAILURE" | "PARTIAL_SUCCESS" | "TIMEOUT" | "BLOCKED" => Self::Bad,
            "STARTED" | "NONE" | "INFO" => Self::Open,
            _ => Self::Unknown,
        }
    }
}

/// A status in words.
pub(super) fn described(status: &IntegrationStatus) -> String {
    let error = status.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!("{} on {}{error}", status.status, status.date)
}

/// Why data from Duo proves nothing about the integration of that name: another integration may have collected it.
fn shared(statuses: &Result<Option<Vec<IntegrationStatus>>, ApiError>, name: &str) -> Option<String> {
    let whose = match statuses {
        Ok(Some(statuses)) => {
            let from_duo: Vec<_> = statuses.iter().filter(|status| status.may_be_duo()).collect();
            match from_duo.as_slice() {
                [only] if same(&only.name, name) => return None,
                [] | [_] | [_, _] => "another integration".to_owned(),
                several => format!("one of {} other integrations", several.len() - 1),
            }
        }
        Ok(None) | Err(_) => "another integration".to_owned(),
    };
    Some(format!(
        "{whose} of this tenant may have collected it, and the public API does not show which one did"
    ))
}

impl Subject<'_> {
    /// Missing data is pending while it cannot be there yet.
    fn missing(&self, name: &str, detail: &str) -> Check {
        match self.grace {
            Some(why) => Check::new(name, Verdict::Pending, format!("{detail}; {why}")),
            None => Check::new(name, Verdict::Failed, detail).fix(
                "check the integration and System Logs in the console, and press Test Connectivity there",
            ),
        }
    }

    /// Whether an observation proves anything: `Ok` only if it is newer than the values.
    fn dated(&self, name: &str, seen: &str, at: Timestamp) -> Result<(), Check> {
        let pending = |why: String| Check::new(name, Verdict::Pending, format!("{seen}; {why}"));
        let horizon = self.now.checked_add(AHEAD).unwrap_or(self.now);
        if at > horizon {
            let detail = format!("{seen}; that date is in the future");
            return Err(Check::new(name, Verdict::NotVerifiable, detail));
        }
        let entry = self.entry;
        match self.values.age(at) {
            Age::Newer => Ok(()),
            Age::Older { than, at } => {
                let why = format!("this is not newer than {at:.0}, when {than}");
                Err(pending(why).fix(COLLECT))
            }
            Age::Undated => Err(pending("the attestation has no date to compare this with".to_owned())
                .fix(format!("`duoctl attest {entry}` writes one"))),
            Age::NotEntered => {
                let fix =
                    format!("`duoctl handoff {entry}` shows what to enter; then `duoctl attest {entry}`");
                let why = match self.values.entered {
                    Entered::Before(Some(at)) => {
                        format!("the values attested on {at:.0} are not the current ones")
                    }
                    _ => "the current values are not attested yet".to_owned(),
                };
                Err(pending(why).fix(fix))
            }
        }
    }

    fn status(&self, seen: &Seen) -> Check {
        let found = match &seen.statuses {
            Ok(None) => {
                return Check::new(
                    STATUS,
                    Verdict::Unsupported,
                    "the public API of this tenant has no `getIntegrationsStatus`",
                );
            }
            Ok(Some(found)) => named(found, self.name),
            Err(error) => return failure(STATUS, error),
        };
        match found.as_slice() {
            [] => self.missing(STATUS, &format!("no integration has the display name \"{}\"", self.name)),
            [status] => self.judge(status),
            several => {
                let detail = format!(
                    "{} integrations have the display name \"{}\", and nothing else tells them apart",
                    several.len(),
                    self.name
                );
                Check::new(STATUS, Verdict::NotVerifiable, detail).fix("rename one of them in the console")
            }
        }
    }

    fn judge(&self, status: &IntegrationStatus) -> Check {
        let seen = described(status);
        let outcome = Outcome::of(status);
        if outcome == Outcome::Open {
            return self.missing(STATUS, &seen);
        }
        let Ok(date) = status.date.parse::<Timestamp>() else {
            let detail = format!("{seen}; duoctl cannot parse that date");
            return Check::new(STATUS, Verdict::NotVerifiable, detail);
        };
        if let Err(check) = self.dated(STATUS, &seen, date) {
            return check;
        }
        match outcome {
            Outcome::Good => Check::new(STATUS, Verdict::Verified, seen),
            Outcome::Bad => Check::new(STATUS, Verdict::Failed, seen).fix(self.remedy(status)),
            Outcome::Open | Outcome::Unknown => Check::new(STATUS, Verdict::NotVerifiable, seen)
                .fix("duoctl does not know this status; check the integration in the console"),
        }
    }

    /// How to fix a failed collection, if the error contains one of Duo's codes (duo-api.md, section 2.2).
    fn remedy(&self, status: &IntegrationStatus) -> String {
        let error = status.error.as_deref().unwrap_or_default();
        let what = if error.contains("40102") {
            "the integration key in the console does not belong to this account's Admin API: it is mistyped, swapped with the secret \
             key, from the Auth API or another account, or its application was deleted"
        } else if error.contains("40103") {
            "the secret key in the console is mistyped or older than the last reset"
        } else if error.contains("40301") {
            "the key is not allowed to do this: check whether it is an Auth API key, whether `duoctl plan` shows a missing \
             permission, and whether networks restrict it"
        } else {
            "compare the form with the handoff, and check System Logs in the console"
        };
        let entry = self.entry;
        format!(
            "{what}; `duoctl handoff {entry}` shows the values; then press Test Connectivity and Collect Now"
        )
    }

    /// What an observation in the tenant proves about this integration.
    fn attributed(&self, name: &str, seen: &Seen, what: &str, newest: Option<Timestamp>) -> Check {
        if let Some(why) = shared(&seen.statuses, self.name) {
            return Check::new(name, Verdict::NotVerifiable, format!("{what}; {why}"));
        }
        let Some(newest) = newest else {
            let detail = format!("{what}; the public API does not show when it arrived");
            return Check::new(name, Verdict::NotVerifiable, detail);
        };
        let what = format!("{what}, last updated on {newest:.0}");
        match self.dated(name, &what, newest) {
            Ok(()) => Check::new(name, Verdict::Verified, what),
            Err(check) => check,
        }
    }

    fn data(&self, seen: &Seen) -> Check {
        match &seen.data {
            Err(error) => failure(DATA, error),
            Ok(Data { people, there: false, .. }) => {
                self.missing(DATA, &format!("none of {people} users has DUO among the providers"))
            }
            Ok(Data { newest, .. }) => {
                self.attributed(DATA, seen, "DUO is among the providers of users", *newest)
            }
        }
    }

    fn users(&self, seen: &Seen, sample: &Sample) -> Check {
        if let Some(problem) = &sample.problem {
            return Check::new(USERS, Verdict::NotTestable, problem.clone());
        }
        let Users { asked, there, newest } = match &seen.users {
            Ok(users) => users,
            Err(error) => return failure(USERS, error),
        };
        let lacking = match sample.without_email {
            0 => String::new(),
            count => {
                format!(
                    "; users in Duo without an email, by which Identity Intelligence matches people: {count}"
                )
            }
        };
        let what = format!("{there} of {asked} sampled users were found{lacking}");
        if there == asked { self.attributed(USERS, seen, &what, *newest) } else { self.missing(USERS, &what) }
    }
}
