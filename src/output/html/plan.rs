//! The page of a plan: what refuses it, its risks, what people have to do, and every step.

use maud::{Markup, html};

use super::page::{
    OFF, Page, Tile, Tone, code, list, problems, prose, said, said_without_signs, section, tag,
};
use crate::diagnostic::Severity;
use crate::kinds::risk::Risk;
use crate::output::document::{
    ChangeDocument, HandoffDocument, Kind, PlanDocument, RiskDocument, StepDocument,
};
use crate::output::human::plan::{WOULD_BE_REFUSED, notes, orphans, remarks, retired, sign, who};
use crate::output::human::{affected, change, console, list as lists};
use crate::output::markdown::{digits, origin, weight};
use crate::reconcile::plan::Action;
use crate::text::{one_line, safe};

/// How many risky steps stand open: a reader who has to look at more of them opens what matters.
const OPEN: usize = 30;

/// The page of a plan, or of what drifted.
pub(super) fn page<'d>(plan: &'d PlanDocument, title: &str) -> Page<'d> {
    let mut sections = gravest(plan, WOULD_BE_REFUSED.trim_end_matches(':'));
    sections.extend([
        handoffs(&plan.handoffs),
        affected(plan),
        steps(&plan.steps, "Changes"),
        also(plan),
        actors(plan),
    ]);
    Page {
        title: title.to_owned(),
        about: [Some(&plan.workspace), Some(&plan.api_hostname)],
        summary: vec![(plan.last_line(), tone(plan))],
        tiles: tiles(plan),
        sections,
        foot: foot(plan),
    }
}

/// Which plan it is, and by what it was made.
pub(super) fn foot(plan: &PlanDocument) -> Markup {
    html! { "Plan " (code(&digits(&plan.fingerprint))) " by duoctl " (safe(&plan.fingerprint.tool_version)) }
}

fn tone(plan: &PlanDocument) -> Tone {
    let broken = plan.diagnostics.iter().any(|found| found.severity == Severity::Error);
    match (broken || !plan.refusals.is_empty(), plan.empty) {
        (true, _) => Tone::Bad,
        (_, true) => Tone::Good,
        (_, false) => Tone::Notice,
    }
}

fn tiles(plan: &PlanDocument) -> Vec<Tile> {
    let summary = plan.summary;
    let mut tiles = vec![
        (summary.add, "to add", Tone::Good),
        (summary.change, "to change", Tone::Notice),
        (summary.adopt, "to adopt", Tone::Calm),
        (summary.delete, "to delete", Tone::Bad),
        (summary.handoffs, if summary.handoffs == 1 { "handoff" } else { "handoffs" }, Tone::Calm),
        (summary.deliveries, if summary.deliveries == 1 { "delivery" } else { "deliveries" }, Tone::Calm),
    ];
    if let Some(drifted) = &plan.drifted {
        tiles.splice(
            0..0,
            [
                (drifted.in_duo.len(), "changed in Duo", Tone::Bad),
                (drifted.pending.len(), "pending", Tone::Notice),
            ],
        );
    }
    tiles.extend(plan.risks.iter().rev().map(|(risk, count)| (*count, risk.name(), risk_tone(*risk))));
    tiles.push((summary.unmanaged, "unmanaged", Tone::Faint));
    tiles
}

/// What is wrong, what refuses the plan, and its risks.
pub(super) fn gravest(plan: &PlanDocument, refused: &str) -> Vec<Markup> {
    let in_duo = plan
        .steps
        .iter()
        .flat_map(|step| step.drift.iter().map(move |risk| (step, risk, "as it is now, ", "")));
    let risks = plan
        .steps
        .iter()
        .flat_map(|step| step.risks.iter().map(move |risk| (step, risk, "", step.undoing(risk))));
    let sorted = |mut found: Vec<_>| {
        found.sort_by_key(|(_, risk, ..): &(_, &RiskDocument, _, _)| std::cmp::Reverse(risk.risk));
        found.into_iter().map(risk_item).collect::<Vec<_>>()
    };
    vec![
        problems(&plan.diagnostics),
        refusals(plan, refused),
        list("Risks of changes made in Duo", sorted(in_duo.collect())),
        list("Risks", sorted(risks.collect())),
    ]
}

