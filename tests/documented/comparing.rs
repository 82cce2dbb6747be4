//! Whether a command printed what a page shows.

/// Whether a line is the shown one, in which `[..]` stands for any text.
fn matches(shown: &str, printed: &str) -> bool {
    let pieces: Vec<&str> = shown.trim_end().split("[..]").collect();
    let (first, last) = (pieces[0], pieces[pieces.len() - 1]);
    let printed = printed.trim_end();
    if pieces.len() == 1 {
        return first == printed;
    }
    let between = printed.strip_prefix(first).and_then(|rest| rest.strip_suffix(last));
    let mut rest = match between {
        Some(between) => between,
        None => return false,
    };
    pieces[1..pieces.len() - 1].iter().all(|piece| match rest.split_once(piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// The first shown line of a part that the output does not hold, in the order of the parts.
pub(super) fn untrue<'s>(shown: &[&'s str], printed: &str) -> Option<&'s str> {
    let printed: Vec<&str> = printed.trim_end().lines().collect();
    let parts: Vec<&[&str]> = shown.split(|line| line.trim() == "...").collect();
    let last = parts.len() - 1;
    let mut next = 0;
    for (index, part) in parts.iter().enumerate() {
        // Nothing was left out before the first part, nor after the last one, unless dots say so.
        let places = match (index == 0, index == last) {
            (true, true) if part.len() != printed.len() => 0..0,
            (true, _) => 0..1,
            (false, true) if part.is_empty() => continue,
            (false, true) => printed.len().saturating_sub(part.len()).max(next)..printed.len(),
            (false, false) => next..printed.len(),
        };
        let here = |place: &usize| {
            let lines = printed.get(*place..*place + part.len());
            lines.is_some_and(|lines| part.iter().zip(lines).all(|(shown, line)| matches(shown, line)))
        };
        match places.into_iter().find(here) {
            Some(place) => next = place + part.len(),
            None => return part.first().copied().or(Some("(the whole output)")),
        }
    }
    None
}

#[test]
fn what_is_not_printed_is_noticed() {
    let printed = "one\ntwo 22\nthree\nfour\n";
    let found = |shown: &str| untrue(&shown.lines().collect::<Vec<_>>(), printed).map(str::to_owned);
    for shown in
        ["one\ntwo 22\nthree\nfour", "...\nthree\nfour", "one\n...", "...\ntwo [..]\n...\nfour", "..."]
    {
        assert_eq!(found(shown), None, "{shown}");
    }
    assert_eq!(found("one\nthree\n..."), Some("one".to_owned()));
    assert_eq!(found("...\nthree\n...\ntwo 22\n..."), Some("two 22".to_owned()));
    assert_eq!(found("...\nthree"), Some("three".to_owned()), "more is printed after it");
    assert_eq!(found("two [..]\n..."), Some("two [..]".to_owned()), "more is printed before it");
    assert_eq!(found("one"), Some("one".to_owned()));
    assert!(matches("a [..] b [..]!", "a 1 b 2!") && !matches("a [..] b [..]!", "a 1 c 2!"));
}
