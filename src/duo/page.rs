//! Offset paging as a state machine without I/O (duo-api.md, section 2.4).
//!
//! An incomplete list is an error: missing objects would otherwise look deleted (trap 29).

use std::collections::HashSet;

use serde_json::Value;

use super::call::Success;
use super::error::DuoError;
use super::reply::whole_number;

/// Walks one list: fetch what [`Pager::wanted`] asks for, pass it to [`Pager::accept`], and [`Pager::finish`].
#[derive(Debug)]
pub struct Pager {
    path: String,
    key: &'static str,
    wanted: Option<i64>,
    step: Option<i64>,
    total: Option<i64>,
    shrank: bool,
    seen: HashSet<String>,
    items: Vec<Value>,
}

impl Pager {
    /// A walk over the list at `path`, whose objects are identified by the property `key`.
    pub fn new(path: impl Into<String>, key: &'static str) -> Self {
        Self {
            path: path.into(),
            key,
            wanted: Some(0),
            step: None,
            total: None,
            shrank: false,
            seen: HashSet::new(),
            items: Vec::new(),
        }
    }

    /// The offset of the page to fetch next; `None` when the list has ended.
    pub fn wanted(&self) -> Option<i64> {
        self.wanted
    }

    /// How many objects Duo counts; `None` if it does not say.
    pub fn total(&self) -> Option<i64> {
        self.total
    }

    /// What has arrived of a list that is not read to its end: missing objects mean nothing.
    pub fn so_far(self) -> Vec<Value> {
        self.items
    }

    /// Offsets that may be prefetched after the first page, assuming that all pages have its size. Empty if the list is short
    /// or of unknown length.
    pub fn ahead(&self) -> impl Iterator<Item = i64> + Send + use<> {
        let step = self.step.filter(|step| *step > 0);
        let total = self.total.unwrap_or_default();
        std::iter::successors(step, move |offset| offset.checked_add(step?))
            .take_while(move |offset| *offset < total)
    }

    /// Takes the page at `offset`. A prefetched page that turns out not to be the wanted one is ignored.
    ///
    /// # Errors
    ///
    /// [`DuoError::Incomplete`] when the page is not a list, an object has no key, or the next offset is invalid, does not
    /// advance, or follows an empty page.
    pub fn accept(&mut self, offset: i64, page: Success) -> Result<(), DuoError> {
        if self.wanted != Some(offset) {
            return Ok(());
        }
        let (items, metadata) = parts(page).ok_or_else(|| self.incomplete("a page is not a list"))?;
        let next = match metadata.get("next_offset") {
            None | Some(Value::Null) => None,
            Some(value) => {
                Some(whole_number(value).ok_or_else(|| self.incomplete("its next_offset is not a number"))?)
            }
        };
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        if next.is_some_and(|next| next <= offset) {
            return Err(self.incomplete("its next_offset does not advance"));
        }
        if next.is_some() && length == 0 {
            return Err(self.incomplete("a page is empty but names a next one"));
        }
        // The latest total counts. A growing list only repeats objects. In a shrinking one the objects move up, and one that
        // moves from the next page onto a page already read would seem to be gone.
        let total = metadata.get("total_objects").and_then(whole_number);
        self.shrank |= total.zip(self.total).is_some_and(|(now, before)| now < before);
        self.total = total.or(self.total);
        if offset == 0 {
            self.step = next.filter(|next| *next == length);
        }
        for item in items {
            let key = item.get(self.key).and_then(Value::as_str).filter(|key| !key.is_empty());
            let Some(key) = key else {
                return Err(self.incomplete(&format!("an object in it has no {}", self.key)));
            };
            if self.seen.insert(key.to_owned()) {
                self.items.push(item);
            }
        }
        self.wanted = next;
        Ok(())
    }

    /// Whether the list may be incomplete, so that another walk may find more: it changed during the walk, or its length is
    /// unknown and `before` found different objects.
    pub fn needs_another_walk(&self, before: Option<&Self>) -> bool {
        self.shrank
            || match self.total {
                Some(total) => self.count() < total,
                None => before.is_none_or(|before| before.seen != self.seen),
            }
    }

    fn count(&self) -> i64 {
        i64::try_from(self.items.len()).unwrap_or(i64::MAX)
    }

    /// The objects, without duplicates, in the order of their first appearance. More than Duo counted is fine.
    ///
    /// # Errors
    ///
    /// [`DuoError::Incomplete`] when fewer objects came than Duo counted, objects were removed during the walk, or it
    /// has not ended.
    pub fn finish(self) -> Result<Vec<Value>, DuoError> {
        let count = self.count();
        if self.wanted.is_some() {
            return Err(self.incomplete("its last page was not read"));
        }
        if self.shrank {
            return Err(self.incomplete("objects were removed from it while it was read"));
        }
        match self.total {
            Some(total) if count < total => Err(self
                .incomplete(&format!("received {count} of {total} objects; it may have changed meanwhile"))),
            _ => Ok(self.items),
        }
    }

    /// The error for an incomplete list, with the reason.
    pub fn incomplete(&self, reason: &str) -> DuoError {
        DuoError::Incomplete { path: self.path.clone(), reason: reason.to_owned() }
    }
}

