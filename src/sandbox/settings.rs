//! The account's settings (policies.md, section 9).

use serde_json::{Map, Value, json};

use super::call::{Call, Reply};
use super::collections::SETTINGS;
use super::logs::written::{self, Target};
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

/// What a setting accepts.
#[derive(Clone, Copy)]
enum Kind {
    /// Deprecated: accepted without effect.
    Ignored,
    /// True or false.
    Flag,
    /// 0 or 1, also in replies.
    Bit,
    /// A number in a range.
    Number(i64, i64),
    /// The same; 0 and an empty text turn it off.
    Off(i64, i64),
    /// One of some words.
    Word(&'static [&'static str]),
    /// A text of at most so many characters, without HTML.
    Plain(usize),
    /// A text that is not empty.
    Filled,
    /// Any text.
    Text,
    /// A key of a telephone, or nothing.
    Key,
    /// An e-mail address, or nothing.
    Address,
    /// The name of a time zone.
    Zone,
}
use Kind::{Address, Bit, Filled, Flag, Ignored, Key, Number, Off, Plain, Text, Word, Zone};

/// No upper limit is known.
const ANY: i64 = i64::MAX;

/// Every setting with the value of a new account.
fn rows() -> Vec<(&'static str, Kind, Value)> {
    vec![
        ("caller_id", Filled, json!("+15035551000")),
        ("email_activity_notification_enabled", Flag, json!(false)),
        ("enrollment_universal_prompt_enabled", Flag, json!(true)),
        ("fraud_email", Address, json!("security@example.com")),
        ("fraud_email_enabled", Flag, json!(true)),
        ("global_ssp_policy_enforced", Flag, json!(true)),
        ("helpdesk_bypass", Word(&["allow", "limit", "deny"]), json!("limit")),
        ("helpdesk_bypass_expiration", Off(1, ANY), json!(60)),
        ("helpdesk_can_send_enroll_email", Flag, json!(false)),
        ("helpdesk_message", Plain(200), json!("")),
        ("inactive_user_expiration", Off(30, 365), json!(90)),
        ("keypress_confirm", Key, json!("#")),
        ("keypress_fraud", Key, json!("*")),
        ("language", Word(&["EN", "DE", "FR"]), json!("EN")),
        ("lockout_expire_duration", Off(5, 30_000), Value::Null),
        ("lockout_threshold", Number(1, 9999), json!(10)),
        ("log_retention_days", Off(1, ANY), Value::Null),
        ("minimum_password_length", Number(12, 100), json!(12)),
        ("mobile_otp_enabled", Ignored, json!(false)),
        ("name", Filled, json!("Acme (sandbox)")),
        ("password_requires_lower_alpha", Flag, json!(true)),
        ("password_requires_numeric", Flag, json!(true)),
        ("password_requires_special", Flag, json!(false)),
        ("password_requires_upper_alpha", Flag, json!(true)),
        ("pending_deletion_days", Number(1, 30), json!(7)),
        ("push_activity_notification_enabled", Flag, json!(false)),
        ("push_enabled", Ignored, json!(false)),
        ("reactivation_integration_key", Ignored, json!("")),
        ("reactivation_url", Ignored, json!("")),
        ("security_checkup_enabled", Flag, json!(true)),
        ("sms_batch", Number(1, 10), json!(1)),
        ("sms_enabled", Ignored, json!(false)),
        ("sms_expiration", Off(1, ANY), json!(10)),
        ("sms_message", Text, json!("SMS passcodes")),
        ("sms_refresh", Bit, json!(0)),
        ("telephony_warning_min", Number(0, ANY), json!(100)),
        ("timezone", Zone, json!("UTC")),
        ("u2f_enabled", Ignored, json!(false)),
        ("unenrolled_user_lockout_threshold", Off(1, ANY), json!(5)),
        ("user_managers_can_put_users_in_bypass", Flag, json!(true)),
        ("user_telephony_cost_max", Number(1, ANY), json!(20)),
        ("voice_enabled", Ignored, json!(false)),
    ]
}

/// The settings of a new account.
pub(super) fn defaults() -> Value {
    rows().into_iter().map(|(name, _, value)| (name.to_owned(), value)).collect()
}

