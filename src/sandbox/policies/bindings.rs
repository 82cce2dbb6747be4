//! What a policy applies to: applications, groups on an application, and groups everywhere (policies.md, sections 2 and 3.1).

use serde_json::{Map, Value, json};

use super::sections::texts;
use crate::sandbox::application::{Application, GroupPolicy};
use crate::sandbox::call::{Call, Reply};
use crate::sandbox::collections::{GROUPS, INTEGRATIONS, POLICIES};
use crate::sandbox::groups;
use crate::sandbox::state::Account;
use crate::sandbox::store::Store;
use crate::sandbox::switches::{AppliesToGroups, Switches};

/// The property of a stored policy with the groups that it applies to on every application. Only the Admin Panel sets it.
pub(super) const USER_GROUPS: &str = "user_groups";

/// Where a new group binding goes among those of an application.
#[derive(Clone, Copy)]
enum Place {
    Start,
    End,
}

/// The applications that a policy call attaches or detaches.
pub(super) struct Targets {
    attach: Vec<String>,
    detach: Vec<String>,
    bind: Vec<(String, Vec<String>)>,
    unbind: Vec<(String, Vec<String>)>,
    place: Place,
}

const APPS: &str = "apply_to_apps";
const GROUP_APPS: &str = "apply_to_groups_in_apps";

impl Targets {
    /// Reads and checks them; `is_global` for the global policy, which cannot be attached (policies.md, section 3.3).
    pub(super) fn of(account: &Account, call: &Call, is_global: bool) -> Result<Self, Reply> {
        let switches = &account.switches;
        let object = |name: &str| match call.params.get(name) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map.clone()),
            Some(_) => Err(Reply::invalid(name)),
        };
        let (apps, group_apps) = (object(APPS)?, object(GROUP_APPS)?);
        let is_used = !apps.is_empty() || !group_apps.is_empty();
        if is_used && switches.attach_needs_applications {
            call.require(&["adminapi_integrations"])?;
        }
        if is_used && is_global {
            return Err(Reply::invalid(if apps.is_empty() { GROUP_APPS } else { APPS }));
        }
        if apps.get("affect_all_apps").is_some_and(|value| value != "inactive") {
            return Err(Reply::invalid("apply_to_apps.affect_all_apps"));
        }
        let order = group_apps.get("group_policy_apply_order").map(Value::as_str);
        let place = match order {
            None | Some(Some("existing")) => Place::End,
            Some(Some("start")) if switches.group_orders => Place::Start,
            Some(Some("end")) if switches.group_orders => Place::End,
            Some(_) => return Err(Reply::invalid("apply_to_groups_in_apps.group_policy_apply_order")),
        };
        let removals = switches.unapply_lists;
        let detach = if removals { applications(account, &apps, "unapply_list")? } else { Vec::new() };
        let unbind = if removals {
            bindings(account, &group_apps, "unapply_group_policies_list")?
        } else {
            Vec::new()
        };
        Ok(Self {
            attach: applications(account, &apps, "apply_list")?,
            detach,
            bind: bindings(account, &group_apps, "apply_group_policies_list")?,
            unbind,
            place,
        })
    }

    /// Attaches and detaches a policy.
    pub(super) fn apply(self, account: &mut Account, key: &str) -> Result<(), Reply> {
        let replaces = account.switches.replace_bindings;
        let mut edit = |ikey: &str, change: &dyn Fn(&mut Application)| {
            let mut application = Application::load(&account.store, ikey).ok_or_else(Reply::not_found)?;
            change(&mut application);
            application.save(&mut account.store).map_err(Reply::from)
        };
        for ikey in &self.attach {
            edit(ikey, &|application| application.policy_key = Some(key.to_owned()))?;
        }
        for ikey in &self.detach {
            edit(ikey, &|application| {
                application.policy_key.take_if(|attached| attached == key);
            })?;
        }
        for (ikey, ids) in &self.bind {
            edit(ikey, &|application| bind(application, key, ids, replaces, self.place))?;
        }
        for (ikey, ids) in &self.unbind {
            edit(ikey, &|application| {
                for binding in
                    application.group_policies.iter_mut().filter(|binding| binding.policy_key == key)
                {
                    binding.group_ids.retain(|id| !ids.contains(id));
                }
                application.group_policies.retain(|binding| !binding.group_ids.is_empty());
            })?;
        }
        Ok(())
    }
}

fn bind(application: &mut Application, key: &str, ids: &[String], replaces: bool, place: Place) {
    let bound = application.group_policies.iter_mut().find(|binding| binding.policy_key == key);
    match bound {
        Some(binding) if replaces => binding.group_ids = ids.to_vec(),
        Some(binding) => {
            let new: Vec<_> = ids.iter().filter(|id| !binding.group_ids.contains(id)).cloned().collect();
            binding.group_ids.extend(new);
        }
        None => {
            let binding = GroupPolicy { policy_key: key.to_owned(), group_ids: ids.to_vec() };
            match place {
                Place::Start => application.group_policies.insert(0, binding),
                Place::End => application.group_policies.push(binding),
            }
        }
    }
}

