//! What the sections of a policy accept and contain, by the table of Duo's policies (policies.md, sections 3 to 5).

use serde_json::{Map, Value, json};

use super::values;
use crate::duo::policy::{self, Edition, Field, Section, Shape};
use crate::sandbox::call::Reply;
use crate::sandbox::collections::INTEGRATION_OF_DEVICES;
use crate::sandbox::state::Account;
use crate::sandbox::switches::{BeyondEdition, GlobalSection, Switches};

/// What Duo shows where the account has no integration with a device management (policies.md, trap 7).
const MESSAGE: &str = "Trusted endpoints are not configured for this account.";

/// Values of a real account for fields whose default no source states (policies.md, section 4).
fn recorded(section: &str) -> Map<String, Value> {
    let known = match section {
        "plugins" => json!({"flash": "allow-all", "java": "allow-all"}),
        "trusted_endpoints" => {
            json!({"trusted_endpoint_checking": "allow-all", "trusted_endpoint_checking_mobile": "allow-all"})
        }
        _ => json!({}),
    };
    known.as_object().cloned().unwrap_or_default()
}

/// A change of one policy's sections.
pub(super) struct Writing<'a> {
    pub(super) switches: &'a Switches,
    pub(super) is_global: bool,
    /// Whether the account has an integration with a device management.
    pub(super) manages_devices: bool,
    /// Whether a fault drops unknown sections.
    pub(super) drops_unknown: bool,
}

impl<'a> Writing<'a> {
    pub(super) fn of(account: &'a Account, is_global: bool, drops_unknown: bool) -> Self {
        let manages_devices = account.store.count(INTEGRATION_OF_DEVICES) > 0;
        Self { switches: &account.switches, is_global, manages_devices, drops_unknown }
    }

    pub(super) fn edition(&self) -> Edition {
        values::edition(self.switches)
    }

    /// The sections after a write of `sections` and `sections_to_delete`.
    pub(super) fn apply(
        &self,
        stored: &Map<String, Value>,
        params: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Reply> {
        let mut result = stored.clone();
        let mut deleted = texts(params, "sections_to_delete")?;
        for (name, sent) in sent_sections(params)? {
            match sent {
                Value::Null if self.switches.null_sections => deleted.push(name.clone()),
                Value::Object(sent) => self.section(name, sent, &mut result)?,
                _ => return Err(Reply::invalid(&format!("sections.{name}"))),
            }
        }
        for name in deleted {
            self.delete(&name, &mut result)?;
        }
        Ok(result)
    }

    fn delete(&self, name: &str, result: &mut Map<String, Value>) -> Result<(), Reply> {
        let name = self.current_name(name);
        if self.known(name).is_none() && !result.contains_key(name) {
            return Err(Reply::invalid("sections_to_delete"));
        }
        match (self.is_global, self.switches.global_section) {
            (false, _) => drop(result.remove(name)),
            (true, GlobalSection::Ignored) => {}
            (true, GlobalSection::Invalid) => return Err(Reply::invalid("sections_to_delete")),
        }
        Ok(())
    }

    /// A section of the table, unless the account has only the newer one of the two sections for Duo Desktop.
    fn known(&self, name: &str) -> Option<&'static Section> {
        let section = policy::section(name)?;
        let is_there = section.name != "health_checks" || self.switches.health_checks;
        (is_there && section.replaced_by.is_none()).then_some(section)
    }

    /// The section that a former name means, if it is accepted.
    fn current_name<'n>(&self, name: &'n str) -> &'n str {
        let current = policy::section(name).and_then(|section| section.replaced_by);
        current.filter(|_| self.switches.old_section_names).unwrap_or(name)
    }

    fn section(
        &self,
        name: &str,
        sent: &Map<String, Value>,
        result: &mut Map<String, Value>,
    ) -> Result<(), Reply> {
        let path = format!("sections.{name}");
        let sent = self.renamed(name, sent);
        let name = self.current_name(name);
        let Some(section) = self.known(name) else {
            if self.drops_unknown {
                return Ok(());
            }
            if !self.switches.open_policies && !result.contains_key(name) {
                return Err(Reply::invalid(&path));
            }
            let kept = result.entry(name).or_insert_with(|| json!({}));
            if let Some(kept) = kept.as_object_mut() {
                kept.extend(sent);
            }
            return Ok(());
        };
        if section.edition > self.edition() {
            return self.beyond_edition(&path);
        }
        let sent = self.check(section.fields, sent, &path)?;
        let before = result.get(name).and_then(Value::as_object).cloned();
        let after = self.merged(section, before, &sent, &path)?;
        result.insert(name.to_owned(), Value::Object(after));
        Ok(())
    }

    /// Refuses something that the edition lacks, unless it is dropped.
    fn beyond_edition(&self, path: &str) -> Result<(), Reply> {
        match self.switches.beyond_edition {
            BeyondEdition::Invalid => Err(Reply::invalid(path)),
            BeyondEdition::Forbidden => Err(Reply::forbidden()),
            BeyondEdition::Dropped => Ok(()),
        }
    }

    /// The fields of a section with their current names.
    fn renamed(&self, name: &str, sent: &Map<String, Value>) -> Map<String, Value> {
        let fields = policy::section(name).map_or(&[][..], |section| section.fields);
        let current = |name: &str| {
            let field = fields.iter().find(|field| field.name == name)?;
            field.replaced_by.filter(|_| self.switches.old_section_names)
        };
        sent.iter().map(|(name, value)| (current(name).unwrap_or(name).to_owned(), value.clone())).collect()
    }

    /// Checks the values of an object, and leaves out what Duo ignores.
    fn check(
        &self,
        fields: &'static [Field],
        sent: Map<String, Value>,
        path: &str,
    ) -> Result<Map<String, Value>, Reply> {
        let mut kept = Map::new();
        for (name, value) in sent {
            let path = format!("{path}.{name}");
            let field = fields.iter().find(|field| field.name == name && field.replaced_by.is_none());
            let Some(field) = field else {
                if !self.switches.open_policies {
                    return Err(Reply::invalid(&path));
                }
                kept.insert(name, value);
                continue;
            };
            if field.risk == policy::Risk::ReadOnly {
                continue;
            }
            if field.edition > self.edition() {
                self.beyond_edition(&path)?;
                continue;
            }
            let value = match (field.inner(), value) {
                (Some(inner), Value::Object(sent)) => Value::Object(self.check(inner, sent, &path)?),
                (None, value) if values::fits(field, &value, self.switches) => value,
                _ => return Err(Reply::invalid(&path)),
            };
            kept.insert(name, value);
        }
        Ok(kept)
    }

    /// A section after a write: defaults for what is new, and what Duo keeps consistent.
    fn merged(
        &self,
        section: &Section,
        before: Option<Map<String, Value>>,
        sent: &Map<String, Value>,
        path: &str,
    ) -> Result<Map<String, Value>, Reply> {
        let before = before.unwrap_or_else(|| {
            let mut fresh = if self.switches.section_defaults { recorded(section.name) } else { Map::new() };
            if self.switches.section_defaults {
                section.complete(&mut fresh, self.edition());
            }
            fresh
        });
        if section.name == "trusted_endpoints" && !self.manages_devices {
            return Ok(before);
        }
        let mut after = before.clone();
        merge(&mut after, sent, self.switches.deep_sections);
        if self.switches.section_defaults {
            section.complete(&mut after, self.edition());
        }
        values::Change { switches: self.switches, before: &before, sent, path }
            .settle(section, &mut after)?;
        if self.switches.sorted_lists {
            after.values_mut().for_each(sort);
        }
        Ok(after)
    }
}

