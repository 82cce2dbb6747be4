//! Users and the members of groups, page by page (duo-api.md, sections 7.1 and 7.4), within a request budget.

use std::collections::BTreeMap;

use serde_json::Value;

use super::call::{ApiCall, Transport};
use super::client::path_segment;
use super::error::DuoError;
use super::object::{GroupStatus, Id, Kind, Object};
use super::page::Pager;

/// Page sizes (duo-api.md, section 2.4): the known maxima.
const MEMBERS_PAGE: u32 = 500;
const USERS_PAGE: u32 = 300;
const GROUPS_PAGE: u32 = 100;

/// How many requests may still be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How many were sent.
    pub made: u32,
    /// How many are allowed in total.
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
pub struct Members {
    /// Usernames by user id.
    pub users: BTreeMap<String, String>,
    /// Whether the list is complete.
    pub complete: bool,
}

/// Whether Duo lets a user in at all. If two apply, the later one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nothing keeps the user out.
    Allowed,
    /// Duo does not report it, or reports a value that duoctl does not know.
    Unknown,
    /// Disabled, locked out, about to be deleted, or in a group that is disabled.
    ShutOut,
}

impl From<GroupStatus> for Standing {
    fn from(status: GroupStatus) -> Self {
        match status {
            GroupStatus::Active | GroupStatus::Bypass => Self::Allowed,
            GroupStatus::Unknown => Self::Unknown,
            GroupStatus::Disabled => Self::ShutOut,
        }
    }
}

/// A user, as far as logging in is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The username.
    pub name: String,
    /// Whether Duo lets this user in at all.
    pub standing: Standing,
}

/// The account's users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users {
    /// How many there are, if Duo reports it.
    pub total: Option<usize>,
    /// All of them as returned, if the allowance was enough.
    pub all: Option<Vec<Value>>,
}

/// The status of every group, from the list of groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupStatuses {
    by_id: BTreeMap<Id, GroupStatus>,
    /// Older replies nest groups by name only. If groups with the same name differ, the status is unknown.
    by_name: BTreeMap<String, GroupStatus>,
    read: bool,
}

impl GroupStatuses {
    /// The statuses of the whole list.
    pub fn new(groups: &[Object]) -> Self {
        let mut statuses = Self { read: true, ..Self::default() };
        for group in groups {
            let status = GroupStatus::of(group);
            statuses.by_id.insert(group.id.clone(), status);
            let named = statuses.by_name.entry(group.name().to_owned()).or_insert(status);
            if *named != status {
                *named = GroupStatus::Unknown;
            }
        }
        statuses
    }

    /// The status of one group.
    pub fn of(&self, group: &Id) -> GroupStatus {
        self.by_id.get(group).copied().unwrap_or(GroupStatus::Unknown)
    }

    /// The status of a group nested in a user: from the list or, if it is not there, from the user.
    fn nested(&self, group: &Value) -> GroupStatus {
        let text = |key: &str| group.get(key).and_then(Value::as_str);
        let listed = match text("group_id").or_else(|| group.as_str()) {
            Some(id) => self.of(&Id::new(id)),
            None => {
                let named = text("name").and_then(|name| self.by_name.get(name));
                named.copied().unwrap_or(GroupStatus::Unknown)
            }
        };
        if listed == GroupStatus::Unknown {
            GroupStatus::parse(text("status").unwrap_or_default())
        } else {
            listed
        }
    }

    /// What the groups mean for a user whose reply contains none.
    fn unnamed(&self) -> Standing {
        let harmless = self.by_id.values().all(|status| Standing::from(*status) == Standing::Allowed);
        if self.read && harmless { Standing::Allowed } else { Standing::Unknown }
    }

