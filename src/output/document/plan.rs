//! The document of a plan.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diagnostic::Sources;
use crate::duo::activity::Activity;
use crate::kinds::Kind as ObjectKind;
use crate::kinds::address::Address;
use crate::kinds::risk::Risk;
use crate::reconcile::delivery::Delivery;
use crate::reconcile::desired::Desired;
use crate::reconcile::diff::{Change, Origin};
use crate::reconcile::fingerprint::Fingerprint;
use crate::reconcile::guard::Refusal;
use crate::reconcile::impact::{Affected, Survey};
use crate::reconcile::matching::Claim;
use crate::reconcile::plan::{Action, DEFAULT, Orphan, Plan, Reasons, Step, Summary};
use crate::reconcile::rotation::Rotation;
use crate::reconcile::set_fields::SetField;

use super::console::HandoffDocument;
use super::finding::{DiagnosticDocument, Place, places};
use super::kind::{FORMAT_VERSION, Kind};

/// What would change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `plan`, or `drift` if `duoctl drift` printed it.
    #[schemars(with = "String", extend("enum" = ["plan", "drift"]))]
    pub kind: Kind,
    /// The version of duoctl.
    pub tool_version: String,
    /// The workspace.
    pub workspace: String,
    /// The account's API hostname.
    pub api_hostname: String,
    /// Whether there is nothing to send and nothing is wrong.
    pub empty: bool,
    /// How many of each.
    pub summary: Summary,
    /// How many steps have each risk.
    pub risks: BTreeMap<Risk, usize>,
    /// How many steps undo a change made in Duo, by the risk of leaving that change in place.
    pub drift: BTreeMap<Risk, usize>,
    /// What would be done, in the order of the addresses, removals last.
    pub steps: Vec<StepDocument>,
    /// Forms of consoles that a person has to fill in.
    pub handoffs: Vec<HandoffDocument>,
    /// Owned applications that are no longer in the YAML.
    pub orphans: Vec<Orphan>,
    /// Rotations with overlap that are under way.
    pub rotations: Vec<Rotation>,
    /// Applications that a rotation has put out of use.
    pub retired: Vec<Orphan>,
    /// Addresses for which nothing is planned because of an error.
    pub blocked: Vec<String>,
    /// How many addresses `--only` and `--exclude` left out.
    pub left_out: usize,
    /// These addresses.
    pub left_out_addresses: Vec<String>,
    /// Those of them that would change.
    pub left_out_pending: Vec<String>,
    /// What it took to count the affected people; null if there was nothing to count.
    pub impact: Option<Survey>,
    /// Only for `drift`: the fields of managed applications that are set in Duo and that the YAML neither mentions nor
    /// ignores.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmanaged_fields: Vec<UnmanagedFieldDocument>,
    /// The guards that refuse the plan.
    pub refusals: Vec<RefusalDocument>,
    /// The command that consents to everything; absent if no option lifts one of the guards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,
    /// What was found.
    pub diagnostics: Vec<DiagnosticDocument>,
    /// What the plan was made from.
    pub fingerprint: Fingerprint,
    /// Only for `drift`: what was changed in Duo, and what is only pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drifted: Option<DriftedDocument>,
    /// Who made the changes; only for `duoctl drift --who`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<WhoDocument>,
    /// The arguments of a saved plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_with: Option<MadeWith>,
}

