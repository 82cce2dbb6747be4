//! JSON for machines.

use std::fmt::Write as _;

use serde::Serialize;

use crate::text::is_harmful;

/// A document on several lines.
///
/// Characters that a terminal would interpret are escaped as JSON allows, so the document means the same.
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
        // Line breaks occur only between values; inside a text they are already escaped.
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
