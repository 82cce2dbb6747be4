//! Accepts drift of an application that belongs to an entry of `identity_intelligence` into that entry. The entry has fewer
//! keys than `applications`, so it cannot express every change made in Duo.

use serde_json::{Value, json};

use super::accept::Edit;
use crate::config::model::IntelligenceEntry;
use crate::duo::catalogue::PERMISSIONS;
use crate::duo::object::Object;
use crate::intelligence::{ADMIN_API, NAME_PREFIX};
use crate::kinds::application::fields::held_permissions;
use crate::kinds::application::{NETWORKS, PERMISSION_LIST};
use crate::kinds::value::parts;
use crate::names::same;

/// What `access` always includes, and what `read_write` adds.
const READ: [&str; 2] = ["read_log", "read_resource"];
const WRITE: &str = "write_resource";

/// The edits that set a field of one of an entry's applications to Duo's value. The error explains why the entry cannot
/// express it.
pub fn edits(entry: &IntelligenceEntry, part: &str, field: &str, live: &Object) -> Result<Vec<Edit>, String> {
    match (part, field) {
        (ADMIN_API, "name") => {
            let implied = format!("{NAME_PREFIX}{}", entry.display_name.value);
            let name = (!same(live.name(), &implied)).then(|| json!(live.name()));
            Ok(vec![edit(&[ADMIN_API, "name"], name)])
        }
        (ADMIN_API, PERMISSION_LIST) => permissions(entry, live),
        (ADMIN_API, NETWORKS) => {
            let networks = live.property(NETWORKS).map(parts).unwrap_or_default();
            Ok(vec![edit(&[ADMIN_API, NETWORKS], (!networks.is_empty()).then(|| json!(networks)))])
        }
        (_, "name") => {
            let name = json!(live.name());
            Ok(vec![match entry.push_application_name {
                Some(_) => edit(&["push_verification", "application_name"], Some(name)),
                None => edit(&["push_verification"], Some(json!({"application_name": name}))),
            }])
        }
        _ => Err(format!("an entry of `identity_intelligence` has no key for `{field}`")),
    }
}

fn permissions(entry: &IntelligenceEntry, live: &Object) -> Result<Vec<Edit>, String> {
    let held = held_permissions(live);
    if let Some(missing) = READ.iter().find(|name| !held.contains(**name)) {
        return Err(format!("`access` always includes `{missing}`, but the application no longer has it"));
    }
    let known = |name: &str| PERMISSIONS.iter().any(|known| known.name == name);
    if let Some(name) = held.iter().find(|name| !known(name)) {
        return Err(format!("it holds the permission {name:?}, which duoctl does not know"));
    }
    let access = if held.contains(WRITE) { "read_write" } else { "read_only" };
    let is_extra = |name: &str| held.contains(name) && !READ.contains(&name) && name != WRITE;
    // Remaining items keep their position.
    let declared = entry.extra_permissions.iter().map(|extra| extra.value.as_str());
    let mut extra: Vec<&str> = declared.filter(|name| is_extra(name)).collect();
    for permission in PERMISSIONS.iter().filter(|known| is_extra(known.name)) {
        if !extra.contains(&permission.name) {
            extra.push(permission.name);
        }
    }
    let extra = (!extra.is_empty()).then(|| json!(extra));
    Ok(vec![edit(&["access"], Some(json!(access))), edit(&["extra_permissions"], extra)])
}

fn edit(path: &[&str], value: Option<Value>) -> Edit {
    Edit { path: path.iter().map(|key| (*key).to_owned()).collect(), value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::load_text;
    use crate::duo::object::Kind;
    use crate::intelligence::AUTH_API;

    fn entry(more: &str) -> IntelligenceEntry {
        let head = "version: 1\nworkspace: acme\ntenant: {api_hostname: api-1a2b3c4d.duosecurity.com}\n";
        let entry =
            format!("identity_intelligence: {{emea: {{display_name: Duo EMEA, access: read_only{more}}}}}\n");
        let loaded = load_text("duo.yaml".into(), format!("{head}{entry}"));
        loaded.workspace.expect("a workspace").identity_intelligence["emea"].clone()
    }

    fn live(name: &str, permissions: &[&str]) -> Object {
        let mut live = json!({"integration_key": "DI1", "type": "adminapi", "name": name});
        for permission in PERMISSIONS {
            let held = permissions.contains(&permission.name);
            live[format!("adminapi_{}", permission.name)] = json!(u8::from(held));
        }
        Object::decode(Kind::Application, live).expect("an application")
    }

    #[test]
    fn permissions_become_the_access_and_what_goes_beyond_it() {
        for (declared, held, expected) in [
            ("", &["read_log", "read_resource"][..], Ok(("read_only", json!(null)))),
            ("", &["read_log", "read_resource", "write_resource"], Ok(("read_write", json!(null)))),
            ("", &["info", "read_log", "read_resource"], Ok(("read_only", json!(["info"])))),
            (
                ", extra_permissions: [settings_read, info]",
                &["admins_read", "info", "read_log", "read_resource", "settings_read"],
                Ok(("read_only", json!(["settings_read", "info", "admins_read"]))),
            ),
            (", extra_permissions: [info]", &["read_log", "read_resource"], Ok(("read_only", json!(null)))),
            ("", &["read_log"], Err("read_resource")),
            ("", &[], Err("read_log")),
        ] {
            let found = edits(&entry(declared), ADMIN_API, "permissions", &live("x", held));
            match (found, expected) {
                (Ok(edits), Ok((access, extra))) => {
                    let values: Vec<_> =
                        edits.into_iter().map(|edit| edit.value.unwrap_or(Value::Null)).collect();
                    assert_eq!(values, [json!(access), extra], "{held:?}");
                }
                (Err(why), Err(word)) => assert!(why.contains(word), "{why}"),
                (found, expected) => panic!("{held:?}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn a_name_is_written_where_the_entry_has_a_key_for_it_and_not_where_it_is_implied() {
        let admin = |name: &str| edits(&entry(""), ADMIN_API, "name", &live(name, &[])).unwrap();
        assert_eq!(admin("CII"), [edit(&["admin_api", "name"], Some(json!("CII")))]);
        assert_eq!(admin("Identity Intelligence: Duo EMEA"), [edit(&["admin_api", "name"], None)]);
        let auth = edits(&entry(""), AUTH_API, "name", &live("Acme", &[])).unwrap();
        assert_eq!(auth, [edit(&["push_verification"], Some(json!({"application_name": "Acme"})))]);
        let push = entry(", push_verification: {application_name: Old}");
        let auth = edits(&push, AUTH_API, "name", &live("Acme", &[])).unwrap();
        assert_eq!(auth, [edit(&["push_verification", "application_name"], Some(json!("Acme")))]);
        for (part, field) in
            [(ADMIN_API, "user_access"), (AUTH_API, "user_access"), (AUTH_API, "permissions")]
        {
            assert!(edits(&entry(""), part, field, &live("x", &[])).unwrap_err().contains(field));
        }
    }
}
