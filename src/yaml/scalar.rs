//! Plain scalars: which texts are numbers, booleans or null.

use std::borrow::Cow;

use serde_json::Number;

use super::node::Data;

/// A plain scalar by the core schema of YAML 1.2, stricter with numbers.
pub(super) fn plain(text: Cow<'_, str>) -> Data {
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => return Data::Null,
        "true" | "True" | "TRUE" => return Data::Flag(true),
        "false" | "False" | "FALSE" => return Data::Flag(false),
        _ => {}
    }
    match number(&text) {
        Some(number) => Data::Number(number, text.into_owned()),
        None => Data::Text(text.into_owned()),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut characters = digits.chars();
    let leading = characters.next()?;
    if !(leading.is_ascii_digit() || leading == '.') {
        return None;
    }
    let second = characters.next();
    if leading == '0' && second.is_some_and(|second| second.is_ascii_digit()) {
        return None;
    }
    if digits.chars().all(|c| c.is_ascii_digit()) {
        let unsigned = text.strip_prefix('+').unwrap_or(text);
        return unsigned
            .parse::<i64>()
            .map(Number::from)
            .ok()
            .or_else(|| unsigned.parse::<u64>().map(Number::from).ok());
    }
    let only_number = digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'));
    if only_number { text.parse::<f64>().ok().and_then(Number::from_f64) } else { None }
}
