//! What the rows of the table consist of, and what follows from a row.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

/// A section of a policy. It is inherited or overridden as a whole (policies.md, section 3.2).
#[derive(Debug)]
pub struct Section {
    /// Its name in the API.
    pub name: &'static str,
    /// The lowest edition whose global policy has it.
    pub edition: Edition,
    /// The section that took its place, if this is a name that Duo no longer uses.
    pub replaced_by: Option<&'static str>,
    /// Its fields, in the order of the reference.
    pub fields: &'static [Field],
}

/// One field of a section, or of an object inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the API.
    pub name: &'static str,
    /// What it can hold.
    pub shape: Shape,
    /// What Duo stores if the section is added without it.
    pub default: Default,
    /// The lowest edition that has it. It is never below that of its section: see [`Leaf::edition`].
    pub edition: Edition,
    /// What a change does to access.
    pub risk: Risk,
    /// It has an effect only while all of these hold.
    pub applies: &'static [When],
    /// The field that took its place, if this is a name that Duo no longer uses.
    pub replaced_by: Option<&'static str>,
    /// What a reader should know about it, as a sentence; often empty.
    pub note: &'static str,
}

/// The lowest edition that has something. Premier has everything that Advantage has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edition {
    /// Duo Essentials.
    Essentials,
    /// Duo Advantage.
    Advantage,
}

/// What a field can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `true` or `false`.
    Bool,
    /// A whole number in a range.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// One of these whole numbers.
    OneOf(&'static [i64]),
    /// A whole number from a list that only the Admin Panel shows.
    PanelDays,
    /// One of these texts, from the weakest to the strictest if they have an order. Duo may add others.
    Enum(&'static [&'static str]),
    /// Some of these texts. The order has no meaning. Duo may add others.
    Set(&'static [&'static str]),
    /// Names from a menu of the Admin Panel that is known only in part.
    Tokens,
    /// Single addresses, ranges `a-b` and networks in CIDR notation.
    Networks,
    /// ISO 3166-1 alpha-2 codes, in upper case.
    Countries,
    /// Free text.
    Text,
    /// A version such as `3.8.0`.
    Version,
    /// The unit of the [`Shape::Amount`] next to it: one of [`UNITS`].
    Unit,
    /// How many of the [`Shape::Unit`] next to it: see [`amounts`].
    Amount,
    /// An object. A write replaces it as a whole (policies.md, section 3.7).
    Object(&'static [Field]),
    /// An object whose fields are absent from replies while they have no effect (policies.md, trap 8).
    Branches(&'static [Field]),
    /// An object that is absent until it is set; a write of it fills in the defaults of its fields.
    Optional(&'static [Field]),
}

/// What Duo stores for a field that was not sent with a new section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// No source states it.
    Unknown,
    /// A boolean.
    Bool(bool),
    /// A number.
    Integer(i64),
    /// A text.
    Text(&'static str),
    /// One text in Duo Essentials, another one above it.
    ByEdition(&'static str, &'static str),
    /// A list.
    List(&'static [&'static str]),
    /// The defaults of its fields.
    Inner,
}

/// A condition on the fields next to a field, in the same object. Fields of other objects are given by their path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The boolean is `true`.
    True(&'static str),
    /// The text is one of these.
    In(&'static str, &'static [&'static str]),
    /// The text is another one.
    Not(&'static str, &'static str),
    /// At least one of these lists has an entry.
    Filled(&'static [&'static str]),
    /// The account has an integration of Trusted Endpoints with a device management, or has none. No API shows it.
    ManagementIntegration(bool),
}

/// What a change of a field does to access (policies.md, section 6). "Up" is `false` to `true`, a greater number, a later
/// value of an enumeration, or another item of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Risk {
    /// Neither way does anything.
    Neutral,
    /// Up narrows access and down widens it.
    UpNarrows,
    /// Up widens access and down narrows it.
    UpWidens,
    /// Duo writes it; it cannot be changed.
    ReadOnly,
    /// A rule of its own.
    By(Rule),
    /// Its fields have theirs.
    Inner,
}

/// The rules of policies.md, section 6, for fields whose effect depends on more than their direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The permitted authentication methods of both lists.
    AuthMethods,
    /// `mfa_required` is an allow list only while other access is denied.
    Networks,
    /// An action per country.
    Countries,
    /// Whether outdated software is only warned about or blocked.
    Remediation,
    /// Another agent in a list that has one widens; the first one narrows.
    Agents,
    /// The length of time, of both branches.
    Duration,
    /// Only `require-trusted` blocks.
    Trusted,
    /// An enumeration with values that are not known.
    OpenEnum,
}

/// A field that is no object, with its place in the section.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Its path in the section: `browser_apps.user_based.max_time_value`.
    pub path: String,
    /// The fields on the way to it, the last of which is itself.
    pub fields: Vec<&'static Field>,
    /// The lowest edition that has it.
    pub edition: Edition,
}

impl Leaf {
    /// The field itself.
    pub fn field(&self) -> Option<&'static Field> {
        self.fields.last().copied()
    }
}

/// The units of a length of time, from the shorter one.
pub const UNITS: &[&str] = &["hours", "days"];

