//! The outcome of an apply, for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::apply::deliver::HELD;
use crate::output::document::{ApplyDocument, OutcomeDocument, StepStatus};
use crate::output::paint::Paint;
use crate::reconcile::plan::Action;
use crate::text::{counted, one_line, safe};

use super::many::{MANY, few};
use super::style::Style;
use super::{console, plan, verify};

/// The plan, the outcome of its steps, and the summary.
pub(super) fn render(apply: &ApplyDocument, style: Style) -> String {
    let title = plan::refused(apply.so_far());
    let mut text =
        apply.repaired.iter().map(|done| format!("{}\n", repaired(done, style.paint))).collect::<String>();
    text.push_str(&plan::render(&apply.plan, &title, style.paint));
    // Steps that were never begun are listed at the end.
    let told = |outcome: &&OutcomeDocument| is_told(outcome, apply.steps.len(), style);
    for outcome in
        apply.steps.iter().filter(told).filter(|outcome| outcome.status != StepStatus::NotAttempted)
    {
        let _ = writeln!(text, "{}", line(outcome, style.paint));
    }
    text.push_str(&end(apply, style));
    text
}

/// Steps that were never begun, the causes of failures, values that Duo changed, the last line, remaining work, and what
/// was verified. Each step that was begun had its own line when it ended.
pub(crate) fn end(apply: &ApplyDocument, style: Style) -> String {
    let Style { paint, .. } = style;
    let mut text = summary(apply, style);
    for outcome in apply.steps.iter().filter(|outcome| outcome.status == StepStatus::NotAttempted) {
        let _ = writeln!(text, "{}", line(outcome, paint));
    }
    let mut said = BTreeSet::new();
    for cause in apply.steps.iter().flat_map(|outcome| &outcome.causes) {
        // Many steps may fail for the same cause.
        if said.insert((&cause.what, &cause.fix)) {
            let _ = writeln!(text, "  {}: {}", safe(&cause.what), safe(&cause.fix));
        }
    }
    for normalised in &apply.normalised {
        let _ = writeln!(
            text,
            "{} {}: Duo keeps `{}` as {} instead of {}",
            paint.notice("note"),
            safe(normalised.address.as_str()),
            safe(&normalised.field),
            one_line(&normalised.kept),
            one_line(&normalised.sent)
        );
    }
    let mut left = String::new();
    if let Some(plan) = &apply.left {
        // The plan above could not contain the keys of applications that did not exist yet.
        for handoff in plan.handoffs.iter().filter(|handoff| !apply.plan.handoffs.contains(handoff)) {
            let _ = write!(left, "\n{}", console::outstanding(handoff, paint));
        }
        if !plan.steps.is_empty() {
            let title = paint.notice("After the apply the account still differs:");
            let _ = write!(left, "\n{title}\n{}", super::plan::render(plan, plan::WOULD_BE_REFUSED, paint));
        }
    }
    // If there was nothing to do, the plan already said so.
    let told = !apply.steps.is_empty() || apply.is_refused() || apply.verification_failed();
    let line = if told { format!("{}\n", apply.last_line()) } else { String::new() };
    // Problems come last.
    let (first, second) = if apply.is_complete() { (line, left) } else { (left, line) };
    text.push_str(&first);
    text.push_str(&second);
    if let (Some(verified), Some(line)) = (&apply.verify, apply.verified_line()) {
        let _ = writeln!(text, "\n{}{line}", verify::body(verified, style));
    }
    text
}

/// Whether a step gets its own line when it ends. If there are many, the ones that succeeded are summed up.
pub(crate) fn is_told(outcome: &OutcomeDocument, steps: usize, style: Style) -> bool {
    style.every || steps < MANY || outcome.status != StepStatus::Applied
}

/// How many of the steps without a line of their own were carried out.
fn summary(apply: &ApplyDocument, style: Style) -> String {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for outcome in apply.steps.iter().filter(|outcome| !is_told(outcome, apply.steps.len(), style)) {
        groups.entry(past(outcome.action)).or_default().push(&outcome.address);
    }
    let line = |(past, addresses): (&str, Vec<&str>)| {
        let count = counted(addresses.len(), "application", "applications");
        format!("{} {count}: {}\n", style.paint.good(past), few(addresses))
    };
    groups.into_iter().map(line).collect()
}

/// What was restored before the plan was made.
pub(crate) fn repaired(done: &OutcomeDocument, paint: Paint) -> String {
    let ikey = safe(done.integration_key.as_deref().unwrap_or_default());
    let (word, address) = (paint.good("put back"), paint.strong(&safe(&done.address)));
    format!("{word} {address} {ikey}; the recovery key restored what it had lost")
}

/// One step in the past tense.
pub(crate) fn line(outcome: &OutcomeDocument, paint: Paint) -> String {
    let word = match outcome.status {
        StepStatus::Applied => match &outcome.stage {
            Some(stage) => paint.good(&format!("rotation {}", safe(stage))),
            None => paint.good(past(outcome.action)),
        },
        StepStatus::Moved => paint.bad("not sent"),
        StepStatus::Unconfirmed => paint.bad("not confirmed"),
        StepStatus::PartlyApplied | StepStatus::Failed => paint.bad("failed"),
        StepStatus::NotDelivered => paint.bad("not delivered"),
        StepStatus::NotProven => paint.bad("not proven"),
        StepStatus::RolledBack => paint.bad("rolled back"),
        StepStatus::RolledBackNotProven => paint.bad("rolled back, NOT PROVEN"),
        StepStatus::NotRolledBack => paint.bad("NOT ROLLED BACK"),
        StepStatus::NotAttempted => paint.notice("not attempted"),
    };
    let mut line = format!("{word} {}", paint.strong(&safe(&outcome.address)));
    if let Some(ikey) = &outcome.integration_key {
        let _ = write!(line, " {}", safe(ikey));
    }
    if outcome.status == StepStatus::Applied {
        if outcome.made_by.is_some() {
            line.push_str("; made with the recovery key, and the operator has proven that it still works");
        }
        if let Some(delivered) = &outcome.delivered {
            let words = match outcome.action {
                _ if delivered.starts_with(HELD) => "; its keys were",
                Action::Deliver => "",
                _ => "; its keys were delivered",
            };
            let _ = write!(line, "{words} {}", safe(delivered));
        }
        return line;
    }
    if let Some(reason) = &outcome.reason {
        let _ = write!(line, ": {}", safe(reason));
    }
    if let Some(next) = &outcome.next {
        let _ = write!(line, "; {}", safe(next));
    }
    line
}

fn past(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Adopt => "adopted",
        Action::Replace => "replaced",
        Action::Quarantine => "quarantined",
        Action::Delete => "deleted",
        Action::Deliver => "delivered",
        Action::Rotate => "rotated",
        Action::Retain => "retained",
    }
}
