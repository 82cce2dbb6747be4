//! What `keys rotate`, `keys confirm` and `keys abort` plan and do, for people.

use std::fmt::Write as _;

use crate::output::document::KeyChangesDocument;
use crate::output::paint::Paint;
use crate::text::{counted, safe};

use super::{apply, list, plan};

/// The planned steps, their outcome, and what remains.
pub(super) fn render(changes: &KeyChangesDocument, paint: Paint) -> String {
    let mut text = planned(changes, paint);
    for outcome in &changes.steps {
        let _ = writeln!(text, "{}", apply::line(outcome, paint));
    }
    text.push_str(&changed(changes, paint));
    text
}

/// The steps that are planned.
pub(crate) fn planned(changes: &KeyChangesDocument, paint: Paint) -> String {
    changes.planned.iter().map(|step| plan::step(step, paint)).collect()
}

/// What remains after the steps, and the last line.
pub(crate) fn changed(changes: &KeyChangesDocument, paint: Paint) -> String {
    let mut text = list::rotations(&changes.rotations, paint);
    if !changes.retired.is_empty() {
        let old = counted(changes.retired.len(), "old application is", "old applications are");
        let _ = writeln!(text, "{old} out of use; `duoctl apply --prune` deletes it later");
    }
    let _ = writeln!(text, "{}", changes.last_line());
    text
}

/// Why addresses are not changed, and what the guards refuse; empty if there is nothing to report.
pub(crate) fn refusals(changes: &KeyChangesDocument, paint: Paint) -> String {
    let mut text = String::new();
    if changes.young > 0 {
        let young = counted(changes.young, "key is", "keys are");
        let _ = writeln!(text, "note: {young} younger than --older-than and not rotated");
    }
    if changes.refused() == 0 {
        return text;
    }
    let others = if changes.planned.is_empty() { "nothing was changed" } else { "the others continue" };
    let _ = writeln!(text, "{}; {others}:", paint.bad("refused"));
    for left in &changes.left_alone {
        let _ = writeln!(text, "  ! {}: {}", safe(&left.address), safe(&left.reason));
    }
    for refusal in &changes.refusals {
        let _ = writeln!(text, "  ! {}; {}", safe(&refusal.message), safe(&refusal.lift_words()));
    }
    if let Some(command) = &changes.consent {
        let _ = writeln!(text, "  to consent to all of it:\n    {}", safe(command));
    }
    text
}
