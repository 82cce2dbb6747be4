//! The last line, which sums up a document and is the same in every format.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Severity};
use crate::kinds::Kind as ObjectKind;
use crate::kinds::address::Address;
use crate::kinds::risk::Risk;
use crate::output::snippet::by_severity;
use crate::reconcile::graph::{Mark, NodeKind};
use crate::reconcile::inventory::Keeping;
use crate::reconcile::rotation::Stage;
use crate::text::{counted, safe};
use crate::verify::report::Verdict;

use super::{
    ApplyDocument, DoctorDocument, Document, DriftedDocument, FailureDocument, GraphDocument, ImportDocument,
    KeysDocument, Kind, LeftOutReason, ListDocument, PlanDocument, StepStatus, ValidateDocument,
    VerifyDocument,
};

impl Document {
    /// The last line; forms and rotations have none.
    pub fn last_line(&self) -> Option<String> {
        Some(match self {
            Self::Plan(plan) | Self::Drift(plan) => plan.last_line(),
            Self::Apply(apply) => apply.last_line(),
            Self::Verify(verify) => verify.last_line(),
            Self::Validate(validate) => validate.last_line(),
            Self::Failure(failure) => failure.last_line(),
            Self::Doctor(doctor) => doctor.last_line().to_owned(),
            Self::Keys(keys) => keys.last_line(),
            Self::List(list) => list.last_line(),
            Self::Import(import) => import.last_line(),
            Self::KeyChanges(changes) => changes.last_line(),
            Self::Edit(edit) => edit.last_line(),
            Self::Graph(graph) => graph.last_line(),
            Self::Handoff(_) | Self::Rotations(_) => return None,
        })
    }
}

