//! The one table of what a field of an application is: its names, how two of its values are compared, how it is sent,
//! what clears it, and what Duo's silence about it means (duo-api.md, sections 3.3 and 10).
//!
//! Which types have a field is said by `config::settings`, where it is checked; what a change risks, by `risk`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::config::diagnostic::{Code, Diagnostic, Span, Spanned};
use crate::config::model::Setting;
use crate::duo::types::Integration;

use super::marker::Notes;
use super::networks::Networks;
use super::references::References;
use super::sso;
use super::value::{FieldValue, flag, parts};

/// `PERMITTED_GROUPS`: the only access with which Duo takes a list of groups (trap 2).
pub const PERMITTED_GROUPS: &str = "PERMITTED_GROUPS";
/// `NO_USERS`: nobody may log in.
pub const NO_USERS: &str = "NO_USERS";
/// What the wire puts before the name of a permission.
pub const PERMISSION_PREFIX: &str = "adminapi_";
/// The permission of which it is not certain that Duo changes it after the creation: of two official clients one says so,
/// the other leaves it out (duo-api.md, corrections to section 3).
pub const UNCERTAIN_PERMISSION: &str = "allow_to_set_permissions";

/// How a field behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// The application's name.
    Name,
    /// Who may log in at all.
    Access,
    /// Which groups may log in.
    Groups,
    /// The attached policy.
    Policy,
    /// What an Admin API key may do.
    Permissions,
    /// From where an Admin API key works.
    Networks,
    /// Whether users may change their own devices at the prompt.
    SelfService,
    /// Whether the Universal Prompt is on.
    Prompt,
    /// How usernames are matched.
    Normalization,
    /// Free text.
    Text,
    /// The user's part of the notes.
    Notes,
    /// Single sign-on settings.
    Sso,
}

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// The key in the YAML.
    pub key: &'static str,
    /// The property on the wire; the prefix of several for permissions.
    pub wire: &'static str,
    /// The letter in the marker.
    pub code: char,
    /// How it behaves.
    pub kind: FieldKind,
}

/// Every field, in the order of plans.
pub static FIELDS: &[Field] = &[
    Field { key: "name", wire: "name", code: 'n', kind: FieldKind::Name },
    Field { key: "user_access", wire: "user_access", code: 'a', kind: FieldKind::Access },
    Field { key: "groups_allowed", wire: "groups_allowed", code: 'g', kind: FieldKind::Groups },
    Field { key: "policy", wire: "policy_key", code: 'p', kind: FieldKind::Policy },
    Field { key: "permissions", wire: PERMISSION_PREFIX, code: 'm', kind: FieldKind::Permissions },
    Field {
        key: "networks_for_api_access",
        wire: "networks_for_api_access",
        code: 'i',
        kind: FieldKind::Networks,
    },
    Field {
        key: "self_service_allowed",
        wire: "self_service_allowed",
        code: 's',
        kind: FieldKind::SelfService,
    },
    Field { key: "prompt_v4_enabled", wire: "prompt_v4_enabled", code: 'v', kind: FieldKind::Prompt },
    Field {
        key: "username_normalization_policy",
        wire: "username_normalization_policy",
        code: 'u',
        kind: FieldKind::Normalization,
    },
    Field { key: "greeting", wire: "greeting", code: 't', kind: FieldKind::Text },
    Field { key: "notes", wire: "notes", code: 'o', kind: FieldKind::Notes },
    Field { key: "sso", wire: "sso", code: 'x', kind: FieldKind::Sso },
];

/// A field that the YAML manages, with its names resolved.
#[derive(Clone, Debug)]
pub struct Managed {
    /// The row.
    pub field: &'static Field,
    /// What the YAML asks for, as it is compared.
    pub wanted: FieldValue,
    /// What the YAML asks for, as it is sent.
    sent: Value,
    /// Where it stands.
    pub span: Span,
}

impl Managed {
    /// Resolves one setting of the YAML.
    pub fn new(
        field: &'static Field,
        setting: &Spanned<Setting>,
        references: &References,
    ) -> Result<Self, Vec<Diagnostic>> {
        let span = setting.span;
        let (wanted, sent) = match field.kind {
            FieldKind::Name | FieldKind::Text | FieldKind::Notes => text(&setting.value),
            FieldKind::Access => match as_text(&setting.value) {
                "" => return Err(vec![without_access(span)]),
                access => (FieldValue::Text(access.to_uppercase()), json!(access.to_uppercase())),
            },
            FieldKind::Groups => {
                let ids = each(&setting.value, |group| references.group(&group.value, group.span))?;
                (FieldValue::set(ids.clone()), json!(joined(&ids)))
            }
            FieldKind::Policy => match as_text(&setting.value) {
                "" => (FieldValue::Unset, json!("")),
                name => {
                    let key = references.policy(name, span).map_err(|problem| vec![problem])?;
                    (FieldValue::Text(key.clone()), json!(key))
                }
            },
            FieldKind::Permissions => {
                let names = each(&setting.value, |name| Ok(name.value.clone()))?;
                (FieldValue::set(names.clone()), json!(names))
            }
            FieldKind::Networks => networks(&setting.value, span)?,
            FieldKind::SelfService | FieldKind::Prompt => {
                let on = setting.value == Setting::Flag(true);
                (FieldValue::Flag(on), json!(if on { "1" } else { "0" }))
            }
            FieldKind::Normalization => {
                let name = match as_text(&setting.value) {
                    "" => "none",
                    name => name,
                };
                (FieldValue::Text(name.to_lowercase()), json!(name.to_lowercase()))
            }
            FieldKind::Sso => match &setting.value {
                Setting::Document(document) => {
                    let resolved = sso::resolve_groups(document, references, span)?;
                    (FieldValue::Document(sso::leaves(&resolved, None).0), resolved)
                }
                Setting::Clear | Setting::Text(_) | Setting::Flag(_) | Setting::List(_) => {
                    (FieldValue::Unset, Value::Null)
                }
            },
        };
        Ok(Self { field, wanted, sent, span })
    }