fn risk_item((step, risk, before, after): (&StepDocument, &RiskDocument, &str, &str)) -> Markup {
    html! {
        li class=(risk_tone(risk.risk).class()) data-address=(safe(&step.address)) data-kind=(safe(step.what())) data-risk=(risk.risk) {
            (tag(risk.risk.name(), risk_tone(risk.risk))) " " (code(&step.address)) " " (safe(&step.name)) ": "
            (before) (prose(&risk.reason)) (after)
        }
    }
}

fn risk_tone(risk: Risk) -> Tone {
    if risk.is_danger() { Tone::Bad } else { Tone::Notice }
}

fn refusals(plan: &PlanDocument, title: &str) -> Markup {
    let mut items: Vec<Markup> = plan
        .refusals
        .iter()
        .map(|refusal| {
            html! {
                li class="bad" data-address=[refusal.address.as_deref().map(safe)] {
                    (tag(&refusal.guard, Tone::Bad)) " " (prose(&refusal.message))
                    p class="soft" { (prose(&refusal.lift_words())) }
                }
            }
        })
        .collect();
    if let Some(command) = plan.consent.as_ref().filter(|_| !plan.refusals.is_empty()) {
        items.push(html! { li { "to consent to all of it: " pre { (safe(command)) } } });
    }
    items.extend(plan.held_back().map(|sentence| html! { li { (prose(&sentence)) } }));
    list(title, items)
}

/// What a person has to do in consoles.
pub(super) fn handoffs(handoffs: &[HandoffDocument]) -> Markup {
    section("To be done by a person", handoffs.iter().map(|handoff| sheet(handoff, false)))
}

/// A form of a console: the whole of it, or what has to be entered now.
pub(super) fn sheet(handoff: &HandoffDocument, whole: bool) -> Markup {
    let fields = handoff.fields.iter().filter(|field| whole || field.outstanding);
    html! {
        article class="sheet" data-address=(safe(&handoff.address)) {
            (tag("handoff", Tone::Calm)) " " (code(&handoff.address))
            p { (safe(&handoff.place)) "; " (console::state(handoff)) }
            table {
                thead { tr { th { "Tab" } th { "Field" } th { "Value" } } }
                tbody {
                    @for field in fields {
                        tr {
                            td { (safe(&field.tab)) }
                            th scope="row" { (safe(&field.label)) @if whole && field.outstanding { " *" } }
                            td {
                                @if field.secret || field.value.is_none() { (prose(&console::value(field, handoff))) }
                                @else { (code(&console::value(field, handoff))) }
                            }
                        }
                    }
                }
            }
            ol { @for (step, is_command) in console::steps(handoff) { li { @if is_command { (code(&step)) } @else { (prose(&step)) } } } }
        }
    }
}

/// For whom the plan changes something.
pub(super) fn affected(plan: &PlanDocument) -> Markup {
    let mut items: Vec<Markup> = Vec::new();
    for step in &plan.steps {
        let Some(people) = &step.affected else { continue };
        let mut text = String::new();
        affected::render(&mut text, people, OFF);
        items.push(html! {
            li data-address=(safe(&step.address)) data-kind=(safe(step.what())) { (code(&step.address)) " " (safe(&step.name)) (said(&text)) }
        });
    }
    if let Some(survey) = &plan.impact {
        let mut text = String::new();
        affected::survey(&mut text, survey, OFF);
        if !text.is_empty() {
            items.push(html! { li { (said(&text)) } });
        }
    }
    list("Who is affected", items)
}