impl PlanDocument {
    /// A document of a plan and the guards that refuse it. The YAML says where each address is declared.
    pub fn new(plan: &Plan, refusals: &[Refusal], desired: &Desired, sources: &Sources) -> Self {
        let places = places(desired, sources);
        let steps = plan.steps().iter().enumerate();
        let steps = steps.map(|(index, step)| StepDocument {
            affected: plan.affected(index).cloned(),
            consequences: plan.consequences(index).to_vec(),
            made_by: plan.is_by_recovery_key(step).then_some(MadeBy::RecoveryKey),
            place: places.get(step.address.as_str()).cloned(),
            ..StepDocument::from(step)
        });
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            kind: Kind::Plan,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            workspace: plan.workspace().to_owned(),
            api_hostname: plan.fingerprint().host.clone(),
            empty: plan.is_empty(),
            summary: plan.summary(),
            risks: plan.risks(),
            drift: plan.drift(),
            steps: steps.collect(),
            handoffs: plan.handoffs().iter().map(HandoffDocument::from).collect(),
            orphans: plan.orphans().to_vec(),
            rotations: plan.rotations().to_vec(),
            retired: plan.retired().to_vec(),
            blocked: texts(plan.blocked()),
            left_out: plan.left_out(),
            left_out_addresses: texts(plan.left_out_addresses()),
            left_out_pending: texts(plan.left_out_pending()),
            impact: plan.survey().cloned(),
            unmanaged_fields: Vec::new(),
            refusals: refusals.iter().map(RefusalDocument::from).collect(),
            consent: None,
            diagnostics: DiagnosticDocument::all(plan.problems(), sources),
            fingerprint: plan.fingerprint().clone(),
            drifted: None,
            who: None,
            made_with: None,
        }
    }
}

/// A field that is set in Duo and that the YAML neither mentions nor ignores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnmanagedFieldDocument {
    /// The address of the application.
    pub address: String,
    /// The field's YAML key; for a part of a document, followed by its path.
    pub field: String,
    /// What Duo holds; names instead of IDs where possible.
    pub value: Value,
}

impl From<&SetField> for UnmanagedFieldDocument {
    fn from(set: &SetField) -> Self {
        Self { address: set.address.to_string(), field: set.field.clone(), value: set.value.clone() }
    }
}

pub(super) fn texts(addresses: &BTreeSet<Address>) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}

/// One action on one address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepDocument {
    /// The address.
    pub address: String,
    /// What is done.
    pub action: Action,
    /// The live application, if there is one.
    pub integration_key: Option<String>,
    /// The kind of its object.
    #[serde(rename = "object", default = "application")]
    pub kind: ObjectKind,
    /// Its type; for a replacement, the new one. Empty for kinds without types.
    #[serde(rename = "type")]
    pub variant: String,
    /// Its name.
    pub name: String,
    /// Field by field.
    pub changes: Vec<ChangeDocument>,
    /// Who is affected, if the step changes who may log in or under which policy.
    pub affected: Option<Affected>,
    /// The consequences of a replacement beyond its changes, in one line each.
    pub consequences: Vec<String>,
    /// Where keys are delivered, and why.
    pub delivery: Option<DeliveryDocument>,
    /// The risks of the step, one for each reason.
    pub risks: Vec<RiskDocument>,
    /// The risks of leaving the changes made to the application in Duo in place.
    pub drift: Vec<RiskDocument>,
    /// Claims of markers that the step depends on and that this run cannot verify; an apply with other keys may perform
    /// the step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rests_on: Vec<Claim>,
    /// `recovery_key` if the recovery key makes it, because it changes the application whose key duoctl uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<MadeBy>,
    /// Where the YAML declares the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// The kind of most objects.
fn application() -> ObjectKind {
    ObjectKind::Application
}

/// Who makes a step, if it is not the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MadeBy {
    /// The recovery key.
    RecoveryKey,
}

/// One field that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeDocument {
    /// The field's YAML key; for a leaf of a document, followed by its path.
    pub field: String,
    /// What the account holds; names instead of IDs where possible.
    pub before: Value,
    /// What the YAML asks for.
    pub after: Value,
    /// Which side changed; null if the application does not exist yet.
    pub origin: Option<Origin>,
    /// The risk of the change.
    pub risk: Risk,
    /// Why it has this risk; empty for a neutral change.
    pub reason: String,
    /// If the field was changed in Duo: the risk of leaving that change in place.
    pub drift: Option<RiskDocument>,
}

impl ChangeDocument {
    /// Whether the YAML leaves the field out, and its section brings it along with Duo's default.
    pub fn is_default(&self) -> bool {
        self.reason == DEFAULT
    }
}

impl StepDocument {
    /// What the object is, in a word: its type, or its kind if that has no types.
    pub fn what(&self) -> &str {
        if self.variant.is_empty() { self.kind.noun() } else { &self.variant }
    }

