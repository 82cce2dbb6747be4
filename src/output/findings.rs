//! Problems and risks of a document as a flat list, for formats that support only findings.

use crate::diagnostic::Severity;
use crate::kinds::risk::Risk;
use crate::reconcile::diff::Origin;
use crate::reconcile::plan::Action;
use crate::verify::report::{Check, Verdict};

use super::document::{
    ApplyDocument, DiagnosticDocument, Document, FailureDocument, Place, PlanDocument, RefusalDocument,
    StepDocument, StepStatus, VerifyDocument, unmanaged_fields,
};
use crate::text::one_line;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its severity.
    pub level: Severity,
    /// A code that `duoctl explain` describes, or `drift`, `step`, `verification`.
    pub code: String,
    /// What it is about.
    pub title: String,
    /// What is wrong and what to do, on one or more lines.
    pub message: String,
    /// Where, if it has a place.
    pub place: Option<Place>,
}

/// The findings of a document, the worst first, otherwise in document order; `None` if it can have none.
pub fn findings(document: &Document) -> Option<Vec<Finding>> {
    let mut found = Vec::new();
    match document {
        Document::Plan(plan) => plan_findings(&mut found, plan),
        Document::Drift(plan) => {
            plan_findings(&mut found, plan);
            drift_risks(&mut found, plan);
            found.extend(plan.steps.iter().map(|step| difference(step, plan)));
            found.extend(unmanaged_fields(plan.summary.unmanaged_fields).map(|sentence| Finding {
                level: Severity::Note,
                code: "unmanaged-fields".to_owned(),
                title: "duoctl: set fields that are not managed".to_owned(),
                message: sentence,
                place: None,
            }));
        }
        Document::Apply(apply) => apply_findings(&mut found, apply),
        Document::Verify(verify) => verify_findings(&mut found, verify, None),
        Document::Validate(validate) => found.extend(validate.diagnostics.iter().map(diagnostic)),
        Document::Failure(failure) => failure_findings(&mut found, failure),
        Document::Doctor(_)
        | Document::Keys(_)
        | Document::List(_)
        | Document::Import(_)
        | Document::Handoff(_)
        | Document::Rotations(_)
        | Document::KeyChanges(_)
        | Document::Edit(_)
        | Document::Graph(_) => return None,
    }
    // A stable sort keeps findings of the same severity in document order.
    found.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    Some(found)
}

fn diagnostic(diagnostic: &DiagnosticDocument) -> Finding {
    let help = diagnostic.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    Finding {
        level: diagnostic.severity,
        code: diagnostic.code.clone(),
        title: format!("duoctl: {}", diagnostic.code),
        message: format!("{}{help}", diagnostic.message),
        place: diagnostic.place.clone(),
    }
}

fn plan_findings(found: &mut Vec<Finding>, plan: &PlanDocument) {
    found.extend(plan.diagnostics.iter().map(diagnostic));
    for refusal in &plan.refusals {
        found.push(Finding {
            level: Severity::Error,
            code: refusal.guard.clone(),
            title: format!("duoctl: an apply would be refused ({})", refusal.guard),
            message: format!("{}\n{}", refusal.message, refusal.lift_words()),
            place: refusal.address.as_ref().and_then(|address| place_of(plan, address)),
        });
    }
    for step in &plan.steps {
        for risk in &step.risks {
            // A refusal already reports these risks.
            let refused = |refusal: &RefusalDocument| {
                refusal.guard == risk.risk.name() && refusal.address.as_deref() == Some(&step.address)
            };
            if plan.refusals.iter().any(refused) {
                continue;
            }
            let grave = risk.risk.needs_consent() || matches!(risk.risk, Risk::Destroys | Risk::Replaces);
            found.push(Finding {
                level: if grave { Severity::Warning } else { Severity::Note },
                code: risk.risk.name().to_owned(),
                title: format!("duoctl: {}", risk.risk),
                message: format!(
                    "{} {} \"{}\": {}{}",
                    step.action.name(),
                    step.address,
                    step.name,
                    risk.reason,
                    step.undoing(risk)
                ),
                place: step.place.clone(),
            });
        }
    }
}

/// The risks of leaving changes made in Duo in place.
fn drift_risks(found: &mut Vec<Finding>, plan: &PlanDocument) {
    for step in &plan.steps {
        found.extend(step.drift.iter().map(|risk| Finding {
            level: if risk.risk.needs_consent() { Severity::Error } else { Severity::Warning },
            code: risk.risk.name().to_owned(),
            title: format!("duoctl: drift, {}", risk.risk),
            message: format!("{} \"{}\": as it is now, {}", step.address, step.name, risk.reason),
            place: step.place.clone(),
        }));
    }
}

fn place_of(plan: &PlanDocument, address: &str) -> Option<Place> {
    plan.steps.iter().find(|step| step.address == address).and_then(|step| step.place.clone())
}

