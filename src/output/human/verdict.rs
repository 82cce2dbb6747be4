//! The result of one check, for people.

use std::fmt::Write as _;

use crate::output::paint::Paint;
use crate::text::safe;
use crate::verify::report::{Check, Verdict};

/// What to do, line by line.
pub(super) fn fix(text: &mut String, check: &Check, indent: &str) {
    for line in check.fix.iter().flat_map(|fix| fix.lines()) {
        let _ = writeln!(text, "{indent}{}", safe(line));
    }
}

/// A verdict in its colour.
pub(super) fn word(verdict: Verdict, paint: Paint) -> String {
    match verdict {
        Verdict::Verified => paint.good(verdict.words()),
        Verdict::Shown | Verdict::Attested => paint.calm(verdict.words()),
        Verdict::NotTestable | Verdict::NotVerifiable | Verdict::Unsupported | Verdict::Skipped => {
            paint.faint(verdict.words())
        }
        Verdict::Pending | Verdict::Inconclusive => paint.notice(verdict.words()),
        Verdict::Failed => paint.bad(verdict.words()),
    }
}