    /// A suffix for a risk that comes only from undoing a change in Duo. Without it, the risk would read as the opposite
    /// of the drift's risk.
    pub fn undoing(&self, risk: &RiskDocument) -> &'static str {
        let with = |change: &&ChangeDocument| change.risk == risk.risk && change.reason == risk.reason;
        let mut changes = self.changes.iter().filter(with).peekable();
        let undoes = changes.peek().is_some() && changes.all(|change| change.origin == Some(Origin::Drift));
        if undoes { ", which undoes the change in Duo" } else { "" }
    }
}

/// How many waiting steps are named.
const NAMED: usize = 5;

impl PlanDocument {
    /// The fields of an address that were not changed only in the YAML.
    pub fn drifted_fields(&self, address: &str) -> Vec<&str> {
        let steps = self.steps.iter().filter(|step| step.address == address && step.action != Action::Create);
        let changes = steps.flat_map(|step| &step.changes);
        let drifted = changes.filter(|change| change.origin != Some(Origin::Config));
        drifted.map(|change| change.field.as_str()).collect()
    }

    /// What else is held back while guards refuse part of the plan, and how to apply the rest; `None` if a guard covers
    /// the whole plan.
    pub fn held_back(&self) -> Option<String> {
        let refused: Option<BTreeSet<&str>> =
            self.refusals.iter().map(|refusal| refusal.address.as_deref()).collect();
        let refused = refused.filter(|refused| !refused.is_empty())?;
        let is_refused = |step: &&StepDocument| refused.contains(step.address.as_str());
        let with_keys = self.steps.iter().filter(|step| is_refused(step) && step.delivery.is_some());
        let keys = with_keys.map(|step| format!("the keys of {} are not delivered", step.address));
        let others: Vec<&StepDocument> = self.steps.iter().filter(|step| !is_refused(step)).collect();
        let mut waiting: Vec<String> = others
            .iter()
            .take(NAMED)
            .map(|step| format!("{} {}", step.action.name(), step.address))
            .collect();
        if let Some(more) = others.len().checked_sub(NAMED).filter(|more| *more > 0) {
            waiting.push(format!("{more} more"));
        }
        let without: Vec<String> = refused.iter().map(|address| format!("--exclude {address}")).collect();
        // A command line with a hundred addresses is not helpful.
        let way = (without.len() <= NAMED).then(|| format!(" (`{}` applies the rest)", without.join(" ")));
        let others =
            (!waiting.is_empty()).then(|| format!("{}{}", waiting.join(", "), way.unwrap_or_default()));
        let all: Vec<String> = keys.chain(others).collect();
        (!all.is_empty()).then(|| format!("held back until then: {}", all.join("; ")))
    }
}

impl From<&Step> for StepDocument {
    fn from(step: &Step) -> Self {
        Self {
            address: step.address.to_string(),
            action: step.action,
            integration_key: step.id.as_ref().map(ToString::to_string),
            kind: step.kind,
            variant: step.variant.clone(),
            name: step.name.clone(),
            changes: step.changes.iter().map(ChangeDocument::from).collect(),
            affected: None,
            rests_on: step.rests_on.clone(),
            consequences: Vec::new(),
            delivery: step.delivery.as_ref().map(DeliveryDocument::from),
            risks: RiskDocument::all(step.risks()),
            drift: RiskDocument::all(step.drift()),
            made_by: None,
            place: None,
        }
    }
}

impl From<&Change> for ChangeDocument {
    fn from(change: &Change) -> Self {
        Self {
            field: change.field.clone(),
            before: change.before.clone(),
            after: change.after.clone(),
            origin: change.origin,
            risk: change.risk,
            reason: change.reason.to_owned(),
            drift: change
                .drift
                .map(|drift| RiskDocument { risk: drift.risk, reason: drift.reason.to_owned() }),
        }
    }
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

impl From<&Delivery> for DeliveryDocument {
    fn from(delivery: &Delivery) -> Self {
        Self {
            store: delivery.target.store.clone(),
            path: delivery.target.path.clone(),
            place: delivery.place.clone(),
            reason: delivery.reason.clone(),
        }
    }
}

/// A risk with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RiskDocument {
    /// The risk.
    pub risk: Risk,
    /// Why.
    pub reason: String,
}

