//! Users and the members of groups, page by page (duo-api.md, sections 7.1 and 7.4), as long as a budget lasts.

use std::collections::BTreeMap;

use serde_json::Value;

use super::call::{ApiCall, Transport};
use super::client::path_segment;
use super::error::DuoError;
use super::page::Pager;
use super::types::GroupId;

/// Page sizes (duo-api.md, section 2.4): the known maxima.
const MEMBERS_PAGE: &str = "500";
const USERS_PAGE: &str = "300";
const USERS_PER_PAGE: u32 = 300;

/// How many requests may still be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How many were made.
    pub made: u32,
    /// How many are allowed in all.
    pub allowed: u32,
}

impl Allowance {
    fn take(&mut self) -> bool {
        let left = self.made < self.allowed;
        self.made += u32::from(left);
        left
    }

    fn left(self) -> u32 {
        self.allowed.saturating_sub(self.made)
    }
}

/// Members of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupMembers {
    /// Usernames by user id.
    pub users: BTreeMap<String, String>,
    /// Whether the allowance sufficed for all of them.
    pub complete: bool,
}

/// A user, as far as logging in goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserStanding {
    /// The username.
    pub username: String,
    /// Neither disabled, locked out nor about to be deleted, and in no group that is disabled.
    pub may_log_in: bool,
}

/// The account's users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users {
    /// How many there are, where Duo told.
    pub total: Option<usize>,
    /// All of them by user id, where the allowance sufficed.
    pub all: Option<BTreeMap<String, UserStanding>>,
}

/// The members of one group. A group that is gone has none.
///
/// # Errors
///
/// Those of the transport, and [`DuoError::Incomplete`] for pages that do not add up.
pub async fn members(
    transport: &impl Transport,
    group: &GroupId,
    allowance: &mut Allowance,
) -> Result<GroupMembers, DuoError> {
    let path = format!("/admin/v2/groups/{}/users", path_segment(group.as_str())?);
    let mut pager = Pager::new(&path, "user_id");
    let complete = match walk(transport, &path, MEMBERS_PAGE, &mut pager, allowance).await {
        Ok(complete) => complete,
        Err(error) if error.is_not_found() => {
            return Ok(GroupMembers { users: BTreeMap::new(), complete: true });
        }
        Err(error) => return Err(error),
    };
    let items = if complete { pager.finish()? } else { pager.so_far() };
    let text = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let users = items.iter().map(|item| (text(item, "user_id"), text(item, "username"))).collect();
    Ok(GroupMembers { users, complete })
}

/// The users: all of them where the allowance suffices, else only how many.
///
/// # Errors
///
/// As for [`members`].
pub async fn users(transport: &impl Transport, allowance: &mut Allowance) -> Result<Users, DuoError> {
    let path = "/admin/v1/users";
    let mut pager = Pager::new(path, "user_id");
    if !allowance.take() {
        return Ok(Users::default());
    }
    page(transport, path, USERS_PAGE, &mut pager).await?;
    let total = pager.total().and_then(|total| usize::try_from(total).ok());
    let rest = u32::try_from(total.unwrap_or_default()).unwrap_or(u32::MAX);
    let pages = rest.div_ceil(USERS_PER_PAGE).saturating_sub(1);
    if pager.wanted().is_some() && pages > allowance.left() {
        return Ok(Users { total, all: None });
    }
    if !walk(transport, path, USERS_PAGE, &mut pager, allowance).await? {
        return Ok(Users { total, all: None });
    }
    let all: BTreeMap<_, _> = pager.finish()?.iter().map(standing).collect();
    Ok(Users { total: Some(all.len()), all: Some(all) })
}

/// Goes on until the list or the allowance ends; whether it was the list.
async fn walk(
    transport: &impl Transport,
    path: &str,
    limit: &str,
    pager: &mut Pager,
    allowance: &mut Allowance,
) -> Result<bool, DuoError> {
    while pager.wanted().is_some() {
        if !allowance.take() {
            return Ok(false);
        }
        page(transport, path, limit, pager).await?;
    }
    Ok(true)
}

async fn page(
    transport: &impl Transport,
    path: &str,
    limit: &str,
    pager: &mut Pager,
) -> Result<(), DuoError> {
    let Some(offset) = pager.wanted() else { return Ok(()) };
    let call = ApiCall::get(path, &[("limit", limit), ("offset", &offset.to_string())]);
    pager.accept(offset, transport.send(&call).await?)
}

fn standing(user: &Value) -> (String, UserStanding) {
    let text = |key: &str| user.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut groups = user.get("groups").and_then(Value::as_array).into_iter().flatten();
    let in_disabled = groups.any(|group| group.get("status").and_then(Value::as_str) == Some("disabled"));
    // A status that nobody knows yet may well let the user in.
    let status = text("status").to_lowercase().replace(['_', '-'], " ");
    let shut_out = matches!(status.as_str(), "disabled" | "locked out" | "pending deletion");
    let standing =
        UserStanding { username: text("username").to_owned(), may_log_in: !shut_out && !in_disabled };
    (text("user_id").to_owned(), standing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_is_shut_out_may_not_log_in() {
        let may = |status: &str, group: &str| {
            standing(&json!({"user_id": "DU1", "status": status, "groups": [{"status": group}]})).1.may_log_in
        };
        for status in ["active", "bypass", "", "brand new"] {
            assert!(may(status, "active"), "{status}");
        }
        for status in ["disabled", "locked out", "locked_out", "Pending Deletion"] {
            assert!(!may(status, "active"), "{status}");
        }
        assert!(may("active", "bypass"));
        assert!(!may("active", "disabled"));
    }
}
