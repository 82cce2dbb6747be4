//! Which values a field of a policy accepts, and what Duo keeps consistent between the fields of a section (policies.md,
//! section 5).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::duo::policy::{self, Edition, Field, Section, Shape, When};
use crate::sandbox::call::Reply;
use crate::sandbox::networks;
use crate::sandbox::switches::{Digits, Switches};

/// The numbers of days in the lists of the Admin Panel; no source has those for browsers and plugins.
const DAYS: &[i64] = &[0, 14, 30, 60, 90, 180, 365];

/// The versions that the sandbox takes for the newest ones.
const LATEST: &[(&str, &str)] =
    &[("android", "16"), ("ios", "26.1"), ("macos", "26.1"), ("windows", "10.0.26200")];

/// The edition of an account, as far as policies differ by it.
pub(super) fn edition(switches: &Switches) -> Edition {
    if switches.essentials { Edition::Essentials } else { Edition::Advantage }
}

/// Whether a field accepts a value on its own.
pub(super) fn fits(field: &Field, value: &Value, switches: &Switches) -> bool {
    let number = |fits: &dyn Fn(i64) -> bool| value.as_i64().is_some_and(fits);
    let text = |fits: &dyn Fn(&str) -> bool| value.as_str().is_some_and(fits);
    let list = |fits: &dyn Fn(&str) -> bool| {
        value.as_array().is_some_and(|items| items.iter().all(|item| item.as_str().is_some_and(fits)))
    };
    let known = |names: &[&str], name: &str| names.contains(&name) || switches.open_policies;
    match field.shape {
        Shape::Bool => value.is_boolean(),
        Shape::Integer { min, max } => {
            let is_digits = field.name.ends_with("push_digits") && switches.digits == Digits::Eight;
            number(&|number| (min..=if is_digits { 8 } else { max }).contains(&number))
        }
        Shape::OneOf(numbers) => number(&|number| numbers.contains(&number)),
        Shape::PanelDays => number(&|number| DAYS.contains(&number)),
        Shape::Amount => number(&|number| number >= 1),
        Shape::Enum(names) => text(&|name| known(names, name)),
        Shape::Unit => text(&|name| policy::UNITS.contains(&name)),
        Shape::Text => value.is_string(),
        Shape::Version => text(&|text| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')),
        Shape::Set(names) => list(&|name| known(names, name)),
        Shape::Tokens => list(&|name| !name.is_empty()),
        Shape::Networks => list(&networks::is_valid),
        Shape::Countries => list(&policy::is_country),
        Shape::Object(_) | Shape::Branches(_) | Shape::Optional(_) => false,
    }
}

/// A change of one section.
pub(super) struct Change<'a> {
    pub(super) switches: &'a Switches,
    pub(super) before: &'a Map<String, Value>,
    pub(super) sent: &'a Map<String, Value>,
    /// The section's name in refusals.
    pub(super) path: &'a str,
}