    /// The application's name.
    pub fn name(name: &Spanned<String>) -> Option<Self> {
        let field = FIELDS.iter().find(|field| field.kind == FieldKind::Name)?;
        let (wanted, sent) = (FieldValue::text(&name.value), json!(name.value));
        Some(Self { field, wanted, sent, span: name.span })
    }

    /// What the account holds in this field.
    pub fn live(&self, integration: &Integration) -> Live {
        let property = integration.property(self.field.wire);
        match self.field.kind {
            FieldKind::Name | FieldKind::Text => {
                Live::Value(FieldValue::text(integration.text(self.field.wire)))
            }
            FieldKind::Access => match property.and_then(Value::as_str) {
                Some(access) => Live::Value(FieldValue::text(access)),
                None => Live::NotOffered,
            },
            // Access is never inferred from the list (trap 2).
            FieldKind::Groups if integration.text("user_access").is_empty() => Live::NotOffered,
            FieldKind::Groups => Live::Value(live_groups(integration)),
            FieldKind::Policy => Live::Value(FieldValue::text(integration.text(self.field.wire))),
            FieldKind::Permissions => Live::Value(FieldValue::set(held_permissions(integration))),
            FieldKind::Networks => match property.map(parts).map(Networks::parse) {
                Some(Ok(networks)) => Live::Value(FieldValue::networks(networks)),
                Some(Err(entry)) => Live::Value(FieldValue::Text(entry)),
                None => Live::Value(FieldValue::Unset),
            },
            FieldKind::SelfService | FieldKind::Prompt => match (property, property.and_then(flag)) {
                (_, Some(on)) => Live::Value(FieldValue::Flag(on)),
                (None, None) if self.wanted == FieldValue::Flag(false) => {
                    Live::Value(FieldValue::Flag(false))
                }
                (_, None) => Live::NotOffered,
            },
            FieldKind::Normalization => match property.and_then(Value::as_str) {
                Some(policy) => Live::Value(FieldValue::text(&policy.to_lowercase())),
                None => Live::NotOffered,
            },
            FieldKind::Notes => Live::Value(FieldValue::text(Notes::parse(integration.notes()).text)),
            FieldKind::Sso => match (&self.wanted, property) {
                (FieldValue::Document(_), Some(_)) => {
                    Live::Value(FieldValue::Document(sso::leaves(&self.sent, property).1))
                }
                // Every application of these types has settings: a reply without any does not show them.
                (FieldValue::Document(_), None) => Live::NotOffered,
                (_, _) => Live::Value(FieldValue::Unset),
            },
        }
    }

    /// Adds the field to the body of a create or, with the live application, of an update.
    pub fn send(&self, body: &mut Map<String, Value>, live: Option<&Integration>) {
        match (self.field.kind, &self.wanted) {
            // Duo refuses a list without `PERMITTED_GROUPS`, and an empty one with it (trap 2).
            (FieldKind::Groups, FieldValue::Unset) => {}
            (FieldKind::Permissions, _) => self.send_permissions(body, live),
            // Notes go out together with the marker.
            (FieldKind::Notes, _) => {}
            (FieldKind::Sso, FieldValue::Unset) => {}
            (FieldKind::Sso, _) => {
                let held = live.and_then(|live| live.property(self.field.wire));
                let sent = held.map_or_else(|| self.sent.clone(), |held| sso::outgoing(&self.sent, held));
                body.insert(self.field.wire.to_owned(), sent);
            }
            _ => {
                body.insert(self.field.wire.to_owned(), self.sent.clone());
            }
        }
    }

    /// To revoke, a permission must be sent as 0; one that Duo does not show is never sent on update (traps 20, 21), and one
    /// that Duo may not know how to change only where it changes.
    fn send_permissions(&self, body: &mut Map<String, Value>, live: Option<&Integration>) {
        let empty = BTreeSet::new();
        let wanted = if let FieldValue::Set(names) = &self.wanted { names } else { &empty };
        let names: Vec<String> = match live {
            None => wanted.iter().cloned().collect(),
            Some(live) => known_permissions(live),
        };
        for name in names {
            let held = live.is_some_and(|live| holds(live, &name));
            if live.is_some() && name == UNCERTAIN_PERMISSION && held == wanted.contains(&name) {
                continue;
            }
            let flag = if wanted.contains(&name) { "1" } else { "0" };
            body.insert(format!("{PERMISSION_PREFIX}{name}"), json!(flag));
        }
    }

