//! What a person has to enter in a console without an API: which fields, with which values, and whether a person
//! attested that the console holds them. Independent of the console; `intelligence` describes the only one.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::model::DuoPlan;
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::duo::object::{Ikey, Object};
use crate::language::attestation::Attestation;

use super::fingerprint::hash;
use crate::kinds::address::Address;

/// How many characters of the fingerprint, and of each field's own hash, are written into the YAML.
pub(super) const FINGERPRINT_LENGTH: usize = 8;
const FIELD_LENGTH: usize = 4;

/// The value of a console field, before the account is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandoffValue {
    /// Text that is known from the YAML.
    Text(String),
    /// A switch or a checkbox.
    Switch(bool),
    /// The integration key of an application.
    IntegrationKey(Address),
    /// The secret key of an application. Only its last four characters are ever printed, as Duo shows them.
    SecretKey(Address),
}

/// One field of a console form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandoffField {
    /// Its code in an attestation: one letter, the same in every version.
    pub code: char,
    /// The tab or section it is on.
    pub tab: &'static str,
    /// The label in the console.
    pub label: &'static str,
    /// What to enter.
    pub value: HandoffValue,
}

/// A console form that must hold certain values.
#[derive(Clone, Debug)]
pub struct HandoffSpec {
    /// The entry of the YAML.
    pub address: Address,
    /// Where to go, e.g. `Cisco Identity Intelligence: Integrations -> Add Integration -> Duo`.
    pub place: &'static str,
    /// Where to go if the form was filled in before, and some of its fields have to be entered again.
    pub place_again: &'static str,
    /// The fields in the order of the form.
    pub fields: Vec<HandoffField>,
    /// What to press afterwards, in order.
    pub then: &'static [&'static str],
    /// The smallest Duo plan that the form's switches need, located at the switch.
    pub needs_plan: Option<Spanned<DuoPlan>>,
    /// What to report if the account has at least this plan: a switch that the vendor recommends is not set.
    pub recommended: Option<(DuoPlan, Diagnostic)>,
    /// The attestation that the console holds the values.
    pub attested: Option<Spanned<String>>,
}

/// A field as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleField {
    /// Its code in an attestation.
    pub code: char,
    /// The tab or section it is on.
    pub tab: &'static str,
    /// The label in the console.
    pub label: &'static str,
    /// What to enter; `None` until apply has created it. For a secret key, only its last four characters.
    pub value: Option<String>,
    /// The application whose key is not shown, because nothing proves that it belongs to the address.
    pub withheld: Option<Ikey>,
    /// Whether `value` is only the end of a secret.
    pub secret: bool,
    /// Where the secret is delivered, for people.
    pub delivered_to: Option<String>,
    /// The application whose key it is.
    pub application: Option<Address>,
    /// Whether it has to be entered: no one has attested that the console holds this value.
    pub outstanding: bool,
    /// Whether the value that was attested before still works: the key is being rotated, and the console holds the old
    /// one.
    pub still_works: bool,
}

/// What a person does in the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The values are entered into a form.
    Enter,
    /// The entry was removed from the YAML, and what was created from the form is removed.
    Remove,
}

/// An event after which the console needs all values again, whatever was attested before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lapse {
    /// When.
    pub at: Timestamp,
    /// What happened: the rest of a sentence about the entry.
    pub what: &'static str,
}

/// A console form to fill in now, or what to remove in the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handoff {
    /// The entry of the YAML.
    pub address: Address,
    /// What a person does there.
    pub purpose: Purpose,
    /// Where to go.
    pub place: &'static str,
    /// The fields in the order of the form.
    pub fields: Vec<ConsoleField>,
    /// What to press afterwards, in order.
    pub then: Vec<&'static str>,
    /// The fingerprint of the values; `None` while a value is unknown.
    pub fingerprint: Option<String>,
    /// The attestation in the YAML, verbatim.
    pub attested: Option<String>,
    /// The place of `attested:` in the YAML.
    pub attested_span: Option<Span>,
    /// Why the attestation in the YAML no longer counts, as a whole sentence.
    pub lapsed: Option<String>,
}

impl HandoffSpec {
    /// The applications whose keys the form holds.
    pub fn applications(&self) -> impl Iterator<Item = &Address> {
        self.fields.iter().filter_map(|field| match &field.value {
            HandoffValue::IntegrationKey(address) => Some(address),
            HandoffValue::Text(_) | HandoffValue::Switch(_) | HandoffValue::SecretKey(_) => None,
        })
    }
}

