//! How the YAML writes the sections of a policy, and how Duo does.
//!
//! The YAML keeps Duo's names, except those that `names` shortens. What a value can be is in the tables of `sections`; what
//! Duo calls it, and when it has an effect, in [`crate::duo::policy`].

mod back;
mod compare;
mod convert;
mod countries;
mod names;
mod rules;
mod sections;

pub use back::from_duo;
pub use convert::{read, to_duo, written_path};
pub use names::{RAW, VERIFY_USERS, written};
pub use sections::DEFINITIONS;

use serde_json::{Map, Value, json};

use crate::diagnostic::Help;
use crate::duo::policy;
use crate::kinds::field::{Field, Form, Roles as R, Wire, can_be_ignored, ignored, keys};
pub use crate::language::address::GLOBAL_POLICY as GLOBAL;
use crate::language::shape::{Key, MANY, Object, Problem, Shape, TextRule, Whole, foreign, renamed};
use crate::language::texts;

/// An entry of `policies`.
pub static POLICY: Object = Object {
    foreign: elsewhere,
    unless: Some("policy_key"),
    definition: Some("policy"),
    whole: Some(Whole {
        check: |entries, _, findings| back::raw(entries, is_own, findings),
        schema: described,
    }),
    ..Object::new("a policy", KEYS)
};

/// `global_policy`. It cannot be created, renamed or deleted, and cannot lose a section.
pub static GLOBAL_POLICY: Object = Object {
    foreign: || {
        let none = "is not a key of the global policy";
        let own = ["name", "policy_key", "authoritative"];
        let help = "remove it; Duo creates the global policy, and duoctl never deletes it";
        let own = own.map(|key| foreign(key, none, Help::removing(help)));
        elsewhere().into_iter().chain(own).collect()
    },
    definition: Some(GLOBAL),
    whole: Some(Whole { check: |entries, _, findings| back::raw(entries, is_own, findings), schema: |_| {} }),
    ..Object::new("the global policy", GLOBAL_KEYS)
};

/// Every field, in the order used by `duoctl fmt`, plans and the YAML reference.
pub static FIELDS: &[Field] = &[
    Field::held(Key::required("name", Shape::Text(&texts::LINE), "Name of the policy in Duo.", "Contractors"), 'n', Form::Text)
        .wire(Wire::Property("policy_name"))
        .roles(R::IDENTIFYING.and(R::REWRITTEN)),
    Field::own(Key::optional("policy_key", Shape::Text(&texts::ID), "ID of the live policy to manage. Needed when the name does not identify it.", "POXXXXXXXXXXXXXXXXXX"))
        .roles(R::IDENTIFYING),
    section(sections::ANONYMOUS_NETWORKS),
    section(sections::AUTHENTICATION_METHODS),
    section(sections::AUTHENTICATION_POLICY),
    section(sections::AUTHORIZED_NETWORKS),
    section(sections::BROWSERS),
    section(sections::DUO_DESKTOP),
    section(sections::DUO_MOBILE_APP),
    section(sections::FULL_DISK_ENCRYPTION),
    section(sections::HEALTH_CHECKS),
    section(sections::MOBILE_DEVICE_BIOMETRICS),
    section(sections::NEW_USER),
    section(sections::OPERATING_SYSTEMS),
    section(sections::PLUGINS),
    section(sections::REMEMBERED_DEVICES),
    section(sections::RISK_BASED_FACTOR_SELECTION),
    section(sections::SCREEN_LOCK),
    section(sections::TAMPERED_DEVICES),
    section(sections::TRUSTED_ENDPOINTS),
    section(sections::USER_LOCATION),
    Field::own(Key::optional(RAW, Shape::Entries(&texts::LINE, &Shape::Entries(&texts::LINE, &Shape::Any)), "Sections with names or values that duoctl does not know, exactly as Duo writes them. Changes in them count as widening access.", "{brand_new_section: {brand_new_field: true}}")),
    Field::own(Key::optional(VERIFY_USERS, Shape::List(&Shape::Text(&texts::LINE), 0, MANY), "User names of test users. After an apply, duoctl reads from Duo what applies to them.", "[test.contractor]").default("[]")),
    Field::own(Key::optional("authoritative", Shape::Flag, "Treat sections that are left out as unset. A section that the policy has in Duo then is drift, and apply removes it. Otherwise such sections are not managed.", "true").default("false")),
    Field::own(Key::optional("ignore", Shape::List(&Shape::Object(&IGNORE), 0, MANY), "Sections whose differences are ignored, each with a reason.", "[{field: user_location, reason: help desk edits it}]").default("[]")),
];

/// A section: a document that a policy has as a whole, or inherits.
const fn section(key: Key) -> Field {
    Field {
        form: Form::Document(&compare::SECTION),
        ..Field::own(key.nullable()).wire(Wire::Section(key.name))
    }
}

static KEYS: &[Key] = &keys::<{ FIELDS.len() }>(FIELDS, None);

static GLOBAL_KEYS: &[Key] = &of_global::<{ FIELDS.len() - 3 }>(FIELDS);

/// Whether a policy has a key that is not a section.
fn is_own(name: &str) -> bool {
    FIELDS.iter().any(|field| field.name() == name && !field.is_setting())
}

/// The keys of the global policy: everything except its identity and how it is deleted.
const fn of_global<const N: usize>(mut fields: &[Field]) -> [Key; N] {
    let mut keys = [Key::optional("", Shape::Flag, "", ""); N];
    let mut left = keys.as_mut_slice();
    while let [field, rest @ ..] = fields {
        fields = rest;
        let own = field.is(R::IDENTIFYING) || matches!(field.key.name.as_bytes(), b"authoritative");
        if !own && let [key, more @ ..] = left {
            *key = Key { nullable: false, ..field.key };
            left = more;
        }
    }
    keys
}

/// An entry of `ignore`.
static IGNORE: Object = Object::new("an item of `ignore`", &ignored(&IGNORED_FIELD, "user_location"));

static IGNORED_FIELD: TextRule = TextRule {
    pattern: "^(name|anonymous_networks|authentication_methods|authentication_policy|authorized_networks|browsers|duo_desktop|duo_mobile_app|full_disk_encryption|health_checks|mobile_device_biometrics|new_user|operating_systems|plugins|remembered_devices|risk_based_factor_selection|screen_lock|tampered_devices|trusted_endpoints|user_location)$",
    check: |text| can_be_ignored(FIELDS, text),
    numeric: false,
};

/// Names of Duo that the YAML does not use.
fn elsewhere() -> Vec<(String, Problem)> {
    let old = policy::sections().iter().filter_map(|section| Some((section.name, section.replaced_by?)));
    let old = old.map(|(name, now)| renamed(name, "is a former name in Duo's API", now));
    old.chain([renamed("policy_name", "is not a key of a policy", "name")]).collect()
}

fn described(schema: &mut Map<String, Value>) {
    let description = "One policy. Sections that are left out are inherited from the global policy. A section that is given replaces the global one as a whole: Duo's defaults fill in what it leaves out. `null` removes a section. `name` is required, unless `policy_key` pins a live policy.";
    schema.shift_insert(0, "description".to_owned(), json!(description));
}

#[cfg(test)]
mod tests;