impl PlanDocument {
    /// How many of each.
    pub fn last_line(&self) -> String {
        let summary = self.summary;
        let some = |count: usize, words: String| (count > 0).then_some(words);
        let handoffs =
            some(summary.handoffs, format!("{}.", counted(summary.handoffs, "handoff", "handoffs")));
        let begin = match (self.empty, self.left_out) {
            (true, 0) => "No changes. The account matches the configuration.".to_owned(),
            (true, _) => "No changes. What was selected matches the configuration.".to_owned(),
            (false, _) => format!(
                "Plan: {} to add, {} to change, {} to adopt, {} to delete. {} unmanaged.",
                summary.add, summary.change, summary.adopt, summary.delete, summary.unmanaged
            ),
        };
        let aborted = self.rotations.iter().filter(|rotation| rotation.stage == Stage::Aborted).count();
        let cleanups = some(
            aborted,
            format!("{} to clean up.", counted(aborted, "aborted rotation", "aborted rotations")),
        );
        let mut parts = vec![Some(begin), handoffs, cleanups];
        if let Some(DriftedDocument { in_duo, pending }) = &self.drifted
            && !self.empty
        {
            parts.push(Some(format!("{} changed in Duo, {} pending.", in_duo.len(), pending.len())));
        }
        if self.kind == Kind::Drift {
            let old = self.diagnostics.iter().filter(|found| found.code == Code::KeyTooOld.name()).count();
            parts.push(some(old, format!("{} older than max_age.", counted(old, "key", "keys"))));
        }
        if !self.empty {
            let deliveries = counted(summary.deliveries, "delivery", "deliveries");
            parts.extend([
                some(summary.deliveries, format!("{deliveries}.")),
                some(summary.retain, format!("{} to retain.", summary.retain)),
                self.stopped().map(|stopped| format!("{stopped}.")),
                by_risk("Drift", &self.drift),
                by_risk("Risks", &self.risks),
            ]);
        }
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl PlanDocument {
    /// How many addresses are stopped by errors, or the number of errors if they stop only part of an address.
    fn stopped(&self) -> Option<String> {
        let errors = self.diagnostics.iter().filter(|found| found.severity == Severity::Error).count();
        match (self.blocked.len(), errors) {
            (0, 0) => None,
            (0, errors) => Some(counted(errors, "error", "errors")),
            (blocked, _) => Some(format!("{blocked} stopped by errors")),
        }
    }
}

/// The most serious first.
fn by_risk(title: &str, counts: &BTreeMap<Risk, usize>) -> Option<String> {
    let counts: Vec<String> = counts.iter().rev().map(|(risk, count)| format!("{count} {risk}")).collect();
    (!counts.is_empty()).then(|| format!("{title}: {}.", counts.join(", ")))
}

impl ApplyDocument {
    /// How many steps were done, or why none was; the plan's own line if there was nothing to do. Then the problems.
    pub fn last_line(&self) -> String {
        let begin = match (self.steps.is_empty(), self.is_refused()) {
            (true, true) if self.plan.refusals.is_empty() => format!("Not approved; {}.", self.so_far()),
            (true, true) => format!("Refused; {}.", self.so_far()),
            (true, false) => self.plan.last_line(),
            (false, _) => {
                let steps = format!("Applied: {} of {} steps", self.summary.applied, self.steps.len());
                let line = std::iter::once(steps).chain(self.undone()).collect::<Vec<_>>().join(", ");
                format!("{line}.")
            }
        };
        let handoffs = self.handoffs.as_ref().map_or(0, Vec::len);
        let handoffs = (handoffs > 0 && !self.steps.is_empty())
            .then(|| format!("{}.", counted(handoffs, "handoff", "handoffs")));
        let left = self.left_to_do().into_iter().map(|left| format!("{left}."));
        let failed = self.verify.as_ref().filter(|verify| !verify.passed).map(|verify| {
            let word = if verify.summary.failed > 0 { "failed" } else { "incomplete" };
            format!("Verification {word}.")
        });
        std::iter::once(begin).chain(left).chain(handoffs).chain(failed).collect::<Vec<_>>().join(" ")
    }

    /// The last line of the verification, which repeats the problems because it is the last line that people see.
    pub(crate) fn verified_line(&self) -> Option<String> {
        let line = self.verify.as_ref()?.last_line();
        let unplanned = self.plan.stopped().filter(|_| self.steps.is_empty());
        let amiss: Vec<String> =
            self.undone().into_iter().chain(unplanned).chain(self.left_to_do()).collect();
        Some(match amiss.as_slice() {
            [] => line,
            amiss => format!("{line} Not all was applied: {}.", amiss.join(", ")),
        })
    }

    /// Whether a check failed.
    pub(crate) fn verification_failed(&self) -> bool {
        self.verify.as_ref().is_some_and(|verify| !verify.passed)
    }

    /// Whether there are no problems except those that a verification may have found.
    pub(crate) fn is_complete(&self) -> bool {
        self.undone().is_empty() && self.left_to_do().is_empty()
    }

    /// How many steps were not done, and why.
    fn undone(&self) -> Vec<String> {
        let counts = [(self.summary.failed, "failed"), (self.summary.not_attempted, "not attempted")];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        counts.map(|(count, words)| format!("{count} {words}")).collect()
    }

    /// What was not planned at all, and what still differs after the steps; empty if there were no steps.
    fn left_to_do(&self) -> Vec<String> {
        if self.steps.is_empty() {
            return Vec::new();
        }
        let differs = match self.differing() {
            _ if self.unread() => Some("the account could not be read again".to_owned()),
            0 => None,
            1 => Some("1 still differs".to_owned()),
            several => Some(format!("{several} still differ")),
        };
        let stores = self.lost_store().then(|| "a secret store could not be read again".to_owned());
        self.plan.stopped().into_iter().chain(differs).chain(stores).collect()
    }

    /// Whether a store was readable for the plan but not afterwards.
    fn lost_store(&self) -> bool {
        let code = Code::StoreUnreadable.name();
        let is_known = |message: &str| self.plan.diagnostics.iter().any(|known| known.message == message);
        let left = self.left.iter().flat_map(|left| &left.diagnostics);
        left.into_iter().any(|found| found.code == code && !is_known(&found.message))
    }

    /// How many applied steps left a difference.
    fn differing(&self) -> usize {
        let Some(left) = &self.left else { return 0 };
        let differs = |address: &String| {
            left.blocked.contains(address) || left.steps.iter().any(|step| step.address == *address)
        };
        let applied = self.steps.iter().filter(|step| step.status == StepStatus::Applied);
        applied.filter(|step| differs(&step.address)).count()
    }

    /// Whether the written values could not be read again.
    fn unread(&self) -> bool {
        let left = self.left.iter().flat_map(|left| &left.diagnostics);
        left.into_iter().any(|found| found.code == Code::AccountUnreadable.name())
    }
}

impl VerifyDocument {
    /// How many applications were verified.
    pub fn last_line(&self) -> String {
        if self.applications.is_empty() {
            return "Verified: nothing to verify.".to_owned();
        }
        let summary = self.summary;
        let mut line = format!("Verified: {} of {} applications", summary.verified, self.applications.len());
        for (count, verdict) in [
            (summary.failed, Verdict::Failed),
            (summary.inconclusive, Verdict::Inconclusive),
            (summary.pending, Verdict::Pending),
            (summary.not_testable, Verdict::NotTestable),
        ] {
            if count > 0 {
                line.push_str(&format!(", {count} {}", verdict.words()));
            }
        }
        for verdict in [Verdict::Failed, Verdict::Inconclusive, Verdict::Pending] {
            let count =
                self.identity_intelligence.iter().filter(|connection| connection.verdict == verdict).count();
            if count > 0 {
                line.push_str(&format!(
                    ", {} {}",
                    counted(count, "connection", "connections"),
                    verdict.words()
                ));
            }
        }
        line.push('.');
        line
    }
}

impl ValidateDocument {
    /// What the workspace declares if it is valid, otherwise how many findings of each severity there are.
    pub fn last_line(&self) -> String {
        let found = by_severity(self.diagnostics.iter().map(|found| found.severity));
        let one = || self.workspace.as_ref().map(|name| format!("workspace {}", safe(name)));
        let which = self.workspaces.map(|count| counted(count, "workspace", "workspaces")).or_else(one);
        match (self.valid, which, self.declared) {
            (false, ..) => format!("Not valid: {found}."),
            (true, Some(which), Some(declared)) => format!(
                "Valid: {which}, {}, {}, {}.",
                counted(declared.applications, "application", "applications"),
                counted(
                    declared.identity_intelligence,
                    "Identity Intelligence entry",
                    "Identity Intelligence entries"
                ),
                counted(declared.files, "file", "files"),
            ),
            (true, ..) => format!("Valid: {found}."),
        }
    }
}

impl FailureDocument {
    /// What went wrong.
    pub fn last_line(&self) -> String {
        format!("Failed: {}.", safe(self.message.trim_end_matches(['.', '?'])))
    }
}

impl DoctorDocument {
    /// Whether duoctl can work.
    pub fn last_line(&self) -> &'static str {
        if self.healthy { "Healthy: duoctl can work with this account." } else { "Not healthy: see above." }
    }
}

impl KeysDocument {
    /// How many keys are current.
    pub fn last_line(&self) -> String {
        let count = |state| self.applications.iter().filter(|entry| entry.state == state).count();
        let kept = self.applications.len() - count(Keeping::NotKept);
        format!("Keys: {} of {kept} are current.", count(Keeping::Current))
    }
}

impl ListDocument {
    /// How many objects there are, by their state.
    pub fn last_line(&self) -> String {
        let mut states = BTreeMap::new();
        self.objects.iter().for_each(|listed| *states.entry(listed.state).or_insert(0_usize) += 1);
        let states: Vec<String> =
            states.iter().map(|(state, count)| format!("{count} {}", state.word())).collect();
        let objects = counted(self.objects.len(), "object", "objects");
        if states.is_empty() { format!("{objects}.") } else { format!("{objects}: {}.", states.join(", ")) }
    }
}

impl GraphDocument {
    /// How many there are of each kind, and what a plan changes.
    pub fn last_line(&self) -> String {
        let count = |kind: NodeKind| {
            let nodes = self.nodes.iter().filter(|node| node.kind == kind);
            nodes.map(|node| node.members.len().max(1)).sum::<usize>()
        };
        let part =
            |(kind, one, many)| Some(count(kind)).filter(|it| *it > 0).map(|it| counted(it, one, many));
        let parts: Vec<String> = COUNTED.into_iter().filter_map(part).collect();
        let unmanaged =
            self.nodes.iter().filter(|node| node.unmanaged).map(|node| node.members.len()).sum::<usize>();
        let marked = |mark: Mark| {
            let nodes = self.nodes.iter().filter(|node| node.change == Some(mark));
            let nodes: usize = nodes.map(|node| node.members.len().max(1)).sum();
            (nodes > 0).then(|| format!("{nodes} {}", mark.word()))
        };
        let marks: Vec<String> =
            [Mark::Added, Mark::Changed, Mark::Removed].into_iter().filter_map(marked).collect();
        let all = if parts.is_empty() { "no applications".to_owned() } else { parts.join(", ") };
        let mut line = format!("Graph: {all}.");
        if unmanaged > 0 {
            line.push_str(&format!(" {unmanaged} unmanaged."));
        }
        if !marks.is_empty() {
            line.push_str(&format!(" Plan: {}.", marks.join(", ")));
        }
        line
    }
}

/// What the last line of a graph counts.
const COUNTED: [(NodeKind, &str, &str); 6] = [
    (NodeKind::Application, "application", "applications"),
    (NodeKind::Group, "group", "groups"),
    (NodeKind::Policy, "policy", "policies"),
    (NodeKind::Permission, "permission", "permissions"),
    (NodeKind::SecretStore, "secret store", "secret stores"),
    (NodeKind::IdentityIntelligence, "Identity Intelligence entry", "Identity Intelligence entries"),
];

impl ImportDocument {
    /// Whether only applications were imported.
    pub fn has_only_applications(&self) -> bool {
        self.of(ObjectKind::Application) == self.entries.len()
    }

