//! Console sheets for tickets.

use std::fmt::Write as _;

use super::text::span;
use crate::output::document::HandoffDocument;
use crate::output::human::console::{state, steps, unknown, where_it_is};
use crate::reconcile::handoff::Purpose;
use crate::text::safe;

/// The whole form.
pub(super) fn sheet(handoff: &HandoffDocument) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "## {}\n", cell(&handoff.address));
    let _ = writeln!(text, "{}; {}.\n", cell(&handoff.place), cell(&state(handoff)));
    let wanted = if handoff.purpose == Purpose::Remove { "to look for" } else { "to enter" };
    let _ = writeln!(text, "| tab | field | value | {wanted} |\n|---|---|---|---|");
    for field in &handoff.fields {
        let value = match &field.value {
            None => cell(&unknown(field)),
            Some(end) if field.secret => where_it_is(field, handoff, &code(end), cell),
            Some(value) => code(value),
        };
        let enter = if field.outstanding { "yes" } else { "as it is" };
        let _ = writeln!(text, "| {} | {} | {value} | {enter} |", cell(&field.tab), cell(&field.label));
    }
    text.push('\n');
    for (number, (step, is_command)) in steps(handoff).iter().enumerate() {
        let step = if *is_command { code(step) } else { cell(step) };
        let _ = writeln!(text, "{}. {step}", number + 1);
    }
    text
}

/// Text that Markdown reads neither as markup nor as the end of a cell.
fn cell(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in safe(text).chars() {
        if matches!(c, '\\' | '|' | '*' | '_' | '[' | ']' | '<' | '`' | '#' | '~' | '&') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Text to be copied verbatim; empty text stays empty.
fn code(text: &str) -> String {
    let text = safe(text);
    if text.is_empty() { text } else { span(&text).replace('|', "\\|") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_no_markup() {
        assert_eq!(cell("a|b_c <x> `d`"), "a\\|b\\_c \\<x> \\`d\\`");
        assert_eq!(code("Duo|EMEA"), "`Duo\\|EMEA`");
        assert_eq!(code("a``b`"), "``` a``b` ```");
        assert_eq!(code("a\nb"), "`a\\u{a}b`");
    }
}
