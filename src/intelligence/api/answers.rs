//! The shapes of answers. Enumerations are kept as text, because unknown values are not errors (section 6.4).

use jiff::Timestamp;
use serde_json::Value;

use super::access::{ApiError, unexpected};

/// One entry of `getIntegrationsStatus`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationStatus {
    /// The id in the tenant.
    pub id: String,
    /// The display name in the console.
    pub name: String,
    /// `SUCCESS`, `FAILURE`, ... or a value that no published schema contains.
    pub status: String,
    /// When, as it was sent.
    pub date: String,
    /// What went wrong.
    pub error: Option<String>,
}

impl IntegrationStatus {
    /// Whether its data may come from Duo: only an id of the known form, `TENANT__PROVIDER__SUFFIX`, shows that it belongs
    /// to another provider (section 6.5).
    pub fn may_be_duo(&self) -> bool {
        match self.id.split("__").collect::<Vec<_>>().as_slice() {
            [_, provider, _] => provider.is_empty() || *provider == DUO,
            _ => true,
        }
    }
}

/// The name of the provider.
const DUO: &str = "DUO";

/// How many logins of people with data from Duo are kept, to check when that data arrived.
const LOGINS: usize = 5;

/// What the list of people shows about data from Duo.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DuoData {
    /// How many people were checked.
    pub people: usize,
    /// Some of those with data from Duo; empty if there are none.
    pub logins: Vec<String>,
}

/// The providers' records of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndUser {
    /// One record for each provider.
    pub records: Vec<ProviderRecord>,
}

/// One provider's record of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRecord {
    /// `DUO`, ...
    pub provider: String,
    /// The provider's own id; that it is Duo's user id is inferred (section 6.5).
    pub user_id: String,
    /// The login there.
    pub login: String,
    /// The email there.
    pub email: String,
    /// When the record was last updated, if known.
    pub updated: Option<Timestamp>,
}

impl EndUser {
    /// The records that Duo provides.
    pub fn from_duo(&self) -> impl Iterator<Item = &ProviderRecord> {
        self.records.iter().filter(|record| record.provider == DUO)
    }

    /// The record of this Duo user, by id, login or email; the newest if several integrations have one.
    pub fn duo_user(&self, user_id: &str, username: &str, email: &str) -> Option<&ProviderRecord> {
        let same = |one: &str, other: &str| !one.is_empty() && one.eq_ignore_ascii_case(other);
        let is_user = |record: &&ProviderRecord| {
            record.user_id == user_id || same(&record.login, username) || same(&record.email, email)
        };
        self.from_duo().filter(is_user).max_by_key(|record| record.updated)
    }
}

/// The part of a page of people that duoctl reads.
pub(super) struct Page {
    pub(super) data: DuoData,
    pub(super) next: Option<String>,
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'v>(value: Option<&'v Value>, what: &str) -> Result<&'v Vec<Value>, ApiError> {
    value.and_then(Value::as_array).ok_or_else(|| unexpected(&format!("`{what}` is not a list")))
}

pub(super) fn integrations(data: &Value) -> Result<Vec<IntegrationStatus>, ApiError> {
    let rows = list(data.get("getIntegrationsStatus"), "getIntegrationsStatus")?;
    let status = |row: &Value| IntegrationStatus {
        id: text(row, "integrationId"),
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
        providers.into_iter().any(|provider| provider == DUO)
    };
    let next = page.and_then(|page| page.get("pageToken")).and_then(Value::as_str).map(str::to_owned);
    let logins = items.iter().filter(|item| is_duo(item)).map(|item| text(item, "login"));
    Ok(Page {
        data: DuoData { people: items.len(), logins: logins.take(LOGINS).collect() },
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
        updated: row.get("lastUpdated").and_then(Value::as_str).and_then(|time| time.parse().ok()),
    };
    Ok(EndUser { records: rows.iter().map(record).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_id_of_another_provider_rules_duo_out() {
        let of = |id: &str| IntegrationStatus {
            id: id.to_owned(),
            name: String::new(),
            status: String::new(),
            date: String::new(),
            error: None,
        };
        for id in ["t__DUO__1a2b3c4d", "", "t", "t__1a2b3c4d", "t__a__b__c", "t____x"] {
            assert!(of(id).may_be_duo(), "{id}");
        }
        for id in ["t__OKTA__1a2b3c4d", "t__AZURE_AD__1"] {
            assert!(!of(id).may_be_duo(), "{id}");
        }
    }
}
