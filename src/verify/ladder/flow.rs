//! The rungs on the side of Identity Intelligence: token, ping, the integration's status, data, this account's users.

use futures_util::StreamExt as _;
use jiff::Timestamp;

use crate::intelligence::api::{ApiError, Client, IntegrationStatus, PARALLELISM};
use crate::reconcile::handoff::Handoff;
use crate::verify::report::{Check, Verdict};

use super::sample::Sample;
use super::world::{Api, World};

const TOKEN: &str = "token";
const PING: &str = "ping";
const STATUS: &str = "integration status";
const DATA: &str = "data from Duo";
const USERS: &str = "this account's users";

pub(super) async fn rungs(
    world: &World<'_>,
    sheet: &Handoff,
    name: &str,
    sample: &Sample,
    grace: Option<String>,
) -> Vec<Check> {
    let none = |verdict, detail: &str| {
        [TOKEN, PING, STATUS, DATA, USERS].map(|rung| Check::new(rung, verdict, detail)).to_vec()
    };
    let client = match world.api {
        Api::Usable(client) => client,
        Api::NotDeclared => {
            return none(
                Verdict::NotVerifiable,
                "the YAML has no `identity_intelligence_api`, so nobody can be asked",
            );
        }
        Api::Unusable(reason) => {
            let fix = "correct `identity_intelligence_api` in the YAML";
            let mut rungs = none(Verdict::NotTestable, "without a token nobody can be asked");
            if let Some(first) = rungs.first_mut() {
                *first = Check::new(TOKEN, Verdict::Failed, reason.clone()).fix(fix);
            }
            return rungs;
        }
    };
    if let Err(error) = client.authorize().await {
        let mut rungs = none(Verdict::NotTestable, "without a token nobody can be asked");
        if let Some(first) = rungs.first_mut() {
            *first = failure(TOKEN, &error);
        }
        return rungs;
    }
    let token = Check::new(TOKEN, Verdict::Verified, "the token endpoint accepts the API client");
    let ping = match client.ping().await {
        Ok(true) => Check::new(PING, Verdict::Verified, "the public API answers"),
        Ok(false) => Check::new(PING, Verdict::Failed, "the public API says `false`"),
        Err(error) => failure(PING, &error),
    };
    if ping.verdict != Verdict::Verified {
        let silent = [STATUS, DATA, USERS];
        let rest =
            silent.map(|rung| Check::new(rung, Verdict::NotTestable, "the public API does not answer"));
        return [token, ping].into_iter().chain(rest).collect();
    }
    let grace = grace.as_deref();
    let (status, data, users) = futures_util::join!(
        status(client, sheet, name, grace),
        data(client, grace),
        users(client, sample, grace)
    );
    vec![token, ping, status, data, users]
}

/// Missing is pending while it cannot be there yet.
fn missing(rung: &str, detail: &str, grace: Option<&str>) -> Check {
    match grace {
        Some(why) => Check::new(rung, Verdict::Pending, format!("{detail}; {why}")),
        None => Check::new(rung, Verdict::Failed, detail).fix(
            "look at the integration and at System Logs in the console, and press Test Connectivity there",
        ),
    }
}

fn failure(rung: &str, error: &ApiError) -> Check {
    let (verdict, fix) = match error {
        _ if error.is_transient() => (Verdict::Inconclusive, "try again: `duoctl verify`"),
        ApiError::Client { .. } => (
            Verdict::Failed,
            "check client id and secret, and whether the console shows an audience for this API client",
        ),
        ApiError::Unauthorized => (
            Verdict::Failed,
            "check that token_url and api_url belong together, and the API client in the console",
        ),
        _ => (Verdict::Failed, "check token_url and api_url against what the console copied"),
    };
    Check::new(rung, verdict, error.to_string()).fix(fix)
}

