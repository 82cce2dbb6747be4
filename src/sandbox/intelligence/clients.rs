//! API clients and their tokens (identity-intelligence.md, section 6.1).

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::ids;
use super::super::message::{RawReply, RawRequest, pairs};
use super::super::state::Account;
use super::replies::{failure, json_reply};
use crate::secret::Secret;

const CLIENTS: &str = "intelligence_clients";
const TOKENS: &str = "intelligence_tokens";
/// A token is valid for ten hours.
const LIFETIME: i64 = 36_000;
/// The client that `--sandbox` uses, so that a rehearsal needs no credentials.
const REHEARSAL: &str = "duoctl rehearsal";

/// The credentials that the console shows once.
#[derive(Clone)]
pub struct ApiClient {
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: Secret,
    /// The audience that the token endpoint requires, if the client is an old one.
    pub audience: Option<String>,
}

/// A client as it is stored, by its id.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) description: String,
    secret: String,
    pub(super) audience: Option<String>,
    pub(super) created: i64,
}

impl Account {
    /// The credentials of the client that rehearsals use; created on first use.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub fn intelligence_client(&mut self) -> io::Result<ApiClient> {
        let found = all(self).find(|(_, stored)| stored.name == REHEARSAL);
        if let Some((client_id, stored)) = found {
            let (client_secret, audience) = (Secret::new(stored.secret), stored.audience);
            return Ok(ApiClient { client_id, client_secret, audience });
        }
        create(self, REHEARSAL, "Made by the sandbox itself", None, jiff::Timestamp::now().as_second())
    }
}

pub(super) fn all(account: &Account) -> impl Iterator<Item = (String, Stored)> {
    account
        .store
        .list(CLIENTS)
        .filter_map(|(id, value)| Some((id.to_owned(), Stored::deserialize(value).ok()?)))
}

pub(super) fn create(
    account: &mut Account,
    name: &str,
    description: &str,
    audience: Option<String>,
    now: i64,
) -> io::Result<ApiClient> {
    let client_id: String = ids::secret()?.chars().take(32).collect();
    let secret = ids::secret()?;
    let stored = Stored {
        name: name.to_owned(),
        description: description.to_owned(),
        secret: secret.clone(),
        audience: audience.clone(),
        created: now,
    };
    account.store.put(CLIENTS, &client_id, serde_json::to_value(stored)?)?;
    Ok(ApiClient { client_id, client_secret: Secret::new(secret), audience })
}

pub(super) fn remove(account: &mut Account, client_id: &str) -> io::Result<()> {
    account.store.remove(CLIENTS, client_id)
}

/// Answers a `POST` of client credentials, as JSON or as a form.
pub(super) fn token(account: &mut Account, request: &RawRequest, now: i64) -> RawReply {
    let refused = |status, error: &str, description: &str| {
        json_reply(status, &json!({"error": error, "error_description": description}), now)
    };
    if request.method != "POST" {
        return refused(405, "invalid_request", "tokens are given for POST only");
    }
    let media_type = request.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let fields: Map<String, Value> = if media_type.starts_with("application/x-www-form-urlencoded") {
        pairs(&String::from_utf8_lossy(&request.body)).into_iter().map(|(k, v)| (k, json!(v))).collect()
    } else if account.switches.intelligence_form_token {
        return refused(415, "invalid_request", "the body must be a form");
    } else {
        match serde_json::from_slice(&request.body) {
            Ok(fields) => fields,
            Err(_) => return refused(400, "invalid_request", "the body is neither a form nor a JSON object"),
        }
    };
    let field = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if field("grant_type") != "client_credentials" {
        return refused(400, "unsupported_grant_type", "grant_type must be client_credentials");
    }
    let client = all(account).find(|(id, stored)| {
        *id == field("client_id") && same(stored.secret.as_bytes(), field("client_secret").as_bytes())
    });
    let Some((client_id, stored)) = client else {
        return refused(401, "access_denied", "Unauthorized");
    };
    if stored.audience.as_ref().is_some_and(|audience| *audience != field("audience")) {
        return refused(403, "access_denied", "this client needs its audience");
    }
    match issue(account, &client_id, now) {
        Ok(token) => json_reply(
            200,
            &json!({"access_token": token, "expires_in": LIFETIME, "token_type": "Bearer"}),
            now,
        ),
        Err(error) => failure(&error, now),
    }
}

/// Compares in constant time.
fn same(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |differences, (a, b)| differences | (a ^ b));
    one.len() == other.len() && differences == 0
}

fn issue(account: &mut Account, client_id: &str, now: i64) -> io::Result<String> {
    let expired: Vec<String> = account
        .store
        .list(TOKENS)
        .filter(|(_, token)| !is_valid(token, now))
        .map(|(id, _)| id.to_owned())
        .collect();
    for token in expired {
        account.store.remove(TOKENS, &token)?;
    }
    let token = format!("{}.{}", ids::secret()?, ids::secret()?);
    account.store.put(TOKENS, &token, json!({"client_id": client_id, "expires": now + LIFETIME}))?;
    Ok(token)
}

fn is_valid(token: &Value, now: i64) -> bool {
    token.get("expires").and_then(Value::as_i64).is_some_and(|expires| expires > now)
}

/// Whether a request has a valid token of an existing client.
pub(super) fn admits(account: &Account, request: &RawRequest, now: i64) -> bool {
    let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let Some(token) = token.and_then(|token| account.store.get(TOKENS, token)) else { return false };
    let client = token.get("client_id").and_then(Value::as_str).unwrap_or_default();
    is_valid(token, now) && account.store.get(CLIENTS, client).is_some()
}
