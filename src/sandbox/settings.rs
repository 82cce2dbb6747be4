//! The account's settings (duo-api.md, section 7.5).

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::collections::SETTINGS;
use super::state::Account;

/// The account's plan.
pub(super) fn edition(account: &Account) -> &'static str {
    match (account.switches.essentials, account.switches.old_editions) {
        (true, false) => "Duo Essentials",
        (true, true) => "Duo MFA",
        (false, false) => "Duo Advantage",
        (false, true) => "Duo Access",
    }
}

/// Deprecated, and ignored if sent (duo_client 5.7.0).
const IGNORED: &[&str] = &[
    "mobile_otp_enabled",
    "push_enabled",
    "reactivation_integration_key",
    "reactivation_url",
    "sms_enabled",
    "u2f_enabled",
    "voice_enabled",
];

/// The settings of a new account.
pub(super) fn defaults() -> Value {
    json!({
        "caller_id": "+15035551000", "email_activity_notification_enabled": false,
        "enrollment_universal_prompt_enabled": true, "fraud_email": "security@example.com", "fraud_email_enabled": true,
        "helpdesk_bypass": "limit", "helpdesk_bypass_expiration": 60, "helpdesk_message": "",
        "inactive_user_expiration": 90, "keypress_confirm": "#", "keypress_fraud": "*", "language": "EN",
        "helpdesk_can_send_enroll_email": false, "lockout_expire_duration": null, "lockout_threshold": 10,
        "log_retention_days": null, "minimum_password_length": 12, "mobile_otp_enabled": false,
        "name": "Acme (sandbox)",
        "password_requires_lower_alpha": true, "password_requires_numeric": true, "password_requires_special": false,
        "password_requires_upper_alpha": true, "pending_deletion_days": 7,
        "push_activity_notification_enabled": false, "push_enabled": false, "reactivation_integration_key": "",
        "reactivation_url": "", "security_checkup_enabled": true, "sms_enabled": false, "sms_batch": 1, "sms_expiration": 10,
        "sms_message": "SMS passcodes", "sms_refresh": 0, "telephony_warning_min": 100, "timezone": "UTC",
        "u2f_enabled": false, "unenrolled_user_lockout_threshold": 5, "user_managers_can_put_users_in_bypass": true,
        "user_telephony_cost_max": 20, "voice_enabled": false,
    })
}

pub(super) fn answer(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    match call.method.as_str() {
        "GET" => {
            let flags: &[&str] = &["adminapi_settings", "adminapi_settings_read"];
            call.require(if account.switches.read_flags { flags } else { &["adminapi_settings"] })?;
            Ok(Reply::Ok(current(account)))
        }
        "POST" => {
            call.require(&["adminapi_settings"])?;
            modify(account, call)
        }
        _ => Err(Reply::wrong_method()),
    }
}

fn current(account: &Account) -> Value {
    account.store.get(SETTINGS, SETTINGS).cloned().unwrap_or_else(defaults)
}

/// Enforces documented ranges; an unknown property has no effect.
fn modify(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    let mut settings = current(account);
    let Value::Object(map) = &mut settings else { return Err(Reply::internal()) };
    for (name, kept) in map.iter_mut().filter(|(name, _)| !IGNORED.contains(&name.as_str())) {
        let Some(text) = call.text(name) else { continue };
        let within = |low, high| text.parse::<i64>().is_ok_and(|number| (low..=high).contains(&number));
        let fits = match name.as_str() {
            "helpdesk_bypass" => matches!(text.as_str(), "allow" | "limit" | "deny"),
            "helpdesk_message" => text.chars().count() <= 200,
            "inactive_user_expiration" => within(30, 365),
            "language" => matches!(text.as_str(), "EN" | "DE" | "FR"),
            "lockout_expire_duration" => text == "0" || within(5, 30_000),
            "sms_batch" => within(1, 10),
            "name" => !text.is_empty(),
            _ => true,
        };
        if !fits {
            return Err(Reply::invalid(name));
        }
        *kept = match (&*kept, text.to_ascii_lowercase().as_str(), text.parse::<i64>()) {
            (Value::Bool(_), "1" | "true", _) => json!(true),
            (Value::Bool(_), "0" | "false", _) => json!(false),
            (Value::Bool(_), _, _) => return Err(Reply::invalid(name)),
            (Value::Number(_) | Value::Null, _, Ok(number)) => json!(number),
            (Value::Number(_), _, Err(_)) => return Err(Reply::invalid(name)),
            (_, _, _) => json!(text),
        };
    }
    account.store.put(SETTINGS, SETTINGS, settings.clone())?;
    Ok(Reply::Ok(settings))
}