    fn of(&self, kind: ObjectKind) -> usize {
        self.entries.iter().filter(|entry| Address::new(&entry.address).kind() == Some(kind)).count()
    }

    /// The imported objects in words, by kind.
    fn counted(&self) -> String {
        let kinds = ObjectKind::ALL.map(|kind| (self.of(kind), kind));
        let kinds = kinds.into_iter().filter(|(count, _)| *count > 0);
        let words: Vec<String> =
            kinds.map(|(count, kind)| counted(count, kind.noun(), kind.section())).collect();
        match words.as_slice() {
            [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
            words => words.concat(),
        }
    }

    /// How many objects of each kind were imported, and how many were not.
    pub fn last_line(&self) -> String {
        let mut line = match self.entries.len() {
            0 => "Nothing to import.".to_owned(),
            _ => format!("Imported {}.", self.counted()),
        };
        let mut add = |words: &str, reasons: &[LeftOutReason]| {
            let count = self.left_out.iter().filter(|left_out| reasons.contains(&left_out.reason)).count();
            if count > 0 {
                line.push_str(&format!(" {count} {words}."));
            }
        };
        add("declared already", &[LeftOutReason::Declared]);
        add("owned by another workspace", &[LeftOutReason::OwnedElsewhere]);
        add("not selected", &[LeftOutReason::NotSelected]);
        add(
            "left out, see above",
            &[LeftOutReason::Operator, LeftOutReason::IdentityIntelligence, LeftOutReason::Impossible],
        );
        line
    }
}