impl Handoff {
    /// Resolves a form against the account. `olds` are the applications whose keys are being rotated and still work. An
    /// attestation older than `lapse` does not count.
    pub fn new(
        spec: &HandoffSpec,
        lives: &HashMap<&Address, &Object>,
        olds: &HashMap<&Address, &Object>,
        lapse: Option<&Lapse>,
    ) -> Self {
        let mut fields: Vec<ConsoleField> = spec.fields.iter().map(|field| resolve(field, lives)).collect();
        let known = fields.iter().all(|field| field.value.is_some());
        let fingerprint = known.then(|| {
            let parts = fields
                .iter()
                .flat_map(|field| [field.tab, field.label, field.value.as_deref().unwrap_or_default()]);
            short(parts, FINGERPRINT_LENGTH)
        });
        let attestation = spec.attested.as_ref().and_then(|text| Attestation::parse(&text.value));
        let lapsed = attestation.as_ref().zip(lapse).and_then(|(attestation, lapse)| lapse.of(attestation));
        let attestation = attestation.filter(|_| lapsed.is_none());
        let done = fingerprint.is_some()
            && attestation.as_ref().map(|attestation| &attestation.fingerprint) == fingerprint.as_ref();
        for field in &mut fields {
            let held = attestation.as_ref().and_then(|attestation| attestation.fields.get(&field.code));
            field.outstanding = !done && (held.is_none() || held != field.hash().as_ref());
        }
        for (field, wanted) in fields.iter_mut().zip(&spec.fields) {
            let held = attestation.as_ref().and_then(|attestation| attestation.fields.get(&field.code));
            let old = resolve(wanted, olds);
            field.still_works = field.outstanding && held.is_some() && held == old.hash().as_ref();
        }
        if !done && !fields.iter().any(|field| field.outstanding) {
            // The fingerprint changed, but the short hashes do not show which field did.
            fields.iter_mut().for_each(|field| field.outstanding = true);
        }
        let again = attestation.is_some() && fields.iter().any(|field| !field.outstanding);
        Self {
            address: spec.address.clone(),
            purpose: Purpose::Enter,
            place: if again { spec.place_again } else { spec.place },
            fields,
            then: spec.then.to_vec(),
            fingerprint,
            attested: spec
                .attested
                .as_ref()
                .filter(|_| lapsed.is_none())
                .map(|attested| attested.value.clone()),
            attested_span: spec.attested.as_ref().map(|attested| attested.span),
            lapsed,
        }
    }

    /// Leaves out the values to enter that come from applications not proven to belong to their addresses: the form
    /// reports this and cannot be attested. Returns their addresses.
    pub(super) fn withhold(&mut self, unproven: &BTreeMap<&Address, &Ikey>) -> Vec<Address> {
        let mut withheld = Vec::new();
        for field in self.fields.iter_mut().filter(|field| field.outstanding) {
            let Some(address) = &field.application else { continue };
            let Some(ikey) = unproven.get(address) else { continue };
            (field.value, field.withheld) = (None, Some((*ikey).clone()));
            withheld.push(address.clone());
        }
        if !withheld.is_empty() {
            self.fingerprint = None;
        }
        withheld.dedup();
        withheld
    }

    /// Whether a person has attested that the console holds these values.
    pub fn is_attested(&self) -> bool {
        !self.fields.iter().any(|field| field.outstanding)
    }

    /// The fields to enter again, if others stay as they are.
    pub fn changed(&self) -> impl Iterator<Item = &ConsoleField> {
        let some_stay = self.purpose == Purpose::Enter && self.fields.iter().any(|field| !field.outstanding);
        self.fields.iter().filter(move |field| some_stay && field.outstanding)
    }

    /// What was entered, when and by whom, according to the YAML.
    pub fn attestation(&self) -> Option<Attestation> {
        self.attested.as_deref().and_then(Attestation::parse)
    }

    /// The attestation of the current values by a person, and why it is recorded although the public API contradicts it;
    /// `None` while a value is unknown.
    pub fn attest(&self, at: Timestamp, by: String, forced: Option<String>) -> Option<Attestation> {
        // An integration is removed by its keys: its name may have changed in the meantime.
        let counts = |field: &&ConsoleField| self.purpose == Purpose::Enter || field.application.is_some();
        let fields = self.fields.iter().filter(counts).map(|field| Some((field.code, field.hash()?)));
        let fields = fields.collect::<Option<_>>()?;
        let fingerprint = self.fingerprint.clone()?;
        Some(Attestation { fingerprint, at: Some(at), fields, by: Some(by), forced })
    }
}

impl Lapse {
    /// Why an attestation does not count; `None` if it is newer.
    fn of(&self, attestation: &Attestation) -> Option<String> {
        let Self { at: since, what } = self;
        match attestation.at {
            Some(at) if at > *since => None,
            Some(at) => Some(format!("the attestation of {at:.0} no longer counts: {what} on {since:.0}")),
            None => Some(format!("the attestation without a date no longer counts: {what} on {since:.0}")),
        }
    }
}

impl ConsoleField {
    pub(super) fn hash(&self) -> Option<String> {
        let value = self.value.as_deref()?;
        Some(short([self.label, value], FIELD_LENGTH))
    }
}

pub(super) fn short<'a>(parts: impl IntoIterator<Item = &'a str>, length: usize) -> String {
    hash(parts).chars().take(length).collect()
}

fn resolve(field: &HandoffField, lives: &HashMap<&Address, &Object>) -> ConsoleField {
    let (value, secret, application) = match &field.value {
        HandoffValue::Text(text) => (Some(text.clone()), false, None),
        HandoffValue::Switch(on) => (Some(if *on { "on" } else { "off" }.to_owned()), false, None),
        HandoffValue::IntegrationKey(address) => {
            (lives.get(address).map(|live| live.id.to_string()), false, Some(address.clone()))
        }
        HandoffValue::SecretKey(address) => {
            let hint = lives.get(address).map(|live| live.secret_hint.clone().unwrap_or_default());
            (hint, true, Some(address.clone()))
        }
    };
    let HandoffField { code, tab, label, .. } = *field;
    ConsoleField {
        code,
        tab,
        label,
        value,
        withheld: None,
        secret,
        delivered_to: None,
        application,
        outstanding: true,
        still_works: false,
    }
}