/// A list as a set.
fn set(map: &Map<String, Value>, name: &str) -> BTreeSet<String> {
    let items = map.get(name).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

impl Change<'_> {
    /// Makes the section consistent after a write, or refuses it.
    pub(super) fn settle(&self, section: &Section, after: &mut Map<String, Value>) -> Result<(), Reply> {
        match section.name {
            "authentication_methods" => self.methods(after),
            "browsers" => {
                self.allowed_and_blocked("allowed_browsers_list", "blocked_browsers_list", after)?
            }
            "operating_systems" => {
                self.allowed_and_blocked("allow_unrestricted_os_list", "block_os_list", after)?;
                self.restrictions(after)?;
            }
            "remembered_devices" => self.remember_method()?,
            "trusted_endpoints" => self.mobile(after),
            "user_location" => self.countries(after)?,
            _ => {}
        }
        self.walk(section.fields, after, Some(self.sent), self.path)
    }

    fn refuse(&self, field: &str) -> Reply {
        Reply::invalid(&format!("{}.{field}", self.path))
    }

    /// The allowed list only informs: it is what remains of all named methods (trap 9).
    fn methods(&self, after: &mut Map<String, Value>) {
        const LISTS: [&str; 2] = ["allowed_auth_list", "blocked_auth_list"];
        let [allowed, blocked] = LISTS;
        if LISTS.iter().any(|list| self.sent.contains_key(*list)) {
            let named = if self.sent.contains_key(allowed) {
                set(self.sent, allowed)
            } else {
                LISTS.iter().flat_map(|list| set(self.before, list)).collect()
            };
            let rest: Vec<&String> =
                named.iter().filter(|name| !set(after, blocked).contains(*name)).collect();
            let rest = json!(rest);
            after.insert(allowed.to_owned(), rest);
        }
    }

    /// Two lists that share no value: the one that was not sent gives way (trap 5).
    fn allowed_and_blocked(
        &self,
        allowed: &str,
        blocked: &str,
        after: &mut Map<String, Value>,
    ) -> Result<(), Reply> {
        let sent = |name: &str| self.sent.contains_key(name);
        let (permits, blocks) = (set(after, allowed), set(after, blocked));
        match (sent(allowed), sent(blocked)) {
            (true, true) if !permits.is_disjoint(&blocks) => return Err(self.refuse(blocked)),
            (false, true) => {
                let freed = set(self.before, blocked);
                let rest: BTreeSet<_> =
                    permits.union(&freed).filter(|name| !blocks.contains(*name)).collect();
                after.insert(allowed.to_owned(), json!(rest));
            }
            (true, false) => {
                after.insert(blocked.to_owned(), json!(blocks.difference(&permits).collect::<Vec<_>>()));
            }
            _ => {}
        }
        Ok(())
    }

    /// A system with a rule of its own is in neither list (trap 5).
    fn restrictions(&self, after: &mut Map<String, Value>) -> Result<(), Reply> {
        const RULES: &str = "os_restrictions";
        let lists = ["allow_unrestricted_os_list", "block_os_list"];
        let ruled: BTreeSet<String> =
            after.get(RULES).and_then(Value::as_object).into_iter().flat_map(Map::keys).cloned().collect();
        for list in lists {
            let both: BTreeSet<String> = set(after, list).intersection(&ruled).cloned().collect();
            let Some(first) = both.first() else { continue };
            match (self.sent.contains_key(list), self.sent.contains_key(RULES)) {
                (true, true) => return Err(self.refuse(&format!("{RULES}.{first}"))),
                (true, false) => {
                    if let Some(rules) = after.get_mut(RULES).and_then(Value::as_object_mut) {
                        rules.retain(|name, _| !both.contains(name));
                    }
                }
                (false, _) => {
                    let rest = json!(set(after, list).difference(&both).collect::<Vec<_>>());
                    after.insert(list.to_owned(), rest);
                }
            }
        }
        Ok(())
    }

    /// Only Duo Advantage remembers by risk.
    fn remember_method(&self) -> Result<(), Reply> {
        let method = self.sent.get("browser_apps").and_then(|apps| apps.get("remember_method"));
        let by_risk = method.and_then(Value::as_str) == Some("risk-based");
        if by_risk && edition(self.switches) == Edition::Essentials {
            return Err(self.refuse("browser_apps.remember_method"));
        }
        Ok(())
    }

    fn mobile(&self, after: &mut Map<String, Value>) {
        const MOBILE: &str = "trusted_endpoint_checking_mobile";
        let checking = self.sent.get("trusted_endpoint_checking");
        if let (Some(checking), false, true) =
            (checking, self.sent.contains_key(MOBILE), self.switches.mobile_follows)
        {
            after.insert(MOBILE.to_owned(), checking.clone());
        }
    }

    /// A country is in one list only (trap 5).
    fn countries(&self, after: &mut Map<String, Value>) -> Result<(), Reply> {
        let lists: Vec<String> =
            after.keys().filter(|name| name.ends_with("_countries_list")).cloned().collect();
        // Lists that were sent come last, so that they win.
        let (stored, sent): (Vec<_>, Vec<_>) =
            lists.into_iter().partition(|name| !self.sent.contains_key(name));
        let mut placed: Vec<(String, String)> = Vec::new();
        for list in stored.into_iter().chain(sent) {
            for country in set(after, &list) {
                if placed.iter().any(|(known, _)| *known == country) && self.switches.exclusive_countries {
                    return Err(self.refuse(&list));
                }
                placed.retain(|(known, _)| *known != country);
                placed.push((country, list.clone()));
            }
        }
        for list in after.keys().filter(|name| name.ends_with("_countries_list")).cloned().collect::<Vec<_>>()
        {
            let own: BTreeSet<_> =
                placed.iter().filter(|(_, place)| *place == list).map(|(country, _)| country).collect();
            let own = json!(own);
            if set(after, &list).len() != own.as_array().map_or(0, Vec::len) {
                after.insert(list, own);
            }
        }
        Ok(())
    }

    /// The rules that every object of the section follows by its table.
    fn walk(
        &self,
        fields: &'static [Field],
        after: &mut Map<String, Value>,
        sent: Option<&Map<String, Value>>,
        path: &str,
    ) -> Result<(), Reply> {
        self.only_filled(fields, after, sent, path)?;
        self.versions(fields, after, path)?;
        let unit = fields.iter().find(|field| field.shape == Shape::Unit);
        let amount = fields.iter().find(|field| field.shape == Shape::Amount);
        if let (Some(unit), Some(amount)) = (unit, amount)
            && let Some(number) = after.get(amount.name).and_then(Value::as_i64)
            && !policy::amounts(after.get(unit.name).and_then(Value::as_str).unwrap_or_default())
                .contains(&number)
        {
            return Err(Reply::invalid(&format!("{path}.{}", amount.name)));
        }
        for field in fields {
            let Some(inner) = field.inner() else { continue };
            let sent = sent.and_then(|sent| sent.get(field.name)).and_then(Value::as_object);
            let Some(Value::Object(object)) = after.get_mut(field.name) else { continue };
            if let Shape::Branches(fields) = field.shape {
                policy::drop_branches(fields, object);
            }
            self.walk(inner, object, sent, &format!("{path}.{}", field.name))?;
        }
        Ok(())
    }

    /// A field that depends on the entries of a list keeps its default while there are none (trap 1).
    fn only_filled(
        &self,
        fields: &'static [Field],
        after: &mut Map<String, Value>,
        sent: Option<&Map<String, Value>>,
        path: &str,
    ) -> Result<(), Reply> {
        for field in fields {
            let depends = field.applies.iter().any(|when| matches!(when, When::Filled(_)));
            let default = field.default(edition(self.switches));
            let (Some(value), Some(default)) = (after.get(field.name), default) else { continue };
            if !depends || field.applies(after) || *value == default {
                continue;
            }
            if sent.is_some_and(|sent| sent.contains_key(field.name)) {
                return Err(Reply::invalid(&format!("{path}.{}", field.name)));
            }
            after.insert(field.name.to_owned(), default);
        }
        Ok(())
    }

    /// A rule of a version needs one; Duo fills in or empties that of another rule (trap 2).
    fn versions(
        &self,
        fields: &'static [Field],
        after: &mut Map<String, Value>,
        path: &str,
    ) -> Result<(), Reply> {
        for field in fields.iter().filter(|field| field.shape == Shape::Version) {
            let Some(When::In(rule, _)) = field.applies.first() else { continue };
            let Some(chosen) = after.get(*rule).and_then(Value::as_str) else { continue };
            let version = after.get(field.name).and_then(Value::as_str).unwrap_or_default();
            if field.applies(after) {
                if version.is_empty() {
                    return Err(Reply::invalid(&format!("{path}.{}", field.name)));
                }
            } else if self.switches.filled_versions {
                let system = path.rsplit('.').next().unwrap_or_default();
                let latest = LATEST.iter().find(|(name, _)| *name == system && chosen != "no-remediation");
                let filled = json!(latest.map_or("", |(_, version)| *version));
                after.insert(field.name.to_owned(), filled);
            }
        }
        Ok(())
    }
}
