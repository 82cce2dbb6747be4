//! A few users of the account, to look for them in Identity Intelligence.

use serde_json::Value;

use crate::duo::call::{ApiCall, Transport};

/// How many users are looked for.
const SIZE: usize = 5;
/// How many are read to choose from.
const READ: &str = "100";

/// A user of Duo.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) username: String,
    pub(super) email: String,
}

impl User {
    /// The login in Identity Intelligence: the email, or a username that is an email address.
    pub(super) fn login(&self) -> &str {
        if self.email.is_empty() { &self.username } else { &self.email }
    }
}

/// Some users, those with an email first.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    pub(super) users: Vec<User>,
    /// How many of the users that were read have no email.
    pub(super) without_email: usize,
    /// Why there are none.
    pub(super) problem: Option<String>,
}

pub(super) async fn users<T: Transport>(operator: &T) -> Sample {
    let call = ApiCall::get("/admin/v1/users", &[("limit", READ), ("offset", "0")]);
    let rows = match operator.send(&call).await {
        Ok(success) => success.response.as_array().cloned().unwrap_or_default(),
        Err(error) => {
            let problem = Some(format!("the operator cannot read users to look for: {error}"));
            return Sample { problem, ..Sample::default() };
        }
    };
    let text = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut users: Vec<User> = rows
        .iter()
        .map(|row| User {
            id: text(row, "user_id"),
            username: text(row, "username"),
            email: text(row, "email"),
        })
        .filter(|user| !user.id.is_empty())
        .collect();
    let without_email =
        users.iter().filter(|user| user.email.is_empty() && !user.username.contains('@')).count();
    users.sort_by_key(|user| user.email.is_empty());
    users.truncate(SIZE);
    let problem = users.is_empty().then(|| "the account has no users to look for".to_owned());
    Sample { users, without_email, problem }
}