/// The objects and the metadata, which is next to `response` or, for some lists, inside it.
fn parts(page: Success) -> Option<(Vec<Value>, Value)> {
    match page.response {
        Value::Array(items) => Some((items, page.metadata)),
        Value::Object(mut response) => {
            let inner = response.remove("metadata").unwrap_or_default();
            let metadata = if inner.is_object() { inner } else { page.metadata };
            let mut lists = response.into_iter().filter_map(|(_, value)| match value {
                Value::Array(items) => Some(items),
                _ => None,
            });
            lists.next().filter(|_| lists.next().is_none()).map(|items| (items, metadata))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn page(ids: std::ops::Range<i64>, metadata: Value) -> Success {
        let items = ids.map(|id| json!({"id": format!("k{id}")})).collect();
        Success { response: Value::Array(items), metadata }
    }

    fn walk(pages: Vec<(i64, Success)>) -> Result<usize, String> {
        let mut pager = Pager::new("/list", "id");
        let result = pages.into_iter().try_for_each(|(offset, page)| pager.accept(offset, page));
        result.and_then(|()| pager.finish()).map(|items| items.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn ends_where_next_offset_is_absent_or_null_and_not_on_a_short_page() {
        for end in [json!({"total_objects": 5}), json!({"next_offset": null}), Value::Null] {
            let pages = vec![
                (0, page(0..2, json!({"next_offset": 2}))),
                (2, page(2..3, json!({"next_offset": 3}))),
                (3, page(3..5, end)),
            ];
            assert_eq!(walk(pages), Ok(5));
        }
        assert_eq!(walk(vec![(0, page(0..0, json!({"total_objects": 0})))]), Ok(0));
    }

    #[test]
    fn numbers_may_be_strings_and_metadata_may_be_nested() {
        let nested = Success {
            response: json!({"things": [{"id": "a"}], "metadata": {"next_offset": "1", "total_objects": "2"}}),
            metadata: Value::Null,
        };
        assert_eq!(walk(vec![(0, nested.clone()), (1, page(7..8, json!({"total_objects": 2.0})))]), Ok(2));
        let short = walk(vec![(0, nested), (1, page(7..7, Value::Null))]);
        assert_eq!(
            short,
            Err("the list /list is incomplete: received 1 of 2 objects; it may have changed meanwhile".into())
        );
    }

    #[test]
    fn repeated_objects_count_once() {
        let pages = |total: i64| {
            vec![
                (0, page(0..2, json!({"next_offset": 2, "total_objects": total}))),
                (2, page(1..3, json!({"total_objects": total}))),
            ]
        };
        assert_eq!(walk(pages(3)), Ok(3));
        assert!(walk(pages(4)).unwrap_err().contains("3 of 4"));
        assert_eq!(walk(pages(2)), Ok(3), "more than counted is fine");
    }

    #[test]
    fn trap_29_a_list_that_lost_an_object_meanwhile_is_not_whole() {
        // An object on the first page is deleted: the third one moves onto that page and is missed.
        let pages = |total: i64| {
            vec![
                (0, page(0..2, json!({"next_offset": 2, "total_objects": 4}))),
                (2, page(3..4, json!({"total_objects": total}))),
            ]
        };
        assert!(walk(pages(3)).unwrap_err().contains("objects were removed from it while it was read"));
        assert!(walk(pages(4)).unwrap_err().contains("3 of 4"));
        let mut pager = Pager::new("/list", "id");
        for (offset, page) in pages(3) {
            pager.accept(offset, page).unwrap();
        }
        assert!(pager.needs_another_walk(None));
    }

    #[test]
    fn an_offset_that_does_not_advance_is_refused() {
        for next in [json!(2), json!(1), json!(-5)] {
            let pages = vec![
                (0, page(0..2, json!({"next_offset": 2}))),
                (2, page(2..4, json!({"next_offset": next}))),
            ];
            assert!(walk(pages).unwrap_err().contains("does not advance"));
        }
        assert!(
            walk(vec![(0, page(0..2, json!({"next_offset": "soon"})))]).unwrap_err().contains("not a number")
        );
        assert!(walk(vec![(0, page(0..0, json!({"next_offset": 5})))]).unwrap_err().contains("empty"));
    }

    #[test]
    fn what_is_no_list_is_never_an_empty_one() {
        for response in [json!(null), json!(""), json!({}), json!({"a": [], "b": []}), json!(3)] {
            let success = Success { response, metadata: Value::Null };
            assert!(walk(vec![(0, success)]).unwrap_err().contains("not a list"));
        }
        let nameless = Success { response: json!([{"id": "a"}, {"name": "x"}]), metadata: Value::Null };
        assert!(walk(vec![(0, nameless)]).unwrap_err().contains("has no id"));
        assert!(
            walk(vec![(0, page(0..1, json!({"next_offset": 1})))])
                .unwrap_err()
                .contains("last page was not read")
        );
    }

    #[test]
    fn looks_ahead_only_when_pages_are_even() {
        let ahead = |metadata: Value| {
            let mut pager = Pager::new("/list", "id");
            pager.accept(0, page(0..2, metadata)).unwrap();
            pager.ahead().collect::<Vec<_>>()
        };
        assert_eq!(ahead(json!({"next_offset": 2, "total_objects": 7})), [2, 4, 6]);
        assert_eq!(ahead(json!({"next_offset": 2, "total_objects": 6})), [2, 4]);
        assert!(ahead(json!({"next_offset": 3, "total_objects": 7})).is_empty());
        assert!(ahead(json!({"next_offset": 2})).is_empty());
        assert!(ahead(json!({"total_objects": 2})).is_empty());
    }

    #[test]
    fn a_page_fetched_in_vain_is_ignored() {
        let pages = vec![
            (0, page(0..2, json!({"next_offset": 2, "total_objects": 4}))),
            (2, page(2..3, json!({"next_offset": 3, "total_objects": 4}))),
            (4, page(9..9, json!({"next_offset": 1}))),
            (3, page(3..4, json!({"total_objects": 4}))),
        ];
        assert_eq!(walk(pages), Ok(4));
    }
}
