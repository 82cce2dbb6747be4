//! "Did you mean": the nearest of the known words.

use crate::names::alike_key;

/// The word nearest to what was written, if one is near enough to be a slip.
pub fn nearest<'w>(written: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    // A long text is no slip of a short word, and comparing it would cost.
    if written.is_empty() || written.len() > 64 {
        return None;
    }
    let written = fold(written);
    words
        .into_iter()
        // A word of quite another length is never near, and its distance need not be computed.
        .filter(|word| word.len().abs_diff(written.len()) <= allowed(word))
        .map(|word| (strsim::damerau_levenshtein(&written, &fold(word)), word))
        .filter(|(distance, word)| *distance <= allowed(word))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// The help for a word that is not known.
pub fn did_you_mean<'w>(written: &str, words: impl IntoIterator<Item = &'w str>) -> Option<String> {
    nearest(written, words).map(|word| format!("did you mean `{word}`?"))
}

/// How many slips still make it the same word.
fn allowed(word: &str) -> usize {
    word.len().max(3) / 3
}

/// Case and the kind of dash are the commonest slips of all.
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
