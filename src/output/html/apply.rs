//! The page of an apply: what was not done, what is left to do, and what became of each step.

use maud::{Markup, html};

use super::page::{OFF, Page, Tone, code, list, prose};
use super::{plan, verify};
use crate::output::document::{ApplyDocument, OutcomeDocument, StepDocument, StepStatus};
use crate::output::human::apply::{line, repaired};
use crate::output::human::plan::refused;
use crate::text::{one_line, safe};

/// The page of an apply.
pub(super) fn page(apply: &ApplyDocument) -> Page<'_> {
    let planned = &apply.plan;
    let good = apply.is_complete() && !apply.is_refused() && !apply.verification_failed();
    let mut summary = vec![(apply.last_line(), if good { Tone::Good } else { Tone::Bad })];
    summary.extend(apply.verify.iter().map(|it| (it.last_line(), verify::tone(it))));
    // What is still to be entered is known now, with the keys of what was created.
    let left = apply.left.as_ref().unwrap_or(planned);
    let begun = !apply.steps.is_empty();
    let mut sections = vec![
        put_back(apply),
        outcomes(&apply.steps, &planned.steps, "Not done", |outcome| outcome.status != StepStatus::Applied),
        plan::handoffs(&left.handoffs),
    ];
    if begun {
        sections.extend(apply.left.as_ref().map(|left| plan::steps(&left.steps, "Left after the apply")));
    }
    sections.extend(plan::gravest(planned, refused(apply.so_far()).trim_end_matches(':')));
    sections.extend(apply.verify.iter().flat_map(verify::sections));
    sections.push(outcomes(&apply.steps, &planned.steps, "Done", |outcome| {
        outcome.status == StepStatus::Applied
    }));
    sections.extend([
        normalised(apply),
        plan::affected(planned),
        plan::steps(&planned.steps, "Planned changes"),
        plan::also(planned),
    ]);
    Page {
        title: "duoctl apply".to_owned(),
        about: [Some(&planned.workspace), Some(&planned.api_hostname)],
        summary,
        tiles: vec![
            (apply.summary.applied, "applied", Tone::Good),
            (apply.summary.failed, "failed", Tone::Bad),
            (apply.summary.not_attempted, "not attempted", Tone::Notice),
            (left.handoffs.len(), if left.handoffs.len() == 1 { "handoff" } else { "handoffs" }, Tone::Calm),
        ],
        sections,
        foot: plan::foot(planned),
    }
}

fn put_back(apply: &ApplyDocument) -> Markup {
    list("Put back", apply.repaired.iter().map(|done| html! { li { (prose(&repaired(done, OFF))) } }))
}

/// The steps that ended in some way, as the terminal says it, and what may be behind those that failed.
pub(super) fn outcomes(
    outcomes: &[OutcomeDocument],
    planned: &[StepDocument],
    title: &str,
    wanted: impl Fn(&OutcomeDocument) -> bool,
) -> Markup {
    let kind =
        |address: &str| planned.iter().find(|step| step.address == address).map(|step| safe(step.what()));
    let items = outcomes.iter().filter(|outcome| wanted(outcome)).map(|outcome| {
        let tone = match outcome.status {
            StepStatus::Applied => Tone::Good,
            StepStatus::NotAttempted => Tone::Notice,
            _ => Tone::Bad,
        };
        html! {
            li class=(tone.class()) data-address=(safe(&outcome.address)) data-kind=[kind(&outcome.address)] {
                (prose(&line(outcome, OFF)))
                @for cause in &outcome.causes { p class="soft" { (prose(&cause.what)) ": " (prose(&cause.fix)) } }
            }
        }
    });
    list(title, items)
}

fn normalised(apply: &ApplyDocument) -> Markup {
    let items = apply.normalised.iter().map(|it| {
        html! {
            li data-address=(safe(it.address.as_str())) {
                (code(it.address.as_str())) ": Duo keeps " (code(&it.field)) " as " (one_line(&it.kept)) " instead of " (one_line(&it.sent))
            }
        }
    });
    list("Kept in another form", items)
}
