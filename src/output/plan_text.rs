//! A plan for people.

use std::fmt::Write as _;

use serde_json::Value;

use crate::reconcile::diff::{Change, Origin};
use crate::reconcile::guard::Refusal;
use crate::reconcile::handoff::{Handoff, Purpose};
use crate::reconcile::plan::{Action, Plan, Step};

use super::handoff_text;
use super::paint::{Paint, safe};

/// The plan as text, without its problems, which are shown as diagnostics. `context` names tenant and workspace.
pub fn render(plan: &Plan, refusals: &[Refusal], paint: Paint, applying: bool) -> String {
    let mut text = String::new();
    // What goes in a console goes before the applications that it holds; what is entered there comes after they are made.
    let (entered, removed): (Vec<_>, Vec<_>) =
        plan.handoffs().iter().partition(|handoff| handoff.purpose == Purpose::Enter);
    let hand_over = |text: &mut String, handoffs: &[&Handoff]| {
        for handoff in handoffs {
            text.push_str(&handoff_text::outstanding(handoff, paint));
            text.push('\n');
        }
    };
    hand_over(&mut text, &removed);
    for step in plan.steps() {
        step_text(&mut text, step, paint);
    }
    hand_over(&mut text, &entered);
    orphans(&mut text, plan, paint);
    refusals_text(&mut text, refusals, paint, applying);
    if plan.left_out() > 0 {
        let (count, be) = match plan.left_out() {
            1 => ("1 address".to_owned(), "was"),
            count => (format!("{count} addresses"), "were"),
        };
        let _ = writeln!(text, "{count} {be} left out by --only or --exclude.\n");
    }
    text.push_str(&last_line(plan));
    text
}

/// The last line, one, stable.
pub fn last_line(plan: &Plan) -> String {
    let summary = plan.summary();
    if plan.is_empty() {
        let line = "No changes. The account matches the configuration.";
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
    }
}

fn step_text(text: &mut String, step: &Step, paint: Paint) {
    let address = paint.strong(step.address.as_str());
    let _ = write!(
        text,
        "{} {address}  \"{}\" ({})",
        sign(step.action, paint),
        safe(&step.name),
        safe(&step.kind)
    );
    if let Some(ikey) = &step.ikey {
        let _ = write!(text, " {}", paint.faint(&safe(ikey.as_str())));
    }
    text.push('\n');
    let width =
        step.changes.iter().map(|change| change.field.chars().count()).max().unwrap_or_default().min(32);
    for change in &step.changes {
        change_text(text, change, step.action == Action::Create, width, paint);
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
    text.push('\n');
}

fn change_text(text: &mut String, change: &Change, creating: bool, width: usize, paint: Paint) {
    let origin = match change.origin {
        Some(Origin::Drift) => paint.notice("  (drift: changed in Duo)"),
        Some(Origin::Both) => paint.notice("  (changed here and in Duo)"),
        Some(Origin::Config) | None => String::new(),
    };
    let field = safe(&change.field);
    // A replacement shows what its successor keeps, too.
    let alone = creating || change.before == change.after;
    if let (Value::Array(before), Value::Array(after), false) = (&change.before, &change.after, alone) {
        let _ = writeln!(text, "    {field:width$}{origin}");
        for item in before.iter().filter(|item| !after.contains(item)) {
            let _ = writeln!(text, "      {} {}", paint.bad("-"), shown(item));
        }
        for item in after.iter().filter(|item| !before.contains(item)) {
            let _ = writeln!(text, "      {} {}", paint.good("+"), shown(item));
        }
    } else if alone {
        let _ = writeln!(text, "    {field:width$}  {}", shown(&change.after));
    } else {
        let _ = writeln!(
            text,
            "    {field:width$}  {} -> {}{origin}",
            shown(&change.before),
            shown(&change.after)
        );
    }
}

/// A value on one line.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => format!("\"{}\"", safe(text)),
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
            "{} {address}  \"{}\" {} {state}",
            paint.notice("? orphan"),
            safe(&orphan.name),
            orphan.ikey
        );
    }
    if !pending.is_empty() {
        text.push('\n');
    }
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
