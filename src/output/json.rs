//! JSON for machines.

use std::fmt::Write as _;

use serde::Serialize;

use crate::text::is_harmful;

/// A document on as many lines as it needs.
///
/// What a terminal would obey is escaped as JSON has it, so the document means the same.
pub fn text(document: &impl Serialize) -> String {
    harmless(&serde_json::to_string_pretty(document).unwrap_or_default())
}

/// A document on one line.
pub fn line(document: &impl Serialize) -> String {
    harmless(&serde_json::to_string(document).unwrap_or_default())
}

fn harmless(json: &str) -> String {
    let mut text = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        // Line breaks stand between values only: in a text they are escaped already.
        if c != '\n' && is_harmful(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text.push('\n');
    text
}
