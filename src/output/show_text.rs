//! A document for people, offline: what `duoctl show` prints. A plan reads as `duoctl plan` printed it; its findings,
//! whose files may be elsewhere now, stand on lines of their own.

mod verified;

use std::fmt::Write as _;

use crate::config::attestation::Attestation;
use crate::reconcile::address::Address;
use crate::reconcile::diff::Change;
use crate::reconcile::handoff::Purpose;
use crate::reconcile::plan::Action;
use crate::reconcile::risk::Risk;

use super::document::{
    ApplyDocument, ChangeDocument, ConsoleFieldDocument, DiagnosticDocument, Document, FailureDocument,
    HandoffDocument, OutcomeDocument, PlanDocument, StepDocument, ValidateDocument,
};
use super::paint::{Paint, quoted, safe};
use super::plan_text::{self, shown, sign};
use super::{affected_text, change_text, rotation_text};

pub use verified::verify_line;
use verified::verify_text;

const PLAIN: Paint = Paint { on: false };

/// The document as text.
pub fn render(document: &Document) -> String {
    match document {
        Document::Plan(plan) => {
            format!("{}{}", diagnostics(&plan.diagnostics), plan_text(plan, "An apply would be refused:"))
        }
        Document::Drift(plan) => {
            format!("{}{}{}", diagnostics(&plan.diagnostics), who(plan), plan_text(plan, ""))
        }
        Document::Apply(apply) => apply_text(apply),
        Document::Verify(verify) => verify_text(verify),
        Document::Validate(validate) => {
            format!("{}{}", diagnostics(&validate.diagnostics), validate_line(validate))
        }
        Document::Failure(failure) => failure_text(failure),
    }
}

/// The one line that sums the document up.
pub fn last_line(document: &Document) -> String {
    match document {
        Document::Plan(plan) | Document::Drift(plan) => plan_line(plan),
        Document::Apply(apply) => apply_line(apply),
        Document::Verify(verify) => verify_line(verify),
        Document::Validate(validate) => validate_line(validate),
        Document::Failure(failure) => format!("Failed: {}.\n", safe(&failure.message)),
    }
}

fn diagnostics(diagnostics: &[DiagnosticDocument]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let _ = writeln!(
            text,
            "{}[{}]: {}",
            safe(&diagnostic.severity),
            safe(&diagnostic.code),
            safe(&diagnostic.message)
        );
        if let Some(place) = &diagnostic.place {
            let _ = writeln!(text, " --> {}:{}:{}", safe(&place.file), place.line, place.column);
        }
        if let Some(help) = &diagnostic.help {
            let _ = writeln!(text, "  = help: {}", safe(help));
        }
        text.push('\n');
    }
    text
}

fn plan_text(plan: &PlanDocument, refused: &str) -> String {
    let mut text = String::new();
    let (first, last): (Vec<_>, Vec<_>) =
        plan.handoffs.iter().partition(|handoff| comes_first(handoff, plan));
    first.into_iter().for_each(|handoff| handoff_text(&mut text, handoff));
    for step in &plan.steps {
        step_text(&mut text, step);
    }
    last.into_iter().for_each(|handoff| handoff_text(&mut text, handoff));
    if let Some(survey) = &plan.impact {
        affected_text::survey(&mut text, survey, PLAIN);
    }
    orphans(&mut text, plan);
    if !plan.rotations.is_empty() {
        text.push_str(&rotation_text::render(&plan.rotations, PLAIN));
        text.push('\n');
    }
    retired(&mut text, plan);
    if !plan.refusals.is_empty() {
        let _ = writeln!(text, "{refused}");
        for refusal in &plan.refusals {
            let _ = writeln!(text, "  ! {}: {}", safe(&refusal.guard), safe(&refusal.message));
            let lift = refusal
                .lift
                .as_ref()
                .map_or_else(|| "nothing lifts this guard".to_owned(), |lift| format!("to allow it: {lift}"));
            let _ = writeln!(text, "      {}", safe(&lift));
        }
        text.push('\n');
    }
    if let Some(sentence) = left_out_sentence(plan) {
        let _ = writeln!(text, "{sentence}\n");
    }
    text.push_str(&plan_line(plan));
    text
}

/// Whether a handoff has to be carried out before a step of the plan.
fn comes_first(handoff: &HandoffDocument, plan: &PlanDocument) -> bool {
    let waits = |step: &StepDocument| {
        let entry = Address::new(&step.address).composite().map(|(entry, _)| entry);
        step.risks.iter().any(|risk| risk.risk == Risk::BreaksHandoff)
            && entry.is_some_and(|entry| entry.as_str() == handoff.address)
    };
    handoff.purpose == Purpose::Remove || plan.steps.iter().any(waits)
}