/// Every step, the riskiest first.
pub(super) fn steps(steps: &[StepDocument], title: &str) -> Markup {
    let mut sorted: Vec<&StepDocument> = steps.iter().collect();
    sorted.sort_by_key(|step| std::cmp::Reverse(weight(step)));
    let is_grave = |step: &StepDocument| {
        step.risks.iter().chain(&step.drift).any(|risk| risk_tone(risk.risk) == Tone::Bad)
    };
    let items = sorted.into_iter().enumerate().map(|(index, it)| step(it, index < OPEN && is_grave(it)));
    section(title, items)
}

fn step(step: &StepDocument, open: bool) -> Markup {
    let mut risks: Vec<Risk> = step.risks.iter().chain(&step.drift).map(|risk| risk.risk).collect();
    risks.sort_unstable_by_key(|risk| std::cmp::Reverse(*risk));
    risks.dedup();
    let names = risks.iter().map(|risk| risk.name()).collect::<Vec<_>>().join(" ");
    let creating = step.action == Action::Create;
    html! {
        details open[open] data-address=(safe(&step.address)) data-kind=(safe(step.what())) data-risk=(names) {
            summary {
                b class=(action_tone(step.action).class()) { (sign(step.action, OFF)) } " "
                (code(&step.address)) " " (safe(&step.name)) " " span class="soft" { "(" (safe(step.what())) ")" }
                @for risk in &risks { " " (tag(risk.name(), risk_tone(*risk))) }
            }
            @if !step.changes.is_empty() {
                table {
                    thead { tr { th { "Field" } @if creating { th { "Value" } } @else { th { "Before" } th { "After" } th {} } } }
                    tbody { @for change in &step.changes { (row(change, creating)) } }
                }
            }
            (said(&remarks(step, OFF)))
            p class="place" {
                @if let Some(ikey) = &step.integration_key { "Integration key " (code(ikey)) " " }
                @if let Some(place) = &step.place { (safe(&place.file)) ":" (place.line) }
            }
        }
    }
}

fn action_tone(action: Action) -> Tone {
    match action {
        Action::Create => Tone::Good,
        Action::Update | Action::Quarantine | Action::Rotate => Tone::Notice,
        Action::Adopt | Action::Deliver | Action::Retain => Tone::Calm,
        Action::Replace | Action::Delete => Tone::Bad,
    }
}

/// One field. Lists and texts of several lines are compared line by line, as on the terminal.
fn row(change: &ChangeDocument, creating: bool) -> Markup {
    let mut text = String::new();
    change::render(&mut text, change, creating, 0, OFF);
    let lines: Vec<&str> = text.lines().skip(1).map(str::trim_start).collect();
    let same = creating || change.before == change.after;
    html! {
        tr {
            th scope="row" { (code(&change.field)) }
            @if !lines.is_empty() {
                td colspan=(if creating { 1 } else { 2 }) { div class="change" { @for line in lines { (compared(line)) } } }
            } @else if same {
                td colspan=(if creating { 1 } else { 2 }) { (one_line(&change.after)) }
            } @else {
                td { del { (one_line(&change.before)) } }
                td { ins { (one_line(&change.after)) } }
            }
            @if !creating { td class="soft" { (origin(change.origin)) } }
        }
    }
}

fn compared(line: &str) -> Markup {
    html! {
        @match line.chars().next() {
            Some('-') => { del { (line) } br; }
            Some('+') => { ins { (line) } br; }
            _ => { (line) br; }
        }
    }
}

/// What else is there, and what was not looked at.
pub(super) fn also(plan: &PlanDocument) -> Markup {
    let text = [orphans(plan, OFF), lists::rotations(&plan.rotations, OFF), retired(plan, OFF), notes(plan)]
        .concat();
    section("Also", (!text.is_empty()).then(|| card(&text)))
}

/// Lines of the terminal on a card.
fn card(text: &str) -> Markup {
    html! { div class="sheet" { (said(text)) } }
}

fn actors(plan: &PlanDocument) -> Markup {
    let text = who(plan, OFF);
    let text = text.trim_end();
    let is_drift = plan.kind == Kind::Drift && !text.is_empty();
    section("Who did it", is_drift.then(|| html! { div class="sheet" { (said_without_signs(text)) } }))
}
