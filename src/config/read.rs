//! Reads typed values from the nodes of a tree. Invalid values are left out: they are reported already.

use jiff::SignedDuration;

use crate::diagnostic::Spanned;
use crate::language::age;
use crate::yaml::{Data, Entry, Node, find};

use super::model::{Exception, Ignore, SecretTarget};

/// The text of a node, with its place.
pub(super) fn text(node: &Node) -> Option<Spanned<String>> {
    match &node.data {
        Data::Text(text) => Some(Spanned::new(text.clone(), node.span)),
        _ => None,
    }
}

/// A switch.
pub(super) fn flag(node: &Node) -> Option<bool> {
    match node.data {
        Data::Flag(flag) => Some(flag),
        _ => None,
    }
}

/// `max_age`.
pub(super) fn max_age(node: &Node) -> Option<Spanned<SignedDuration>> {
    let text = text(node)?;
    Some(Spanned::new(age::parse(&text.value).ok()?, text.span))
}

/// `secret`, `secrets`.
pub(super) fn secret_target(node: &Node) -> Option<Spanned<SecretTarget>> {
    let Data::Mapping(entries) = &node.data else { return None };
    let target = SecretTarget {
        store: text_of(entries, "store")?.value,
        path: text_of(entries, "path")?.value,
        format: text_of(entries, "format").map(|format| format.value),
    };
    Some(Spanned::new(target, node.span))
}

/// `ignore`.
pub(super) fn ignores(node: &Node) -> Vec<Spanned<Ignore>> {
    let ignore = |node: &Node| {
        let Data::Mapping(entries) = &node.data else { return None };
        let field = text_of(entries, "field")?;
        let exception = exception(entries)?;
        Some(Spanned::new(Ignore { field: field.value, exception }, field.span))
    };
    items(node).iter().filter_map(ignore).collect()
}

/// `reason` and `until`.
pub(super) fn exception(entries: &[Entry]) -> Option<Exception> {
    let until = text_of(entries, "until").and_then(|until| until.value.parse().ok());
    Some(Exception { reason: text_of(entries, "reason")?.value, until })
}

/// The items of a list.
pub(super) fn items(node: &Node) -> &[Node] {
    match &node.data {
        Data::List(items) => items,
        _ => &[],
    }
}

/// The entries of a mapping under a key.
pub(super) fn mapping<'n>(entries: &'n [Entry], key: &str) -> &'n [Entry] {
    match find(entries, key).map(|entry| &entry.value.data) {
        Some(Data::Mapping(entries)) => entries,
        _ => &[],
    }
}

/// The text under a key.
pub(super) fn text_of(entries: &[Entry], key: &str) -> Option<Spanned<String>> {
    text(&find(entries, key)?.value)
}
