//! Attaches comments to the entry below, the entry on the same line, or the end of a block.
//!
//! Between two entries, the column decides: a comment that is indented deeper than the next entry belongs to the end of
//! the block at its column.

use std::collections::VecDeque;
use std::ops::Range;

use super::super::template::MODELINES;
use super::source::{Collection, Comment, Document, Entry, Kind, Node, Remark, column, line_start};

struct Attacher<'t> {
    text: &'t str,
    kept: Vec<Range<usize>>,
    comments: VecDeque<Comment>,
}

/// A comment that is not attached yet.
struct Loose {
    remark: Remark,
    /// Whether it is alone on its line.
    alone: bool,
}

/// Attaches the comments of a document and records empty lines.
pub(super) fn comments(text: &str, document: &mut Document) {
    let body = document.body;
    let comments =
        std::mem::take(&mut document.comments).into_iter().filter(|comment| comment.at >= body).collect();
    let mut attacher = Attacher { text, kept: std::mem::take(&mut document.kept), comments };
    let Some(root) = &mut document.root else {
        document.foot = attacher.rest().into_iter().map(|loose| loose.remark).collect();
        return;
    };
    let start = root.start;
    let block = matches!(&root.kind, Kind::Collection(collection) if !collection.flow);
    let mut head = attacher.before(start);
    let mut leads = Vec::new();
    if block {
        attacher.collection(root, &mut leads);
        let after = attacher.rest();
        if let Kind::Collection(collection) = &mut root.kind {
            let mut cap = usize::MAX;
            for loose in after {
                match loose.alone {
                    true => foot(collection, loose.remark, &mut cap),
                    false => trail_last(collection, loose.remark),
                }
            }
            if let Some(first) = collection.entries.first_mut() {
                let own = head.split_off(of_the_file(&head, first.blank));
                document.parted = own.first().map_or(first.blank, |loose| loose.remark.blank);
                first.lead.splice(0..0, own.into_iter().map(|loose| loose.remark));
            }
        }
        document.head = head.into_iter().map(|loose| loose.remark).collect();
    } else {
        attacher.collection(root, &mut leads);
        head.extend(leads.into_iter().map(|remark| Loose { remark, alone: true }));
        document.head = head.into_iter().map(|loose| loose.remark).collect();
        document.foot = attacher.rest().into_iter().map(|loose| loose.remark).collect();
    }
}

/// How many of the comments above the first key belong to the file: those above the last empty line, and the modeline
/// with the comments that an empty comment line joins to it.
fn of_the_file(head: &[Loose], parted: bool) -> usize {
    if parted {
        return head.len();
    }
    let above = head.iter().rposition(|loose| loose.remark.blank).unwrap_or(0);
    let modeline = head
        .first()
        .is_some_and(|loose| MODELINES.iter().any(|modeline| loose.remark.text.starts_with(modeline)));
    let joined = head.get(1).is_some_and(|loose| loose.remark.text == "#" && !loose.remark.blank);
    match (modeline, joined) {
        (true, true) if above == 0 => head.len(),
        (true, _) => above.max(1),
        (false, _) => above,
    }
}