/// The differences at one address, and who made them, if known.
fn difference(step: &StepDocument, plan: &PlanDocument) -> Finding {
    let mut message = format!("{} \"{}\"", step.address, step.name);
    message.push_str(match step.action {
        Action::Create => " is not in the account",
        Action::Update => " differs from the YAML",
        Action::Adopt => " does not carry the marker of this workspace",
        Action::Replace => " is of another type",
        Action::Quarantine | Action::Delete => " left the YAML",
        Action::Retain => " left the YAML and will no longer be managed",
        Action::Rotate => " is in the middle of a rotation of its keys",
        Action::Deliver => ": a secret store does not hold its current keys",
    });
    for change in step.changes.iter().filter(|_| step.action != Action::Create) {
        let origin = match change.origin {
            Some(Origin::Drift) => " (changed in Duo)",
            Some(Origin::Both) => " (changed here and in Duo)",
            Some(Origin::Unknown) => " (who changed it is unknown)",
            Some(Origin::Config) | None => "",
        };
        message.push_str(&format!(
            "\n{}: Duo has {}, the YAML has {}{origin}",
            change.field,
            one_line(&change.before),
            one_line(&change.after)
        ));
    }
    let activities = plan.who.as_ref().and_then(|who| who.by_address.get(&step.address));
    for activity in activities.into_iter().flatten() {
        let from = activity.from.as_deref().unwrap_or("an unknown address");
        message.push_str(&format!(
            "\n{} {} from {from}: {}",
            activity.moment(),
            activity.who,
            activity.action
        ));
    }
    Finding {
        level: Severity::Warning,
        code: "drift".to_owned(),
        title: format!("duoctl: drift at {}", step.address),
        message,
        place: step.place.clone(),
    }
}

fn apply_findings(found: &mut Vec<Finding>, apply: &ApplyDocument) {
    plan_findings(found, &apply.plan);
    let outcomes = apply.steps.iter().filter(|outcome| outcome.status != StepStatus::Applied);
    for outcome in outcomes {
        let waits = outcome.status == StepStatus::NotAttempted;
        let reason = outcome.reason.as_deref().unwrap_or_default();
        found.push(Finding {
            level: if waits { Severity::Warning } else { Severity::Error },
            code: "step".to_owned(),
            title: format!("duoctl: {} {}", outcome.action.name(), outcome.status.words()),
            message: format!("{}: {reason}", outcome.address),
            place: place_of(&apply.plan, &outcome.address),
        });
    }
    for step in apply.left.iter().flat_map(|left| &left.steps) {
        let mut finding = difference(step, &apply.plan);
        finding.title = format!("duoctl: {} still differs after the apply", step.address);
        finding.place = place_of(&apply.plan, &step.address);
        found.push(finding);
    }
    if let Some(verify) = &apply.verify {
        verify_findings(found, verify, Some(&apply.plan));
    }
}

fn verify_findings(found: &mut Vec<Finding>, verify: &VerifyDocument, plan: Option<&PlanDocument>) {
    for application in &verify.applications {
        let place = plan.and_then(|plan| place_of(plan, &application.address));
        let checks = application.checks.iter();
        found.extend(checks.filter_map(|check| failed(&application.address, check, place.clone())));
    }
    for connection in &verify.identity_intelligence {
        found.extend(connection.checks.iter().filter_map(|check| failed(&connection.address, check, None)));
    }
}

fn failed(address: &str, check: &Check, place: Option<Place>) -> Option<Finding> {
    let level = match check.verdict {
        Verdict::Failed => Severity::Error,
        Verdict::Inconclusive => Severity::Warning,
        Verdict::Verified
        | Verdict::Shown
        | Verdict::Attested
        | Verdict::NotTestable
        | Verdict::NotVerifiable
        | Verdict::Unsupported
        | Verdict::Skipped
        | Verdict::Pending => return None,
    };
    let fix = check.fix.as_ref().map(|fix| format!("\n{fix}")).unwrap_or_default();
    Some(Finding {
        level,
        code: "verification".to_owned(),
        title: format!("duoctl: {} {}", check.name, check.verdict.words()),
        message: format!("{address}: {}{fix}", check.detail),
        place,
    })
}

fn failure_findings(found: &mut Vec<Finding>, failure: &FailureDocument) {
    found.extend(failure.diagnostics.iter().map(diagnostic));
    if failure.diagnostics.is_empty() {
        let help: String = failure.help.iter().map(|line| format!("\n{line}")).collect();
        found.push(Finding {
            level: Severity::Error,
            code: format!("exit-{}", failure.exit_code),
            title: format!("duoctl: {} ended with {}", failure.command, failure.exit_code),
            message: format!("{}{help}", failure.message),
            place: None,
        });
    }
}
