//! Comma-separated values (RFC 4180), for spreadsheets.

use super::document::{COLUMNS, Document, row};
use crate::text::safe;

/// A document as a table; `None` if it is not a table.
pub(super) fn render(document: &Document) -> Option<String> {
    let Document::List(list) = document else { return None };
    let header = line(&COLUMNS.map(str::to_owned));
    Some(list.objects.iter().map(row).map(|row| line(&row)).fold(header, |text, line| text + &line))
}

fn line(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    format!("{}\r\n", cells.join(","))
}

/// One cell. Text that looks like a formula is escaped, because a spreadsheet would evaluate it.
fn cell(text: &str) -> String {
    let text = safe(text);
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_cell_and_no_formula() {
        for (text, expected) in [
            ("VPN", "VPN"),
            ("", ""),
            ("a, b", "\"a, b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=HYPERLINK(1,2)", "\"'=HYPERLINK(1,2)\""),
            ("@SUM", "'@SUM"),
        ] {
            assert_eq!(cell(text), expected);
        }
        assert_eq!(line(&["a".to_owned(), "b,c".to_owned()]), "a,\"b,c\"\r\n");
        assert!(!cell("a\nb").contains('\n'), "a name adds no line");
    }
}
