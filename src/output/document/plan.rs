//! The document of a plan.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::reconcile::diff::Origin;
use crate::reconcile::effect::{Affected, Survey};
use crate::reconcile::fingerprint::Fingerprint;
use crate::reconcile::handoff::Purpose;
use crate::reconcile::plan::{Action, Summary};
use crate::reconcile::risk::Risk;
use crate::reconcile::rotation::Rotation;

/// What would change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `plan`, or `drift` where `duoctl drift` printed it.
    #[schemars(extend("enum" = ["plan", "drift"]))]
    pub kind: String,
    /// The version of duoctl.
    pub tool_version: String,
    /// The workspace.
    pub workspace: String,
    /// The account's API hostname.
    pub api_hostname: String,
    /// Whether nothing has to be sent and nothing is wrong.
    pub empty: bool,
    /// How many of each.
    pub summary: Summary,
    /// How many steps hold each risk.
    pub risks: BTreeMap<Risk, usize>,
    /// How many steps undo something that was done in Duo, by what it risks as long as it stays.
    pub drift: BTreeMap<Risk, usize>,
    /// What would be done, in the order of the addresses, removals last.
    pub steps: Vec<StepDocument>,
    /// Forms of consoles that a person has to fill in.
    pub handoffs: Vec<HandoffDocument>,
    /// Owned applications that left the YAML.
    pub orphans: Vec<OrphanDocument>,
    /// Rotations by a twin that are under way.
    pub rotations: Vec<Rotation>,
    /// Applications that a rotation has put out of use.
    pub retired: Vec<OrphanDocument>,
    /// Addresses for which nothing is planned because of an error.
    pub blocked: Vec<String>,
    /// How many addresses `--only` and `--exclude` left out.
    pub left_out: usize,
    /// These addresses.
    pub left_out_addresses: Vec<String>,
    /// Those of them for which there would be something to do.
    pub left_out_pending: Vec<String>,
    /// What counting the affected people took; null where there was nothing to count.
    pub impact: Option<Survey>,
    /// The guards that refuse the plan.
    pub refusals: Vec<RefusalDocument>,
    /// What was found.
    pub diagnostics: Vec<DiagnosticDocument>,
    /// What the plan was made from.
    pub fingerprint: Fingerprint,
    /// Who changed what differs, where `duoctl drift --who` looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<WhoDocument>,
    /// The arguments of a saved plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_with: Option<MadeWith>,
}

/// One action on one address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepDocument {
    /// The address.
    pub address: String,
    /// What is done.
    pub action: Action,
    /// The live application, where there is one.
    pub integration_key: Option<String>,
    /// Its type; of a replacement, the new one.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Field by field.
    pub changes: Vec<ChangeDocument>,
    /// Who is affected, where the step changes who may log in or under which policy.
    pub affected: Option<Affected>,
    /// What a replacement costs beyond its changes, in one line each.
    pub price: Vec<String>,
    /// Where keys are delivered, and why.
    pub delivery: Option<DeliveryDocument>,
    /// What the step risks.
    pub risks: Vec<RiskDocument>,
    /// What was done to the application in Duo risks as long as it stays.
    pub drift: Vec<RiskDocument>,
    /// `second_operator` where the second operator makes it, since it changes the application whose key duoctl uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["second_operator"]))]
    pub made_by: Option<String>,
    /// Where the address stands in the YAML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// One field that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeDocument {
    /// The field's YAML key; for a leaf of a document followed by its path.
    pub field: String,
    /// What the account holds; names where there are names.
    pub before: Value,
    /// What the YAML asks for.
    pub after: Value,
    /// Who moved; null where the application does not exist yet.
    pub origin: Option<Origin>,
    /// What the change may do.
    pub risk: Risk,
    /// Why it has this risk; empty for a neutral one.
    pub reason: String,
    /// What was done in Duo, where somebody did: what it risks as long as it stays.
    pub drift: Option<RiskDocument>,
}

/// A delivery to a secret store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryDocument {
    /// The store's name in the YAML.
    pub store: String,
    /// The path in the store.
    pub path: String,
    /// The place in words for people.
    pub place: String,
    /// Why it is due.
    pub reason: String,
}

/// A risk with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RiskDocument {
    /// The risk.
    pub risk: Risk,
    /// Why.
    pub reason: String,
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
    /// What the YAML attests, as it stands there.
    pub attested: Option<String>,
}

/// One field of the form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsoleFieldDocument {
    /// The tab or section it is on.
    pub tab: String,
    /// The label in the console.
    pub label: String,
    /// What to enter; null until the apply has created it. Of a secret key only the last four characters.
    pub value: Option<String>,
    /// Whether `value` is only the end of a secret.
    pub secret: bool,
    /// Where the secret is delivered, in words for people.
    pub delivered_to: Option<String>,
    /// The address of the application whose key it is.
    pub application: Option<String>,
    /// Whether it has to be entered.
    pub outstanding: bool,
}

/// An owned application whose address left the YAML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrphanDocument {
    /// The address it had.
    pub address: String,
    /// The application.
    pub ikey: String,
    /// Its name.
    pub name: String,
    /// Since when it is quarantined.
    pub quarantined_since: Option<String>,
    /// Whether its marker refuses its removal.
    pub protected: bool,
    /// Whether a console may hold its keys still.
    pub in_console: bool,
}

/// A guard that refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusalDocument {
    /// The guard; `duoctl explain` knows it.
    pub guard: String,
    /// The address, where the guard is about one.
    pub address: Option<String>,
    /// What would happen.
    pub message: String,
    /// What lifts the guard; null where nothing does.
    pub lift: Option<String>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiagnosticDocument {
    /// The kind of finding; `duoctl explain` knows it.
    pub code: String,
    /// How bad it is.
    #[schemars(extend("enum" = ["note", "warning", "error"]))]
    pub severity: String,
    /// What is wrong.
    pub message: String,
    /// Where, when it has a place.
    pub place: Option<Place>,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that matter.
    pub related: Vec<RelatedDocument>,
}

/// Another place that matters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RelatedDocument {
    /// Where.
    pub place: Option<Place>,
    /// What is there.
    pub label: String,
}

/// A place in a file. Lines and columns begin at 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The file as the command was given it.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// The line of the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<usize>,
    /// The column after the last character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_column: Option<usize>,
}

/// Who did something to the applications that differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhoDocument {
    /// Their actions, newest first, by address.
    pub by_address: BTreeMap<String, Vec<ActivityDocument>>,
    /// Whether the whole period was read.
    pub complete: bool,
    /// How many days were looked at.
    pub days: u16,
}

/// An action that Duo's activity log holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActivityDocument {
    /// When, as Duo writes it.
    pub when: String,
    /// The administrator, or the name of the key.
    pub who: String,
    /// The key of the administrator or of the application that acted.
    pub actor: String,
    /// The address it came from, where Duo knows it.
    pub from: Option<String>,
    /// What was done.
    pub action: String,
    /// The integration key of what it was done to.
    pub target: String,
    /// The name of what it was done to, at that time.
    pub target_name: String,
}

/// The arguments that a saved plan was made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MadeWith {
    /// The path of the YAML.
    pub path: String,
    /// `--only`.
    pub only: Vec<String>,
    /// `--exclude`.
    pub exclude: Vec<String>,
    /// `--prune`: `quarantine`, `now`, or null.
    pub prune: Option<String>,
}
