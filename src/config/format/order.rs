//! Sorts keys by their order in the tables of the language. Names chosen by the user keep their order, and an anchor stays
//! before its aliases.

use super::super::language::FILE;
use super::source::{Collection, Document, Entry, Kind, Node};
use crate::language::places::SOURCE;
use crate::language::shape::{Key, Shape};

/// Sorts the keys of a whole document.
pub(super) fn sort(document: &mut Document) {
    if let Some(root) = &mut document.root {
        node(root, Some(Shape::Object(&FILE)));
    }
}

fn node(node_: &mut Node, shape: Option<Shape>) {
    let Kind::Collection(collection) = &mut node_.kind else { return };
    let shape = shape.map(|shape| at_hand(shape, collection.list));
    for entry in &mut collection.entries {
        let below = shape.and_then(|shape| below(shape, entry.key.as_ref().map(|key| key.value.as_str())));
        node(&mut entry.value, below);
    }
    if let Some(shape) = shape
        && !collection.list
        && rank(shape, "").is_some()
    {
        entries(collection, shape);
    }
}

/// The one of several shapes that fits a list or a mapping.
fn at_hand(shape: Shape, list: bool) -> Shape {
    let Shape::Either(shapes) = shape else { return shape };
    let fits = |shape: &&Shape| match shape {
        Shape::List(..) => list,
        Shape::Object(_) | Shape::Entries(..) | Shape::Source { .. } => !list,
        _ => false,
    };
    shapes.iter().find(fits).copied().unwrap_or(shape)
}

/// The shape of a value inside another.
fn below(shape: Shape, key: Option<&str>) -> Option<Shape> {
    let named = |keys: &[Key]| keys.iter().find(|known| Some(known.name) == key).map(|known| known.shape);
    match shape {
        Shape::List(item, ..) => Some(*item),
        Shape::Entries(_, item) => Some(*item),
        Shape::Object(table) => named(table.keys),
        Shape::Source { .. } => named(SOURCE.keys),
        Shape::Text(_)
        | Shape::Choice(_)
        | Shape::Flag
        | Shape::Whole(..)
        | Shape::Numbers(_)
        | Shape::Any
        | Shape::Either(_) => None,
    }
}

/// The position of a key in its table; `None` if the user chooses the keys. Unknown keys come last.
fn rank(shape: Shape, key: &str) -> Option<usize> {
    let place = |found: Option<usize>| Some(found.unwrap_or(usize::MAX));
    match shape {
        Shape::Object(table) => place(table.keys.iter().position(|known| known.name == key)),
        Shape::Source { .. } => place(SOURCE.keys.iter().position(|known| known.name == key)),
        _ => None,
    }
}

fn entries(collection: &mut Collection, shape: Shape) {
    // A merge key comes first, because the keys after it override it.
    let ranks: Vec<(usize, usize)> = collection
        .entries
        .iter()
        .map(|entry| match &entry.key {
            Some(key) if key.merges() => (0, 0),
            Some(key) => (1, rank(shape, &key.value).unwrap_or(usize::MAX)),
            None => (1, usize::MAX),
        })
        .collect();
    if ranks.is_sorted() {
        return;
    }
    let shared: Vec<Vec<(bool, String)>> = collection.entries.iter().map(anchors).collect();
    let mut waiting: Vec<(usize, (usize, usize), Entry)> = Vec::new();
    for (index, (entry, rank)) in std::mem::take(&mut collection.entries).into_iter().zip(ranks).enumerate() {
        waiting.push((index, rank, entry));
    }
    while !waiting.is_empty() {
        let next = waiting
            .iter()
            .enumerate()
            .filter(|(_, (index, ..))| {
                let before = |(earlier, ..): &&(usize, _, Entry)| earlier < index;
                waiting
                    .iter()
                    .filter(before)
                    .all(|(earlier, ..)| !depends(shared.get(*earlier), shared.get(*index)))
            })
            .min_by_key(|(_, (index, rank, _))| (*rank, *index))
            .map_or(0, |(position, _)| position);
        let (_, _, entry) = waiting.remove(next);
        collection.entries.push(entry);
    }
}

/// Whether two entries share an anchor that one of them defines, so that they must keep their order.
fn depends(a: Option<&Vec<(bool, String)>>, b: Option<&Vec<(bool, String)>>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    a.iter().any(|(defines, name)| b.iter().any(|(other, same)| name == same && (*defines || *other)))
}

/// The anchors that an entry defines (`true`) or refers to.
fn anchors(entry: &Entry) -> Vec<(bool, String)> {
    fn props(props: &[String], found: &mut Vec<(bool, String)>) {
        found.extend(
            props.iter().filter_map(|prop| prop.strip_prefix('&')).map(|name| (true, name.to_owned())),
        );
    }
    fn visit(entry: &Entry, found: &mut Vec<(bool, String)>) {
        if let Some(key) = &entry.key {
            props(&key.props, found);
        }
        props(&entry.value.props, found);
        match &entry.value.kind {
            Kind::Alias(name) => found.push((false, name.trim_start_matches('*').to_owned())),
            Kind::Collection(collection) => collection.entries.iter().for_each(|entry| visit(entry, found)),
            Kind::Nothing | Kind::Scalar(_) => {}
        }
    }
    let mut found = Vec::new();
    visit(entry, &mut found);
    found
}
