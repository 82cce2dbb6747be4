//! What a change of the authentication methods does to access. A method is permitted unless it is blocked
//! (policies.md, trap 9).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::reasons::worst;
use super::value::list;
use crate::duo::policy::{Section, Shape};
use crate::kinds::risk::{Assessment, NEUTRAL, Risk};

pub(super) const ALLOWED: &str = "allowed_auth_list";
pub(super) const BLOCKED: &str = "blocked_auth_list";

/// Its name is that of a requirement: permitting it requires more.
const VERIFICATION: &str = "webauthn-require-user-verification";

const WEAK: &[&str] = &["sms", "phonecall", "bypass", "bypass-pwl"];
const PUSH: &[&str] = &["duo-push", "duo-push-pwl"];
const PHISHABLE: &[&str] = &["duo-passcode", "hardware-token", "desktop", "duo-push", "duo-push-pwl"];
const RESISTANT: &[&str] =
    &["webauthn-platform", "webauthn-platform-pwl", "webauthn-roaming", "webauthn-roaming-pwl", "smart-card"];

/// The risk of other blocked methods.
pub(super) fn assess(before: &Map<String, Value>, after: &Map<String, Value>) -> Assessment {
    let (was_blocked, is_blocked) = (list(before, BLOCKED), list(after, BLOCKED));
    let permitted: BTreeSet<&str> = was_blocked.difference(&is_blocked).map(String::as_str).collect();
    let blocked: BTreeSet<&str> = is_blocked.difference(&was_blocked).map(String::as_str).collect();
    let is_verified = after.get("require_verified_push").and_then(Value::as_bool).unwrap_or_default();
    let fewer = blocked.iter().any(|method| *method != VERIFICATION) || permitted.contains(VERIFICATION);
    worst([
        more(&permitted, is_verified),
        if blocked.contains(VERIFICATION) {
            (Risk::WidensAccess, "WebAuthn may no longer require user verification")
        } else {
            NEUTRAL
        },
        if fewer { (Risk::NarrowsAccess, "fewer methods are permitted") } else { NEUTRAL },
    ])
}

/// The risk of methods that become permitted, with the grade of the worst.
fn more(methods: &BTreeSet<&str>, is_verified: bool) -> Assessment {
    let methods: Vec<&str> = methods.iter().copied().filter(|method| *method != VERIFICATION).collect();
    let one = |grade: &[&str]| methods.iter().any(|method| grade.contains(method));
    let graded = [WEAK, PHISHABLE, RESISTANT].concat();
    let reason = if methods.is_empty() {
        return NEUTRAL;
    } else if one(WEAK) {
        "a weak method is permitted: a text message, a phone call or a bypass code"
    } else if !methods.iter().all(|method| graded.contains(method)) {
        "a method that duoctl does not know is permitted"
    } else if is_verified
        && methods.iter().all(|method| PUSH.contains(method) || RESISTANT.contains(method))
        && one(PUSH)
    {
        "verified push is permitted"
    } else if one(PHISHABLE) {
        "a method that can be phished is permitted"
    } else {
        "more methods are permitted, but only those that resist phishing"
    };
    (Risk::WidensAccess, reason)
}

/// Whether no method remains with which everyone can log in: bypass codes are not a method of their own, and passwordless
/// methods replace the password, not the second factor.
pub(super) fn none_remains(section: &Section, value: &Map<String, Value>) -> bool {
    let known = section.fields.iter().find(|field| field.name == BLOCKED).map(|field| field.shape);
    let names: &[&str] = if let Some(Shape::Set(names)) = known { names } else { &[] };
    let mut permitted: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    permitted.extend(list(value, ALLOWED));
    let blocked = list(value, BLOCKED);
    permitted.retain(|name| {
        !blocked.contains(name) && !name.ends_with("-pwl") && name != "bypass" && name != VERIFICATION
    });
    permitted.is_empty()
}
