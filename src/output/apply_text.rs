//! What became of a plan, for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::apply::deputy::Unfit;
use crate::apply::outcome::{Normalised, Status, StepOutcome, tally};
use crate::duo::explain::causes;
use crate::reconcile::plan::Action;

use super::paint::{Paint, safe};
use super::plan_text::shown;

/// What was not done and why, what Duo made of values, and the count of steps and of outstanding `handoffs`; what was
/// done had its own line already.
pub fn render(outcomes: &[StepOutcome], normalised: &[Normalised], handoffs: usize, paint: Paint) -> String {
    let mut text = String::new();
    for outcome in outcomes.iter().filter(|outcome| !matches!(outcome.status, Status::Applied)) {
        let _ = writeln!(text, "{}", line(outcome, paint));
    }
    let mut said = BTreeSet::new();
    for outcome in outcomes {
        let Status::Failed { error, .. } = &outcome.status else { continue };
        for cause in causes(error) {
            let line = format!("  {}: {}\n", cause.what, cause.fix);
            // A hundred steps that fail alike have one cause.
            if said.insert(line.clone()) {
                text.push_str(&line);
            }
        }
    }
    for normalised in normalised {
        let _ = writeln!(
            text,
            "{} {}: Duo keeps `{}` as {} instead of {}",
            paint.notice("note"),
            normalised.address,
            normalised.field,
            shown(&normalised.kept),
            shown(&normalised.sent)
        );
    }
    let tally = tally(outcomes);
    let _ = write!(text, "Applied: {} of {} steps", tally.applied, outcomes.len());
    if tally.failed > 0 {
        let _ = write!(text, ", {} failed", tally.failed);
    }
    if tally.not_attempted > 0 {
        let _ = write!(text, ", {} not attempted", tally.not_attempted);
    }
    text.push('.');
    match handoffs {
        0 => {}
        1 => text.push_str(" 1 handoff."),
        handoffs => {
            let _ = write!(text, " {handoffs} handoffs.");
        }
    }
    text.push('\n');
    text
}

/// One step in the past tense.
pub fn line(outcome: &StepOutcome, paint: Paint) -> String {
    let address = paint.strong(outcome.address.as_str());
    let ikey = outcome.ikey.as_ref().map(|ikey| format!(" {}", safe(ikey.as_str()))).unwrap_or_default();
    match &outcome.status {
        Status::Applied => {
            let words = if outcome.action == Action::Deliver { "" } else { "; its keys were delivered" };
            let note =
                outcome.note.as_ref().map(|note| format!("{words} {}", safe(note))).unwrap_or_default();
            let second = if outcome.by_second {
                "; the second operator made it, and the first one has proven that it still works"
            } else {
                ""
            };
            format!("{} {address}{ikey}{second}{note}", paint.good(past(outcome.action)))
        }
        Status::NotDelivered(reason) => format!(
            "{} {address}{ikey}: {}; the application is there, and `duoctl apply` delivers its keys",
            paint.bad("not delivered"),
            safe(reason)
        ),
        Status::NotProven(reason) => format!(
            "{} {address}{ikey}: {}; the application that it replaces still serves, and `duoctl apply` goes on",
            paint.bad("not proven"),
            safe(reason)
        ),
        Status::Unfit(unfit) => {
            format!("{} {address}{ikey}: {}", paint.bad("failed"), safe(&unfit_sentence(unfit)))
        }
        Status::RolledBack { seen, proven } => {
            let word = if *proven { "rolled back" } else { "rolled back, NOT PROVEN" };
            format!("{} {address}{ikey}: {}", paint.bad(word), safe(seen))
        }
        Status::NotRolledBack(seen) => {
            format!("{} {address}{ikey}: {}", paint.bad("NOT ROLLED BACK"), safe(seen))
        }
        Status::Moved(what) => {
            format!("{} {address}{ikey}: {}; run `duoctl plan` again", paint.bad("not sent"), safe(what))
        }
        Status::Failed { error, partly } => {
            let done = if *partly { "a part of it was done; " } else { "" };
            let next = if error.is_transient() || error.outcome_unknown() {
                "run `duoctl apply` again to continue"
            } else {
                "mend the cause, then run `duoctl apply` again"
            };
            let unknown = if error.outcome_unknown() { "whether it was done is not known; " } else { "" };
            format!(
                "{} {address}{ikey}: {}; {done}{unknown}{next}",
                paint.bad("failed"),
                safe(&error.to_string())
            )
        }
        Status::NotAttempted(why) => format!("{} {address}{ikey}: {why}", paint.notice("not attempted")),
    }
}

/// Why the second operator did not begin, and what to do.
pub fn unfit_sentence(unfit: &Unfit) -> String {
    format!(
        "the second operator, which changes duoctl's own application, cannot: {}; nothing of it was changed, mend \
         `tenant.credentials.second` or take it out of the YAML",
        unfit.reason
    )
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
