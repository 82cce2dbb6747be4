//! "Did you mean": finds the most similar known word.

use std::collections::BTreeSet;

use crate::diagnostic::Help;
use crate::names::alike_key;

/// The most similar word, if it is similar enough to be a typo.
pub fn nearest<'w>(written: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    // A long text is not a typo of a short word, and comparing it would be slow.
    if written.is_empty() || written.len() > 64 {
        return None;
    }
    let written = fold(written);
    words
        .into_iter()
        // Words of a very different length never match, so their distance is not computed.
        .filter(|word| word.len().abs_diff(written.len()) <= allowed(word))
        .map(|word| (strsim::damerau_levenshtein(&written, &fold(word)), word))
        .filter(|(distance, word)| *distance <= allowed(word))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// The help for an unknown word, in words.
pub fn did_you_mean<'w>(written: &str, words: impl IntoIterator<Item = &'w str>) -> Option<String> {
    suggested(written, words).map(|help| help.text)
}

/// The help for an unknown word: the most similar one, or the few that it is a part of.
pub fn suggested<'w>(written: &str, words: impl IntoIterator<Item = &'w str>) -> Option<Help> {
    let words: Vec<&str> = words.into_iter().collect();
    let near = nearest(written, words.iter().copied());
    let found = near.map_or_else(|| longer(written, &words), |word| vec![word]);
    Help::instead(&found)
}

/// The words of which an unknown word is a part, such as `read_log` of `read`; none if they are many.
fn longer<'w>(written: &str, words: &[&'w str]) -> Vec<&'w str> {
    let written = fold(written);
    let parts = |word: &str| fold(word).split(['_', '.']).any(|part| part == written);
    let found: BTreeSet<&str> = words.iter().copied().filter(|word| parts(word)).collect();
    if found.len() <= FEW { found.into_iter().collect() } else { Vec::new() }
}

/// How many words are suggested at once.
const FEW: usize = 3;

/// How many typos are tolerated in a word.
fn allowed(word: &str) -> usize {
    word.len().max(3) / 3
}

/// Ignores case and the kind of dash, the most common typos.
fn fold(word: &str) -> String {
    alike_key(word).replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let words = ["user_access", "groups_allowed", "type", "name"];
        assert_eq!(nearest("user-access", words), Some("user_access"));
        assert_eq!(nearest("userAcces", words), Some("user_access"));
        assert_eq!(nearest("group_allowed", words), Some("groups_allowed"));
        assert_eq!(nearest("tpye", words), Some("type"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest(&"x".repeat(10_000), words), None);
        let permissions = ["read_log", "read_resource", "write_resource", "a_b", "b_a", "c_a", "a_c"];
        let help = |written| did_you_mean(written, permissions);
        assert_eq!(help("write"), Some("did you mean `write_resource`?".to_owned()));
        assert_eq!(help("read"), Some("did you mean `read_log` or `read_resource`?".to_owned()));
        assert_eq!((help("a"), help("everything")), (None, None), "four are too many");
    }
}