impl RiskDocument {
    fn all(risks: Reasons) -> Vec<Self> {
        let all = risks.into_iter().flat_map(|(risk, reasons)| reasons.into_iter().map(move |it| (risk, it)));
        all.map(|(risk, reason)| Self { risk, reason: reason.to_owned() }).collect()
    }
}

/// A guard that refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusalDocument {
    /// The guard; `duoctl explain` describes it.
    pub guard: String,
    /// The address, if the guard is about one.
    pub address: Option<String>,
    /// What would happen.
    pub message: String,
    /// What lifts the guard; null if nothing does.
    pub lift: Option<String>,
}

impl RefusalDocument {
    /// What would lift the guard, in words.
    pub fn lift_words(&self) -> String {
        lift_words(self.lift.as_deref())
    }

    /// What would happen, without the address.
    pub(crate) fn reason(&self) -> &str {
        let about = self.address.as_deref().and_then(|address| self.message.strip_prefix(address));
        about.and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&self.message)
    }
}

/// What lifts a guard, in words.
pub(crate) fn lift_words(lift: Option<&str>) -> String {
    match lift {
        Some(lift) => format!("to allow it: {lift}"),
        None => "nothing lifts this guard".to_owned(),
    }
}

impl From<&Refusal> for RefusalDocument {
    fn from(refusal: &Refusal) -> Self {
        Self {
            guard: refusal.guard.to_owned(),
            address: refusal.address.as_ref().map(ToString::to_string),
            message: refusal.message.clone(),
            lift: refusal.lift.clone(),
        }
    }
}

/// The addresses that differ, by the side that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriftedDocument {
    /// Something was changed in Duo.
    pub in_duo: Vec<String>,
    /// Only the YAML was changed.
    pub pending: Vec<String>,
}

/// Who changed the applications that differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhoDocument {
    /// Their actions, newest first, by address.
    pub by_address: BTreeMap<String, Vec<Activity>>,
    /// Whether the whole period was read.
    pub complete: bool,
    /// How many days were read.
    pub days: u16,
}

/// What one actor did at one time from one place.
pub(crate) struct Actions<'a> {
    /// When, to the second.
    pub(crate) when: String,
    /// Who.
    pub(crate) who: &'a str,
    /// From where.
    pub(crate) from: &'a str,
    /// Each action once, with its count if there are several.
    pub(crate) what: String,
}

impl<'a> Actions<'a> {
    /// Activities in order, grouped by actor and time.
    pub(crate) fn of(activities: &'a [Activity]) -> Vec<Self> {
        let alike = |a: &Activity, b: &Activity| {
            (a.moment(), &a.actor, &a.who, &a.from) == (b.moment(), &b.actor, &b.who, &b.from)
        };
        let together = |group: &'a [Activity]| {
            let first = group.first()?;
            let mut counts: Vec<(&str, usize)> = Vec::new();
            for activity in group {
                match counts.iter_mut().find(|(action, _)| *action == activity.action) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((&activity.action, 1)),
                }
            }
            let words = counts.iter().map(|(action, count)| match count {
                1 => (*action).to_owned(),
                count => format!("{action} ({count} times)"),
            });
            Some(Self {
                when: first.moment(),
                who: &first.who,
                from: first.from.as_deref().unwrap_or("an unknown address"),
                what: words.collect::<Vec<_>>().join(", "),
            })
        };
        activities.chunk_by(alike).filter_map(together).collect()
    }
}

impl WhoDocument {
    /// How many pages of the activity log are read; its rate limit is far stricter than that of other calls.
    pub const PAGES: usize = 10;
}

/// The arguments that a saved plan was made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MadeWith {
    /// The path of the YAML, relative to the folder in which the plan was made.
    pub path: String,
    /// The path of the YAML, relative to the folder of this file.
    #[serde(default)]
    pub from_file: Option<String>,
    /// `--only`.
    pub only: Vec<String>,
    /// `--exclude`.
    pub exclude: Vec<String>,
    /// `--prune`; null without it.
    pub prune: Option<PruneDocument>,
}

/// What happens to orphans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PruneDocument {
    /// They are quarantined first.
    Quarantine,
    /// They are deleted at once.
    Now,
}
