//! Makes the output of a store's command safe to show. It is searched for secrets, because the command was given one.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

use crate::duo::sign::hex;
use crate::secret::Secret;
use crate::text::{bounded, secret_runs};

/// The number of consecutive characters of a secret that give it away.
const TELLING: usize = 8;
/// How much of a command's output is shown.
const SHOWN: usize = 600;

/// The text on one line, without the secrets, anything that looks like one, or control characters.
pub(super) fn masked<'s>(text: &str, secrets: impl Iterator<Item = &'s Secret>) -> String {
    let mut text: Vec<char> = text.trim().chars().collect();
    for secret in secrets {
        for form in forms(secret.expose()) {
            blot(&mut text, &form.chars().collect::<Vec<char>>());
        }
    }
    let mut text: String = text.into_iter().collect();
    for run in secret_runs(&text).into_iter().rev() {
        text.replace_range(run, "***");
    }
    bounded(&text, SHOWN)
}

/// The encodings in which a program may print a text.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned(), hex(secret.as_bytes()), hex(secret.as_bytes()).to_uppercase()];
    // Inside encoded data, a text starts at one of three offsets.
    for before in ["", "x", "xx"] {
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            let skipped = if before.is_empty() { 0 } else { 4 };
            forms.push(engine.encode(format!("{before}{secret}")).chars().skip(skipped).collect());
        }
    }
    forms
}

/// Replaces every run of the text that also occurs in the form, if it is long enough to give the secret away.
fn blot(text: &mut Vec<char>, form: &[char]) {
    let telling = TELLING.min(form.len()).max(1);
    let mut clean = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    while let Some((first, others)) = rest.split_first() {
        let longest = form
            .windows(telling)
            .enumerate()
            .filter(|(_, window)| rest.starts_with(window))
            .map(|(start, _)| {
                let form = form.iter().skip(start);
                rest.iter().zip(form).take_while(|(a, b)| a == b).count()
            })
            .max();
        match longest {
            Some(length) => {
                clean.extend("***".chars());
                rest = rest.get(length..).unwrap_or_default();
            }
            None => {
                clean.push(*first);
                rest = others;
            }
        }
    }
    *text = clean;
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "Zq3vT8mXw1Rb6KdY0pLsHc9NfJgU2aEo5iVt7nQk";

    fn shown(text: &str) -> String {
        masked(text, [Secret::new(KEY)].iter())
    }

    #[test]
    fn a_secret_is_masked_whole_in_part_and_encoded() {
        assert_eq!(shown(&format!("+ echo {KEY}!")), "+ echo ***!");
        let part = |text: &str, from: usize, to: usize| text.get(from..to).unwrap().to_owned();
        assert_eq!(shown(&format!("'{}' '{}'", part(KEY, 0, 12), part(KEY, 20, 40))), "'***' '***'");
        let encoded = BASE64_STANDARD_NO_PAD.encode(format!("key={KEY}\n"));
        assert!(!shown(&encoded).contains(&part(&encoded, 8, 20)), "{}", shown(&encoded));
        let hexed = hex(KEY.as_bytes());
        assert_eq!(shown(&part(&hexed, 0, 30)), "***");
    }

    #[test]
    fn words_stay_and_control_characters_do_not() {
        assert_eq!(shown("age: no such file\n\u{1b}[31m"), "age: no such file\\u{a}\\u{1b}[31m");
        assert_eq!(shown(&"x ".repeat(1000)).chars().count(), 601);
    }

    #[test]
    fn what_looks_like_a_key_is_masked_even_when_it_is_another_one() {
        let none: [Secret; 0] = [];
        assert_eq!(masked(&format!("got {KEY}"), none.iter()), "got ***");
    }
}
