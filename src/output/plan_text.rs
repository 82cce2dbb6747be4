//! A plan for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::reconcile::address::Address;
use crate::reconcile::guard::Refusal;
use crate::reconcile::handoff::{Handoff, Purpose};
use crate::reconcile::plan::{Action, Plan, Step};
use crate::reconcile::risk::Risk;

use super::paint::{Paint, quoted, safe};
use super::{affected_text, change_text, handoff_text, rotation_text};

/// What a step says that the second operator makes.
pub(super) const BY_SECOND: &str =
    "made by the second operator, and taken back if duoctl's own key does not work any more";

/// How many of the addresses that were left out are named.
const NAMED: usize = 5;

/// The plan as text, without its problems, which are shown as diagnostics. `context` names tenant and workspace.
pub fn render(plan: &Plan, refusals: &[Refusal], paint: Paint, applying: bool) -> String {
    let mut text = String::new();
    // What leaves a console does so before the applications that it holds; what is entered there comes after they are made.
    let (first, last): (Vec<_>, Vec<_>) =
        plan.handoffs().iter().partition(|handoff| comes_first(handoff, plan));
    let hand_over = |text: &mut String, handoffs: &[&Handoff]| {
        for handoff in handoffs {
            text.push_str(&handoff_text::outstanding(handoff, paint));
            text.push('\n');
        }
    };
    hand_over(&mut text, &first);
    for (index, step) in plan.steps().iter().enumerate() {
        step_text(&mut text, step, paint);
        price_text(&mut text, plan.price(index), paint);
        if plan.is_by_second(step) {
            let _ = writeln!(text, "    {BY_SECOND}");
        }
        if let Some(affected) = plan.affected(index) {
            affected_text::render(&mut text, affected, paint);
        }
        text.push('\n');
    }
    hand_over(&mut text, &last);
    if let Some(survey) = plan.survey() {
        affected_text::survey(&mut text, survey, paint);
    }
    orphans(&mut text, plan, paint);
    if !plan.rotations().is_empty() {
        text.push_str(&rotation_text::render(plan.rotations(), paint));
        text.push('\n');
    }
    retired(&mut text, plan, paint);
    refusals_text(&mut text, refusals, paint, applying);
    left_out(&mut text, plan);
    text.push_str(&last_line(plan));
    text
}

/// Whether a handoff has to be carried out before a step of the plan.
fn comes_first(handoff: &Handoff, plan: &Plan) -> bool {
    let waits = |step: &Step| {
        step.risks().contains_key(&Risk::BreaksHandoff)
            && step.address.composite().is_some_and(|(entry, _)| entry == handoff.address)
    };
    handoff.purpose == Purpose::Remove || plan.steps().iter().any(waits)
}

