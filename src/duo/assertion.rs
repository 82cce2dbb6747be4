//! The client assertion of Universal Prompt applications, and the health check that verifies it (duo-api.md, section 6.2).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Map, json};
use sha2::Sha512;

use super::call::{ApiCall, Budget, Signing};
use super::object::Ikey;
use crate::secret::Secret;

const PATH: &str = "/oauth/v1/health_check";
/// The lifetime of an assertion in seconds; Duo accepts up to 300.
const LIFETIME: i64 = 240;

/// A call that Duo answers with `OK` only if client id and secret match. It is signed by its assertion alone, contacts no
/// user and changes nothing. `token_id` is unique to the call: 36 letters and digits.
pub fn health_check_call(
    host: &str,
    ikey: &Ikey,
    secret: &Secret,
    now: Timestamp,
    token_id: &str,
) -> ApiCall {
    let expires = now.as_second().saturating_add(LIFETIME);
    let assertion = client_assertion(ikey, secret, &format!("https://{host}{PATH}"), expires, token_id);
    let body = Map::from_iter([
        ("client_assertion".to_owned(), json!(assertion)),
        ("client_id".to_owned(), json!(ikey.as_str())),
    ]);
    ApiCall::post(PATH, body).budget(Budget::Read).signing(Signing::Unsigned)
}

/// A JWT signed with HS512 by the client secret.
fn client_assertion(ikey: &Ikey, secret: &Secret, audience: &str, expires: i64, token_id: &str) -> String {
    let header = json!({"alg": "HS512", "typ": "JWT"});
    let claims = json!({"iss": ikey, "sub": ikey, "aud": audience, "exp": expires, "jti": token_id});
    let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    // HMAC accepts a key of any length; an assertion without a signature would only be refused.
    let signature = Hmac::<Sha512>::new_from_slice(secret.expose().as_bytes())
        .map(|mac| BASE64_URL_SAFE_NO_PAD.encode(mac.chain_update(signed.as_bytes()).finalize().into_bytes()))
        .unwrap_or_default();
    format!("{signed}.{signature}")
}

/// 36 random letters and digits.
pub fn token_id() -> Option<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0_u8; 36];
    getrandom::fill(&mut bytes).ok()?;
    let letter = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).map(|letter| char::from(*letter));
    bytes.iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_assertion_is_the_official_clients() {
        let file: Value =
            serde_json::from_str(include_str!("../../tests/data/signing-vectors.json")).unwrap();
        let vector = &file["universal_prompt_health_check"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let assertion = client_assertion(
            &Ikey::new(text(&file["credentials"]["ikey"])),
            &Secret::new(text(&file["credentials"]["skey"])),
            &text(&vector["claims"]["aud"]),
            vector["claims"]["exp"].as_i64().unwrap(),
            &text(&vector["claims"]["jti"]),
        );
        assert_eq!(assertion, text(&vector["client_assertion"]));
    }

    #[test]
    fn token_ids_have_the_official_shape_and_differ() {
        let (one, other) = (token_id().unwrap(), token_id().unwrap());
        assert!(one.len() == 36 && one.chars().all(|c| c.is_ascii_alphanumeric()) && one != other);
    }
}