    /// Decodes one object of `GET /admin/v1/users`: its id, and whether it can log in.
    pub fn user(&self, user: &Value) -> (String, User) {
        let text = |key: &str| user.get(key).and_then(Value::as_str).unwrap_or_default();
        let groups = match user.get("groups").and_then(Value::as_array) {
            Some(groups) => {
                let each = groups.iter().map(|group| Standing::from(self.nested(group)));
                each.max().unwrap_or(Standing::Allowed)
            }
            None => self.unnamed(),
        };
        let own = match text("status").to_lowercase().replace(['_', '-'], " ").as_str() {
            "active" | "bypass" => Standing::Allowed,
            "disabled" | "locked out" | "pending deletion" => Standing::ShutOut,
            _ => Standing::Unknown,
        };
        (text("user_id").to_owned(), User { name: text("username").to_owned(), standing: own.max(groups) })
    }
}

/// The members of one group. A group that no longer exists has none.
///
/// # Errors
///
/// Those of the transport, and [`DuoError::Incomplete`] for inconsistent pages.
pub async fn members(
    transport: &impl Transport,
    group: &Id,
    allowance: &mut Allowance,
) -> Result<Members, DuoError> {
    let path = format!("/admin/v2/groups/{}/users", path_segment(group.as_str())?);
    let mut pager = Pager::new(&path, "user_id");
    let complete = match walk(transport, &path, MEMBERS_PAGE, &mut pager, allowance).await {
        Ok(complete) => complete,
        Err(error) if error.is_not_found() => {
            return Ok(Members { users: BTreeMap::new(), complete: true });
        }
        Err(error) => return Err(error),
    };
    let items = if complete { pager.finish()? } else { pager.so_far() };
    let text = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let users = items.iter().map(|item| (text(item, "user_id"), text(item, "username"))).collect();
    Ok(Members { users, complete })
}

/// The users: all of them if the allowance is enough, otherwise only their number.
///
/// # Errors
///
/// As for [`members`].
pub async fn users(transport: &impl Transport, allowance: &mut Allowance) -> Result<Users, DuoError> {
    let (total, all) = list(transport, "/admin/v1/users", "user_id", USERS_PAGE, allowance).await?;
    Ok(Users { total: all.as_ref().map(Vec::len).or(total), all })
}

/// The status of every group; empty if the allowance is not enough for the whole list.
///
/// # Errors
///
/// As for [`members`].
pub async fn group_statuses(
    transport: &impl Transport,
    allowance: &mut Allowance,
) -> Result<GroupStatuses, DuoError> {
    let (_, all) = list(transport, "/admin/v1/groups", "group_id", GROUPS_PAGE, allowance).await?;
    let groups: Option<Vec<Object>> =
        all.map(|rows| rows.into_iter().filter_map(|row| Object::decode(Kind::Group, row)).collect());
    Ok(groups.map_or_else(GroupStatuses::default, |groups| GroupStatuses::new(&groups)))
}

/// A list if the allowance is enough for all of it, otherwise only its length, which costs one request.
async fn list(
    transport: &impl Transport,
    path: &str,
    key: &'static str,
    limit: u32,
    allowance: &mut Allowance,
) -> Result<(Option<usize>, Option<Vec<Value>>), DuoError> {
    let mut pager = Pager::new(path, key);
    if !allowance.take() {
        return Ok((None, None));
    }
    page(transport, path, limit, &mut pager).await?;
    let total = pager.total().and_then(|total| usize::try_from(total).ok());
    let rest = u32::try_from(total.unwrap_or_default()).unwrap_or(u32::MAX);
    let pages = rest.div_ceil(limit).saturating_sub(1);
    if pager.wanted().is_some() && pages > allowance.left() {
        return Ok((total, None));
    }
    if !walk(transport, path, limit, &mut pager, allowance).await? {
        return Ok((total, None));
    }
    Ok((total, Some(pager.finish()?)))
}

