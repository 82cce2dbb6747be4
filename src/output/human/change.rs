//! One change of a plan for people: values on one line, lists element by element, multi-line texts as a diff.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::output::document::ChangeDocument;
use crate::output::paint::Paint;
use crate::reconcile::diff::Origin;
use crate::text::{one_line, safe};

/// How many lines of one text are shown.
const MOST_LINES: usize = 100;

/// Time limit for comparing two texts; after it, the rest is shown as replaced.
const COMPARING: Duration = Duration::from_millis(200);

/// How many unchanged lines are shown around changed ones.
const CONTEXT: usize = 2;

/// Adds the change. New values, and values that a replacement keeps, are shown without a comparison.
pub(crate) fn render(text: &mut String, change: &ChangeDocument, creating: bool, width: usize, paint: Paint) {
    let origin = match change.origin {
        Some(Origin::Drift) => paint.notice("  (drift: changed in Duo)"),
        Some(Origin::Both) => paint.notice("  (changed here and in Duo)"),
        Some(Origin::Unknown) => paint.notice("  (who changed it is unknown)"),
        Some(Origin::Config) | None => String::new(),
    };
    let field = safe(&change.field);
    let alone = creating || change.before == change.after;
    let (before, after) = (&change.before, &change.after);
    if alone {
        match lines(after) {
            Some(lines) => {
                let _ = writeln!(text, "    {field:width$}");
                let all = lines.lines().map(|line| ("|".to_owned(), line.to_owned()));
                listed(text, &all.collect::<Vec<_>>());
            }
            None => {
                let _ = writeln!(text, "    {field:width$}  {}", one_line(after));
            }
        }
    } else if let (Some(before), Some(after)) = (elements(before), elements(after))
        && (change.before.is_array() || change.after.is_array())
    {
        let _ = writeln!(text, "    {field:width$}{origin}");
        for item in before.iter().filter(|item| !after.contains(item)) {
            let _ = writeln!(text, "      {} {}", paint.bad("-"), one_line(item));
        }
        for item in after.iter().filter(|item| !before.contains(item)) {
            let _ = writeln!(text, "      {} {}", paint.good("+"), one_line(item));
        }
    } else if change.field != "name"
        && let (Some(old), Some(new)) = (as_text(before), as_text(after))
        && (lines(before).is_some() || lines(after).is_some())
    {
        let _ = writeln!(text, "    {field:width$}{origin}");
        diff(text, old, new, paint);
    } else {
        let _ = writeln!(text, "    {field:width$}  {} -> {}{origin}", one_line(before), one_line(after));
    }
}

/// A list; null counts as an empty list.
fn elements(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(items) => Some(items),
        Value::Null => Some(&[]),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => None,
    }
}

/// A text; null counts as an empty text.
fn as_text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Null => Some(""),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Lines with their signs, at most [`MOST_LINES`]. Text from outside never starts at the beginning of a line.
fn listed(text: &mut String, lines: &[(String, String)]) {
    for (sign, line) in lines.iter().take(MOST_LINES) {
        let _ = writeln!(text, "      {}", format!("{sign} {}", safe(line)).trim_end());
    }
    if lines.len() > MOST_LINES {
        let _ = writeln!(text, "      ... and {} more lines", lines.len() - MOST_LINES);
    }
}

/// A text of several lines.
fn lines(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| text.contains('\n'))
}

fn diff(text: &mut String, old: &str, new: &str, paint: Paint) {
    // Without a final line break, the last line would differ from the same line elsewhere.
    let whole = |text: &str| {
        if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
    };
    let (old, new) = (whole(old), whole(new));
    let diff = TextDiff::configure().timeout(COMPARING).diff_lines(old.as_str(), new.as_str());
    let mut shown = Vec::new();
    for (index, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if index > 0 {
            shown.push(("...".to_owned(), String::new()));
        }
        for line in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match line.tag() {
                ChangeTag::Delete => paint.bad("-"),
                ChangeTag::Insert => paint.good("+"),
                ChangeTag::Equal => "|".to_owned(),
            };
            shown.push((sign, line.value().trim_end_matches('\n').to_owned()));
        }
    }
    listed(text, &shown);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::risk::Risk;

    fn text(before: Value, after: Value, creating: bool) -> String {
        let origin = Some(Origin::Config);
        let change = ChangeDocument {
            field: "notes".to_owned(),
            before,
            after,
            origin,
            risk: Risk::Neutral,
            reason: String::new(),
            drift: None,
        };
        let mut text = String::new();
        render(&mut text, &change, creating, 5, Paint { on: false });
        text
    }

    #[test]
    fn texts_of_several_lines_are_a_diff() {
        let long = |middle: &str| format!("1\n2\n3\n{middle}\n5\n6\n7\n8\n9\nend");
        insta::assert_snapshot!(text(json!(long("four")), json!(long("4\u{202e}") + "!"), false), @r"
            notes
              | 2
              | 3
              - four
              + 4\u{202e}
              | 5
              | 6
              ...
              | 8
              | 9
              - end
              + end!
        ");
        insta::assert_snapshot!(text(Value::Null, json!("a\nb"), false), @r"
            notes
              + a
              + b
        ");
        insta::assert_snapshot!(text(json!("a\nb"), json!("a"), false), @r"
            notes
              | a
              - b
        ");
        insta::assert_snapshot!(text(Value::Null, json!("a\n\nb"), true), @r"
            notes
              | a
              |
              | b
        ");
        let many = text(Value::Null, json!("x\n".repeat(1 << 20)), false);
        assert!(many.lines().count() == 102 && many.ends_with("... and 1048476 more lines\n"), "{many}");
        assert_eq!(text(json!("a"), json!("b"), false), "    notes  \"a\" -> \"b\"\n");
    }

    #[test]
    fn lists_are_shown_element_by_element() {
        insta::assert_snapshot!(text(json!(["a", "b"]), json!(["b", "c"]), false), @r#"
            notes
              - "a"
              + "c"
        "#);
        insta::assert_snapshot!(text(Value::Null, json!(["a"]), false), @r#"
            notes
              + "a"
        "#);
        insta::assert_snapshot!(text(json!([{"url": "x"}]), Value::Null, false), @r#"
            notes
              - {"url":"x"}
        "#);
    }
}
