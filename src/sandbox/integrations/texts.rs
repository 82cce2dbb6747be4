//! Length limits of names, notes and greetings. No source documents any, so each has a switch (duo-api.md, section 3.3).

use super::super::switches::Switches;

/// The most characters of notes.
const NOTES: (usize, usize) = (255, 512);
/// The most characters of names and greetings.
const NAMES: (usize, usize) = (100, 255);

/// Whether Duo accepts a text.
pub(super) fn fits(property: &str, text: &str, switches: &Switches) -> bool {
    let ((short, long), is_short, is_limited) = match property {
        "notes" => (NOTES, switches.short_notes, switches.limit_notes),
        _ => (NAMES, switches.short_names, switches.limit_names),
    };
    let limit = if is_short { short } else { long };
    let fits = text.chars().count() <= limit || !(is_short || is_limited);
    fits && (!switches.plain_texts || is_plain(property, text))
}

fn is_plain(property: &str, text: &str) -> bool {
    match property {
        "name" => !text.trim().is_empty() && !text.contains(char::is_control),
        _ => !text.contains(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r')),
    }
}
