//! How names are compared, everywhere: [`same`] decides, [`alike`] only ever suggests and warns.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::is_nfc;

/// Whether two names are the same: Unicode has several spellings of one text.
pub fn same(a: &str, b: &str) -> bool {
    same_key(a) == same_key(b)
}

/// Whether two names look the same to a person: but for case, blanks and characters that cannot be seen.
pub fn alike(a: &str, b: &str) -> bool {
    alike_key(a) == alike_key(b)
}

/// What the names have in common that are the [`same`].
pub fn same_key(name: &str) -> String {
    if is_nfc(name) { name.to_owned() } else { name.nfc().collect() }
}

/// What the names have in common that are [`alike`].
pub fn alike_key(name: &str) -> String {
    let visible: String = name.nfd().filter(|c| !is_ignorable(*c)).collect();
    // Upper case first: it joins letters such as the two forms of the small sigma.
    let folded = visible.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    let folded: String = folded.nfc().collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What texts have in common that are the [`same`] but for the blanks around them, which Duo may drop (duo-api.md, trap 35).
pub fn bare_key(text: &str) -> String {
    same_key(text.trim())
}

/// Whether a name has these words next to each other, whatever is between and around them.
pub fn mentions(name: &str, words: &str) -> bool {
    let words = spaced(words);
    !words.trim().is_empty() && spaced(name).contains(&words)
}

/// The words of a text as they are [`alike`], with a space around each.
fn spaced(text: &str) -> String {
    let alike = alike_key(text);
    let words = alike.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(" ".to_owned(), |text, word| text + word + " ")
}

/// Unicode's property `Default_Ignorable_Code_Point`.
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
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
}
