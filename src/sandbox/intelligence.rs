//! Identity Intelligence for the simulated Duo: the token endpoint and GraphQL of its public API, and a console with the
//! form that has no API (identity-intelligence.md). The console sends real requests to the simulated Duo with the keys that
//! were entered.

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

/// Answers requests to Identity Intelligence; `None` for Duo's own.
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