fn applications(account: &Account, apps: &Map<String, Value>, name: &str) -> Result<Vec<String>, Reply> {
    let refused = || Reply::invalid(&format!("{APPS}.{name}"));
    let ikeys = texts(apps, name).map_err(|_| refused())?;
    let known = ikeys.iter().all(|ikey| account.store.get(INTEGRATIONS, ikey).is_some());
    if known { Ok(ikeys) } else { Err(refused()) }
}

/// The applications of a list of group bindings, each with its groups.
fn bindings(
    account: &Account,
    group_apps: &Map<String, Value>,
    name: &str,
) -> Result<Vec<(String, Vec<String>)>, Reply> {
    let refused = || Reply::invalid(&format!("{GROUP_APPS}.{name}"));
    let items = match group_apps.get(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(items) => items.as_array().ok_or_else(refused)?,
    };
    let read = |item: &Value| {
        let map = item.as_object()?;
        let ikey = map.get("app_integration_key")?.as_str()?.to_owned();
        let ids = texts(map, "group_id_list").ok().filter(|ids| !ids.is_empty())?;
        let known = account.store.get(INTEGRATIONS, &ikey).is_some()
            && ids.iter().all(|id| account.store.get(GROUPS, id).is_some());
        known.then_some((ikey, ids))
    };
    items.iter().map(|item| read(item).ok_or_else(refused)).collect()
}

/// The existing ones of some groups, with their names.
fn named<'a>(store: &'a Store, ids: impl Iterator<Item = &'a str>) -> Vec<(&'a str, &'a str)> {
    let name = |id| store.get(GROUPS, id)?.get("name")?.as_str();
    ids.filter_map(|id| Some((id, name(id)?))).collect()
}

fn ids<'a>(object: &'a Value, name: &str) -> impl Iterator<Item = &'a str> {
    object.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The group bindings of a stored application whose policy and groups exist, with their positions from 1.
pub(super) fn group_bindings<'a>(
    store: &'a Store,
    stored: &'a Value,
) -> impl Iterator<Item = (usize, &'a str, Vec<(&'a str, &'a str)>)> {
    let bindings = stored.get("group_policies").and_then(Value::as_array).into_iter().flatten();
    let live = bindings.filter_map(|binding| {
        let key = binding.get("policy_key")?.as_str()?;
        let groups = named(store, ids(binding, "group_ids"));
        (store.get(POLICIES, key).is_some() && !groups.is_empty()).then_some((key, groups))
    });
    (1..).zip(live).map(|(position, (key, groups))| (position, key, groups))
}

/// Whether a policy applies to a group of this user on every application.
pub(super) fn has_user(policy: &Value, user: &Value) -> bool {
    ids(policy, USER_GROUPS).any(|group| groups::is_in(user, group))
}

/// `policy_applies_to` of policies, in the order of the applications.
pub(super) struct AppliesTo<'a> {
    entries: Vec<(&'a str, Value)>,
    switches: &'a Switches,
}

impl<'a> AppliesTo<'a> {
    pub(super) fn new(account: &'a Account) -> Self {
        let mut all = Self { entries: Vec::new(), switches: &account.switches };
        let store = &account.store;
        for (ikey, stored) in store.list(INTEGRATIONS) {
            let entry = |kind: &str| {
                let name = stored.get("name");
                Map::from_iter([
                    ("app_integration_key".to_owned(), json!(ikey)),
                    ("app_name".to_owned(), json!(name)),
                    ("apply_type".to_owned(), json!(kind)),
                ])
            };
            if let Some(key) = stored.get("policy_key").and_then(Value::as_str) {
                all.entries.push((key, Value::Object(entry("app"))));
            }
            for (position, key, groups) in group_bindings(store, stored) {
                let mut entry = entry("group_app");
                entry.insert("group_position".to_owned(), json!(position));
                all.with_groups(key, entry, groups);
            }
        }
        for (key, policy) in store.list(POLICIES).filter(|_| account.switches.user_group_policies) {
            let groups = named(store, ids(policy, USER_GROUPS));
            if !groups.is_empty() {
                let entry = Map::from_iter([("apply_type".to_owned(), json!("user_group"))]);
                all.with_groups(key, entry, groups);
            }
        }
        all
    }

    fn with_groups(&mut self, key: &'a str, mut entry: Map<String, Value>, groups: Vec<(&str, &str)>) {
        let list: Vec<Value> = match self.switches.applies_to_groups {
            AppliesToGroups::Objects => {
                groups.iter().map(|(id, name)| json!({"group_id": id, "group_name": name})).collect()
            }
            AppliesToGroups::Names => groups.iter().map(|(_, name)| json!(name)).collect(),
            AppliesToGroups::Entries => {
                for (_, name) in groups {
                    let mut entry = entry.clone();
                    entry.insert("group_name".to_owned(), json!(name));
                    self.entries.push((key, Value::Object(entry)));
                }
                return;
            }
        };
        entry.insert("groups".to_owned(), json!(list));
        self.entries.push((key, Value::Object(entry)));
    }

    /// Those of one policy.
    pub(super) fn of(&self, key: &str) -> Vec<&Value> {
        self.entries.iter().filter(|(policy, _)| *policy == key).map(|(_, entry)| entry).collect()
    }
}
