//! Turns an edit into replacements of text.

use std::ops::Range;

use serde_json::Value;

use super::meaning::{EditError, lookup, meaning};
use super::writing;
use crate::text::bounded;

use super::written::{File, Pair, Shape, Written, after_colon, last_scalar, own, read};

/// A file that is being edited.
pub(super) struct Editor<'t> {
    text: &'t str,
    file: File,
    newline: &'static str,
    step: usize,
}

/// A replacement of one piece of text.
struct Replacement {
    place: Range<usize>,
    text: String,
}

/// The position of an entry: its mapping, its index, and the start of the flow collection around it.
#[derive(Clone, Copy)]
struct Context {
    /// The start of the outermost `{` or `[` around the place.
    flow: Option<usize>,
}

impl<'t> Editor<'t> {
    pub(super) fn new(text: &'t str) -> Option<Self> {
        let file = read(text)?;
        let newline = match text.find('\n') {
            Some(end) if text.get(..end).is_some_and(|line| line.ends_with('\r')) => "\r\n",
            _ => "\n",
        };
        let mut editor = Self { text, file, newline, step: 2 };
        if let Some(step) = editor.file.root.as_ref().and_then(|root| editor.first_step(root)) {
            editor.step = step;
        }
        Some(editor)
    }

    /// Whether the text shares values by anchors.
    pub(super) fn has_anchors(&self) -> bool {
        fn aliases(node: &Written) -> bool {
            match &node.shape {
                Shape::Alias => true,
                Shape::Scalar { .. } => false,
                Shape::List { items, .. } => items.iter().any(aliases),
                Shape::Mapping { entries, .. } => entries.iter().any(|pair| aliases(&pair.value)),
            }
        }
        self.file.root.as_ref().is_some_and(aliases)
    }

    /// Whether there is any comment.
    pub(super) fn has_comments(&self) -> bool {
        !self.file.comments.is_empty()
    }

    /// Whether another text contains every comment of this one, equally often.
    pub(super) fn comments_are_in(&self, other: &Editor<'_>) -> bool {
        let mut theirs = other.comments();
        self.comments().into_iter().all(|comment| {
            let found = theirs.iter().position(|theirs| *theirs == comment);
            found.map(|found| theirs.swap_remove(found)).is_some()
        })
    }

    fn comments(&self) -> Vec<&str> {
        self.file.comments.iter().map(|place| self.slice(place.clone()).trim_end()).collect()
    }

