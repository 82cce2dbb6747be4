//! Which policy decides a section for one user of one application (policies.md, section 3.1).

use serde_json::{Map, Value, json};

use super::bindings::{group_bindings, has_user};
use super::stored::{is_global, shown_sections};
use crate::sandbox::call::{Call, Reply};
use crate::sandbox::collections::{INTEGRATIONS, POLICIES, USERS};
use crate::sandbox::groups;
use crate::sandbox::state::Account;

/// The answer to `calculate`: the effective sections, and which of the policies decides each.
pub(super) fn calculate(account: &Account, call: &Call) -> Result<Reply, Reply> {
    let (ikey, user) = (call.required("integration_key")?, call.required("user_id")?);
    let store = &account.store;
    let application = store.get(INTEGRATIONS, &ikey).ok_or_else(|| Reply::invalid("integration_key"))?;
    let user = store.get(USERS, &user).ok_or_else(|| Reply::invalid("user_id"))?;
    let mut result = Map::new();
    let mut elements = Vec::new();
    for (kind, key) in layers(account, application, user) {
        let Some(policy) = store.get(POLICIES, key) else { continue };
        let mut decided = Vec::new();
        for (name, section) in shown_sections(account, policy) {
            if !result.contains_key(&name) {
                decided.push(name.clone());
                result.insert(name, section);
            }
        }
        let name = policy.get("policy_name");
        elements
            .push(json!({"apply_type": kind, "policy_key": key, "policy_name": name, "sections": decided}));
    }
    Ok(Reply::Ok(json!({"policy_elements": elements, "sections": result})))
}

/// The policies of a user on an application, the one that decides first at the front.
fn layers<'a>(account: &'a Account, application: &'a Value, user: &'a Value) -> Vec<(&'static str, &'a str)> {
    let store = &account.store;
    let of_groups = group_bindings(store, application)
        .filter(|(_, _, bound)| bound.iter().any(|(id, _)| groups::is_in(user, id)))
        .map(|(_, key, _)| ("group_app", key));
    let own = application.get("policy_key").and_then(Value::as_str).map(|key| ("app", key));
    let everywhere = store.list(POLICIES).filter(|(_, policy)| has_user(policy, user));
    let global = store.list(POLICIES).filter(|(_, policy)| is_global(policy));
    of_groups
        .chain(own)
        .chain(everywhere.map(|(key, _)| ("user_group", key)))
        .chain(global.map(|(key, _)| ("global", key)))
        .collect()
}
