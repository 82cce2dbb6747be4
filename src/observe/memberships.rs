//! Group memberships, read only if a plan changes who may log in, and only within a request budget.

use crate::duo::call::Transport;
use crate::duo::error::DuoError;
use crate::duo::object::Object;
use crate::duo::people::{Allowance, GroupStatuses, group_statuses, members, users};
use crate::reconcile::effect::{Memberships, Needs};

/// Reads the needed groups, each once. `groups` is the list of groups if it was read already. A failure does not fail
/// the plan: it is reported, and the users count as unknown.
pub async fn memberships(
    transport: &impl Transport,
    needs: &Needs,
    groups: Option<&[Object]>,
    budget: u32,
) -> Memberships {
    let mut read = Memberships::default();
    read.survey.budget = budget;
    if needs.is_empty() || budget == 0 {
        read.survey.exhausted = !needs.is_empty();
        return read;
    }
    let mut allowance = Allowance { made: 0, allowed: budget };
    let mut usable = true;
    for group in &needs.groups {
        match members(transport, group, &mut allowance).await {
            Ok(found) => {
                read.survey.exhausted |= !found.complete;
                read.groups.insert(group.clone(), found);
            }
            Err(error) => {
                usable = goes_on(&error);
                read.survey.problems.push(problem(&error));
            }
        }
        if !usable {
            break;
        }
    }
    // Only the list of users shows who is disabled.
    let mut everybody = None;
    if usable {
        match users(transport, &mut allowance).await {
            Ok(found) => {
                read.survey.exhausted |= found.total.is_none() && found.all.is_none() && needs.everybody;
                read.total = found.total;
                everybody = found.all;
            }
            Err(error) => {
                usable = goes_on(&error);
                read.survey.problems.push(problem(&error));
            }
        }
    }
    read.statuses = match groups {
        Some(groups) => GroupStatuses::new(groups),
        None if usable => group_statuses(transport, &mut allowance).await.unwrap_or_default(),
        None => GroupStatuses::default(),
    };
    read.users = everybody.map(|all| all.iter().map(|user| read.statuses.user(user)).collect());
    read.survey.counts_disabled = read.users.is_none();
    read.survey.requests = allowance.made;
    let unsure = read.unsure(needs);
    if unsure > 0 {
        let users = if unsure == 1 { "user" } else { "users" };
        let line = format!("Duo does not report whether {unsure} {users} can log in; counted as possible");
        read.survey.problems.push(line);
    }
    read
}

/// Whether the next list can still be read after this error.
fn goes_on(error: &DuoError) -> bool {
    matches!(error, DuoError::Incomplete { .. } | DuoError::NotSent { .. })
}

fn problem(error: &DuoError) -> String {
    if error.is_denied() {
        format!("{error}; counting needs the permission read_resource, \"Grant resource - Read\"")
    } else {
        error.to_string()
    }
}

#[cfg(test)]
mod tests {
    use crate::duo::object::Kind;
    use serde_json::{Value, json};

    use super::*;
    use crate::duo::call::{ApiCall, Success};
    use crate::duo::object::{Id, Ikey};
    use crate::duo::people::Standing;
    use crate::secret::Secret;

    /// One group of two users, and one user outside it.
    #[derive(Clone)]
    struct Small {
        listed: &'static str,
        nested: Value,
    }

    impl Transport for Small {
        async fn send(&self, call: &ApiCall) -> Result<Success, DuoError> {
            let user = |id: &str, groups: Value| json!({"user_id": id, "username": id, "status": "active", "groups": groups});
            let response = match call.path.as_str() {
                "/admin/v1/groups" => json!([{"group_id": "DG1", "name": "Staff", "status": self.listed}]),
                "/admin/v1/users" => {
                    let nested = json!([self.nested]);
                    json!([user("ann", nested.clone()), user("bob", nested), user("cyd", json!([]))])
                }
                _ => json!([{"user_id": "ann", "username": "ann"}, {"user_id": "bob", "username": "bob"}]),
            };
            Ok(Success { response, metadata: Value::Null })
        }

        fn signed_by(&self, _: &Ikey, _: &Secret) -> Self {
            self.clone()
        }

        fn host(&self) -> &'static str {
            "api-00000000.duosecurity.com"
        }
    }

    async fn read(small: &Small, groups: Option<&[Object]>, budget: u32) -> Memberships {
        let needs = Needs { groups: [Id::new("DG1")].into(), everybody: false };
        memberships(small, &needs, groups, budget).await
    }

    #[tokio::test]
    async fn the_list_of_groups_is_read_once_where_nobody_read_it() {
        let small = Small { listed: "Disabled", nested: json!({"group_id": "DG1"}) };
        let people = read(&small, None, 20).await;
        assert_eq!(people.survey.requests, 3);
        assert_eq!(people.users.unwrap()["ann"].standing, Standing::ShutOut);
        let listed = [Object::decode(Kind::Group, json!({"group_id": "DG1", "status": "Active"})).unwrap()];
        let people = read(&small, Some(&listed), 20).await;
        assert_eq!(people.survey.requests, 2);
        assert_eq!(people.users.unwrap()["ann"].standing, Standing::Allowed);
        // The two requests read the members and the users, so only the nested status is known.
        let people = read(&small, None, 2).await;
        assert_eq!(people.survey.requests, 2);
        let line = "Duo does not report whether 2 users can log in; counted as possible";
        assert_eq!(people.survey.problems, [line]);
    }

    #[tokio::test]
    async fn who_is_not_in_the_groups_that_count_is_no_question() {
        let small = Small { listed: "brand new", nested: json!({"group_id": "DG1"}) };
        assert_eq!(read(&small, None, 20).await.survey.problems.len(), 1);
        let small = Small { nested: json!({"group_id": "DG1", "status": "active"}), ..small };
        assert!(read(&small, None, 20).await.survey.problems.is_empty());
    }
}
