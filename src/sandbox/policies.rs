//! Policies, and what they apply to (duo-api.md, section 7.2).

use serde_json::{Map, Value, json};

use super::application::{Application, GroupPolicy};
use super::call::{Call, Paging, Reply};
use super::collections::{GROUPS, INTEGRATIONS, POLICIES, USERS};
use super::groups;
use super::permissions::{READ_RESOURCE, WRITE_RESOURCE};
use super::state::Account;
use super::store::Store;

/// The sections that Duo knows (duo-api.md, section 7.2).
const SECTIONS: &[&str] = &[
    "anonymous_networks",
    "authentication_methods",
    "authentication_policy",
    "authorized_networks",
    "browsers",
    "duo_desktop",
    "duo_mobile_app",
    "full_disk_encryption",
    "health_checks",
    "mobile_device_biometrics",
    "new_user",
    "operating_systems",
    "plugins",
    "remembered_devices",
    "risk_based_factor_selection",
    "screen_lock",
    "tampered_devices",
    "trusted_endpoints",
    "user_location",
];

/// Whether a key belongs to a policy that an application can have.
pub(super) fn is_custom(store: &Store, key: &str) -> bool {
    store.get(POLICIES, key).is_some_and(|policy| !is_global(policy))
}

fn is_global(policy: &Value) -> bool {
    policy.get("is_global_policy").and_then(Value::as_bool).unwrap_or_default()
}

/// A policy as stored and shown.
pub(super) fn policy(key: &str, name: &str, is_global: bool, sections: Value) -> Value {
    json!({"is_global_policy": is_global, "policy_key": key, "policy_name": name, "sections": sections})
}

pub(super) fn answer(account: &mut Account, call: &Call, rest: &[&str]) -> Result<Reply, Reply> {
    match (call.method.as_str(), rest) {
        ("GET", _) => read(account, call, rest),
        ("POST", []) => {
            call.require(WRITE_RESOURCE)?;
            create(account, call)
        }
        ("POST", ["copy"]) => {
            call.require(WRITE_RESOURCE)?;
            copy(account, call)
        }
        ("PUT", ["update"]) => {
            call.require(WRITE_RESOURCE)?;
            update_many(account, call)
        }
        ("PUT", [key]) => {
            call.require(WRITE_RESOURCE)?;
            let key = resolve(account, key)?;
            update(account, &key, &call.params)
        }
        ("DELETE", [key]) => {
            call.require(WRITE_RESOURCE)?;
            let key = resolve(account, key)?;
            if !is_custom(&account.store, &key) {
                return Err(Reply::invalid("policy_key"));
            }
            // Applications keep the key, but reads do not show a deleted policy.
            account.store.remove(POLICIES, &key)?;
            Ok(Reply::Ok(account.deleted()))
        }
        (_, [] | [_]) => Err(Reply::wrong_method()),
        (_, _) => Err(Reply::not_found()),
    }
}

fn read(account: &Account, call: &Call, rest: &[&str]) -> Result<Reply, Reply> {
    call.require(READ_RESOURCE)?;
    match rest {
        [] => {
            let window = call.window(Paging::of(100), &account.switches)?;
            let rows = window.rows(account.store.list(POLICIES), |(_, policy)| policy.clone());
            Ok(window.page(account.store.count(POLICIES), rows))
        }
        ["summary"] => Ok(Reply::Ok(summary(&account.store))),
        ["calculate"] => calculate(account, call),
        [key] => {
            let key = resolve(account, key)?;
            Ok(Reply::Ok(account.store.get(POLICIES, &key).cloned().unwrap_or_default()))
        }
        _ => Err(Reply::not_found()),
    }
}

/// The key of an existing policy; `global` is an alias.
fn resolve(account: &Account, key: &str) -> Result<String, Reply> {
    let mut policies = account.store.list(POLICIES);
    let found = match key {
        "global" => policies.find(|(_, policy)| is_global(policy)).map(|(key, _)| key),
        key => account.store.get(POLICIES, key).map(|_| key),
    };
    found.map(str::to_owned).ok_or_else(Reply::not_found)
}