/// Continues until the list or the allowance ends. Returns whether the list ended.
async fn walk(
    transport: &impl Transport,
    path: &str,
    limit: u32,
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

async fn page(transport: &impl Transport, path: &str, limit: u32, pager: &mut Pager) -> Result<(), DuoError> {
    let Some(offset) = pager.wanted() else { return Ok(()) };
    let call = ApiCall::get(path, &[("limit", &limit.to_string()), ("offset", &offset.to_string())]);
    pager.accept(offset, transport.send(&call).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn statuses(groups: &[Value]) -> GroupStatuses {
        let groups: Vec<Object> =
            groups.iter().filter_map(|group| Object::decode(Kind::Group, group.clone())).collect();
        GroupStatuses::new(&groups)
    }

    fn standing(user: Value, statuses: &GroupStatuses) -> Standing {
        statuses.user(&user).1.standing
    }

    #[test]
    fn who_is_shut_out_cannot_log_in_and_an_unknown_status_is_not_known() {
        let of = |status: &str| standing(json!({"status": status, "groups": []}), &GroupStatuses::default());
        for status in ["active", "bypass", "Active", "BYPASS"] {
            assert_eq!(of(status), Standing::Allowed, "{status}");
        }
        for status in ["disabled", "locked out", "locked_out", "Pending Deletion", "Disabled"] {
            assert_eq!(of(status), Standing::ShutOut, "{status}");
        }
        for status in ["", "brand new"] {
            assert_eq!(of(status), Standing::Unknown, "{status}");
        }
        assert_eq!(standing(json!({"groups": []}), &GroupStatuses::default()), Standing::Unknown);
    }

    /// Both letter cases in the list, and every form of the nested group: the list takes precedence, by id.
    #[test]
    fn the_status_of_a_group_is_that_of_the_list() {
        let cases =
            [("active", Standing::Allowed), ("bypass", Standing::Allowed), ("disabled", Standing::ShutOut)];
        for (status, expected) in cases {
            let capitalised = status[..1].to_uppercase() + &status[1..];
            for listed in [status, capitalised.as_str()] {
                let list = statuses(&[json!({"group_id": "DG1", "name": "Staff", "status": listed})]);
                for nested in [
                    json!({"group_id": "DG1", "name": "Staff", "status": status}),
                    json!({"group_id": "DG1", "name": "Staff", "status": capitalised}),
                    json!({"group_id": "DG1", "name": "Staff"}),
                    json!({"group_id": "DG1", "status": "brand new"}),
                    json!({"group_id": "DG1", "status": null}),
                    json!({"name": "Staff", "desc": ""}),
                    json!("DG1"),
                ] {
                    let user = json!({"status": "active", "groups": [nested]});
                    assert_eq!(standing(user, &list), expected, "{listed}, {nested}");
                }
            }
        }
    }

    #[test]
    fn what_neither_the_list_nor_the_nested_group_tells_is_not_known() {
        let user = |nested: Value| json!({"status": "active", "groups": [nested]});
        let unread = GroupStatuses::default();
        assert_eq!(standing(user(json!({"group_id": "DG1"})), &unread), Standing::Unknown);
        assert_eq!(
            standing(user(json!({"group_id": "DG1", "status": "Active"})), &unread),
            Standing::Allowed
        );
        assert_eq!(
            standing(user(json!({"group_id": "DG1", "status": "Disabled"})), &unread),
            Standing::ShutOut
        );
        assert_eq!(standing(json!({"status": "active"}), &unread), Standing::Unknown);
        let named = |one: &str, other: &str| {
            statuses(&[
                json!({"group_id": "DG1", "name": "Interns", "status": one}),
                json!({"group_id": "DG2", "name": "Interns", "status": other}),
            ])
        };
        assert_eq!(
            standing(user(json!({"name": "Interns"})), &named("Active", "Disabled")),
            Standing::Unknown
        );
        assert_eq!(
            standing(user(json!({"name": "Interns"})), &named("Disabled", "Disabled")),
            Standing::ShutOut
        );
        // A reply without groups is ambiguous only if some group shuts users out.
        assert_eq!(standing(json!({"status": "active"}), &named("Active", "Bypass")), Standing::Allowed);
        assert_eq!(standing(json!({"status": "active"}), &named("Active", "Disabled")), Standing::Unknown);
    }
}