async fn status(client: &Client, sheet: &Handoff, name: &str, grace: Option<&str>) -> Check {
    let found = match client.integrations().await {
        Ok(None) => {
            return Check::new(
                STATUS,
                Verdict::Unsupported,
                "the public API of this tenant has no `getIntegrationsStatus`",
            );
        }
        Ok(Some(found)) => found,
        Err(error) => return failure(STATUS, &error),
    };
    let named: Vec<&IntegrationStatus> = found.iter().filter(|status| status.name == name).collect();
    match named.as_slice() {
        [] => missing(STATUS, &format!("no integration has the display name \"{name}\""), grace),
        [status] => judge(status, sheet, grace),
        _ => Check::new(
            STATUS,
            Verdict::NotVerifiable,
            format!(
                "{} integrations have the display name \"{name}\", and nothing else tells them apart",
                named.len()
            ),
        )
        .fix("rename one of them in the console"),
    }
}

fn judge(status: &IntegrationStatus, sheet: &Handoff, grace: Option<&str>) -> Check {
    let error = status.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    let seen = format!("{} on {}{error}", status.status, status.date);
    // A result from before the values were entered says nothing about them.
    let attested = sheet.attestation().and_then(|attestation| attestation.at);
    let date = status.date.parse::<Timestamp>().ok();
    let older = attested.zip(date).is_some_and(|(attested, date)| date < attested);
    let check = |verdict| Check::new(STATUS, verdict, seen.clone());
    match status.status.as_str() {
        "SUCCESS" => check(Verdict::Verified),
        "STARTED" | "NONE" | "INFO" => missing(STATUS, &seen, grace),
        "FAILURE" | "PARTIAL_SUCCESS" | "TIMEOUT" | "BLOCKED" if older && grace.is_some() => {
            missing(STATUS, &format!("{seen}, before the values were attested"), grace)
        }
        "FAILURE" | "PARTIAL_SUCCESS" | "TIMEOUT" | "BLOCKED" => {
            check(Verdict::Failed).fix(remedy(&error, sheet))
        }
        _ => check(Verdict::NotVerifiable)
            .fix("duoctl does not know this status; look at the integration in the console"),
    }
}

/// What to do about a collection that failed, as far as Duo's own code shows through (duo-api.md, section 2.2).
fn remedy(error: &str, sheet: &Handoff) -> String {
    let entry = sheet.address.as_str().rsplit('.').next().unwrap_or_default();
    let what = if error.contains("40102") {
        "the integration key in the console is none of this account's Admin API: it is mistyped, swapped with the secret key, \
         of the Auth API, of another account, or its application was deleted"
    } else if error.contains("40103") {
        "the secret key in the console is mistyped, or it is older than the last reset"
    } else if error.contains("40301") {
        "the key may not do this: see whether it is of the Auth API, whether `duoctl plan` shows a missing permission, and \
         whether networks restrict it"
    } else {
        "compare the form with the handoff, and read System Logs in the console"
    };
    format!("{what}; `duoctl handoff {entry}` shows the values, then Test Connectivity and Collect Now")
}

async fn data(client: &Client, grace: Option<&str>) -> Check {
    match client.has_duo_data().await {
        Ok((true, _)) => Check::new(DATA, Verdict::Verified, "DUO is among the providers of users"),
        Ok((false, seen)) => {
            missing(DATA, &format!("none of {seen} users has DUO among the providers"), grace)
        }
        Err(error) => failure(DATA, &error),
    }
}

async fn users(client: &Client, sample: &Sample, grace: Option<&str>) -> Check {
    if let Some(problem) = &sample.problem {
        return Check::new(USERS, Verdict::NotTestable, problem.clone());
    }
    let asked = sample.users.iter().map(|user| async move {
        let found = client.end_user(user.login()).await?;
        Ok(found.is_some_and(|found| found.is_duo_user(&user.id, &user.username, &user.email)))
    });
    let asked = futures_util::stream::iter(asked).buffered(PARALLELISM);
    let answers: Vec<Result<bool, ApiError>> = asked.collect().await;
    if let Some(error) = answers.iter().find_map(|answer| answer.as_ref().err()) {
        return failure(USERS, error);
    }
    let there = answers.iter().filter(|answer| matches!(answer, Ok(true))).count();
    let lacking = match sample.without_email {
        0 => String::new(),
        count => {
            format!("; {count} users in Duo have no email, which Identity Intelligence matches people by")
        }
    };
    let seen = format!("{there} of {} sampled users are there{lacking}", answers.len());
    if there == answers.len() {
        Check::new(USERS, Verdict::Verified, seen)
    } else {
        missing(USERS, &seen, grace)
    }
}