/// How many of a unit Duo accepts (policies.md, trap 4).
pub fn amounts(unit: &str) -> RangeInclusive<i64> {
    if unit == "days" { 1..=365 } else { 1..=8760 }
}

impl Section {
    /// Its fields that are no objects, in the order of the reference.
    pub fn leaves(&self) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        collect(
            self.fields,
            &Leaf { path: String::new(), fields: Vec::new(), edition: self.edition },
            &mut leaves,
        );
        leaves
    }

    /// What Duo stores if the section is added without any field.
    pub fn defaults(&self, edition: Edition) -> Map<String, Value> {
        defaults(self.fields, edition)
    }

    /// Fills in what Duo stores for the fields that were not sent with a new section. Fields without a known default,
    /// replaced ones and those that the edition lacks stay absent, and so do the branches that have no effect.
    pub fn complete(&self, map: &mut Map<String, Value>, edition: Edition) {
        complete(self.fields, map, edition);
    }
}

/// What Duo stores for an object that is added without any field.
pub fn defaults(fields: &'static [Field], edition: Edition) -> Map<String, Value> {
    let mut map = Map::new();
    complete(fields, &mut map, edition);
    map
}

fn complete(fields: &'static [Field], map: &mut Map<String, Value>, edition: Edition) {
    for field in fields.iter().filter(|field| field.edition <= edition && field.replaced_by.is_none()) {
        match field.shape {
            Shape::Object(inner) => complete_inner(field.name, inner, map, edition),
            Shape::Branches(inner) => {
                complete_inner(field.name, inner, map, edition);
                if let Some(Value::Object(branch)) = map.get_mut(field.name) {
                    drop_branches(inner, branch);
                }
            }
            Shape::Optional(inner) if map.contains_key(field.name) => {
                complete_inner(field.name, inner, map, edition);
            }
            Shape::Optional(_) => {}
            _ => {
                if let (false, Some(default)) = (map.contains_key(field.name), field.default(edition)) {
                    map.insert(field.name.to_owned(), default);
                }
            }
        }
    }
}

fn complete_inner(name: &str, inner: &'static [Field], map: &mut Map<String, Value>, edition: Edition) {
    if let Value::Object(object) = map.entry(name).or_insert_with(|| json!({})) {
        complete(inner, object, edition);
    }
}

/// Removes the fields of an object of [`Shape::Branches`] that have no effect.
pub fn drop_branches(fields: &[Field], map: &mut Map<String, Value>) {
    let siblings = map.clone();
    for field in fields.iter().filter(|field| !field.applies(&siblings)) {
        map.remove(field.name);
    }
}

fn collect(fields: &'static [Field], above: &Leaf, leaves: &mut Vec<Leaf>) {
    for field in fields {
        let dot = if above.path.is_empty() { "" } else { "." };
        let leaf = Leaf {
            path: format!("{}{dot}{}", above.path, field.name),
            fields: above.fields.iter().copied().chain([field]).collect(),
            edition: above.edition.max(field.edition),
        };
        match field.inner() {
            Some(inner) => collect(inner, &leaf, leaves),
            None => leaves.push(leaf),
        }
    }
}

impl Field {
    /// Whether it has an effect, given the fields of its object; what no API shows counts as having one.
    pub fn applies(&self, siblings: &Map<String, Value>) -> bool {
        self.applies.iter().all(|when| when.holds(siblings) != Some(false))
    }

    /// The fields of an object.
    pub fn inner(&self) -> Option<&'static [Field]> {
        match self.shape {
            Shape::Object(fields) | Shape::Branches(fields) | Shape::Optional(fields) => Some(fields),
            _ => None,
        }
    }

    /// What Duo stores for it if it is not sent with a new section; `None` if that is unknown, and for an object.
    pub fn default(&self, edition: Edition) -> Option<Value> {
        match self.default {
            Default::Unknown | Default::Inner => None,
            Default::Bool(flag) => Some(json!(flag)),
            Default::Integer(number) => Some(json!(number)),
            Default::Text(text) => Some(json!(text)),
            Default::ByEdition(low, high) => {
                Some(json!(if edition == Edition::Essentials { low } else { high }))
            }
            Default::List(texts) => Some(json!(texts)),
        }
    }
}

impl When {
    /// Whether it holds for the fields of an object; `None` if Duo's API does not show it.
    pub fn holds(self, siblings: &Map<String, Value>) -> Option<bool> {
        let at = |path: &str| {
            let mut parts = path.split('.');
            let first = siblings.get(parts.next()?)?;
            parts.try_fold(first, |value, part| value.get(part))
        };
        let text = |path| at(path).and_then(Value::as_str);
        Some(match self {
            Self::True(path) => at(path).and_then(Value::as_bool).unwrap_or_default(),
            Self::In(path, values) => text(path).is_some_and(|text| values.contains(&text)),
            Self::Not(path, value) => text(path).is_some_and(|text| text != value),
            Self::Filled(paths) => paths
                .iter()
                .any(|path| at(path).and_then(Value::as_array).is_some_and(|list| !list.is_empty())),
            Self::ManagementIntegration(_) => return None,
        })
    }
}