fn retired(text: &mut String, plan: &PlanDocument) {
    let going = |ikey: &str| plan.steps.iter().any(|step| step.integration_key.as_deref() == Some(ikey));
    let left: Vec<_> = plan.retired.iter().filter(|retired| !going(&retired.ikey)).collect();
    for retired in &left {
        let since = retired.quarantined_since.as_deref().unwrap_or_default();
        plan_text::retired_line(text, &retired.address, &retired.ikey, since, PLAIN);
    }
    if !left.is_empty() {
        text.push('\n');
    }
}

/// The last line of a plan, the same as `duoctl plan` prints.
pub fn plan_line(plan: &PlanDocument) -> String {
    let summary = plan.summary;
    let counted = |count: usize, what: &str| {
        if count == 1 { format!(" 1 {what}.") } else { format!(" {count} {what}s.") }
    };
    let mut line = if plan.empty {
        match plan.left_out {
            0 => "No changes. The account matches the configuration.".to_owned(),
            _ => "No changes. What was selected matches the configuration.".to_owned(),
        }
    } else {
        format!(
            "Plan: {} to add, {} to change, {} to adopt, {} to delete. {} unmanaged.",
            summary.add, summary.change, summary.adopt, summary.delete, summary.unmanaged
        )
    };
    if summary.handoffs > 0 {
        line.push_str(&counted(summary.handoffs, "handoff"));
    }
    if !plan.empty {
        match summary.deliveries {
            0 => {}
            1 => line.push_str(" 1 delivery."),
            deliveries => {
                let _ = write!(line, " {deliveries} deliveries.");
            }
        }
        if summary.retain > 0 {
            let _ = write!(line, " {} to retain.", summary.retain);
        }
        if !plan.blocked.is_empty() {
            let _ = write!(line, " {} stopped by errors.", plan.blocked.len());
        }
        let risks: Vec<String> =
            plan.risks.iter().rev().map(|(risk, count)| format!("{count} {risk}")).collect();
        if !risks.is_empty() {
            let _ = write!(line, " Risks: {}.", risks.join(", "));
        }
    }
    line.push('\n');
    line
}

fn step_text(text: &mut String, step: &StepDocument) {
    let ikey = step.integration_key.as_ref().map(|ikey| format!(" {}", safe(ikey))).unwrap_or_default();
    let _ = writeln!(
        text,
        "{} {}  {} ({}){ikey}",
        sign(step.action, PLAIN),
        safe(&step.address),
        quoted(&step.name),
        safe(&step.kind)
    );
    let widths = step.changes.iter().map(|change| change.field.chars().count());
    let width = widths.max().unwrap_or_default().min(32);
    for change in &step.changes {
        change_text(text, change, step.action == Action::Create, width);
    }
    if let Some(delivery) = &step.delivery {
        let verb = if step.action == Action::Deliver { "" } else { "delivers its keys " };
        let _ = writeln!(text, "    {verb}to {}: {}", safe(&delivery.place), safe(&delivery.reason));
    }
    for risk in &step.drift {
        let _ = writeln!(text, "    ! drift, {}: as it is now, {}", risk.risk, safe(&risk.reason));
    }
    for risk in &step.risks {
        let _ = writeln!(text, "    ! {}: {}", risk.risk, safe(&risk.reason));
    }
    for line in &step.price {
        let _ = writeln!(text, "    ! price: {}", safe(line));
    }
    if step.made_by.is_some() {
        let _ = writeln!(text, "    {}", plan_text::BY_SECOND);
    }
    if let Some(affected) = &step.affected {
        affected_text::render(text, affected, PLAIN);
    }
    text.push('\n');
}

/// How many addresses were left out, the first few of them, and for how many there would be something to do.
fn left_out_sentence(plan: &PlanDocument) -> Option<String> {
    let addresses = |all: &[String]| all.iter().map(Address::new).collect();
    plan_text::left_out_of(&addresses(&plan.left_out_addresses), &addresses(&plan.left_out_pending))
}

fn change_text(text: &mut String, change: &ChangeDocument, creating: bool, width: usize) {
    let change = Change {
        field: change.field.clone(),
        before: change.before.clone(),
        after: change.after.clone(),
        origin: change.origin,
        risk: change.risk,
        // Reasons are shown with the step.
        reason: "",
        drift: None,
    };
    change_text::render(text, &change, creating, width, PLAIN);
}

