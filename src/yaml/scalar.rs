//! Plain scalars: decides which are numbers, booleans or null.

use std::borrow::Cow;

use serde_json::Number;

use super::node::Data;

/// Reads a plain scalar by the core schema of YAML 1.2 (10.3.2), as editors do for the JSON schema.
pub fn plain(text: Cow<'_, str>) -> Data {
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

/// Reads a number by the core schema. JSON has no infinity, so that becomes the largest number, which no key accepts.
fn number(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let all = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
            return all.then(|| u64::from_str_radix(digits, radix).map_or_else(|_| largest(), Number::from));
        }
    }
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(largest());
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let (whole, part) =
        mantissa.split_once('.').map_or((mantissa, None), |(whole, part)| (whole, Some(part)));
    let some = !whole.is_empty() || part.is_some_and(|part| !part.is_empty());
    let powered = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    if !some || !powered || !digits(whole) || !part.is_none_or(digits) {
        return None;
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    let whole = (part.is_none() && exponent.is_none()).then(|| {
        text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from)).ok()
    });
    whole.flatten().or_else(|| Number::from_f64(text.parse().ok()?)).or_else(|| Some(largest()))
}

fn largest() -> Number {
    Number::from_f64(f64::MAX).unwrap_or_else(|| Number::from(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::edit::writing;
    use crate::config::format::canonical;
    use crate::yaml::{find, parse};

    /// The core schema, word for word.
    const NUMBERS: [&str; 5] = [
        r"^[-+]?[0-9]+$",
        r"^0o[0-7]+$",
        r"^0x[0-9a-fA-F]+$",
        r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$",
        r"^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$",
    ];

    fn of_key(yaml: &str) -> Option<Data> {
        let Data::Mapping(entries) = parse(0, yaml, &mut Vec::new())?.data else { return None };
        find(&entries, "a").map(|entry| entry.value.data.clone())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

        #[test]
        fn numbers_are_those_of_the_core_schema_everywhere(
            text in "[-+]?(0[xob])?[0-9a-fA-F_.]{0,6}([eE][-+]?[0-9]{0,3})?|[-+]?\\.[infINFaA]{0,3}|[0-9]{1,25}"
        ) {
            let is_number = NUMBERS.iter().any(|pattern| regex::Regex::new(pattern).unwrap().is_match(&text));
            let read = plain(Cow::Borrowed(&text));
            prop_assert_eq!(matches!(read, Data::Number(..)), is_number, "{}", text);
            // Written as text, it is text for this reader and for others, and formatting keeps it text.
            let written = writing::text(&text);
            let yaml = format!("a: {written}\n");
            prop_assert!(matches!(of_key(&yaml), Some(Data::Text(found)) if found == text), "{}", yaml);
            prop_assert!(!is_number || written != text, "{}", written);
            let formatted = canonical(0, &format!("a: '{text}'\n")).unwrap();
            prop_assert!(matches!(of_key(&formatted), Some(Data::Text(found)) if found == text), "{}", formatted);
            if is_number {
                let formatted = canonical(0, &format!("a: {text}\n")).unwrap();
                prop_assert!(matches!(of_key(&formatted), Some(Data::Number(_, found)) if found == text), "{}", formatted);
            }
        }
    }
}
