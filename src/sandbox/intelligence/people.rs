//! The people in the collected data, and how the public API shows them (identity-intelligence.md, section 6.4).

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::state::Account;

const COLLECTION: &str = "intelligence_users";

/// The data of one collection.
pub(super) struct Collected {
    pub(super) users: Vec<Value>,
    pub(super) phones: Vec<Value>,
    pub(super) endpoints: Vec<Value>,
    pub(super) log: Vec<Value>,
}

/// A time in the format of AWS scalars.
pub(super) fn date_time(second: i64) -> String {
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// Removes an integration's data.
pub(super) fn forget(account: &mut Account, integration: &str) -> io::Result<()> {
    let prefix = format!("{integration}/");
    let ids: Vec<String> = account
        .store
        .list(COLLECTION)
        .filter(|(id, _)| id.starts_with(&prefix))
        .map(|(id, _)| id.to_owned())
        .collect();
    ids.iter().try_for_each(|id| account.store.remove(COLLECTION, id))
}

/// Replaces an integration's data.
pub(super) fn replace(
    account: &mut Account,
    integration: &str,
    now: i64,
    collected: &Collected,
) -> io::Result<()> {
    forget(account, integration)?;
    for user in &collected.users {
        let user_id = text(user, "user_id");
        let value = json!({
            "devices": devices(user, collected), "lastSignIn": last_sign_in(&user_id, &collected.log),
            "lastUpdated": date_time(now), "user": user,
        });
        account.store.put(COLLECTION, &format!("{integration}/{user_id}"), value)?;
    }
    Ok(())
}

/// Sets the collection time of everyone an integration collected.
pub(super) fn date(account: &mut Account, integration: &str, second: i64) -> io::Result<()> {
    let prefix = format!("{integration}/");
    let brought = account.store.list(COLLECTION).filter(|(id, _)| id.starts_with(&prefix));
    let brought: Vec<(String, Value)> = brought.map(|(id, value)| (id.to_owned(), value.clone())).collect();
    for (id, mut person) in brought {
        if let Some(updated) = person.get_mut("lastUpdated") {
            *updated = json!(date_time(second));
        }
        account.store.put(COLLECTION, &id, person)?;
    }
    Ok(())
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn devices(user: &Value, collected: &Collected) -> Vec<Value> {
    let (user_id, username) = (text(user, "user_id"), text(user, "username"));
    let owned = |phone: &&Value| {
        let owners = phone.get("users").and_then(Value::as_array).into_iter().flatten();
        owners.into_iter().any(|owner| text(owner, "user_id") == user_id)
    };
    let phones = collected.phones.iter().filter(owned).map(|phone| {
        json!({
            "deviceId": text(phone, "phone_id"), "deviceType": "AUTHENTICATION", "displayName": text(phone, "model"),
            "lastSeen": null, "os": text(phone, "platform"), "provider": "DUO",
        })
    });
    let endpoints = collected.endpoints.iter().filter(|endpoint| text(endpoint, "username") == username);
    let endpoints = endpoints.map(|endpoint| {
        json!({
            "deviceId": text(endpoint, "epkey"), "deviceType": "ACCESS", "displayName": text(endpoint, "device_name"),
            "lastSeen": null, "os": text(endpoint, "os_family"), "provider": "DUO",
        })
    });
    phones.chain(endpoints).collect()
}

/// The newest event is first in Duo's log.
fn last_sign_in(user_id: &str, log: &[Value]) -> Value {
    let at = |event: &Value, pointer: &str| event.pointer(pointer).cloned().unwrap_or_default();
    let event = log.iter().find(|event| at(event, "/user/key") == user_id);
    event.map_or(Value::Null, |event| {
        json!({
            "ipAddress": at(event, "/access_device/ip"), "location": null, "reason": at(event, "/reason"),
            "result": at(event, "/result"), "timestamp": date_time(at(event, "/timestamp").as_i64().unwrap_or_default()),
        })
    })
}

/// One person: everything that was collected for one login.
pub(super) struct Person {
    pub(super) login: String,
    records: Vec<Value>,
}

/// All people in the order of their logins. People are matched by email, or by username if they have none.
pub(super) fn all(account: &Account) -> Vec<Person> {
    let mut people: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (_, record) in account.store.list(COLLECTION) {
        let user = record.get("user").cloned().unwrap_or_default();
        let email = text(&user, "email");
        let login = if email.is_empty() { text(&user, "username") } else { email };
        people.entry(login.to_lowercase()).or_default().push(record.clone());
    }
    people.into_iter().map(|(login, records)| Person { login, records }).collect()
}

impl Person {
    fn user(&self) -> Value {
        self.records.first().and_then(|record| record.get("user")).cloned().unwrap_or_default()
    }

    fn of_records(&self, key: &str) -> Vec<Value> {
        let values = self.records.iter().filter_map(|record| record.get(key));
        values.flat_map(|value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])).collect()
    }

    fn last_sign_in(&self) -> Value {
        self.of_records("lastSignIn").into_iter().find(Value::is_object).unwrap_or_default()
    }

    /// Whether this person signed in from an address.
    pub(super) fn was_at(&self, address: &str) -> bool {
        text(&self.last_sign_in(), "ipAddress") == address
    }

    /// `PublicEndUser`; with `new_values` the enumerations contain values that no published schema has.
    pub(super) fn end_user(&self, new_values: bool) -> Value {
        let mut shown = self.details(new_values);
        let providers = if new_values { json!(["DUO", "DUO_NEXT"]) } else { json!(["DUO"]) };
        let trust = json!({"levelOfTrust": if new_values { "SPLENDID" } else { "NEUTRAL" }, "scoreExplainabilitySummary": null});
        shown.remove("userIds");
        shown.extend([("providers".to_owned(), providers), ("endUserTrustScore".to_owned(), trust)]);
        Value::Object(shown)
    }

    fn details(&self, new_values: bool) -> Map<String, Value> {
        let user = self.user();
        let email = text(&user, "email");
        let names: Vec<String> = user
            .get("groups")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|group| text(group, "name"))
            .take(10)
            .collect();
        let emails: Vec<&String> = Some(&email).into_iter().filter(|email| !email.is_empty()).collect();
        let user_ids: Vec<String> =
            self.records.iter().filter_map(|record| Some(text(record.get("user")?, "user_id"))).collect();
        let fields = json!({
            "company": null, "department": null, "devices": self.of_records("devices"),
            "displayName": user.get("realname"), "emails": emails, "employeeIds": null, "failingChecks": [],
            "firstCreatedDate": null, "groupNames": names, "hasMoreGroups": false, "id": text(&user, "user_id"),
            "lastActive": null, "lastSignIn": self.last_sign_in(), "linkedEndUserLogins": null, "login": self.login,
            "managerLogin": null, "mfaEnabled": user.get("is_enrolled"), "phoneNumbers": null,
            "referenceUrl": "https://localhost/rehearsal", "status": status(&user, new_values), "title": null,
            "userIds": user_ids, "userTypeClassification": "UNCLASSIFIED",
        });
        fields.as_object().cloned().unwrap_or_default()
    }

    /// `GetEndUserOutput`.
    pub(super) fn output(&self, new_values: bool) -> Value {
        let provided = self.records.iter().map(|record| {
            let user = record.get("user").cloned().unwrap_or_default();
            json!({
                "company": null, "creationDate": date_time(user.get("created").and_then(Value::as_i64).unwrap_or_default()),
                "department": null, "displayName": user.get("realname"), "email": user.get("email"), "employeeId": null,
                "firstName": user.get("firstname"), "lastName": user.get("lastname"),
                "lastSignIn": record.get("lastSignIn"), "lastUpdated": record.get("lastUpdated"),
                "login": user.get("username"), "managerLogin": null, "mfaEnabled": user.get("is_enrolled"),
                "provider": "DUO", "status": status(&user, new_values), "title": null, "userId": user.get("user_id"),
                "userTypeClassification": null,
            })
        });
        json!({"endUserDetails": self.details(new_values), "providerEndUserDetails": provided.collect::<Vec<_>>()})
    }

    /// `EndUserState`.
    pub(super) fn state(&self) -> Value {
        let user = self.user();
        json!({
            "displayName": user.get("realname"), "employeeId": [], "id": text(&user, "user_id"), "ipAddresses": [],
            "login": self.login, "managerLogin": null, "phoneNumber": null, "referenceUrl": "https://localhost/rehearsal",
            "registeredLocationDetails": null, "status": status(&user, false), "unusedApplications": [],
            "usedApplications": [], "usedFactors": [], "userTypeClassification": "UNCLASSIFIED",
            "workingLocationDetails": null,
        })
    }
}

fn status(user: &Value, new_values: bool) -> &'static str {
    match text(user, "status").as_str() {
        _ if new_values => "HIBERNATING",
        "active" | "bypass" => "ACTIVE",
        "disabled" => "DISABLED",
        "locked out" => "LOCKED_OUT",
        _ => "UNKNOWN",
    }
}