    /// The user's text of managed notes, as it is sent.
    pub fn notes_text(&self) -> Option<&str> {
        (self.field.kind == FieldKind::Notes).then(|| self.sent.as_str().unwrap_or_default())
    }

    /// Whether Duo may keep `value` where `target` was sent (trap 35). Never true where a wrong guess would hide who may
    /// log in.
    pub fn may_be_kept_as(&self, target: &FieldValue, value: &FieldValue) -> bool {
        match self.field.kind {
            FieldKind::Name | FieldKind::Text | FieldKind::Notes => true,
            // Some types answer with "" whatever was sent (trap 9).
            FieldKind::Normalization => *value == FieldValue::Unset,
            FieldKind::Permissions => {
                let certain = |value: &FieldValue| match value {
                    FieldValue::Set(names) => {
                        names.iter().filter(|name| *name != UNCERTAIN_PERMISSION).cloned().collect()
                    }
                    _ => BTreeSet::new(),
                };
                certain(target) == certain(value)
            }
            FieldKind::Access
            | FieldKind::Groups
            | FieldKind::Policy
            | FieldKind::Networks
            | FieldKind::SelfService
            | FieldKind::Prompt
            | FieldKind::Sso => false,
        }
    }
}

/// What the account says of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Live {
    /// Its value.
    Value(FieldValue),
    /// Duo does not show the field on this application, so a change could never be seen: nothing is planned (trap 8).
    NotOffered,
}

/// The groups that count: only those of `PERMITTED_GROUPS` (trap 3).
fn live_groups(integration: &Integration) -> FieldValue {
    if integration.text("user_access") != PERMITTED_GROUPS {
        return FieldValue::Unset;
    }
    let ids = integration.property("groups_allowed").map(parts).unwrap_or_default();
    FieldValue::set(ids.into_iter().collect())
}

/// The permissions that Duo shows on an application, held or not, without their prefix.
pub fn known_permissions(integration: &Integration) -> Vec<String> {
    let shown = integration.properties().iter().filter(|(_, value)| !value.is_null());
    shown.filter_map(|(key, _)| key.strip_prefix(PERMISSION_PREFIX)).map(str::to_owned).collect()
}

/// A flag that is there but cannot be read counts as held, so that it is revoked rather than overlooked.
fn holds(integration: &Integration, name: &str) -> bool {
    let shown = integration.property(&format!("{PERMISSION_PREFIX}{name}"));
    shown.is_some_and(|value| flag(value).unwrap_or(true))
}

/// The permissions that an application holds, without their prefix.
pub fn held_permissions(integration: &Integration) -> BTreeSet<String> {
    known_permissions(integration).into_iter().filter(|name| holds(integration, name)).collect()
}

fn without_access(span: Span) -> Diagnostic {
    Diagnostic::error(Code::InvalidValue, span, "`user_access` cannot be cleared")
        .help("to let nobody in, write `user_access: no_users`")
}

fn as_text(setting: &Setting) -> &str {
    match setting {
        Setting::Text(text) => text,
        Setting::Clear | Setting::Flag(_) | Setting::List(_) | Setting::Document(_) => "",
    }
}

fn text(setting: &Setting) -> (FieldValue, Value) {
    let text = as_text(setting);
    (FieldValue::text(text), json!(text))
}

fn each(
    setting: &Setting,
    resolve: impl Fn(&Spanned<String>) -> Result<String, Diagnostic>,
) -> Result<BTreeSet<String>, Vec<Diagnostic>> {
    let Setting::List(items) = setting else { return Ok(BTreeSet::new()) };
    let mut problems = Vec::new();
    let mut resolved = BTreeSet::new();
    for item in items {
        match resolve(item) {
            Ok(id) => {
                resolved.insert(id);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(resolved) } else { Err(problems) }
}

fn joined(ids: &BTreeSet<String>) -> String {
    ids.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

fn networks(setting: &Setting, span: Span) -> Result<(FieldValue, Value), Vec<Diagnostic>> {
    let Setting::List(items) = setting else { return Ok((FieldValue::Unset, json!(""))) };
    let networks = Networks::parse(items.iter().map(|item| item.value.as_str())).map_err(|entry| {
        let message = format!("`{entry}` is no address, range or network");
        vec![Diagnostic::error(Code::InvalidValue, span, message)]
    })?;
    let sent = json!(networks.texts().join(","));
    Ok((FieldValue::networks(networks), sent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_letter_and_a_key_of_its_own() {
        let codes: BTreeSet<char> = FIELDS.iter().map(|field| field.code).collect();
        let keys: BTreeSet<&str> = FIELDS.iter().map(|field| field.key).collect();
        assert_eq!((codes.len(), keys.len()), (FIELDS.len(), FIELDS.len()));
        assert!(FIELDS.iter().all(|field| field.code.is_ascii_lowercase()));
    }
}
