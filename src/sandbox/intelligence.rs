//! Identity Intelligence beside the simulated Duo: the token endpoint and the GraphQL of its public API, and a console
//! with the form that has no API (identity-intelligence.md). What the console tests and collects, it really asks the
//! simulated Duo for, with the keys that were typed in.

use serde_json::{Value, json};

use super::account::Account;
use super::message::{RawReply, RawRequest};

mod clients;
mod collect;
mod console;
mod graphql;
mod html;
mod integration;
mod people;
mod query;
mod system_logs;

pub use clients::ApiClient;

/// Where the console is.
pub const CONSOLE_PATH: &str = "/console";
/// Where tokens are given out.
pub const TOKEN_PATH: &str = "/identity-intelligence/oauth/token";
/// Where the public API is.
pub const GRAPHQL_PATH: &str = "/identity-intelligence/graphql";

/// Answers what belongs to Identity Intelligence; `None` for everything that is Duo's.
pub(super) fn answer(account: &mut Account, request: &RawRequest, now: i64) -> Option<RawReply> {
    let path = request.path();
    if path == CONSOLE_PATH || path.strip_prefix(CONSOLE_PATH).is_some_and(|rest| rest.starts_with('/')) {
        return Some(console::answer(account, request, now));
    }
    match path {
        TOKEN_PATH => Some(clients::token(account, request, now)),
        GRAPHQL_PATH => Some(graphql::answer(account, request, now)),
        _ => None,
    }
}

fn json_reply(status: u16, value: &Value, now: i64) -> RawReply {
    let mut reply = RawReply::new(status, "application/json", value.to_string().into_bytes(), now);
    reply.headers.push(("Cache-Control", "no-store".to_owned()));
    reply
}

fn failure(account_error: &std::io::Error, now: i64) -> RawReply {
    json_reply(500, &json!({"message": format!("the sandbox cannot write its state: {account_error}")}), now)
}
