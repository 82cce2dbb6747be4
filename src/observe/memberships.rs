//! Who is in which group, read only where a plan changes who may log in, and only as long as a budget lasts.

use crate::duo::call::Transport;
use crate::duo::error::DuoError;
use crate::duo::people::{Allowance, members, users};
use crate::reconcile::effect::{Members, Memberships, Needs, User};

/// Reads what has to be known, each group once. Nothing that fails here is worth failing a plan for: it is said, and
/// counted as unknown.
pub async fn memberships(transport: &impl Transport, needs: &Needs, budget: u32) -> Memberships {
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
                let found = Members { users: found.users, complete: found.complete };
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
    // Who is disabled is told by the list of users only.
    if usable {
        match users(transport, &mut allowance).await {
            Ok(found) => {
                read.survey.exhausted |= found.total.is_none() && found.all.is_none() && needs.everybody;
                read.total = found.total;
                read.users = found.all.map(|all| {
                    let user = |(id, user): (String, crate::duo::people::UserStanding)| {
                        (id, User { name: user.username, may_log_in: user.may_log_in })
                    };
                    all.into_iter().map(user).collect()
                });
            }
            Err(error) => read.survey.problems.push(problem(&error)),
        }
    }
    read.survey.counts_disabled = read.users.is_none();
    read.survey.requests = allowance.made;
    read
}

/// Whether what failed says nothing about the next list.
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
