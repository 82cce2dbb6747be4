//! The health check of Universal Prompt applications (duo-api.md, section 6.2).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha512;

use super::application::Application;
use super::call::{Call, Reply};
use super::kinds::{self, Admits};
use super::message::bare_host;
use super::state::Account;
use super::switches::{ClockRefusal, HealthCheck};
use crate::secret::Secret;

/// The longest remaining validity of an assertion, in seconds.
const LIFETIME: i64 = 300;

/// Answers a form; a body in another format has no parameters.
pub(super) fn health_check(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    if call.method != "POST" {
        return Err(Reply::wrong_method());
    }
    if !call.is_form {
        return Err(Reply::invalid_client());
    }
    let (client, assertion) = (call.required("client_id")?, call.required("client_assertion")?);
    let is_known = |application: &Application| {
        application.frameless
            || kinds::health_check(&application.kind) == Admits::Yes
            || account.switches.health_check == HealthCheck::Accepted
    };
    let application =
        Application::load(&account.store, &client).filter(is_known).ok_or_else(Reply::invalid_client)?;
    let secret = Secret::new(application.secret_key);
    let claims = verified(&assertion, &secret).ok_or_else(Reply::invalid_client)?;
    let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let audience = [call.authority.as_str(), bare_host(&call.authority)]
        .map(|host| format!("https://{host}/oauth/v1/health_check"));
    let fits = claim("iss") == client
        && claim("sub") == client
        && audience.iter().any(|audience| audience == claim("aud"))
        && !claim("jti").is_empty();
    if !fits {
        return Err(Reply::invalid_client());
    }
    let expires = claims.get("exp").and_then(whole_seconds).unwrap_or_default();
    // One more minute, for clients whose clock is slightly ahead.
    if !(call.now - 60..=call.now + LIFETIME + 60).contains(&expires) {
        return Err(match account.switches.health_check_clock {
            ClockRefusal::BadRequest => Reply::invalid_client(),
            ClockRefusal::Ok => Reply::SoftFail(Box::new(Reply::invalid_client())),
        });
    }
    account.assertions.retain(|_, until| *until >= call.now - 60);
    let is_new = account.assertions.insert(format!("{client} {}", claim("jti")), expires).is_none();
    if is_new || account.switches.repeated_assertions {
        return Ok(Reply::Ok(json!({"timestamp": call.now})));
    }
    Err(Reply::invalid_client())
}

/// The official client sends a fraction (duo_universal 2.3.1).
fn whole_seconds(time: &Value) -> Option<i64> {
    time.as_number()?.to_string().split('.').next()?.parse().ok()
}

/// The claims of a JWT signed with HS512 and this key.
fn verified(token: &str, secret: &Secret) -> Option<Value> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    let header: Value = serde_json::from_slice(&decode(header)?).ok()?;
    if header.get("alg")?.as_str()? != "HS512" {
        return None;
    }
    let mac = Hmac::<Sha512>::new_from_slice(secret.expose().as_bytes()).ok()?;
    mac.chain_update(signed.as_bytes()).verify_slice(&decode(signature)?).ok()?;
    serde_json::from_slice(&decode(payload)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_official_clients_token_is_accepted_and_a_changed_one_is_not() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../tests/data/signing-vectors.json")).unwrap();
        let text = vectors.to_string();
        let token =
            text.split('"').find(|part| part.starts_with("eyJ") && part.matches('.').count() == 2).unwrap();
        let secret = Secret::new(vectors["credentials"]["skey"].as_str().unwrap());
        assert!(verified(token, &secret).is_some());
        assert!(verified(token, &Secret::new("other")).is_none());
        let unsigned = format!("{}.{}.", BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), "e30");
        assert!(verified(&unsigned, &secret).is_none());
    }
}
