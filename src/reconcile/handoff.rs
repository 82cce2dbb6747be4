//! What a person has to carry into a console that has no API: which fields, with which values, and whether a person
//! has said that the console holds them. Knows no console; `intelligence` describes the one there is.

use std::collections::HashMap;

use serde::Serialize;

use crate::config::diagnostic::Spanned;
use crate::duo::types::Integration;

use super::address::Address;
use super::fingerprint::hash;

/// How many characters of the fingerprint stand in the YAML.
const FINGERPRINT_LENGTH: usize = 8;

/// The value of a console field, before the account is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandoffValue {
    /// A text that is known from the YAML.
    Text(String),
    /// A switch or a box.
    Switch(bool),
    /// The integration key of an application.
    IntegrationKey(Address),
    /// The secret key of an application. Never printed: only its last four characters, as Duo shows them.
    SecretKey(Address),
}

/// One field of a console form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandoffField {
    /// The tab or section it is on.
    pub tab: &'static str,
    /// The label in the console.
    pub label: &'static str,
    /// What to enter.
    pub value: HandoffValue,
}

/// A console form that has to hold certain values.
#[derive(Clone, Debug)]
pub struct HandoffSpec {
    /// The entry of the YAML.
    pub address: Address,
    /// Where to go, e.g. `Cisco Identity Intelligence: Integrations -> Add Integration -> Duo`.
    pub place: &'static str,
    /// The fields in the order of the form.
    pub fields: Vec<HandoffField>,
    /// What to press afterwards, in order.
    pub then: &'static [&'static str],
    /// The fingerprint by which a person said that the console holds the values.
    pub attested: Option<Spanned<String>>,
}

/// A field as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsoleField {
    /// The tab or section it is on.
    pub tab: &'static str,
    /// The label in the console.
    pub label: &'static str,
    /// What to enter; `None` until the apply has created it. Of a secret key only the last four characters.
    pub value: Option<String>,
    /// Whether `value` is only the end of a secret.
    pub secret: bool,
}

/// A handoff that is outstanding: the console does not hold, or nobody said that it holds, these values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Handoff {
    /// The entry of the YAML.
    pub address: Address,
    /// Where to go.
    pub place: &'static str,
    /// The fields in the order of the form.
    pub fields: Vec<ConsoleField>,
    /// What to press afterwards, in order.
    pub then: Vec<&'static str>,
    /// The fingerprint that `attested:` would carry; `None` while a value is not known yet.
    pub fingerprint: Option<String>,
    /// What the YAML attests: the fingerprint of older values.
    pub attested: Option<String>,
}

/// Resolves a handoff against the account; `None` when it was attested with the values of now.
pub fn outstanding(spec: &HandoffSpec, lives: &HashMap<&Address, &Integration>) -> Option<Handoff> {
    let fields: Vec<ConsoleField> = spec.fields.iter().map(|field| resolve(field, lives)).collect();
    let known = fields.iter().all(|field| field.value.is_some());
    let fingerprint = known.then(|| {
        let parts = fields
            .iter()
            .flat_map(|field| [field.tab, field.label, field.value.as_deref().unwrap_or_default()]);
        hash(parts).chars().take(FINGERPRINT_LENGTH).collect::<String>()
    });
    let attested = spec.attested.as_ref().map(|attested| attested.value.clone());
    if fingerprint.is_some() && fingerprint == attested {
        return None;
    }
    let (address, then) = (spec.address.clone(), spec.then.to_vec());
    Some(Handoff { address, place: spec.place, fields, then, fingerprint, attested })
}

fn resolve(field: &HandoffField, lives: &HashMap<&Address, &Integration>) -> ConsoleField {
    let (value, secret) = match &field.value {
        HandoffValue::Text(text) => (Some(text.clone()), false),
        HandoffValue::Switch(on) => (Some(if *on { "on" } else { "off" }.to_owned()), false),
        HandoffValue::IntegrationKey(address) => {
            (lives.get(address).map(|live| live.ikey.to_string()), false)
        }
        HandoffValue::SecretKey(address) => {
            (lives.get(address).map(|live| live.secret_hint.clone().unwrap_or_default()), true)
        }
    };
    ConsoleField { tab: field.tab, label: field.label, value, secret }
}