pub(super) fn answer(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    match call.method.as_str() {
        "GET" => {
            let flags: &[&str] = &["adminapi_settings", "adminapi_settings_read"];
            call.require(if account.switches.read_flags { flags } else { &["adminapi_settings"] })?;
            Ok(Reply::Ok(show(account, current(account))))
        }
        "POST" => {
            call.require(&["adminapi_settings"])?;
            modify(account, call)
        }
        _ => Err(Reply::wrong_method()),
    }
}

fn current(account: &Account) -> Map<String, Value> {
    let stored = account.store.get(SETTINGS, SETTINGS).cloned().unwrap_or_else(defaults);
    stored.as_object().cloned().unwrap_or_default()
}

/// A setting that is off is `null` or 0 (policies.md, section 14).
fn show(account: &Account, mut settings: Map<String, Value>) -> Value {
    for (name, kind, _) in rows() {
        let Some(value) = settings.get_mut(name) else { continue };
        if matches!(kind, Off(..)) && value.is_null() && !account.switches.null_settings {
            *value = json!(0);
        }
    }
    Value::Object(settings)
}

/// A partial update, with at least one setting. An unknown property has no effect.
fn modify(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    let mut settings = current(account);
    let mut sent = false;
    for (name, kind, _) in rows() {
        let Some(text) = text(call, name) else { continue };
        sent = true;
        if !matches!(kind, Ignored) {
            let value = read(kind, &text).ok_or_else(|| Reply::invalid(name))?;
            settings.insert(name.to_owned(), value);
        }
    }
    if !sent {
        return Err(Reply::invalid("no settings"));
    }
    agree(call, &mut settings)?;
    account.store.put(SETTINGS, SETTINGS, Value::Object(settings.clone()))?;
    let target = Target { key: String::new(), kind: "settings", name: "Settings".to_owned() };
    written::record(account, call, "settings_update", &target)?;
    Ok(Reply::Ok(show(account, settings)))
}

/// A parameter as text; `null` is empty.
fn text(call: &Call, name: &str) -> Option<String> {
    if call.params.get(name).is_some_and(Value::is_null) { Some(String::new()) } else { call.text(name) }
}

/// The stored form of a value; `None` if it is refused.
fn read(kind: Kind, text: &str) -> Option<Value> {
    let within = |low, high| text.parse::<i64>().ok().filter(|number| (low..=high).contains(number));
    let when = |fits: bool| fits.then(|| json!(text));
    match kind {
        Ignored => None,
        Flag => super::call::flag(text).map(|flag| json!(flag)),
        Bit => super::call::flag(text).map(|flag| json!(u8::from(flag))),
        Number(low, high) => within(low, high).map(|number| json!(number)),
        Off(..) if matches!(text, "" | "0") => Some(Value::Null),
        Off(low, high) => within(low, high).map(|number| json!(number)),
        Word(words) => when(words.contains(&text)),
        Plain(most) => when(text.chars().count() <= most && !text.contains(['<', '>'])),
        Filled => when(!text.is_empty()),
        Text => when(true),
        Key => when(
            text.is_empty()
                || text.len() == 1 && text.contains(|c: char| c.is_ascii_digit() || "#*".contains(c)),
        ),
        Address => when(text.is_empty() || text.contains('@')),
        Zone => when(text == "UTC" || text.split('/').count() > 1 && !text.contains(' ')),
    }
}

/// What several settings together have to be.
fn agree(call: &Call, settings: &mut Map<String, Value>) -> Result<(), Reply> {
    let is = |name: &str, wanted: &Value| settings.get(name) == Some(wanted);
    // Both keys or neither.
    if is("keypress_confirm", &json!("")) != is("keypress_fraud", &json!("")) {
        return Err(Reply::invalid("keypress_confirm"));
    }
    const EXPIRATION: &str = "helpdesk_bypass_expiration";
    let limits = is("helpdesk_bypass", &json!("limit"));
    if call.params.contains_key(EXPIRATION) && !limits && !is(EXPIRATION, &Value::Null) {
        return Err(Reply::invalid(EXPIRATION));
    }
    if is("fraud_email_enabled", &json!(false)) {
        settings.insert("fraud_email".to_owned(), json!(""));
    }
    Ok(())
}
