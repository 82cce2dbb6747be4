//! How names are compared everywhere: [`same`] decides; [`alike`] is only used for suggestions and warnings.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::{is_nfc, is_nfkc};
use unicode_script::{Script, UnicodeScript as _};
use unicode_security::skeleton;

use crate::text::is_ignorable;

/// Whether two names are the same: Unicode can spell the same text in several ways.
pub fn same(a: &str, b: &str) -> bool {
    same_key(a) == same_key(b)
}

/// Whether two names look the same to a person, ignoring case, whitespace and invisible characters.
pub fn alike(a: &str, b: &str) -> bool {
    alike_key(a) == alike_key(b)
}

/// The key that names share if they are the [`same`].
pub fn same_key(name: &str) -> String {
    if is_nfc(name) { name.to_owned() } else { name.nfc().collect() }
}

/// The key that names share if they are [`alike`].
pub fn alike_key(name: &str) -> String {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_ascii() {
        // Most names are; looking each character up in tables takes much longer.
        return words(&name.to_ascii_lowercase());
    }
    let visible: String = name.nfd().filter(|c| !is_ignorable(*c)).collect();
    // Upper case first: it joins letters such as the two forms of the small sigma.
    let folded = visible.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    let folded: String = folded.nfc().collect();
    words(&folded)
}

/// Whether `kept` may be what Duo stored for `asked`: cut, with other whitespace, or HTML-escaped (duo-api.md, trap 35).
pub fn may_be_kept_as(asked: &str, kept: &str) -> bool {
    let unescaped = ESCAPED.iter().fold(kept.to_owned(), |text, (escape, plain)| text.replace(escape, plain));
    let asked = alike_key(asked);
    [kept, &unescaped].into_iter().map(alike_key).any(|kept| !kept.is_empty() && asked.starts_with(&kept))
}

/// HTML's escapes; the ampersand is last.
const ESCAPED: [(&str, &str); 5] =
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];

/// The key of texts that are the [`same`] without surrounding whitespace, which Duo may drop (duo-api.md, trap 35).
pub fn bare_key(text: &str) -> String {
    same_key(text.trim())
}

/// Whether a name contains these words next to each other, with anything between and around them.
pub fn mentions(name: &str, words: &str) -> bool {
    let words = spaced(words);
    !words.trim().is_empty() && spaced(name).contains(&words)
}

/// The words of a text as compared by [`alike`], with a space around each.
fn spaced(text: &str) -> String {
    let alike = alike_key(text);
    let words = alike.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(" ".to_owned(), |text, word| text + word + " ")
}

/// A letter in a name that looks like another letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookAlike {
    /// The letter.
    pub letter: char,
    /// The Latin letter that it looks like.
    pub like: char,
}

/// The first letter that imitates a Latin one: in a word that also has Latin letters, or in a word of only such letters
/// while nothing else in the name shows that the other script is intended.
pub fn look_alike(name: &str) -> Option<LookAlike> {
    if name.is_ascii() {
        return None;
    }
    let letters = |word: &str| -> Vec<Letter> { word.nfd().filter_map(Letter::of).collect() };
    let words: Vec<Vec<Letter>> = name.split(|c: char| !c.is_alphanumeric()).map(letters).collect();
    let clear: HashSet<Script> =
        words.iter().flatten().filter(|letter| letter.like.is_none()).map(|letter| letter.script).collect();
    words.iter().find_map(|word| {
        let latin = word.iter().any(|letter| letter.like.is_none() && letter.script == Script::Latin);
        let poses = |letter: &&Letter| latin || !clear.contains(&letter.script);
        let found = word.iter().filter(|letter| letter.like.is_some()).find(poses)?;
        Some(LookAlike { letter: found.letter, like: found.like? })
    })
}

struct Letter {
    letter: char,
    script: Script,
    /// The Latin letter that it looks like but is not.
    like: Option<char>,
}

impl Letter {
    /// Marks and digits have none.
    fn of(letter: char) -> Option<Self> {
        if !letter.is_alphabetic() || unicode_normalization::char::is_combining_mark(letter) {
            return None;
        }
        let script = letter.script();
        // Letters of Latin alphabets are genuine, except variants that differ only in print.
        let own = script == Script::Latin && (is_nfkc(letter.encode_utf8(&mut [0; 4])) || letter < '\u{100}');
        let like = (!own).then(|| likeness(letter)).flatten();
        Some(Self { letter, script, like })
    }
}

