//! Forms of consoles that have no API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::reconcile::handoff::{ConsoleField, Handoff, Purpose};

use super::kind::{FORMAT_VERSION, Kind};

/// Console sheets of `handoff`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HandoffsDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `handoff`.
    #[schemars(with = "String", extend("const" = "handoff"))]
    pub kind: Kind,
    /// The sheets.
    pub handoffs: Vec<HandoffDocument>,
}

impl HandoffsDocument {
    /// Of these sheets.
    pub fn new(handoffs: Vec<HandoffDocument>) -> Self {
        Self { format_version: FORMAT_VERSION.to_owned(), kind: Kind::Handoff, handoffs }
    }
}

/// A form of a console that a person has to fill in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HandoffDocument {
    /// The entry of the YAML.
    pub address: String,
    /// Where to go.
    pub place: String,
    /// What a person does there.
    pub purpose: Purpose,
    /// The fields in the order of the form.
    pub fields: Vec<ConsoleFieldDocument>,
    /// What to press afterwards, in order.
    pub then: Vec<String>,
    /// The fingerprint of the values; null while a value is not known yet.
    pub fingerprint: Option<String>,
    /// What the YAML attests, as written there.
    pub attested: Option<String>,
    /// Why what the YAML attests no longer counts; `attested` is null then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lapsed: Option<String>,
}

/// One field of the form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsoleFieldDocument {
    /// The tab or section it is on.
    pub tab: String,
    /// The label in the console.
    pub label: String,
    /// The value to enter; null until the apply has created it. Of a secret key, only the last four characters.
    pub value: Option<String>,
    /// The integration key of the application whose key is not shown, because it is not proven to belong to the
    /// address; null otherwise.
    #[serde(default)]
    pub withheld: Option<String>,
    /// Whether `value` contains only the end of a secret.
    pub secret: bool,
    /// Where the secret is delivered, in words for people.
    pub delivered_to: Option<String>,
    /// The address of the application whose key it is.
    pub application: Option<String>,
    /// Whether it has to be entered.
    pub outstanding: bool,
}

impl HandoffDocument {
    /// Whether a person has confirmed that the console holds these values.
    pub fn is_attested(&self) -> bool {
        !self.fields.iter().any(|field| field.outstanding)
    }

    /// The fields that have to be entered again, while others stay as they are.
    pub fn changed(&self) -> Vec<&ConsoleFieldDocument> {
        let fields: Vec<_> = self.fields.iter().filter(|field| field.outstanding).collect();
        let some_stay = self.purpose == Purpose::Enter && fields.len() < self.fields.len();
        if some_stay { fields } else { Vec::new() }
    }
}

impl From<&Handoff> for HandoffDocument {
    fn from(handoff: &Handoff) -> Self {
        Self {
            address: handoff.address.to_string(),
            place: handoff.place.to_owned(),
            purpose: handoff.purpose,
            fields: handoff.fields.iter().map(ConsoleFieldDocument::from).collect(),
            then: handoff.then.iter().map(|step| (*step).to_owned()).collect(),
            fingerprint: handoff.fingerprint.clone(),
            attested: handoff.attested.clone(),
            lapsed: handoff.lapsed.clone(),
        }
    }
}

impl From<&ConsoleField> for ConsoleFieldDocument {
    fn from(field: &ConsoleField) -> Self {
        Self {
            tab: field.tab.to_owned(),
            label: field.label.to_owned(),
            value: field.value.clone(),
            withheld: field.withheld.as_ref().map(ToString::to_string),
            secret: field.secret,
            delivered_to: field.delivered_to.clone(),
            application: field.application.as_ref().map(ToString::to_string),
            outstanding: field.outstanding,
        }
    }
}