/// The sections of a write. The official example sends `""` for none (policies.md, section 1).
fn sent_sections(params: &Map<String, Value>) -> Result<impl Iterator<Item = (&String, &Value)>, Reply> {
    match params.get("sections") {
        None | Some(Value::Null) => Ok(None.into_iter().flatten()),
        Some(Value::String(text)) if text.is_empty() => Ok(None.into_iter().flatten()),
        Some(Value::Object(sections)) => Ok(Some(sections).into_iter().flatten()),
        Some(_) => Err(Reply::invalid("sections")),
    }
}

/// A list of texts; absent and `null` are empty.
pub(super) fn texts(params: &Map<String, Value>, name: &str) -> Result<Vec<String>, Reply> {
    let value = match params.get(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(value) => value,
    };
    let texts = value
        .as_array()
        .and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
    texts.ok_or_else(|| Reply::invalid(name))
}

fn merge(kept: &mut Map<String, Value>, sent: &Map<String, Value>, deep: bool) {
    for (name, value) in sent {
        match (kept.get_mut(name), value) {
            (Some(Value::Object(kept)), Value::Object(sent)) if deep => merge(kept, sent, deep),
            _ => drop(kept.insert(name.clone(), value.clone())),
        }
    }
}

fn sort(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            items.dedup();
        }
        Value::Object(map) => map.values_mut().for_each(sort),
        _ => {}
    }
}

/// Every section of the global policy of a new account. What the edition lacks is only left out of replies.
pub(in crate::sandbox) fn of_global_policy() -> Map<String, Value> {
    let sections = policy::sections().iter().filter(|section| section.replaced_by.is_none());
    let complete = |section: &Section| {
        let mut fields = recorded(section.name);
        section.complete(&mut fields, Edition::Advantage);
        (section.name.to_owned(), Value::Object(fields))
    };
    sections.map(complete).collect()
}

/// The sections of a new policy, as a call that creates it would store them.
pub(in crate::sandbox) fn of_new_policy(
    account: &Account,
    sections: Value,
) -> Result<Map<String, Value>, Reply> {
    let params = Map::from_iter([("sections".to_owned(), sections)]);
    Writing::of(account, false, false).apply(&Map::new(), &params)
}

/// The sections as a reply contains them.
pub(super) fn show(account: &Account, stored: &Map<String, Value>) -> Map<String, Value> {
    let writing = Writing::of(account, false, false);
    let mut shown = Map::new();
    for (name, fields) in stored {
        let mut fields = fields.clone();
        if let Some(section) = policy::section(name) {
            if writing.known(name).is_none() || section.edition > writing.edition() {
                continue;
            }
            if let Some(fields) = fields.as_object_mut() {
                within(section.fields, fields, writing.edition());
            }
        }
        if name == "trusted_endpoints" && !writing.manages_devices {
            fields =
                json!({"trusted_endpoint_checking": "not-configured", "trusted_endpoint_message": MESSAGE});
        }
        shown.insert(name.clone(), fields);
    }
    shown
}

/// Removes the fields that the edition lacks.
fn within(fields: &'static [Field], map: &mut Map<String, Value>, edition: Edition) {
    for field in fields {
        if field.edition > edition {
            map.remove(field.name);
        } else if let (Some(inner), Some(Value::Object(object))) = (field.inner(), map.get_mut(field.name)) {
            within(inner, object, edition);
            if let Shape::Branches(fields) = field.shape {
                policy::drop_branches(fields, object);
            }
        }
    }
}
