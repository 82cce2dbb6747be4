//! The texts that users see in the prompt, by language (policies.md, section 10). Images and colours are not simulated.

use serde_json::{Map, Value, json};

use super::call::{Call, Reply};
use super::collections::SETTINGS;
use super::logs::written::{self, Target};
use super::state::Account;

const ID: &str = "custom_messaging";
const LOCALES: &[&str] = &["de_DE", "en_US", "es_419", "es_ES", "fr_FR", "ja_JP"];

pub(super) fn custom_messaging(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    call.require(&["adminapi_settings"])?;
    match call.method.as_str() {
        "GET" => Ok(Reply::Ok(Value::Object(current(account)))),
        "POST" => modify(account, call),
        _ => Err(Reply::wrong_method()),
    }
}

fn current(account: &Account) -> Map<String, Value> {
    let stored = account.store.get(SETTINGS, ID).and_then(Value::as_object).cloned();
    stored.unwrap_or_else(|| {
        Map::from_iter([("help_links".to_owned(), json!([])), ("help_text".to_owned(), json!({}))])
    })
}

/// One call sets the text of one language.
fn modify(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    let mut stored = current(account);
    if let Some(links) = call.text("help_links") {
        let links: Vec<&str> = links.split(',').map(str::trim).filter(|link| !link.is_empty()).collect();
        let fits = links.iter().all(|link| link.starts_with("https://") || link.starts_with("http://"));
        if !fits || links.len() > 2 {
            return Err(Reply::invalid("help_links"));
        }
        stored.insert("help_links".to_owned(), json!(links));
    }
    if let Some(text) = call.text("help_text") {
        if text.chars().count() > 200 || text.contains("://") {
            return Err(Reply::invalid("help_text"));
        }
        let locale = call.text("locale").unwrap_or_else(|| "en_US".to_owned());
        if !LOCALES.contains(&locale.as_str()) {
            return Err(Reply::invalid("locale"));
        }
        if let Some(Value::Object(texts)) = stored.get_mut("help_text") {
            if !account.switches.keep_locales {
                texts.clear();
            }
            texts.insert(locale, json!(text));
        }
    }
    account.store.put(SETTINGS, ID, Value::Object(stored.clone()))?;
    let target = Target { key: String::new(), kind: "settings", name: "Custom messages".to_owned() };
    written::record(account, call, "settings_update", &target)?;
    Ok(Reply::Ok(Value::Object(stored)))
}