fn handoff_text(text: &mut String, handoff: &HandoffDocument) {
    let _ = writeln!(
        text,
        "* handoff {}\n    {}; {}",
        safe(&handoff.address),
        safe(&handoff.place),
        handoff_state(handoff)
    );
    let fields: Vec<_> = handoff.fields.iter().filter(|field| field.outstanding).collect();
    let left = handoff.fields.len() - fields.len();
    if left > 0 && handoff.purpose == Purpose::Enter {
        let names: Vec<String> = fields.iter().map(|field| safe(&field.label)).collect();
        let stay = if left == 1 { "field stays as it is" } else { "fields stay as they are" };
        let _ = writeln!(text, "    enter again: {}; the other {left} {stay}", names.join(", "));
    }
    let width = fields.iter().map(|field| field.label.chars().count()).max().unwrap_or_default();
    let mut tab = "";
    for field in &fields {
        if field.tab != tab {
            tab = &field.tab;
            let _ = writeln!(text, "    {}", safe(tab));
        }
        let value = console_value(field, short_name(handoff));
        let _ = writeln!(text, "      {:width$}  {value}", safe(&field.label));
    }
    let attest = (handoff.fingerprint.is_some() && !fields.is_empty())
        .then(|| format!("duoctl attest {}", short_name(handoff)));
    let prune = (handoff.purpose == Purpose::Remove).then(|| "duoctl apply --prune".to_owned());
    for (number, step) in handoff.then.iter().chain(&attest).chain(&prune).enumerate() {
        let _ = writeln!(text, "    {}. {}", number + 1, safe(step));
    }
    text.push('\n');
}

/// The name of an entry as people type it.
pub fn short_name(handoff: &HandoffDocument) -> &str {
    handoff.address.rsplit('.').next().unwrap_or_default()
}

/// Where the attestation stands, in words.
fn handoff_state(handoff: &HandoffDocument) -> String {
    let removed = handoff.purpose == Purpose::Remove;
    let Some(attested) = &handoff.attested else {
        if removed {
            return "it left the YAML, and nobody has attested yet that it is removed there".to_owned();
        }
        let words = match handoff.fingerprint {
            Some(_) => "nobody has attested yet that the console holds these values",
            None => "some values are known after the apply",
        };
        return words.to_owned();
    };
    let when = Attestation::parse(attested).and_then(|attestation| {
        let at = attestation.at?;
        let by = attestation.by.map(|by| format!(" by {}", safe(&by)));
        Some(format!(", on {at:.0}{}", by.unwrap_or_default()))
    });
    let when = when.unwrap_or_default();
    if !handoff.fields.iter().any(|field| field.outstanding) {
        return format!("{}attested{when}", if removed { "its removal is " } else { "" });
    }
    let fingerprint = attested.split(' ').next().unwrap_or_default();
    format!("attested for older values{when} ({})", safe(fingerprint))
}

/// What to enter into a field of an entry, or where it is to be had.
pub fn console_value(field: &ConsoleFieldDocument, entry: &str) -> String {
    match (&field.value, field.secret) {
        (None, _) => "(known after the apply)".to_owned(),
        (Some(value), false) => safe(value),
        (Some(end), true) => {
            let from = match &field.delivered_to {
                Some(place) => format!("it is delivered to {}", safe(place)),
                None => format!(
                    "copy it from the Duo Admin Panel, or from `duoctl handoff {} --reveal`",
                    safe(entry)
                ),
            };
            if end.is_empty() { from } else { format!("{from}; it ends in {}", safe(end)) }
        }
    }
}

fn orphans(text: &mut String, plan: &PlanDocument) {
    let mut any = false;
    for orphan in &plan.orphans {
        if plan.steps.iter().any(|step| step.integration_key.as_deref() == Some(&orphan.ikey)) {
            continue;
        }
        let state = orphan.quarantined_since.as_ref().map_or_else(
            || {
                let first = if orphan.in_console { "once the console let go of its keys, " } else { "" };
                format!("is owned, but left the YAML; {first}`duoctl apply --prune` quarantines it")
            },
            |since| format!("is quarantined since {}", safe(since)),
        );
        let (address, name, ikey) = (safe(&orphan.address), quoted(&orphan.name), safe(&orphan.ikey));
        let _ = writeln!(text, "? orphan {address}  {name} {ikey} {state}");
        any = true;
    }
    if any {
        text.push('\n');
    }
}

