//! Durations as they are written: `90d`, `12w`, `24h`, and for commands `30s`, `2m`.

use std::time::Duration;

use jiff::SignedDuration;

/// The pattern of an age.
pub const PATTERN: &str = "^[0-9]{1,5}(h|d|w)$";

/// Parses a number of hours, days or weeks.
///
/// # Errors
///
/// What is wrong, as a predicate for the name of the value.
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

/// The pattern of a command's timeout.
pub const TIMEOUT_PATTERN: &str = "^([1-9][0-9]{0,3}s|[1-9][0-9]?m)$";

/// Parses a number of seconds or minutes, below three hours.
///
/// # Errors
///
/// What is wrong, as a predicate for the name of the value.
pub fn timeout(text: &str) -> Result<Duration, String> {
    let wrong = || format!("must be a number of seconds or minutes, such as 30s or 2m, not `{text}`");
    let (number, digits, unit) = match (text.strip_suffix('s'), text.strip_suffix('m')) {
        (Some(number), _) => (number, 4, 1),
        (None, Some(number)) => (number, 2, 60),
        (None, None) => return Err(wrong()),
    };
    let plain = number.len() <= digits && number.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || number.starts_with('0') {
        return Err(wrong());
    }
    number.parse::<u64>().map(|number| Duration::from_secs(number * unit)).map_err(|_| wrong())
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

    #[test]
    fn a_timeout_is_in_seconds_or_minutes_as_its_pattern_says() {
        let schema = serde_json::json!({"pattern": TIMEOUT_PATTERN});
        for (text, seconds) in [
            ("1s", Some(1)),
            ("30s", Some(30)),
            ("2m", Some(120)),
            ("9999s", Some(9999)),
            ("99m", Some(5940)),
        ]
        .into_iter()
        .chain(
            ["", "s", "0s", "30", "1h", "-1s", "1.5s", "01s", "100m", "10000s", " 1s", "٣s"]
                .map(|text| (text, None)),
        ) {
            assert_eq!(timeout(text).ok(), seconds.map(Duration::from_secs), "{text}");
            assert_eq!(jsonschema::is_valid(&schema, &serde_json::json!(text)), seconds.is_some(), "{text}");
        }
    }
}