    fn slice(&self, place: Range<usize>) -> &'t str {
        self.text.get(place).unwrap_or_default()
    }

    fn line_begin(&self, offset: usize) -> usize {
        self.slice(0..offset).rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// The end of the line of an offset, before its line break.
    fn line_end(&self, offset: usize) -> usize {
        let rest = self.slice(offset..self.text.len());
        offset + rest.find(['\n', '\r']).unwrap_or(rest.len())
    }

    /// The offset after the line break of the line of an offset.
    fn next_line(&self, offset: usize) -> usize {
        let rest = self.slice(offset..self.text.len());
        rest.find('\n').map_or(self.text.len(), |newline| offset + newline + 1)
    }

    /// Whether the next lines are a comment that is indented deeper than a key: a block scalar above would absorb it.
    fn comment_below(&self, line_start: usize, indent: usize) -> bool {
        let rest = self.slice(line_start..self.text.len());
        let next = rest.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let content = next.trim_start();
        content.starts_with('#') && next.len() - content.len() > indent
    }

    fn column(&self, offset: usize) -> usize {
        self.slice(self.line_begin(offset)..offset).chars().count()
    }

    /// The indentation of the first nested mapping relative to its parent.
    fn first_step(&self, node: &Written) -> Option<usize> {
        match &node.shape {
            Shape::Mapping { flow: false, entries } => entries.iter().find_map(|pair| {
                let nested = matches!(pair.value.shape, Shape::Mapping { flow: false, .. });
                let deeper =
                    self.column(pair.value.place.start).checked_sub(self.column(pair.key_place.start));
                if nested { deeper.filter(|step| *step > 0) } else { self.first_step(&pair.value) }
            }),
            Shape::List { flow: false, items } => items.iter().find_map(|item| self.first_step(item)),
            Shape::Mapping { .. } | Shape::List { .. } | Shape::Alias | Shape::Scalar { .. } => None,
        }
    }

    /// Sets the value at a path; `after` is the meaning of the whole file after the edit.
    pub(super) fn set(&self, path: &[&str], after: &Value) -> Result<String, EditError> {
        let Some(root) = &self.file.root else { return Ok(self.at_end(after)) };
        let mut node = root;
        let mut context = Context { flow: None };
        for depth in 0..path.len() {
            let here = path.get(..=depth).unwrap_or_default();
            let key = here.last().copied().unwrap_or_default();
            let wanted = lookup(after, here).unwrap_or(&Value::Null);
            let entries = match &node.shape {
                Shape::Mapping { entries, flow } => {
                    context.flow = context.flow.or(flow.then_some(node.place.start));
                    entries
                }
                Shape::Alias => {
                    return Err(EditError::Shared(path.get(..depth).unwrap_or_default().join(".")));
                }
                Shape::Scalar { .. } | Shape::List { .. } => return Ok(self.at_end(after)),
            };
            let Some(pair) = own(entries, key) else {
                return Ok(self.apply(vec![self.insertion(node, entries, key, wanted, context)]));
            };
            let below = match &pair.value.shape {
                Shape::Mapping { entries, .. } => !entries.is_empty(),
                Shape::Alias => true,
                Shape::Scalar { .. } | Shape::List { .. } => false,
            };
            if depth + 1 == path.len() || !below {
                return self.replacement(pair, wanted, context).map(|changes| self.apply(changes));
            }
            node = &pair.value;
        }
        Err(EditError::NotAMapping(path.join(".")))
    }

    /// Removes the entry at a path.
    pub(super) fn remove(&self, path: &[&str]) -> Result<String, EditError> {
        let shared = || EditError::Shared(path.join("."));
        let mut node = self.file.root.as_ref().ok_or_else(shared)?;
        let mut context = Context { flow: None };
        let mut holder: Option<&Pair> = None;
        for (depth, key) in path.iter().enumerate() {
            let Shape::Mapping { entries, flow } = &node.shape else { return Err(shared()) };
            let outer = context;
            context.flow = context.flow.or(flow.then_some(node.place.start));
            let position = entries.iter().position(|pair| !pair.merges && pair.key == *key);
            let (position, pair) =
                position.and_then(|position| Some((position, entries.get(position)?))).ok_or_else(shared)?;
            if depth + 1 < path.len() {
                (node, holder) = (&pair.value, Some(pair));
                continue;
            }
            if entries.len() > 1 {
                self.uncommented(key, pair, *flow)?;
            }
            let changes = match (entries.len(), holder) {
                (1, Some(holder)) => {
                    self.replacement(holder, &Value::Object(serde_json::Map::new()), outer)?
                }
                (1, None) => {
                    self.with_comments(node.place.clone(), "{}".to_owned(), node.place.start, context)
                }
                _ if *flow => self.flow_removal(entries, position, context),
                _ => self.block_removal(pair, entries.get(position + 1), context),
            };
            return Ok(self.apply(changes));
        }
        Err(shared())
    }

    /// Appends a block of entries to the mapping at a path.
    pub(super) fn append(&self, path: &[&str], fragment: &str) -> Result<String, EditError> {
        let unsafe_here = || EditError::Unsafe(path.join("."));
        let Some(root) = &self.file.root else { return Ok(self.below(path, fragment)) };
        let mut node = root;
        for (depth, key) in path.iter().enumerate() {
            let Shape::Mapping { entries, flow: false } = &node.shape else { return Err(unsafe_here()) };
            let Some(pair) = own(entries, key) else {
                let column = entries.first().map_or(0, |pair| self.column(pair.key_place.start));
                let nested = self.nested(path.get(depth..).unwrap_or_default(), fragment, column);
                return Ok(self.apply(vec![self.after_last(entries, &nested).ok_or_else(unsafe_here)?]));
            };
            let empty = match &pair.value.shape {
                Shape::Mapping { entries, .. } => entries.is_empty(),
                Shape::Scalar { block: false } => true,
                Shape::Alias | Shape::Scalar { .. } | Shape::List { .. } => false,
            };
            if empty {
                let column = self.column(pair.key_place.start);
                let nested = self.nested(path.get(depth..).unwrap_or_default(), fragment, column);
                let lines = nested.get(1..).unwrap_or_default();
                return Ok(self.apply(self.below_key(pair, lines).ok_or_else(unsafe_here)?));
            }
            node = &pair.value;
        }
        let Shape::Mapping { entries, flow: false } = &node.shape else { return Err(unsafe_here()) };
        let column = entries.first().map_or(0, |pair| self.column(pair.key_place.start));
        let nested = self.nested(&[], fragment, column);
        Ok(self.apply(vec![self.after_last(entries, &nested).ok_or_else(unsafe_here)?]))
    }

    /// The lines of a fragment below keys that do not exist yet; the first key is at `column`.
    fn nested(&self, keys: &[&str], fragment: &str, column: usize) -> Vec<String> {
        let pad = |depth: usize| " ".repeat(column + depth * self.step);
        let mut lines: Vec<String> = keys
            .iter()
            .enumerate()
            .map(|(depth, key)| format!("{}{}:", pad(depth), writing::text(key)))
            .collect();
        let inner = pad(keys.len());
        let body = fragment.trim_end_matches('\n').split('\n');
        lines.extend(body.map(|line| if line.is_empty() { String::new() } else { format!("{inner}{line}") }));
        lines
    }

    fn below(&self, path: &[&str], fragment: &str) -> String {
        self.with_lines_at_end(&self.nested(path, fragment, 0))
    }

    /// Replaces an empty value by lines below its key; a comment on the key's line stays there. `None` if the replaced text
    /// contains a comment.
    fn below_key(&self, pair: &Pair, lines: &[String]) -> Option<Vec<Replacement>> {
        let place = self.value_place(pair);
        let end = self.line_end(place.end);
        let gone = self.after_colon(pair)..place.end;
        if self.file.comments.iter().any(|comment| gone.contains(&comment.start)) {
            return None;
        }
        let cleared = Replacement { place: gone, text: String::new() };
        let lines: String = lines.iter().map(|line| format!("{}{line}", self.newline)).collect();
        Some(vec![cleared, Replacement { place: end..end, text: lines }])
    }

    /// Lines after the last entry of a block mapping.
    fn after_last(&self, entries: &[Pair], lines: &[String]) -> Option<Replacement> {
        let last = entries.last()?;
        let (mut offset, at_line_start) = self.after_entry(last);
        // Comments that are indented more than the key are about the entry.
        let column = self.column(last.key_place.start);
        let mut next = if at_line_start { offset } else { self.next_line(offset) };
        while is_comment_below(self.slice(next..self.line_end(next)), column) {
            offset = if at_line_start { self.next_line(next) } else { self.line_end(next) };
            next = self.next_line(next);
        }
        Some(self.lines_at(offset, at_line_start, lines))
    }

    fn lines_at(&self, offset: usize, at_line_start: bool, lines: &[String]) -> Replacement {
        let text = if at_line_start {
            let missing = offset > 0 && !self.slice(0..offset).ends_with('\n');
            let begin = if missing { self.newline } else { "" };
            lines.iter().fold(begin.to_owned(), |text, line| text + line + self.newline)
        } else {
            lines.iter().fold(String::new(), |text, line| text + self.newline + line)
        };
        Replacement { place: offset..offset, text }
    }

    /// Where another entry can follow: the end of the entry's last line, or the start of the next line.
    fn after_entry(&self, pair: &Pair) -> (usize, bool) {
        match last_scalar(&pair.value) {
            // Blank lines at the end may be part of the value.
            Some(end) if self.slice(0..end).ends_with('\n') => (end, true),
            _ => (self.line_end(self.value_place(pair).end), false),
        }
    }

    /// The text for an empty file, or one with only comments.
    fn at_end(&self, after: &Value) -> String {
        let Value::Object(map) = after else { return self.text.to_owned() };
        let lines: Vec<String> =
            map.iter().flat_map(|(key, value)| writing::entry(key, value, 0, self.step, true)).collect();
        self.with_lines_at_end(&lines)
    }

    fn with_lines_at_end(&self, lines: &[String]) -> String {
        self.apply(vec![self.lines_at(self.text.len(), true, lines)])
    }

    /// The offset after the colon of an entry, or after its key if it has no colon.
    fn after_colon(&self, pair: &Pair) -> usize {
        after_colon(self.text, pair.key_place.end)
    }

    /// The range of a value, including anchor and tag; empty after the colon if the value is implied.
    fn value_place(&self, pair: &Pair) -> Range<usize> {
        let colon = self.after_colon(pair);
        let mut end = pair.value.place.end;
        if end <= colon {
            return colon..colon;
        }
        if last_scalar(&pair.value).is_some() {
            let value = self.slice(colon..end);
            end = colon + value.trim_end_matches(['\n', '\r']).len();
        }
        let line = self.slice(colon..self.line_end(colon).min(end));
        let content = line.trim_start_matches([' ', '\t']);
        let below = content.is_empty() || content.starts_with('#');
        (if below { colon } else { colon + line.len() - content.len() })..end
    }

    /// Replaces an entry's value.
    fn replacement(
        &self,
        pair: &Pair,
        value: &Value,
        context: Context,
    ) -> Result<Vec<Replacement>, EditError> {
        if let Some(changes) = self.list_changes(pair, value)? {
            return Ok(changes);
        }
        let place = self.value_place(pair);
        if matches!(pair.value.shape, Shape::List { .. }) {
            self.free_of_comments(&pair.key, place.clone())?;
        }
        let colon = self.after_colon(pair);
        let spaced = |place: &Range<usize>, text: String| {
            if place.start == colon { format!(" {text}") } else { text }
        };
        if context.flow.is_some() {
            let text = spaced(&place, writing::inline(value));
            return Ok(self.with_comments(place, text, pair.key_place.start, context));
        }
        let followed = !self.slice(place.end..self.line_end(place.end)).trim().is_empty();
        let indent = self.column(pair.key_place.start);
        let literal = !followed && !self.comment_below(self.next_line(place.end), indent);
        let (first, lines) = writing::after_key(value, indent, self.step, literal);
        let place = if lines.is_empty() || !first.is_empty() { place } else { colon..place.end };
        let head = if first.is_empty() { first } else { spaced(&place, first) };
        let text = lines.iter().fold(head, |text, line| text + self.newline + line);
        Ok(self.with_comments(place, text, pair.key_place.start, context))
    }

    /// Refuses edits that would separate a comment from its subject: a comment inside the removed text, on its last line, or
    /// directly above it.
    fn uncommented(&self, path: &str, pair: &Pair, flow: bool) -> Result<(), EditError> {
        let (start, end) = (pair.key_place.start, self.value_place(pair).end);
        let place = if flow { start..end } else { self.lead(start)..self.line_end(end) };
        self.free_of_comments(path, place)
    }

    /// The start of the comments directly above a line, or of the line itself if there are none.
    fn lead(&self, offset: usize) -> usize {
        let mut begin = self.line_begin(offset);
        // The comments above are about something else on the line.
        if !self.slice(begin..offset).trim_matches([' ', '-']).is_empty() {
            return offset;
        }
        while let Some(above) = begin.checked_sub(1) {
            let line = self.line_begin(above);
            if !self.slice(line..above).trim_start().starts_with('#') {
                break;
            }
            begin = line;
        }
        begin
    }

    fn free_of_comments(&self, path: &str, place: Range<usize>) -> Result<(), EditError> {
        let comment = self.file.comments.iter().find(|comment| place.contains(&comment.start));
        comment.map_or(Ok(()), |comment| {
            let text = bounded(self.slice(comment.clone()).trim_end(), 60);
            Err(EditError::Comment(path.to_owned(), text))
        })
    }

    /// Changes of a list in which the remaining items keep their order and new ones are appended: only those lines change.
    fn list_changes(&self, pair: &Pair, value: &Value) -> Result<Option<Vec<Replacement>>, EditError> {
        let (Shape::List { flow, items }, Value::Array(wanted)) = (&pair.value.shape, value) else {
            return Ok(None);
        };
        let texts = items.iter().map(|item| Some((item, self.scalar(item)?))).collect::<Option<Vec<_>>>();
        let Some(texts) = texts else { return Ok(None) };
        let kept: Vec<&(&Written, Value)> = texts.iter().filter(|(_, text)| wanted.contains(text)).collect();
        let in_order = wanted.iter().zip(&kept).all(|(wanted, (_, kept))| wanted == kept);
        if kept.is_empty() || !in_order || kept.len() > wanted.len() {
            return Ok(None);
        }
        let added = wanted.get(kept.len()..).unwrap_or_default();
        if *flow {
            let inside = self.slice(pair.value.place.clone());
            if inside.contains(['\n', '#']) {
                return Ok(None);
            }
            let old = kept.iter().map(|(item, _)| self.slice(item.place.clone()).to_owned());
            let all: Vec<String> = old.chain(added.iter().map(writing::inline)).collect();
            let text = format!("[{}]", all.join(", "));
            return Ok(Some(vec![Replacement { place: pair.value.place.clone(), text }]));
        }
        let mut changes = Vec::new();
        for (item, text) in &texts {
            let begin = self.line_begin(item.place.start);
            if self.slice(begin..item.place.start).trim() != "-" {
                return Ok(None);
            }
            if !wanted.contains(text) {
                let place = begin..self.next_line(item.place.end);
                self.free_of_comments(&pair.key, self.lead(item.place.start)..place.end)?;
                changes.push(Replacement { place, text: String::new() });
            }
        }
        let (Some(first), Some(last)) = (items.first(), items.last()) else { return Ok(None) };
        let dash = self.slice(self.line_begin(first.place.start)..first.place.start);
        let lines: Vec<String> = added
            .iter()
            .flat_map(|item| writing::list_item(item, dash.len() - dash.trim_start().len(), self.step))
            .collect();
        if !lines.is_empty() {
            changes.push(self.lines_at(self.next_line(last.place.end), true, &lines));
        }
        Ok(Some(changes))
    }

    /// The value of a plain item; `None` for everything else.
    fn scalar(&self, item: &Written) -> Option<Value> {
        let Shape::Scalar { block: false } = item.shape else { return None };
        meaning(self.slice(item.place.clone())).ok().filter(|value| !value.is_null())
    }

    /// Inserts an entry into a mapping.
    fn insertion(
        &self,
        mapping: &Written,
        entries: &[Pair],
        key: &str,
        value: &Value,
        context: Context,
    ) -> Replacement {
        let Some(last) = entries.last() else {
            let inner = format!("{{{}: {}}}", writing::text(key), writing::inline(value));
            return Replacement { place: mapping.place.clone(), text: inner };
        };
        if context.flow.is_some() {
            let end = self.value_place(last).end;
            let text = format!(", {}: {}", writing::text(key), writing::inline(value));
            return Replacement { place: end..end, text };
        }
        let column = entries.first().map_or(0, |pair| self.column(pair.key_place.start));
        let (offset, at_line_start) = self.after_entry(last);
        let next = if at_line_start { offset } else { self.next_line(offset) };
        let literal = !self.comment_below(next, column);
        let mut lines = writing::entry(key, value, column, self.step, literal);
        if let Some(first) = lines.first_mut() {
            first.insert_str(0, &" ".repeat(column));
        }
        self.lines_at(offset, at_line_start, &lines)
    }

    fn block_removal(&self, pair: &Pair, next: Option<&Pair>, context: Context) -> Vec<Replacement> {
        let key = pair.key_place.start;
        let begin = self.line_begin(key);
        let end = match self.after_entry(pair) {
            (end, true) => end,
            (end, false) => self.next_line(end),
        };
        let place = if self.slice(begin..key).trim().is_empty() {
            begin..end
        } else {
            // It shares its line with a dash, so the next entry moves up to the dash.
            key..next.map_or(end, |next| next.key_place.start)
        };
        self.with_comments(place, String::new(), key, context)
    }

    fn flow_removal(&self, entries: &[Pair], position: usize, context: Context) -> Vec<Replacement> {
        let end = |pair: &Pair| self.value_place(pair).end;
        let Some(pair) = entries.get(position) else { return Vec::new() };
        let before = position.checked_sub(1).and_then(|before| entries.get(before));
        let place = match (before, entries.get(position + 1)) {
            (Some(before), _) => end(before)..end(pair),
            (None, Some(next)) => pair.key_place.start..next.key_place.start,
            (None, None) => pair.key_place.start..end(pair),
        };
        self.with_comments(place, String::new(), pair.key_place.start, context)
    }

    /// A replacement that moves the comments in its range to their own lines above.
    fn with_comments(
        &self,
        place: Range<usize>,
        text: String,
        anchor: usize,
        context: Context,
    ) -> Vec<Replacement> {
        let line = self.line_begin(context.flow.unwrap_or(anchor).min(anchor));
        let blank = self.slice(line..self.line_end(line));
        let indent = blank.get(..blank.len() - blank.trim_start_matches(' ').len()).unwrap_or_default();
        let inside = self
            .file
            .comments
            .iter()
            .filter(|comment| place.start <= comment.start && comment.end <= place.end);
        let moved: String = inside
            .map(|comment| format!("{indent}{}{}", self.slice(comment.clone()).trim_end(), self.newline))
            .collect();
        let mut changes = vec![Replacement { place, text }];
        if !moved.is_empty() {
            changes.insert(0, Replacement { place: line..line, text: moved });
        }
        changes
    }

    fn apply(&self, mut changes: Vec<Replacement>) -> String {
        changes.sort_by_key(|change| (change.place.start, change.place.end));
        let mut text = String::with_capacity(self.text.len());
        let mut done = 0;
        for change in changes {
            text.push_str(self.slice(done..change.place.start));
            text.push_str(&change.text);
            done = change.place.end.max(done);
        }
        text.push_str(self.slice(done..self.text.len()));
        text
    }
}

/// Whether a line is only a comment, to the right of a column.
fn is_comment_below(line: &str, column: usize) -> bool {
    let comment = line.trim_start();
    comment.starts_with('#') && line.len() - comment.len() > column
}
