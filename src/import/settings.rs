//! The settings of an application or a group as a person would write them: without defaults, with groups and policies by name.

use serde_json::{Map, Value, json};

use crate::duo::catalogue::{PERMISSIONS, Variant};
use crate::duo::object::{GroupStatus, Object};
use crate::kinds::application::fields::{USER_ACCESS, field, held_permissions, known_permissions};
use crate::kinds::application::{GROUPS, MOST_GROUPS, PERMITTED_GROUPS};
use crate::kinds::field::{Field, Form, Silence};
use crate::kinds::marker::Notes;
use crate::kinds::networks::Networks;
use crate::kinds::value::{flag, parts};
use crate::language::texts;
use crate::names::alike_key;
use crate::text::{secret_runs, shown};

use super::document;
use super::draft::{Draft, Found, Part};
use super::names::{Names, Unsaid};

/// Adds every setting that the type has. `defaults` are the workspace's defaults for its type.
pub(super) fn describe(
    draft: &mut Draft,
    live: &Object,
    kind: Option<&Variant>,
    names: &Names<'_>,
    defaults: &Map<String, Value>,
) {
    for field in draft.kind.fields().iter().filter(|field| field.is_setting() && field.applies_to(kind)) {
        let key = field.name();
        match found(key, live, kind, names) {
            Ok(None) => {}
            Ok(Some(found)) => {
                let needed = match defaults.get(key) {
                    _ if draft.fullness.written && is_shown(field, live) => true,
                    Some(default) => *default != found.value,
                    None => !found.is_default,
                };
                if needed {
                    draft.parts.push(Part { key, value: found.value, meant: found.meant });
                }
            }
            Err(why) => draft.give_up(key, &why),
        }
    }
    // Groups have no meaning without the access that they belong to.
    if !draft.parts.iter().any(|part| part.key == "user_access") {
        draft.parts.retain(|part| part.key != "groups_allowed");
    }
}

/// Whether Duo shows a field on this application, even if it is unset.
fn is_shown(field: &Field, live: &Object) -> bool {
    let blank = matches!(field.form, Form::Word { .. }) && live.text(field.wire_name()).is_empty();
    let told = field.silence == Silence::Unset || live.property(field.wire_name()).is_some();
    told && !blank
}

/// The value of one setting, even if it is the default; `None` if the application has none.
pub(super) fn value(
    key: &str,
    live: &Object,
    kind: Option<&Variant>,
    names: &Names<'_>,
) -> Result<Option<Value>, Unsaid> {
    Ok(found(key, live, kind, names)?.map(|found| found.value))
}

fn found(
    key: &str,
    live: &Object,
    kind: Option<&Variant>,
    names: &Names<'_>,
) -> Result<Option<Found>, Unsaid> {
    let property = live.property(key);
    match key {
        "user_access" => access(live, kind, names),
        "groups_allowed" => {
            if live.text("user_access") != PERMITTED_GROUPS {
                return Ok(None);
            }
            // Problems with the groups are reported for the access, which requires them.
            Ok(groups(live, names).ok())
        }
        "policy" => match live.text("policy_key") {
            "" => Ok(Some(Found::text(""))),
            key => {
                let policy = names.policy(key)?;
                let meant = policy.meant.into_iter().collect();
                Ok(Some(Found { meant, ..Found::new(policy.value, false) }))
            }
        },
        "permissions" => permissions(live),
        "networks_for_api_access" => networks(property),
        "prompt_v4_enabled" | "self_service_allowed" => {
            match property.map(|value| flag(value).ok_or(value)) {
                None => Ok(Some(Found::new(false, true))),
                Some(Ok(on)) => Ok(Some(Found::new(on, !on))),
                Some(Err(value)) => Err(unknown(value)),
            }
        }
        "username_normalization_policy" => match live.text(key).to_lowercase().as_str() {
            "" if property.is_none() => Ok(None),
            "" | "none" => Ok(Some(Found::new("none", true))),
            "simple" => Ok(Some(Found::new("simple", false))),
            other => Err(unknown(&json!(other))),
        },
        "greeting" => text(live.text(key)),
        "status" => match (live.text(key), GroupStatus::of(live)) {
            ("", _) => Ok(None),
            (status, GroupStatus::Unknown) => Err(unknown(&json!(status))),
            (status, known) => {
                Ok(Some(Found::new(status.trim().to_lowercase(), known == GroupStatus::Active)))
            }
        },
        "notes" | "description" => match Notes::parse(live.notes()) {
            Notes { damaged: Some(_), .. } => {
                Err("contains what looks like duoctl's marker; it is not managed".to_owned())
            }
            own => text(&own.text),
        },
        "sso" => document::describe(property, names),
        _ => Ok(None),
    }
}