fn summary(store: &Store) -> Value {
    let applications: Vec<_> =
        store.list(INTEGRATIONS).filter_map(|(_, stored)| Application::read(stored)).collect();
    let name = |id: &String| store.get(GROUPS, id)?.get("name").cloned();
    let policies = store.list(POLICIES).map(|(key, policy)| {
        let mut applies_to = Vec::new();
        for app in &applications {
            let entry = |kind: &str| {
                json!({"app_integration_key": app.integration_key, "app_name": app.name, "apply_type": kind})
            };
            if app.policy_key.as_deref() == Some(key) {
                applies_to.push(entry("app"));
            }
            let bindings = app.group_policies.iter().filter(|binding| binding.policy_key == key);
            for group in bindings.flat_map(|binding| binding.group_ids.iter().filter_map(name)) {
                let mut entry = entry("group_app");
                if let Value::Object(entry) = &mut entry {
                    entry.insert("group_name".to_owned(), group);
                }
                applies_to.push(entry);
            }
        }
        json!({"policy_key": key, "policy_name": policy.get("policy_name"), "policy_applies_to": applies_to})
    });
    let policies: Vec<Value> = policies.collect();
    json!({"policy_count": policies.len(), "policies": policies, "response_is_truncated": false, "warnings": []})
}

fn sections(account: &Account, key: &str) -> Map<String, Value> {
    let sections = account.store.get(POLICIES, key).and_then(|policy| policy.get("sections"));
    sections.and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The effective policy for one user of one application: the application's policy over the global one.
fn calculate(account: &Account, call: &Call) -> Result<Reply, Reply> {
    let (ikey, user) = (call.required("integration_key")?, call.required("user_id")?);
    let application =
        Application::load(&account.store, &ikey).ok_or_else(|| Reply::invalid("integration_key"))?;
    let user = account.store.get(USERS, &user).ok_or_else(|| Reply::invalid("user_id"))?;
    let mut result = sections(account, &resolve(account, "global")?);
    let own = application.policy_key.iter();
    let bindings = application.group_policies.iter();
    let of_groups = bindings.filter(|binding| binding.group_ids.iter().any(|id| groups::is_in(user, id)));
    for key in own.chain(of_groups.map(|binding| &binding.policy_key)) {
        result.extend(sections(account, key));
    }
    Ok(Reply::Ok(json!({"policy_elements": [], "sections": result})))
}

fn create(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    let name = call.required("policy_name")?;
    check_name(account, &name, None)?;
    check_sections(&call.params)?;
    let targets = Targets::of(account, &call.params)?;
    let key = insert(account, &name, json!({}))?;
    write(account, &key, &call.params)?;
    targets.apply(account, &key)?;
    Ok(Reply::Ok(account.store.get(POLICIES, &key).cloned().unwrap_or_default()))
}

fn insert(account: &mut Account, name: &str, sections: Value) -> Result<String, Reply> {
    let key = account.next_id("PO", POLICIES)?;
    account.store.put(POLICIES, &key, policy(&key, name, false, sections))?;
    Ok(key)
}

fn copy(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    let source = call.required("policy_key")?;
    let sections = Value::Object(sections(account, &resolve(account, &source)?));
    let names = texts(&call.params, "new_policy_names_list")?;
    if names.is_empty() {
        return Err(Reply::missing("new_policy_names_list"));
    }
    for name in &names {
        check_name(account, name, None)?;
    }
    let mut policies = Vec::new();
    for name in &names {
        let key = insert(account, name, sections.clone())?;
        policies.push(account.store.get(POLICIES, &key).cloned());
    }
    Ok(Reply::Ok(json!({"policies": policies})))
}

fn update(account: &mut Account, key: &str, params: &Map<String, Value>) -> Result<Reply, Reply> {
    if let Some(name) = params.get("policy_name") {
        let name = name.as_str().filter(|name| !name.is_empty());
        check_name(account, name.ok_or_else(|| Reply::invalid("policy_name"))?, Some(key))?;
    }
    check_sections(params)?;
    let targets = Targets::of(account, params)?;
    write(account, key, params)?;
    targets.apply(account, key)?;
    Ok(Reply::Ok(account.store.get(POLICIES, key).cloned().unwrap_or_default()))
}

fn update_many(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    let object =
        |name: &str| call.params.get(name).and_then(Value::as_object).ok_or_else(|| Reply::missing(name));
    let (selection, changes) = (object("policies_to_update")?, object("policy_changes")?);
    let all = selection.get("edit_all_policies").and_then(Value::as_bool).unwrap_or_default();
    let keys = if all {
        account.store.list(POLICIES).map(|(key, _)| key.to_owned()).collect()
    } else {
        texts(selection, "edit_list")?
    };
    if keys.iter().any(|key| account.store.get(POLICIES, key).is_none()) {
        return Err(Reply::invalid("edit_list"));
    }
    check_sections(changes)?;
    for key in &keys {
        write(account, key, changes)?;
    }
    let policies: Vec<_> = keys.iter().filter_map(|key| account.store.get(POLICIES, key)).cloned().collect();
    Ok(Reply::Ok(json!({"policies": policies})))
}

/// Whether policy names are unique is unknown (policies.md, section 14).
fn check_name(account: &Account, name: &str, own: Option<&str>) -> Result<(), Reply> {
    if !account.switches.unique_policies {
        return Ok(());
    }
    let mut others = account.store.list(POLICIES).filter(|(key, _)| Some(*key) != own);
    let taken = others.any(|(_, policy)| policy.get("policy_name").and_then(Value::as_str) == Some(name));
    if taken { Err(Reply::duplicate()) } else { Ok(()) }
}

fn check_sections(params: &Map<String, Value>) -> Result<(), Reply> {
    let known = |name: &String, value: &Value| SECTIONS.contains(&name.as_str()) && value.is_object();
    match params.get("sections") {
        None => {}
        Some(Value::Object(sections)) if sections.iter().all(|(name, value)| known(name, value)) => {}
        Some(_) => return Err(Reply::invalid("sections")),
    }
    texts(params, "sections_to_delete").map(drop)
}

fn texts(params: &Map<String, Value>, name: &str) -> Result<Vec<String>, Reply> {
    let Some(value) = params.get(name) else { return Ok(Vec::new()) };
    let texts = value
        .as_array()
        .and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
    texts.ok_or_else(|| Reply::invalid(name))
}

/// Merges per section (duo-api.md, section 7.2).
fn write(account: &mut Account, key: &str, params: &Map<String, Value>) -> Result<(), Reply> {
    let Some(Value::Object(mut stored)) = account.store.get(POLICIES, key).cloned() else {
        return Err(Reply::not_found());
    };
    if let Some(name) = params.get("policy_name") {
        stored.insert("policy_name".to_owned(), name.clone());
    }
    let mut sections = sections(account, key);
    for (section, sent) in params.get("sections").and_then(Value::as_object).into_iter().flatten() {
        let kept = sections.entry(section.clone()).or_insert_with(|| json!({}));
        if let (Value::Object(kept), Value::Object(sent)) = (kept, sent) {
            kept.extend(sent.clone());
        }
    }
    for section in texts(params, "sections_to_delete")? {
        sections.remove(&section);
    }
    stored.insert("sections".to_owned(), Value::Object(sections));
    account.store.put(POLICIES, key, Value::Object(stored))?;
    Ok(())
}

/// The applications that a policy call attaches or detaches.
struct Targets {
    attach: Vec<String>,
    detach: Vec<String>,
    groups: Vec<(String, Vec<String>)>,
}

impl Targets {
    fn of(account: &Account, params: &Map<String, Value>) -> Result<Self, Reply> {
        let list = |name| match params.get("apply_to_apps") {
            None => Ok(Vec::new()),
            Some(Value::Object(apps)) => texts(apps, name),
            Some(_) => Err(Reply::invalid("apply_to_apps")),
        };
        let (attach, detach) = (list("apply_list")?, list("unapply_list")?);
        let bindings =
            params.get("apply_to_groups_in_apps").and_then(|value| value.get("apply_group_policies_list"));
        let mut groups = Vec::new();
        for binding in bindings.and_then(Value::as_array).into_iter().flatten() {
            let Value::Object(binding) = binding else {
                return Err(Reply::invalid("apply_to_groups_in_apps"));
            };
            let ikey = binding.get("app_integration_key").and_then(Value::as_str).unwrap_or_default();
            groups.push((ikey.to_owned(), texts(binding, "group_id_list")?));
        }
        let ikeys = attach.iter().chain(&detach).chain(groups.iter().map(|(ikey, _)| ikey));
        let known = ikeys.into_iter().all(|ikey| account.store.get(INTEGRATIONS, ikey).is_some());
        let ids = groups.iter().flat_map(|(_, ids)| ids).all(|id| account.store.get(GROUPS, id).is_some());
        if known && ids { Ok(Self { attach, detach, groups }) } else { Err(Reply::invalid("apply_to_apps")) }
    }

    fn apply(self, account: &mut Account, key: &str) -> Result<(), Reply> {
        let edit = |account: &mut Account, ikey: &str, change: &dyn Fn(&mut Application)| {
            let mut application = Application::load(&account.store, ikey).ok_or_else(Reply::not_found)?;
            change(&mut application);
            application.save(&mut account.store).map_err(Reply::from)
        };
        for ikey in &self.attach {
            edit(account, ikey, &|application| application.policy_key = Some(key.to_owned()))?;
        }
        for ikey in &self.detach {
            edit(account, ikey, &|application| {
                application.policy_key.take_if(|attached| attached == key);
            })?;
        }
        for (ikey, group_ids) in &self.groups {
            edit(account, ikey, &|application| {
                application.group_policies.retain(|binding| binding.policy_key != key);
                let binding = GroupPolicy { policy_key: key.to_owned(), group_ids: group_ids.clone() };
                application.group_policies.push(binding);
            })?;
        }
        Ok(())
    }
}
