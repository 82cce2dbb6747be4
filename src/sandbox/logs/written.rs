//! What the sandbox writes to its logs: logins, actions of administrators, messages, offline enrolments.

use std::io;

use serde_json::{Value, json};

use super::records::{Log, add};
use crate::sandbox::application::Application;
use crate::sandbox::call::Call;
use crate::sandbox::collections::ADMINS;
use crate::sandbox::ids;
use crate::sandbox::state::Account;

/// The target of an administrator's action.
#[derive(Clone)]
pub(in crate::sandbox) struct Target {
    pub(in crate::sandbox) key: String,
    pub(in crate::sandbox) kind: &'static str,
    pub(in crate::sandbox) name: String,
}

impl From<&Application> for Target {
    fn from(application: &Application) -> Self {
        Self { key: application.integration_key.clone(), kind: "integration", name: application.name.clone() }
    }
}

/// A login, or an attempt at one.
pub(in crate::sandbox) struct Login<'a> {
    /// The application, with its name.
    pub(in crate::sandbox) application: (&'a str, &'a str),
    /// The stored user, or just a name.
    pub(in crate::sandbox) user: &'a Value,
    pub(in crate::sandbox) factor: Option<&'a str>,
    pub(in crate::sandbox) reason: &'a str,
    pub(in crate::sandbox) result: &'a str,
    pub(in crate::sandbox) address: String,
}

impl Login<'_> {
    /// Adds it to the log at a time in milliseconds. Returns the transaction.
    pub(in crate::sandbox) fn note(&self, account: &mut Account, time: i64) -> io::Result<String> {
        let (key, name) = self.application;
        let user = |property: &str| self.user.get(property).cloned().unwrap_or_default();
        let device = self.factor.map(|_| "+15035550100");
        let record = json!({
            "access_device": {
                "browser": "Firefox", "browser_version": "132.0", "epkey": null, "flash_version": "uninstalled",
                "hostname": null, "ip": self.address, "is_encryption_enabled": "unknown",
                "is_firewall_enabled": "unknown", "is_password_set": "unknown", "java_version": "uninstalled",
                "location": place(), "os": "Windows", "os_version": "11", "security_agents": "unknown",
            },
            "adaptive_trust_assessments": {}, "alias": "unknown", "application": {"key": key, "name": name},
            "auth_device": {"ip": null, "key": null, "location": nowhere(), "name": device},
            "email": user("email"), "event_type": "authentication", "factor": self.factor,
            "ood_software": null, "reason": self.reason, "result": self.result,
            "trusted_endpoint_status": "unknown",
            "user": {"groups": user("groups"), "key": user("user_id"), "name": user("username")},
        });
        add(account, Log::Authentication, time, record)
    }
}

fn place() -> Value {
    json!({"city": "Ann Arbor", "country": "United States", "state": "Michigan"})
}

fn nowhere() -> Value {
    json!({"city": null, "country": null, "state": null})
}

/// Logs an action on an application, like Duo's own activity log.
pub(in crate::sandbox) fn record(
    account: &mut Account,
    call: &Call,
    action: &str,
    target: &Target,
) -> io::Result<()> {
    let ikey = call.caller.as_ref().map(|caller| caller.ikey.clone()).unwrap_or_default();
    let name = Application::load(&account.store, &ikey).map(|application| application.name);
    let actor = match &name {
        Some(name) => json!({"details": null, "key": ikey, "name": name, "type": "admin_api"}),
        None => administrator(account),
    };
    act(account, call.now * 1000, action, &actor, &call.peer.to_string(), target)
}

/// Adds an action to the activity log at a time in milliseconds.
pub(in crate::sandbox) fn act(
    account: &mut Account,
    time: i64,
    action: &str,
    actor: &Value,
    address: &str,
    target: &Target,
) -> io::Result<()> {
    let by_api = actor.get("type").and_then(Value::as_str) == Some("admin_api");
    let (browser, version) = if by_api { (None, None) } else { (Some("Firefox"), Some("132.0")) };
    let (system, system_version) = if by_api { (None, None) } else { (Some("Windows"), Some("11")) };
    let details = json!({"name": target.name}).to_string();
    let record = json!({
        "access_device": {
            "browser": browser, "browser_version": version, "ip": {"address": address}, "location": place(),
            "os": system, "os_version": system_version,
        },
        "action": action, "actor": actor, "akey": ids::id("DA", 0), "application": null, "old_target": null,
        "outcome": {"result": "SUCCESS"},
        "target": {"details": details, "key": target.key, "name": target.name, "type": target.kind},
    });
    add(account, Log::Activity, time, record).map(drop)
}

/// The administrator who works in the Admin Panel: the account's owner.
pub(in crate::sandbox) fn administrator(account: &Account) -> Value {
    let mut admins = account.store.list(ADMINS).map(|(_, admin)| admin);
    let owner = admins.find(|admin| admin.get("role").and_then(Value::as_str) == Some("Owner"));
    let of = |key: &str| owner.and_then(|owner| owner.get(key)).and_then(Value::as_str).unwrap_or_default();
    let name = if of("name").is_empty() { "Admin Panel" } else { of("name") };
    let details = json!({"email": of("email"), "role": of("role"), "status": of("status")}).to_string();
    json!({"details": details, "key": of("admin_id"), "name": name, "type": "admin"})
}

/// Adds a message to a phone to the telephony log.
pub(in crate::sandbox) fn message(account: &mut Account, time: i64, txid: &str) -> io::Result<()> {
    let record = json!({
        "context": "authentication", "credits": 1, "phone": "+15035550100", "txid": txid, "type": "sms",
    });
    add(account, Log::Telephony, time, record).map(drop)
}

/// Adds an event of a user's offline access to the log of offline enrolments.
pub(in crate::sandbox) fn offline(
    account: &mut Account,
    time: i64,
    action: &str,
    application: &str,
    username: &str,
) -> io::Result<()> {
    let client = "DuoCredProv/5.1.0.1042 (Windows NT 10.0.22631; x64; Workstation)";
    let details = json!({"factor": "duo_otp", "hostname": "LAPTOP-17", "user_agent": client}).to_string();
    let record =
        json!({"action": action, "description": details, "object": application, "username": username});
    add(account, Log::Offline, time, record).map(drop)
}
