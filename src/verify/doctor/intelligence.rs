//! Checks the public API of Identity Intelligence with one token and one read.

use crate::intelligence::api::{ApiError, Client};
use crate::kinds::address::Address;
use crate::verify::connection::{Api, Apis, advice};
use crate::verify::report::{Check, Verdict};

use super::diagnosis::{Diagnosis, Trouble};

const CREDENTIALS: &str = "Identity Intelligence API credentials";
const TOKEN: &str = "Identity Intelligence API token";
const READ: &str = "Identity Intelligence API read";

/// The names of the checks of one API.
struct Checks {
    /// The entry that names it first.
    entry: String,
    /// What distinguishes it from the others.
    which: String,
}

impl Checks {
    fn name(&self, check: &str) -> String {
        format!("{check}{}", self.which)
    }
}

/// Requests a token from each API and sends one query. Adds nothing if the YAML names no credentials. `unusable` is the
/// reason why no connection can be set up, and the name of its check.
pub async fn check(found: &mut Diagnosis, apis: &Apis, unusable: Option<(&str, &str)>) {
    let several = apis.iter().count() > 1;
    for (entries, api) in apis.iter() {
        let short = |entry: &Address| entry.as_str().rsplit('.').next().unwrap_or_default().to_owned();
        let names: Vec<String> = entries.iter().map(short).collect();
        let which = if several { format!(" ({})", names.join(", ")) } else { String::new() };
        let checks = Checks { entry: names.into_iter().next().unwrap_or_default(), which };
        match (api, unusable) {
            (Api::NotDeclared, _) => {}
            // The reason that prevents every connection has already been reported.
            (Api::Unusable(reason), Some((why, name))) if reason == why => {
                skip(found, &checks, &format!("`{name}` failed"));
            }
            (Api::Unusable(reason), _) => {
                let fix = format!(
                    "correct `identity_intelligence.{}.api` in the YAML, or the source that it names",
                    checks.entry
                );
                let name = checks.name(CREDENTIALS);
                found.failed(&name, reason, &fix);
                skip(found, &checks, &format!("`{name}` failed"));
            }
            (Api::Usable(client), _) => ask(found, &checks, client).await,
        }
    }
}

/// Skips the checks of one API.
fn skip(found: &mut Diagnosis, checks: &Checks, reason: &str) {
    for name in [TOKEN, READ] {
        found.skipped(checks.name(name), reason);
    }
}

async fn ask(found: &mut Diagnosis, checks: &Checks, client: &Client) {
    let (token, read) = (checks.name(TOKEN), checks.name(READ));
    if let Err(error) = client.authorize().await {
        refused(found, &token, &error);
        return found.skipped(read, &format!("`{token}` failed"));
    }
    found.verified(token, "the token endpoint accepts the API client");
    match client.ping().await {
        Ok(true) => found.verified(read, "the public API answers a query"),
        Ok(false) => found.failed(
            read,
            "the public API answers `false` to its ping",
            "check the API client in the Identity Intelligence console",
        ),
        Err(error) => refused(found, &read, &error),
    }
}

fn refused(found: &mut Diagnosis, name: &str, error: &ApiError) {
    let transient = error.is_transient();
    let trouble = if transient { Trouble::Unavailable } else { Trouble::Other };
    let fix = if transient { "try again: `duoctl doctor`" } else { advice(error) };
    found.failed_with(trouble, Check::new(name, Verdict::Failed, error.to_string()).fix(fix));
}