impl Attacher<'_> {
    fn rest(&mut self) -> Vec<Loose> {
        self.before(usize::MAX)
    }

    /// Takes the comments before a place.
    fn before(&mut self, place: usize) -> Vec<Loose> {
        let mut found = Vec::new();
        while self.comments.front().is_some_and(|comment| comment.at < place) {
            let Some(comment) = self.comments.pop_front() else { break };
            let line = line_start(self.text, comment.at);
            let alone = self.text.get(line..comment.at).is_some_and(|before| before.trim().is_empty());
            let remark = Remark {
                blank: alone && self.blank_above(comment.at),
                column: column(self.text, comment.at),
                text: comment.text,
            };
            found.push(Loose { remark, alone });
        }
        found
    }

    /// Whether the line above is empty and not part of a text.
    fn blank_above(&self, at: usize) -> bool {
        let line = line_start(self.text, at);
        let Some(end) = line.checked_sub(1) else { return false };
        let start = line_start(self.text, end);
        let empty = self.text.get(start..end).is_some_and(|line| line.trim().is_empty());
        empty && !self.kept.iter().any(|kept| kept.contains(&start))
    }

    /// Whether a place is the first text on its line.
    fn begins_line(&self, at: usize) -> bool {
        self.text.get(line_start(self.text, at)..at).is_some_and(|before| before.trim().is_empty())
    }

    /// Attaches the comments inside a value. `outside` gets those that can only go above the value's own entry.
    fn collection(&mut self, node: &mut Node, outside: &mut Vec<Remark>) {
        let end = node.end;
        let Kind::Collection(collection) = &mut node.kind else { return };
        let Collection { flow, entries, foot: feet, .. } = collection;
        for index in 0..entries.len() {
            let Some((earlier, entry)) =
                entries.split_at_mut_checked(index).and_then(|(a, b)| Some((a, b.first_mut()?)))
            else {
                break;
            };
            let loose = self.before(entry.start);
            entry.blank = self.begins_line(entry.start) && self.blank_above(entry.start);
            match earlier.last_mut() {
                None => {
                    for loose in loose {
                        if loose.alone { entry.lead.push(loose.remark) } else { outside.push(loose.remark) }
                    }
                }
                Some(previous) => between(previous, entry, loose, *flow),
            }
            self.entry(entry);
        }
        let behind = if *flow { self.before(end) } else { Vec::new() };
        for loose in behind {
            match entries.last_mut() {
                None => outside.push(loose.remark),
                Some(last) if !loose.alone => trail(last, loose.remark),
                Some(_) => feet.push(loose.remark),
            }
        }
    }

    fn entry(&mut self, entry: &mut Entry) {
        let mut outside = Vec::new();
        let between = self.before(entry.value.start);
        self.collection(&mut entry.value, &mut outside);
        let block = matches!(&entry.value.kind, Kind::Collection(Collection { flow: false, .. }));
        let mut inner = Vec::new();
        for loose in between {
            match (loose.alone && block, &entry.trailing) {
                (true, _) => inner.push(loose.remark),
                (false, None) if !loose.alone => entry.trailing = Some(loose.remark),
                (false, _) => entry.lead.push(loose.remark),
            }
        }
        if let Kind::Collection(Collection { entries, .. }) = &mut entry.value.kind
            && let Some(first) = entries.first_mut()
        {
            first.lead.splice(0..0, inner);
        }
        for remark in outside {
            settle(entry, remark);
        }
    }
}

/// Attaches the comments between two entries.
fn between(previous: &mut Entry, next: &mut Entry, loose: Vec<Loose>, flow: bool) {
    let mut cap = usize::MAX;
    let mut ended = false;
    for Loose { remark, alone } in loose {
        if !alone {
            trail(previous, remark);
            continue;
        }
        let deep = remark.column.min(cap);
        match previous.value.block() {
            Some(inner)
                if !flow
                    && !ended
                    && deep > next.column
                    && inner.column > next.column
                    && inner.column <= deep =>
            {
                foot(inner, remark, &mut cap);
            }
            _ => {
                ended = true;
                next.lead.push(remark);
            }
        }
    }
}

/// Puts a comment after the last entry of the deepest block whose column it reaches.
fn foot(collection: &mut Collection, remark: Remark, cap: &mut usize) {
    let deep = remark.column.min(*cap);
    *cap = deep;
    let column = collection.column;
    let last = collection.entries.last_mut().and_then(|last| last.value.block());
    match last.filter(|inner| inner.column > column && inner.column <= deep) {
        Some(inner) => foot(inner, remark, cap),
        None => collection.foot.push(remark),
    }
}

/// Attaches a comment to the line on which an entry ends.
fn trail(entry: &mut Entry, remark: Remark) {
    match entry.value.block() {
        Some(inner) if !inner.entries.is_empty() => trail_last(inner, remark),
        _ => settle(entry, remark),
    }
}

fn trail_last(collection: &mut Collection, remark: Remark) {
    match collection.entries.last_mut() {
        Some(last) => trail(last, remark),
        None => collection.foot.push(remark),
    }
}

/// Puts a comment at the end of the entry's line if that has none, otherwise above it.
fn settle(entry: &mut Entry, remark: Remark) {
    match entry.trailing {
        None => entry.trailing = Some(remark),
        Some(_) => entry.lead.push(remark),
    }
}

impl Node {
    fn block(&mut self) -> Option<&mut Collection> {
        match &mut self.kind {
            Kind::Collection(collection) if !collection.flow => Some(collection),
            _ => None,
        }
    }
}