fn unknown(value: &Value) -> Unsaid {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    format!("is {} in Duo, which duoctl does not know; it is not managed", shown(&text))
}

fn access(live: &Object, kind: Option<&Variant>, names: &Names<'_>) -> Result<Option<Found>, Unsaid> {
    let wire = live.text("user_access");
    let word = wire.to_lowercase();
    if wire.is_empty() {
        return Err("is not shown by Duo; it is not managed".to_owned());
    }
    if word.to_uppercase() != wire || !USER_ACCESS.iter().any(|choice| choice.value == word) {
        return Err(unknown(&json!(wire)));
    }
    if wire == PERMITTED_GROUPS {
        if !field(GROUPS).is_some_and(|field| field.applies_to(kind)) {
            return Err(
                "is permitted_groups in Duo, on a type that has no groups; it is not managed".to_owned()
            );
        }
        groups(live, names)?;
    }
    Ok(Some(Found::new(word, false)))
}

fn groups(live: &Object, names: &Names<'_>) -> Result<Found, Unsaid> {
    let mut ids = live.property("groups_allowed").map(parts).unwrap_or_default();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Err(
            "is permitted_groups in Duo, with groups that no longer exist; it is not managed".to_owned()
        );
    }
    if ids.len() > MOST_GROUPS {
        return Err(format!("has {} groups in Duo, more than its API accepts; it is not managed", ids.len()));
    }
    let mut written = Vec::new();
    for id in ids {
        let group = names.group(&id);
        written.push(group.ok_or_else(|| {
            format!("is permitted_groups in Duo, with the group {} that the account does not list; it is not managed", shown(&id))
        })?);
    }
    written.sort_by_cached_key(|group| (alike_key(&group.name), group.name.clone(), group.value.to_string()));
    let value: Value = written.iter().map(|group| group.value.clone()).collect();
    let meant = written.into_iter().filter_map(|group| group.meant).collect();
    Ok(Found { value, is_default: false, meant })
}

fn permissions(live: &Object) -> Result<Option<Found>, Unsaid> {
    if known_permissions(live).is_empty() {
        return Ok(None);
    }
    let held = held_permissions(live);
    if let Some(name) = held.iter().find(|name| !PERMISSIONS.iter().any(|known| known.name == **name)) {
        return Err(format!(
            "contains {} in Duo, which duoctl does not know; it is not managed",
            shown(name)
        ));
    }
    // Written even if there are none, so that a key without permissions stays that way.
    let in_order: Vec<&str> =
        PERMISSIONS.iter().map(|known| known.name).filter(|name| held.contains(*name)).collect();
    Ok(Some(Found::new(json!(in_order), false)))
}

fn networks(property: Option<&Value>) -> Result<Option<Found>, Unsaid> {
    let Some(entries) = property.map(parts) else { return Ok(None) };
    if entries.is_empty() {
        return Ok(Some(Found::new(Value::Null, true)));
    }
    if let Err(entry) = Networks::parse(&entries) {
        return Err(unknown(&json!(entry)));
    }
    let mut distinct: Vec<String> = Vec::new();
    for entry in entries {
        if (texts::NETWORK.check)(&entry).is_err() {
            return Err(unknown(&json!(entry)));
        }
        if !distinct.contains(&entry) {
            distinct.push(entry);
        }
    }
    Ok(Some(Found::new(json!(distinct), false)))
}

fn text(text: &str) -> Result<Option<Found>, Unsaid> {
    if text.trim().is_empty() {
        return Ok(Some(Found::text("")));
    }
    if !secret_runs(text).is_empty() {
        return Err(
            "contains what looks like a secret, so it is not written; remove it in the Duo Admin Panel"
                .to_owned(),
        );
    }
    Ok(Some(Found::text(text)))
}
