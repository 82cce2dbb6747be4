//! What `accept`, `adopt`, `ignore` and `attest` wrote into the YAML, for people.

use std::fmt::Write as _;

use crate::output::document::{EditDocument, EditedDocument};
use crate::output::paint::Paint;
use crate::text::{one_line, safe};

/// The values that were written, and the last line.
pub(super) fn render(edit: &EditDocument, paint: Paint) -> String {
    let lines: String = edit.edits.iter().map(|edited| line(edited, paint)).collect();
    format!("{lines}{}\n", edit.last_line())
}

fn line(edited: &EditedDocument, paint: Paint) -> String {
    let EditedDocument { address, field, before, after, .. } = edited;
    let (sign, value) = match (before.is_null(), after.is_null()) {
        (true, _) => (paint.good("+"), one_line(after)),
        (false, true) => (paint.bad("-"), one_line(before)),
        (false, false) => (paint.notice("~"), format!("{} -> {}", one_line(before), one_line(after))),
    };
    let address =
        if address.is_empty() { String::new() } else { format!("{} ", paint.strong(&safe(address))) };
    format!("{sign} {address}{}  {value}\n", safe(field))
}

/// What was not written, and why; a command says so on stderr.
pub(crate) fn left_alone(edit: &EditDocument, paint: Paint) -> String {
    let mut text = String::new();
    for left in edit.refused.iter().chain(&edit.unchanged) {
        let _ = writeln!(text, "{} {}: {}", paint.notice("!"), safe(&left.address), safe(&left.reason));
    }
    text
}
