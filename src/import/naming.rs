//! Derives addresses from names: readable, unique, and always the same for the same names.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// The maximum length of the last part of an address.
const LONGEST: usize = 64;

/// How many characters of an ID distinguish two objects.
const TAIL: usize = 6;

/// What an address is derived from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    /// The type of an application, the word for other kinds.
    pub(super) kind: &'a str,
    pub(super) id: &'a str,
}

/// The last part of the address of each object of a kind, in order. `taken` are those that the workspace has; `all` is
/// every object of the kind in the account, including imported ones, so that a later import names the rest in the same way.
///
/// Objects whose names give the same address all get their type as a suffix and, if that is not enough, the end of their
/// IDs. None of them keeps the plain address, so the result does not depend on the order.
pub(super) fn addresses(named: &[Named<'_>], all: &[Named<'_>], taken: &BTreeSet<String>) -> Vec<String> {
    let typed_form = |named: &Named<'_>| joined(&base(named), &slug(named.kind));
    let count = |texts: &mut dyn Iterator<Item = String>| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        texts.for_each(|text| *counts.entry(text).or_default() += 1);
        counts
    };
    let plain_counts = count(&mut all.iter().map(base));
    let typed_counts = count(&mut all.iter().map(typed_form));
    let plain: Vec<String> = named.iter().map(base).collect();
    let typed: Vec<String> = named.iter().map(typed_form).collect();
    let free = |text: &String, counts: &BTreeMap<String, usize>| {
        counts.get(text).is_none_or(|count| *count < 2) && !taken.contains(text)
    };
    let mut used = taken.clone();
    let mut chosen: Vec<Option<String>> = vec![None; named.len()];
    // Plain addresses are assigned first, so that a longer one never takes the address of a name that reads the same.
    for (slot, plain) in chosen.iter_mut().zip(&plain) {
        if free(plain, &plain_counts) && used.insert(plain.clone()) {
            *slot = Some(plain.clone());
        }
    }
    for (slot, typed) in chosen.iter_mut().zip(&typed).filter(|(slot, _)| slot.is_none()) {
        if free(typed, &typed_counts) && used.insert(typed.clone()) {
            *slot = Some(typed.clone());
        }
    }
    let mut result = Vec::with_capacity(named.len());
    for ((slot, plain), named) in chosen.into_iter().zip(&plain).zip(named) {
        result.push(slot.unwrap_or_else(|| by_key(plain, named.id, &mut used)));
    }
    result
}

fn by_key(plain: &str, id: &str, used: &mut BTreeSet<String>) -> String {
    let id = slug(id);
    let characters = id.chars().count();
    for length in TAIL..=characters.max(TAIL) {
        let tail: String = id.chars().skip(characters.saturating_sub(length)).collect();
        let address = joined(plain, &tail);
        if used.insert(address.clone()) {
            return address;
        }
    }
    let mut number = 2_u64;
    loop {
        let address = joined(plain, &number.to_string());
        if used.insert(address.clone()) {
            return address;
        }
        number += 1;
    }
}

/// The name as an address, or the type if the name has no usable characters.
fn base(named: &Named<'_>) -> String {
    let from_name = slug(named.name);
    let base = if from_name.is_empty() { slug(named.kind) } else { from_name };
    let base = if base.is_empty() { "application".to_owned() } else { base };
    cut(&base, LONGEST)
}

fn joined(base: &str, end: &str) -> String {
    if end.is_empty() {
        return cut(base, LONGEST);
    }
    let end = cut(end, LONGEST / 2);
    format!("{}-{end}", cut(base, LONGEST - 1 - end.len()))
}

fn cut(text: &str, longest: usize) -> String {
    let short: String = text.chars().take(longest).collect();
    short.trim_end_matches('-').to_owned()
}

/// Lower-case letters without accents, and digits; everything else separates words.
fn slug(text: &str) -> String {
    // ASCII decomposes into itself, and most names are ASCII.
    if text.is_ascii() {
        spelled(text.chars())
    } else {
        spelled(text.nfkd().filter(|c| !is_combining_mark(*c)))
    }
}

fn spelled(characters: impl Iterator<Item = char>) -> String {
    let mut slug = String::new();
    for c in characters {
        let spelled = match c {
            'ß' => "ss",
            'æ' | 'Æ' => "ae",
            'œ' | 'Œ' => "oe",
            'ø' | 'Ø' => "o",
            'ł' | 'Ł' => "l",
            'đ' | 'Đ' | 'ð' | 'Ð' => "d",
            'þ' | 'Þ' => "th",
            'ı' => "i",
            '&' => "-and-",
            '\'' | '\u{2019}' => continue,
            _ => "",
        };
        if !spelled.is_empty() {
            spelled.chars().for_each(|c| push(&mut slug, c));
        } else if c.is_ascii_alphanumeric() || c == '_' {
            push(&mut slug, c.to_ascii_lowercase());
        } else {
            push(&mut slug, '-');
        }
    }
    slug.trim_matches(['-', '_']).to_owned()
}

fn push(slug: &mut String, c: char) {
    if c != '-' || !(slug.is_empty() || slug.ends_with('-')) {
        slug.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[(&str, &str, &str)], taken: &[&str]) -> Vec<String> {
        let named: Vec<Named<'_>> = names.iter().map(|(name, kind, id)| Named { name, kind, id }).collect();
        addresses(&named, &named, &taken.iter().map(|taken| (*taken).to_owned()).collect())
    }

    #[test]
    fn addresses_read_like_the_names() {
        let names = [
            "Büro Zürich",
            "  R&D / Wiki (old) ",
            "Łódź",
            "Straße",
            "Bob's VPN",
            "日本",
            "🔥",
            "\u{7}",
            "--",
            "1Password",
        ];
        let named: Vec<(&str, &str, &str)> =
            names.iter().map(|name| (*name, "radius", "DIAAAAAAAAAAAAAAAAAA")).collect();
        let first = of(named.get(..5).unwrap_or_default(), &[]);
        assert_eq!(first, ["buro-zurich", "r-and-d-wiki-old", "lodz", "strasse", "bobs-vpn"]);
        assert_eq!(of(&[("日本", "radius", "DI1")], &[]), ["radius"]);
        assert_eq!(of(&[("", "", "DI1")], &[]), ["application"]);
        assert_eq!(of(&[("1Password", "x", "DI1")], &[]), ["1password"]);
        let long = of(&[(&"long name ".repeat(20), "x", "DI1")], &[]);
        assert!(long.iter().all(|address| address.len() <= 64 && !address.ends_with('-')));
    }

    #[test]
    fn equal_names_are_told_apart_whatever_their_order() {
        let names = [
            ("VPN", "radius", "DI0000000000000AAAAA"),
            ("vpn", "unix", "DI0000000000000BBBBB"),
            ("VPN!", "radius", "DI0000000000000CCCCC"),
            ("VPN unix", "rdp", "DI1"),
        ];
        let mut forward = of(&names, &[]);
        assert_eq!(forward, ["vpn-0aaaaa", "vpn-0bbbbb", "vpn-0ccccc", "vpn-unix"]);
        let mut reversed = names;
        reversed.reverse();
        let mut backward = of(&reversed, &[]);
        forward.sort();
        backward.sort();
        assert_eq!(forward, backward);
        assert_eq!(of(&[("VPN", "radius", "DI1")], &["vpn"]), ["vpn-radius"]);
    }
}