/// The last line, one, stable.
pub fn last_line(plan: &Plan) -> String {
    let summary = plan.summary();
    if plan.is_empty() {
        let line = match plan.left_out() {
            0 => "No changes. The account matches the configuration.",
            _ => "No changes. What was selected matches the configuration.",
        };
        return match summary.handoffs {
            0 => format!("{line}\n"),
            handoffs => format!("{line} {}.\n", counted(handoffs, "handoff")),
        };
    }
    let mut line = format!(
        "Plan: {} to add, {} to change, {} to adopt, {} to delete. {} unmanaged.",
        summary.add, summary.change, summary.adopt, summary.delete, summary.unmanaged
    );
    if summary.handoffs > 0 {
        let _ = write!(line, " {}.", counted(summary.handoffs, "handoff"));
    }
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
    if !plan.blocked().is_empty() {
        let _ = write!(line, " {} stopped by errors.", plan.blocked().len());
    }
    for (title, risks) in [("Drift", plan.drift()), ("Risks", plan.risks())] {
        let risks: Vec<String> = risks.iter().rev().map(|(risk, count)| format!("{count} {risk}")).collect();
        if !risks.is_empty() {
            let _ = write!(line, " {title}: {}.", risks.join(", "));
        }
    }
    line.push('\n');
    line
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The sign and the word of an action.
pub fn sign(action: Action, paint: Paint) -> String {
    match action {
        Action::Create => paint.good("+ create"),
        Action::Update => paint.notice("~ update"),
        Action::Adopt => paint.calm("> adopt"),
        Action::Replace => paint.bad("-/+ replace"),
        Action::Quarantine => paint.notice("~ quarantine"),
        Action::Delete => paint.bad("- delete"),
        Action::Deliver => paint.calm("* deliver"),
        Action::Rotate => paint.notice("~ rotate"),
        Action::Retain => paint.calm("< retain"),
    }
}

/// One step.
pub fn step(step: &Step, paint: Paint) -> String {
    let mut text = String::new();
    step_text(&mut text, step, paint);
    text.push('\n');
    text
}

fn step_text(text: &mut String, step: &Step, paint: Paint) {
    let address = paint.strong(step.address.as_str());
    let _ =
        write!(text, "{} {address}  {} ({})", sign(step.action, paint), quoted(&step.name), safe(&step.kind));
    if let Some(ikey) = &step.ikey {
        let _ = write!(text, " {}", paint.faint(&safe(ikey.as_str())));
    }
    text.push('\n');
    let width =
        step.changes.iter().map(|change| change.field.chars().count()).max().unwrap_or_default().min(32);
    for change in &step.changes {
        change_text::render(text, change, step.action == Action::Create, width, paint);
    }
    if let Some(delivery) = &step.delivery {
        let verb = if step.action == Action::Deliver { "" } else { "delivers its keys " };
        let _ = writeln!(text, "    {verb}to {}: {}", safe(&delivery.place), safe(&delivery.reason));
    }
    for (risk, reason) in step.drift() {
        let _ = writeln!(text, "    {} as it is now, {reason}", paint.bad(&format!("! drift, {risk}:")));
    }
    for (risk, reason) in step.risks() {
        let _ = writeln!(text, "    {} {reason}", paint.bad(&format!("! {risk}:")));
    }
}

fn price_text(text: &mut String, price: &[String], paint: Paint) {
    for line in price {
        let _ = writeln!(text, "    {} {}", paint.bad("! price:"), safe(line));
    }
}

/// What a partial run does not look at.
pub fn left_out(text: &mut String, plan: &Plan) {
    if let Some(sentence) = left_out_sentence(plan) {
        let _ = writeln!(text, "{sentence}\n");
    }
}

/// How many addresses were left out, the first few of them, and for how many there would be something to do.
pub fn left_out_sentence(plan: &Plan) -> Option<String> {
    left_out_of(plan.left_out_addresses(), plan.left_out_pending())
}

/// The same of the addresses themselves.
pub fn left_out_of(left_out: &BTreeSet<Address>, pending: &BTreeSet<Address>) -> Option<String> {
    let (count, be) = match left_out.len() {
        0 => return None,
        1 => ("1 address".to_owned(), "was"),
        count => (format!("{count} addresses"), "were"),
    };
    let mut named: Vec<String> = left_out.iter().take(NAMED).map(|address| safe(address.as_str())).collect();
    let more = format!("and {} more", left_out.len().saturating_sub(NAMED));
    if left_out.len() > NAMED {
        named.push(more);
    }
    let pending = match pending.len() {
        0 => String::new(),
        pending => format!(" {pending} of {} would change.", if left_out.len() == 1 { "it" } else { "them" }),
    };
    let pending = pending.replace("1 of it would", "It would");
    Some(format!("{count} {be} left out by --only or --exclude: {}.{pending}", named.join(", ")))
}

/// A value on one line.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => quoted(text),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => safe(&value.to_string()),
    }
}

fn orphans(text: &mut String, plan: &Plan, paint: Paint) {
    let pending: Vec<_> = plan
        .orphans()
        .iter()
        .filter(|orphan| !plan.steps().iter().any(|step| step.ikey.as_ref() == Some(&orphan.ikey)))
        .collect();
    for orphan in &pending {
        let state = orphan.quarantined_since.as_ref().map_or_else(
            || {
                let first = if orphan.in_console { "once the console let go of its keys, " } else { "" };
                format!("is owned, but left the YAML; {first}`duoctl apply --prune` quarantines it")
            },
            |since| format!("is quarantined since {since}"),
        );
        let address = paint.strong(orphan.address.as_str());
        let _ = writeln!(
            text,
            "{} {address}  {} {} {state}",
            paint.notice("? orphan"),
            quoted(&orphan.name),
            safe(orphan.ikey.as_str())
        );
    }
    if !pending.is_empty() {
        text.push('\n');
    }
}

/// What rotations have put out of use and nothing removes yet.
fn retired(text: &mut String, plan: &Plan, paint: Paint) {
    let going = |ikey| plan.steps().iter().any(|step| step.ikey.as_ref() == Some(ikey));
    let left: Vec<_> = plan.retired().iter().filter(|retired| !going(&retired.ikey)).collect();
    for retired in &left {
        let since = retired.quarantined_since.as_deref().unwrap_or_default();
        retired_line(text, retired.address.as_str(), retired.ikey.as_str(), since, paint);
    }
    if !left.is_empty() {
        text.push('\n');
    }
}

pub(super) fn retired_line(text: &mut String, address: &str, ikey: &str, since: &str, paint: Paint) {
    let _ = writeln!(
        text,
        "{} {}  {} was rotated out on {}; `duoctl apply --prune` deletes it once its quarantine is over",
        paint.faint("? retired"),
        paint.strong(&safe(address)),
        safe(ikey),
        safe(since),
    );
}

fn refusals_text(text: &mut String, refusals: &[Refusal], paint: Paint, applying: bool) {
    if refusals.is_empty() {
        return;
    }
    let title = if applying { "Refused; nothing was changed:" } else { "An apply would be refused:" };
    let _ = writeln!(text, "{}", paint.bad(title));
    for refusal in refusals {
        let _ = writeln!(text, "  ! {}: {}", refusal.guard, safe(&refusal.message));
        let lift = match &refusal.lift {
            Some(lift) if lift.starts_with("--") => format!("to allow it: {lift}"),
            Some(lift) => format!("to allow it: {lift}"),
            None => "nothing lifts this guard".to_owned(),
        };
        let _ = writeln!(text, "      {}", safe(&lift));
    }
    text.push('\n');
}
