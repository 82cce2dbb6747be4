//! "Did you mean": finds the most similar known word.

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

/// The help for an unknown word.
pub fn did_you_mean<'w>(written: &str, words: impl IntoIterator<Item = &'w str>) -> Option<String> {
    nearest(written, words).map(|word| format!("did you mean `{word}`?"))
}

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
    }
}
