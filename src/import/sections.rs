//! The sections of a policy as a person would write them: each in its shortest form, and under `raw` what duoctl does not
//! know.

use serde_json::{Map, Value};

use crate::duo::object::Policy;
use crate::duo::policy::section;
use crate::kinds::Kind;
use crate::kinds::policy::language::{RAW, from_duo};
use crate::kinds::policy::risk::is_available;
use crate::text::secret_runs;

use super::draft::{Draft, Part};
use super::names::Unsaid;

/// Adds every section that the policy has. `global` is the global policy of the account.
pub(super) fn describe(draft: &mut Draft, policy: Policy<'_>, global: Option<Policy<'_>>) {
    let fields = Kind::Policy.fields();
    let mut sections: Vec<_> = policy.sections().filter(|(name, _)| !is_repeated(name, policy)).collect();
    sections.sort_by_key(|(name, _)| {
        fields.iter().position(|field| field.name() == name.as_str()).unwrap_or(fields.len())
    });
    let mut raw = Map::new();
    for (name, value) in sections {
        match (unsaid(name, value, global), Kind::Policy.field(name).zip(from_duo(name, value))) {
            (Some(why), _) => draft.give_up(name, &why),
            (None, Some((field, yaml))) => draft.parts.push(Part::new(field.name(), yaml)),
            (None, None) => drop(raw.insert(name.clone(), value.clone())),
        }
    }
    if !raw.is_empty() {
        draft.parts.push(Part::new(RAW, raw));
    }
}

/// Duo may show a section under its former name as well.
fn is_repeated(name: &str, policy: Policy<'_>) -> bool {
    let now = section(name).and_then(|section| section.replaced_by);
    now.is_some_and(|now| policy.section(now).is_some())
}

/// Why a section is not written.
fn unsaid(name: &str, value: &Value, global: Option<Policy<'_>>) -> Option<Unsaid> {
    if has_secret(value) {
        Some("contains what looks like a secret, so it is not written".to_owned())
    } else if !is_available(name, value) {
        Some("needs a management integration, which the account does not have; it is not managed".to_owned())
    } else if global.is_some_and(|global| global.section(name).is_none()) {
        Some("is not in the global policy, so the account cannot have it; it is not managed".to_owned())
    } else {
        None
    }
}

fn has_secret(value: &Value) -> bool {
    match value {
        Value::String(text) => !secret_runs(text).is_empty(),
        Value::Array(items) => items.iter().any(has_secret),
        Value::Object(map) => map.values().any(has_secret),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