fn who(plan: &PlanDocument) -> String {
    let mut text = String::new();
    for (address, activities) in plan.who.iter().flat_map(|who| &who.by_address) {
        let _ = writeln!(text, "@ who {}", safe(address));
        for activity in activities {
            let from = activity.from.as_deref().unwrap_or("an unknown address");
            let (when, who) = (safe(&activity.when), safe(&activity.who));
            let _ = writeln!(text, "    {when}  {who}  from {}  {}", safe(from), safe(&activity.action));
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn apply_text(apply: &ApplyDocument) -> String {
    let mut text = diagnostics(&apply.plan.diagnostics);
    text.push_str(&plan_text(&apply.plan, "Refused; nothing was changed:"));
    for outcome in &apply.steps {
        let _ = writeln!(text, "{}", outcome_line(outcome));
    }
    for normalised in &apply.normalised {
        let _ = writeln!(
            text,
            "note {}: Duo keeps `{}` as {} instead of {}",
            safe(&normalised.address),
            safe(&normalised.field),
            shown(&normalised.kept),
            shown(&normalised.sent)
        );
    }
    text.push_str(&apply_line(apply));
    if let Some(left) = apply.left.as_ref().filter(|left| !left.steps.is_empty()) {
        text.push_str("\nAfter the apply the account still differs:\n");
        text.push_str(&plan_text(left, ""));
    }
    if let Some(verify) = &apply.verify {
        let _ = write!(text, "\n{}", verify_text(verify));
    }
    text
}

/// One step in the past tense.
pub fn outcome_line(outcome: &OutcomeDocument) -> String {
    let status = match (outcome.status.as_str(), outcome.action) {
        ("applied", Action::Create) => "created",
        ("applied", Action::Update) => "updated",
        ("applied", Action::Adopt) => "adopted",
        ("applied", Action::Replace) => "replaced",
        ("applied", Action::Quarantine) => "quarantined",
        ("applied", Action::Delete) => "deleted",
        ("applied", Action::Deliver) => "delivered",
        ("applied", Action::Retain) => "retained",
        ("moved", _) => "not sent",
        ("partly_applied", _) => "partly applied",
        ("not_delivered", _) => "not delivered",
        ("not_proven", _) => "not proven",
        ("rolled_back", _) => "rolled back",
        ("rolled_back_not_proven", _) => "rolled back, NOT PROVEN",
        ("not_rolled_back", _) => "NOT ROLLED BACK",
        ("not_attempted", _) => "not attempted",
        _ => "failed",
    };
    let mut line = format!("{status} {}", safe(&outcome.address));
    if let Some(ikey) = &outcome.integration_key {
        let _ = write!(line, " {}", safe(ikey));
    }
    if let Some(reason) = &outcome.reason {
        let _ = write!(line, ": {}", safe(reason));
    }
    line
}

/// How many steps were done, or why none was.
pub fn apply_line(apply: &ApplyDocument) -> String {
    if apply.steps.is_empty() {
        return match (apply.plan.refusals.is_empty(), apply.plan.steps.is_empty()) {
            (false, _) => "Refused; nothing was changed.\n".to_owned(),
            (true, false) => "Not approved; nothing was changed.\n".to_owned(),
            (true, true) => "Nothing to apply.\n".to_owned(),
        };
    }
    let mut line = format!("Applied: {} of {} steps", apply.summary.applied, apply.steps.len());
    if apply.summary.failed > 0 {
        let _ = write!(line, ", {} failed", apply.summary.failed);
    }
    if apply.summary.not_attempted > 0 {
        let _ = write!(line, ", {} not attempted", apply.summary.not_attempted);
    }
    line.push_str(".\n");
    line
}

/// Whether the YAML is valid, and how many findings there are.
pub fn validate_line(validate: &ValidateDocument) -> String {
    let counted = ["error", "warning", "note"].into_iter().filter_map(|severity| {
        let count = validate.diagnostics.iter().filter(|found| found.severity == severity).count();
        let plural = if count == 1 { "" } else { "s" };
        (count > 0).then(|| format!("{count} {severity}{plural}"))
    });
    let counts: Vec<String> = counted.collect();
    let counts = if counts.is_empty() { "no problems".to_owned() } else { counts.join(", ") };
    format!("{}: {counts}.\n", if validate.valid { "Valid" } else { "Not valid" })
}

fn failure_text(failure: &FailureDocument) -> String {
    let mut text = diagnostics(&failure.diagnostics);
    let _ = writeln!(text, "error: {}", safe(&failure.message));
    for line in &failure.help {
        let _ = writeln!(text, "  {}", safe(line));
    }
    text
}