fn likeness(letter: char) -> Option<char> {
    let mut text = [0; 4];
    let mut seen = skeleton(letter.encode_utf8(&mut text));
    seen.next().filter(|like| like.is_ascii_alphabetic() && seen.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_has_several_spellings() {
        assert!(same("Équipe", "E\u{301}quipe") && same("VPN", "VPN"));
        assert!(!same("VPN", "vpn") && !same("V\u{200b}PN", "VPN") && !same("A  B", "A B"));
        assert!(!same("VPN ", "VPN"), "Duo keeps groups of both names");
    }

    #[test]
    fn names_that_a_person_cannot_tell_apart_are_alike() {
        for other in [
            "vpn users",
            "VPN  Users",
            "VPN\u{a0}Users ",
            "V\u{200b}PN Users",
            "VPN Us\u{ad}ers",
            "\u{feff}VPN USERS",
        ] {
            assert!(alike("VPN Users", other), "{other:?}");
            assert!(!same("VPN Users", other), "{other:?}");
        }
        assert!(alike("ÉQUIPE", "e\u{301}quipe") && alike("STRASSE", "straße") && alike("ΣΑΣ", "σας"));
        assert!(bare_key("\t E\u{301}quipe \n") == "Équipe" && bare_key("A  B") == "A  B");
        for other in ["VPN User", "VPNUsers", "V P N Users"] {
            assert!(!alike("VPN Users", other), "{other:?}");
        }
    }

    #[test]
    fn duo_cuts_texts_and_makes_no_others_of_them() {
        for kept in ["VPN  Users ", "VPN Use", "VPN Users"] {
            assert!(may_be_kept_as(" VPN Users", kept), "{kept:?}");
        }
        assert!(may_be_kept_as("R&D <x>", "R&amp;D &lt;x&gt;") && !may_be_kept_as("R&D", "R&lt;D"));
        for kept in ["", " ", "VPN Users 2", "PN Users"] {
            assert!(!may_be_kept_as("VPN Users", kept), "{kept:?}");
        }
    }

    #[test]
    fn a_name_mentions_whole_words() {
        for name in [
            "Identity Intelligence",
            "Duo: IDENTITY-intelligence (EMEA)",
            "identity\u{a0} Intelli\u{ad}gence",
        ] {
            assert!(mentions(name, "identity intelligence"), "{name:?}");
        }
        for name in ["Identity of Intelligence", "Identity Intelligences", ""] {
            assert!(!mentions(name, "identity intelligence"), "{name:?}");
        }
        assert!(!mentions("anything", " - "));
    }

    #[test]
    fn a_letter_that_poses_as_a_latin_one_is_found() {
        for (name, letter, like) in [
            ("V\u{420}N", '\u{420}', 'P'),
            ("\u{412}\u{420}N Users", '\u{412}', 'B'),
            ("Engin\u{435}ering", '\u{435}', 'e'),
            ("\u{405}\u{421}\u{41e}\u{420}\u{415}", '\u{405}', 'S'),
            ("VPN \u{410}\u{421}\u{421}\u{415}\u{405}\u{405}", '\u{410}', 'A'),
            ("\u{391}dmins", '\u{391}', 'A'),
            ("\u{ff36}PN", '\u{ff36}', 'V'),
            ("V\u{1d40f}N", '\u{1d40f}', 'P'),
            ("\u{41e}365", '\u{41e}', 'O'),
            ("Caf\u{451}", '\u{435}', 'e'),
        ] {
            assert_eq!(look_alike(name), Some(LookAlike { letter, like }), "{name}");
        }
    }

    #[test]
    fn names_of_every_language_are_as_good_as_any() {
        for name in [
            "VPN Users",
            "Équipe",
            "E\u{301}quipe",
            "Kullanıcılar",
            "Łódź",
            "Straße æther Øst",
            "2ª Planta Nº",
            "VPN Москва",
            "Отдел ВРН",
            "Ομάδα VPN",
            "VPN 利用者",
            "VPNユーザー",
            "직원 VPN",
            "צוות",
            "فريق",
            "Команда-А",
            "ทีม VPN",
            "50 µm",
        ] {
            assert_eq!(look_alike(name), None, "{name}");
        }
    }
}
