//! Identity Intelligence beside the simulated Duo: the token endpoint and the GraphQL of its public API, and a console
//! with the form that has no API (identity-intelligence.md). What the console tests and collects, it really asks the
//! simulated Duo for, with the keys that were typed in.

use super::message::{RawReply, RawRequest};
use super::paths::{CONSOLE_PATH, GRAPHQL_PATH, TOKEN_PATH};
use super::state::Account;

mod clients;
mod collect;
mod console;
mod graphql;
mod html;
mod integration;
mod people;
mod query;
mod replies;
mod system_logs;

pub use clients::ApiClient;

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
