//! Country codes: ISO 3166-1 alpha-2.

use crate::diagnostic::{Fix, Help};
use crate::language::shape::{Problem, TextRule};

/// The assigned codes.
macro_rules! codes {
    () => {
        "AD|AE|AF|AG|AI|AL|AM|AO|AQ|AR|AS|AT|AU|AW|AX|AZ|BA|BB|BD|BE|BF|BG|BH|BI|BJ|BL|BM|BN|BO|BQ|BR|BS|BT|BV|BW|BY|BZ|CA|CC|CD|CF|CG|CH|CI|CK|CL|CM|CN|CO|CR|CU|CV|CW|CX|CY|CZ|DE|DJ|DK|DM|DO|DZ|EC|EE|EG|EH|ER|ES|ET|FI|FJ|FK|FM|FO|FR|GA|GB|GD|GE|GF|GG|GH|GI|GL|GM|GN|GP|GQ|GR|GS|GT|GU|GW|GY|HK|HM|HN|HR|HT|HU|ID|IE|IL|IM|IN|IO|IQ|IR|IS|IT|JE|JM|JO|JP|KE|KG|KH|KI|KM|KN|KP|KR|KW|KY|KZ|LA|LB|LC|LI|LK|LR|LS|LT|LU|LV|LY|MA|MC|MD|ME|MF|MG|MH|MK|ML|MM|MN|MO|MP|MQ|MR|MS|MT|MU|MV|MW|MX|MY|MZ|NA|NC|NE|NF|NG|NI|NL|NO|NP|NR|NU|NZ|OM|PA|PE|PF|PG|PH|PK|PL|PM|PN|PR|PS|PT|PW|PY|QA|RE|RO|RS|RU|RW|SA|SB|SC|SD|SE|SG|SH|SI|SJ|SK|SL|SM|SN|SO|SR|SS|ST|SV|SX|SY|SZ|TC|TD|TF|TG|TH|TJ|TK|TL|TM|TN|TO|TR|TT|TV|TW|TZ|UA|UG|UM|US|UY|UZ|VA|VC|VE|VG|VI|VN|VU|WF|WS|YE|YT|ZA|ZM|ZW"
    };
}

/// A country code.
pub(super) static COUNTRY: TextRule =
    TextRule { pattern: concat!("^(", codes!(), ")$"), check: country, numeric: false };

fn is_code(text: &str) -> bool {
    text.len() == 2 && codes!().split('|').any(|code| code == text)
}

fn country(text: &str) -> Result<(), Problem> {
    if is_code(text) {
        return Ok(());
    }
    let upper = text.to_ascii_uppercase();
    let meant = match upper.as_str() {
        "UK" => "GB",
        "EL" => "GR",
        other => other,
    };
    let help = if is_code(meant) {
        Help::from(format!("write `{meant}`")).by(Fix::Write(meant.to_owned()))
    } else {
        "write an ISO 3166-1 code of two capital letters, e.g. `DE`".into()
    };
    Err(Problem::invalid("is not a country code", help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_sorted_and_complete() {
        let codes: Vec<&str> = codes!().split('|').collect();
        // ISO 3166-1 assigns 249 codes.
        assert_eq!(codes.len(), 249);
        assert!(codes.is_sorted_by(|one, two| one < two));
        assert!(
            codes.iter().all(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
        );
    }

    #[test]
    fn a_country_is_a_code_in_capital_letters() {
        for (text, help) in [
            ("de", "write `DE`"),
            ("UK", "write `GB`"),
            ("XX", "write an ISO 3166-1 code of two capital letters, e.g. `DE`"),
            ("Germany", "write an ISO 3166-1 code of two capital letters, e.g. `DE`"),
            ("AD|AE", "write an ISO 3166-1 code of two capital letters, e.g. `DE`"),
            ("", "write an ISO 3166-1 code of two capital letters, e.g. `DE`"),
        ] {
            assert_eq!(country(text).unwrap_err().help.text, help, "{text}");
        }
        assert_eq!(country("DE"), Ok(()));
    }
}
