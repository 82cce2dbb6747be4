//! Seals as `docs/explanation/threat-model.md` describes them, implemented independently of the product.
#![allow(dead_code, reason = "each crate of tests uses a part of it")]

use std::sync::LazyLock;

use duoctl::kinds::seal::Keyring;
use duoctl::sandbox::account::Account;
use duoctl::sandbox::call::Reply;
use duoctl::secret::Secret;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// A secret that no account has.
pub const SECRET: &str = "a-secret-of-the-tests-with-40-characters";

static KEYRING: LazyLock<Keyring> = LazyLock::new(|| Keyring::new([&Secret::new(SECRET)]));

/// The keys of runs without the binary.
pub fn keyring() -> &'static Keyring {
    &KEYRING
}

/// Notes whose marker is sealed over an application, or over none.
pub fn sealed(secret: &str, over: Option<&str>, notes: &str) -> String {
    let start = notes.rfind("[duoctl ").unwrap();
    let body = notes[start..].strip_prefix("[duoctl ").unwrap().strip_suffix(']').unwrap();
    let extracted = mac(&[0; 32], secret.as_bytes());
    let key = mac(&extracted, b"duoctl marker 1 key\x01");
    let id = mac(&extracted, b"duoctl marker 1 id\x01");
    let whole = format!("duoctl marker 1\n{}\n{body}", over.unwrap_or("-"));
    let seal = mac(&key, whole.as_bytes());
    format!("{}[duoctl {body} ~{}{}]", &notes[..start], letters(&id, 4), letters(&seal, 16))
}

/// An application that the account's operator created, according to the activity log.
pub fn create_as_operator(account: &mut Account, body: serde_json::Map<String, serde_json::Value>) {
    let operator = account.key("operator").unwrap().integration_key;
    let reply = account.call_by(&operator, "POST", "/admin/v3/integrations", body);
    assert!(matches!(reply, Reply::Ok(_)), "{reply:?}");
}

/// Seals every marker of an account that has no seal, as its operator would have.
pub fn seal_all(account: &mut Account) {
    let operator = account.key("operator").unwrap();
    for live in account.applications() {
        let (ikey, notes) = (live["integration_key"].as_str().unwrap(), live["notes"].as_str().unwrap());
        if notes.contains("[duoctl ") && notes.ends_with(']') && !notes.contains(" ~") {
            let sealed =
                serde_json::json!({"notes": sealed(operator.secret_key.expose(), Some(ikey), notes)});
            let call = format!("/admin/v3/integrations/{ikey}");
            let body = sealed.as_object().unwrap().clone();
            let reply = account.call_by(&operator.integration_key, "POST", &call, body);
            assert!(matches!(reply, Reply::Ok(_)), "{reply:?}");
        }
    }
}

fn mac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

fn letters(bytes: &[u8], count: usize) -> String {
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let five = |place: usize| usize::from_str_radix(&bits[place * 5..place * 5 + 5], 2).unwrap();
    (0..count).map(|place| char::from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[five(place)])).collect()
}
