//! Spans of time as people write them: `90d`, `12w`, `24h`.

use jiff::SignedDuration;

/// What every age looks like.
pub const PATTERN: &str = "^[0-9]{1,5}(h|d|w)$";

/// Reads a number of hours, days or weeks.
///
/// # Errors
///
/// What is wrong, as the rest of a sentence that begins with the name of the value.
pub fn parse(text: &str) -> Result<SignedDuration, String> {
    let wrong = || format!("must be a number of hours, days or weeks, such as 24h, 90d or 12w, not `{text}`");
    let hours = match text.chars().last() {
        Some('h') => 1,
        Some('d') => 24,
        Some('w') => 7 * 24,
        _ => return Err(wrong()),
    };
    let number = text.strip_suffix(['h', 'd', 'w']).unwrap_or_default();
    if number.is_empty() || number.len() > 5 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    number.parse::<i64>().map(|number| SignedDuration::from_hours(number * hours)).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_days_and_weeks_are_understood_and_nothing_else() {
        assert_eq!(parse("90d"), Ok(SignedDuration::from_hours(90 * 24)));
        assert_eq!(parse("2w"), parse("14d"));
        assert_eq!(parse("0h"), Ok(SignedDuration::ZERO));
        for text in ["", "d", "90", "-1d", "90 d", "1.5d", "90D", "1y", "999999d", "٣d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
