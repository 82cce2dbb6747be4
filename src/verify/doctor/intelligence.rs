//! The public API of Identity Intelligence: a token, and one read.

use crate::intelligence::api::{ApiError, Client};
use crate::verify::ladder::{Api, advice};
use crate::verify::report::{Check, Verdict};

use super::diagnosis::{Diagnosis, Trouble};

const CREDENTIALS: &str = "Identity Intelligence API credentials";
const TOKEN: &str = "Identity Intelligence API token";
const READ: &str = "Identity Intelligence API read";

/// Asks for a token and sends one query. Says nothing where the YAML names no credentials.
pub async fn check(found: &mut Diagnosis, api: &Api) {
    match api {
        Api::NotDeclared => {}
        Api::Unusable(reason) => {
            found.failed(
                CREDENTIALS,
                reason,
                "correct `identity_intelligence_api` in the YAML, or what it names",
            );
            for name in [TOKEN, READ] {
                found.skipped(name, &format!("`{CREDENTIALS}` failed"));
            }
        }
        Api::Usable(client) => ask(found, client).await,
    }
}

/// Nothing can be asked.
pub fn skip(found: &mut Diagnosis, reason: &str) {
    for name in [TOKEN, READ] {
        found.skipped(name, reason);
    }
}

async fn ask(found: &mut Diagnosis, client: &Client) {
    if let Err(error) = client.authorize().await {
        refused(found, TOKEN, &error);
        return found.skipped(READ, &format!("`{TOKEN}` failed"));
    }
    found.verified(TOKEN, "the token endpoint accepts the API client");
    match client.ping().await {
        Ok(true) => found.verified(READ, "the public API answers a query"),
        Ok(false) => found.failed(
            READ,
            "the public API answers `false` to its ping",
            "look at the API client in the console of Identity Intelligence",
        ),
        Err(error) => refused(found, READ, &error),
    }
}

fn refused(found: &mut Diagnosis, name: &str, error: &ApiError) {
    let transient = error.is_transient();
    let trouble = if transient { Trouble::Unavailable } else { Trouble::Other };
    let fix = if transient { "try again: `duoctl doctor`" } else { advice(error) };
    found.failed_with(trouble, Check::new(name, Verdict::Failed, error.to_string()).fix(fix));
}
