//! The shapes of answers. Enumerations are kept as text: unknown values are no errors (section 6.4).

use serde_json::Value;

use super::access::{ApiError, unexpected};

/// One entry of `getIntegrationsStatus`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationStatus {
    /// The display name in the console.
    pub name: String,
    /// `SUCCESS`, `FAILURE`, ... or a value that no published schema has.
    pub status: String,
    /// When, as it was sent.
    pub date: String,
    /// What went wrong.
    pub error: Option<String>,
}

/// What the providers say of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndUser {
    /// One record for each provider.
    pub records: Vec<ProviderRecord>,
}

/// What one provider says of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRecord {
    /// `DUO`, ...
    pub provider: String,
    /// The provider's own id; that it is Duo's is inferred (section 6.5).
    pub user_id: String,
    /// The login there.
    pub login: String,
    /// The email there.
    pub email: String,
}

impl EndUser {
    /// Whether Duo's data of this very user is there, by id, login or email.
    pub fn is_duo_user(&self, user_id: &str, username: &str, email: &str) -> bool {
        let same = |one: &str, other: &str| !one.is_empty() && one.eq_ignore_ascii_case(other);
        self.records.iter().filter(|record| record.provider == "DUO").any(|record| {
            record.user_id == user_id || same(&record.login, username) || same(&record.email, email)
        })
    }
}

/// A page of people, as far as duoctl looks at it.
pub(super) struct Page {
    pub(super) people: usize,
    pub(super) from_duo: bool,
    pub(super) next: Option<String>,
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'v>(value: Option<&'v Value>, what: &str) -> Result<&'v Vec<Value>, ApiError> {
    value.and_then(Value::as_array).ok_or_else(|| unexpected(&format!("`{what}` is no list")))
}

pub(super) fn integrations(data: &Value) -> Result<Vec<IntegrationStatus>, ApiError> {
    let rows = list(data.get("getIntegrationsStatus"), "getIntegrationsStatus")?;
    let status = |row: &Value| IntegrationStatus {
        name: text(row, "integrationName"),
        status: text(row, "status"),
        date: text(row, "date"),
        error: row.get("error").and_then(Value::as_str).map(str::to_owned),
    };
    Ok(rows.iter().map(status).collect())
}

pub(super) fn page(data: &Value, query: &str) -> Result<Page, ApiError> {
    let page = data.get(query);
    let items = list(page.and_then(|page| page.get("items")), "items")?;
    let is_duo = |item: &Value| {
        let providers = item.get("providers").and_then(Value::as_array).into_iter().flatten();
        providers.into_iter().any(|provider| provider == "DUO")
    };
    let next = page.and_then(|page| page.get("pageToken")).and_then(Value::as_str).map(str::to_owned);
    Ok(Page {
        people: items.len(),
        from_duo: items.iter().any(is_duo),
        next: next.filter(|token| !token.is_empty()),
    })
}

pub(super) fn end_user(data: &Value) -> Result<EndUser, ApiError> {
    let rows = list(data.pointer("/getEndUser/providerEndUserDetails"), "providerEndUserDetails")?;
    let record = |row: &Value| ProviderRecord {
        provider: text(row, "provider"),
        user_id: text(row, "userId"),
        login: text(row, "login"),
        email: text(row, "email"),
    };
    Ok(EndUser { records: rows.iter().map(record).collect() })
}
