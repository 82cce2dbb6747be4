//! JSON documents for machines: plan, apply, verify and validate. Fields are only ever added within a format version.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::apply::outcome::{Normalised, Status, StepOutcome, tally};
use crate::config::diagnostic::{Diagnostic, Sources, Span};
use crate::reconcile::guard::Refusal;
use crate::reconcile::handoff::Handoff;
use crate::reconcile::inventory::Entry;
use crate::reconcile::plan::{Plan, Step};
use crate::reconcile::risk::Risk;
use crate::reconcile::rotation::Rotation;
use crate::text::is_harmful;
use crate::verify::report::{Ladder, Report, Subject, Verdict};

use super::apply_text::unfit_sentence;

/// The version of every document's shape.
pub const FORMAT_VERSION: &str = "1.0";

/// Prints a document.
///
/// What a terminal would obey is escaped as JSON has it, so the document means the same.
pub fn text(document: &Value) -> String {
    let mut text = harmless(&serde_json::to_string_pretty(document).unwrap_or_default());
    text.push('\n');
    text
}

/// Prints a document on one line.
pub fn line(document: &Value) -> String {
    let mut text = harmless(&document.to_string());
    text.push('\n');
    text
}

fn harmless(json: &str) -> String {
    let mut text = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        // Line breaks stand between values only: in a text they are escaped already.
        if c != '\n' && is_harmful(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// A plan.
pub fn plan(plan: &Plan, refusals: &[Refusal], sources: &Sources) -> Value {
    json!({
        "format_version": FORMAT_VERSION,
        "kind": "plan",
        "tool_version": env!("CARGO_PKG_VERSION"),
        "workspace": plan.workspace(),
        "api_hostname": plan.fingerprint().host,
        "empty": plan.is_empty(),
        "summary": plan.summary(),
        "risks": counts(&plan.risks()),
        "drift": counts(&plan.drift()),
        "steps": plan.steps().iter().enumerate().map(|(index, step)| planned(plan, index, step)).collect::<Vec<_>>(),
        "handoffs": plan.handoffs(),
        "orphans": plan.orphans(),
        "rotations": plan.rotations(),
        "retired": plan.retired(),
        "blocked": plan.blocked(),
        "left_out": plan.left_out(),
        "left_out_addresses": plan.left_out_addresses(),
        "left_out_pending": plan.left_out_pending(),
        "impact": plan.survey(),
        "refusals": refusals,
        "diagnostics": diagnostics(plan.problems(), sources),
        "fingerprint": plan.fingerprint(),
    })
}

fn counts(risks: &BTreeMap<Risk, usize>) -> Value {
    risks.iter().map(|(risk, count)| (risk.name().to_owned(), json!(count))).collect()
}

fn planned(plan: &Plan, index: usize, step: &Step) -> Value {
    let mut document = json!({
        "address": step.address,
        "action": step.action,
        "integration_key": step.ikey,
        "type": step.kind,
        "name": step.name,
        "changes": step.changes,
        "affected": plan.affected(index),
        "price": plan.price(index),
        "delivery": step.delivery.as_ref().map(|delivery| json!({
            "store": delivery.target.store,
            "path": delivery.target.path,
            "place": delivery.place,
            "reason": delivery.reason,
        })),
        "risks": reasons(&step.risks()),
        "drift": reasons(&step.drift()),
    });
    by_second(&mut document, plan.is_by_second(step));
    document
}

fn reasons(risks: &BTreeMap<Risk, &'static str>) -> Vec<Value> {
    risks.iter().map(|(risk, reason)| json!({"risk": risk, "reason": reason})).collect()
}

/// Where a span begins and ends.
pub fn place(span: Span, sources: &Sources) -> Option<Value> {
    sources.locate(span).map(|(path, position)| {
        let mut place =
            json!({"file": path.display().to_string(), "line": position.line, "column": position.column});
        if let (Some(end), Value::Object(place)) = (sources.locate_end(span), &mut place) {
            place.insert("end_line".to_owned(), json!(end.line));
            place.insert("end_column".to_owned(), json!(end.column));
        }
        place
    })
}

/// Writes into the document of a plan where each address stands in the YAML.
pub fn place_steps(document: &mut Value, sources: &Sources, span: impl Fn(&str) -> Option<Span>) {
    let steps = document.get_mut("steps").and_then(Value::as_array_mut).into_iter().flatten();
    for step in steps {
        let address = step.get("address").and_then(Value::as_str).unwrap_or_default();
        let found = span(address).and_then(|span| place(span, sources));
        if let (Some(place), Value::Object(step)) = (found, step) {
            step.insert("place".to_owned(), place);
        }
    }
}

/// Diagnostics with their places.
pub fn diagnostics(diagnostics: &[Diagnostic], sources: &Sources) -> Vec<Value> {
    let place = |span| place(span, sources);
    diagnostics
        .iter()
        .map(|diagnostic| {
            json!({
                "code": diagnostic.code.name(),
                "severity": diagnostic.severity.to_string(),
                "message": diagnostic.message,
                "place": diagnostic.span.and_then(place),
                "help": diagnostic.help,
                "related": diagnostic.related.iter()
                    .map(|(span, label)| json!({"place": place(*span), "label": label}))
                    .collect::<Vec<_>>(),
            })
        })
        .collect()
}

/// Console sheets.
pub fn handoff(sheets: &[&Handoff]) -> Value {
    json!({
        "format_version": FORMAT_VERSION,
        "kind": "handoff",
        "handoffs": sheets,
    })
}

/// The outcome of `validate`.
pub fn validate(found: &[Diagnostic], sources: &Sources) -> Value {
    json!({
        "format_version": FORMAT_VERSION,
        "kind": "validate",
        "valid": !crate::config::diagnostic::has_errors(found),
        "diagnostics": diagnostics(found, sources),
    })
}

/// The outcome of `verify`.
pub fn verify(report: &Report) -> Value {
    let count = |verdict| report.count(verdict);
    json!({
        "format_version": FORMAT_VERSION,
        "kind": "verify",
        "passed": report.passed(),
        "summary": {
            "verified": count(Verdict::Verified),
            "not_testable": count(Verdict::NotTestable),
            "inconclusive": count(Verdict::Inconclusive),
            "failed": count(Verdict::Failed),
        },
        "identity_intelligence": report.ladders.iter().map(ladder).collect::<Vec<_>>(),
        "applications": report.subjects.iter().map(subject).collect::<Vec<_>>(),
    })
}

/// Rotations that are under way.
pub fn rotations(rotations: &[Rotation]) -> Value {
    json!({"format_version": FORMAT_VERSION, "kind": "rotations", "rotations": rotations})
}

fn ladder(ladder: &Ladder) -> Value {
    json!({
        "address": ladder.address,
        "display_name": ladder.name,
        "verdict": ladder.verdict(),
        "highest_rung": ladder.highest().map(|rung| &rung.name),
        "rungs": ladder.rungs,
    })
}

fn subject(subject: &Subject) -> Value {
    json!({
        "address": subject.address,
        "integration_key": subject.ikey,
        "type": subject.kind,
        "name": subject.name,
        "verdict": subject.verdict(),
        "checks": subject.checks,
    })
}

/// A step begins: one line of a stream.
pub fn step_begun(step: &Step) -> Value {
    event("step_begun", step.address.as_str(), "action", &json!(step.action))
}

/// A step has ended: one line of a stream.
pub fn step_ended(ended: &StepOutcome) -> Value {
    event("step_ended", ended.address.as_str(), "step", &outcome(ended))
}

/// An application was looked at: one line of a stream.
pub fn application_verified(seen: &Subject) -> Value {
    event("application_verified", seen.address.as_str(), "application", &subject(seen))
}

/// A ladder was climbed: one line of a stream.
pub fn ladder_climbed(climbed: &Ladder) -> Value {
    event("ladder_climbed", climbed.address.as_str(), "ladder", &ladder(climbed))
}

fn event(name: &str, address: &str, key: &str, value: &Value) -> Value {
    let at = format!("{:.3}", jiff::Timestamp::now());
    json!({"format_version": FORMAT_VERSION, "kind": "event", "event": name, "at": at, "address": address, key: value})
}

/// The inventory of secrets.
pub fn secrets(entries: &[Entry]) -> Value {
    json!({"format_version": FORMAT_VERSION, "kind": "secrets", "applications": entries})
}

/// The outcome of `apply`: the plan, what became of its steps, what is left, and what was verified.
pub fn apply(
    planned: &Value,
    outcomes: &[StepOutcome],
    normalised: &[Normalised],
    left: Option<&Value>,
    verified: Option<&Report>,
) -> Value {
    json!({
        "format_version": FORMAT_VERSION,
        "kind": "apply",
        "plan": planned,
        "summary": tally(outcomes),
        "steps": outcomes.iter().map(outcome).collect::<Vec<_>>(),
        "normalised": normalised,
        "left": left,
        "left_out": planned.get("left_out_addresses"),
        // What a person still has to do: of the account as it is now.
        "handoffs": left.unwrap_or(planned).get("handoffs"),
        "verify": verified.map(verify),
    })
}

fn outcome(outcome: &StepOutcome) -> Value {
    let (status, reason) = match &outcome.status {
        Status::Applied => ("applied", None),
        Status::Moved(what) => ("moved", Some(what.clone())),
        Status::Failed { error, partly: true } => ("partly_applied", Some(error.to_string())),
        Status::Failed { error, partly: false } => ("failed", Some(error.to_string())),
        Status::NotDelivered(why) => ("not_delivered", Some(why.clone())),
        Status::NotProven(why) => ("not_proven", Some(why.clone())),
        Status::Unfit(unfit) => ("failed", Some(unfit_sentence(unfit))),
        Status::RolledBack { seen, proven: true } => ("rolled_back", Some(seen.clone())),
        Status::RolledBack { seen, proven: false } => ("rolled_back_not_proven", Some(seen.clone())),
        Status::NotRolledBack(seen) => ("not_rolled_back", Some(seen.clone())),
        Status::NotAttempted(why) => ("not_attempted", Some((*why).to_owned())),
    };
    let mut document = json!({
        "address": outcome.address,
        "action": outcome.action,
        "integration_key": outcome.ikey,
        "status": status,
        "reason": reason,
        "delivered": outcome.note,
    });
    by_second(&mut document, outcome.by_second);
    document
}

/// Says of a step that the second operator makes it; of any other nothing.
fn by_second(step: &mut Value, is: bool) {
    if let (true, Value::Object(step)) = (is, step) {
        step.insert("made_by".to_owned(), json!("second_operator"));
    }
}
