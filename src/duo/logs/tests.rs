use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::duo::call::Success;
use crate::duo::object::Ikey;
use crate::secret::Secret;

/// A log that answers with these pages in turn, and records the requests.
#[derive(Clone)]
struct Pages(Arc<Mutex<(Vec<Value>, Vec<ApiCall>)>>);

impl Pages {
    fn new(pages: Vec<Value>) -> Self {
        Self(Arc::new(Mutex::new((pages, Vec::new()))))
    }

    fn asked(&self, name: &str) -> Vec<Option<String>> {
        let text = |call: &ApiCall| call.params.get(name).and_then(Value::as_str).map(str::to_owned);
        self.0.lock().unwrap().1.iter().map(text).collect()
    }
}

impl Transport for Pages {
    async fn send(&self, call: &ApiCall) -> Result<Success, DuoError> {
        let mut state = self.0.lock().unwrap();
        state.1.push(call.clone());
        // The last page repeats forever.
        let response = if state.0.len() > 1 { state.0.remove(0) } else { state.0[0].clone() };
        Ok(Success { response, metadata: Value::Null })
    }

    fn signed_by(&self, _: &Ikey, _: &Secret) -> Self {
        self.clone()
    }

    fn host(&self) -> &'static str {
        "h"
    }
}

fn page(rows: usize, cursor: Value, total: Value) -> Value {
    json!({"items": vec![json!({}); rows], "metadata": {"next_offset": cursor, "total_objects": total}})
}

const PART: Part<'_> = Part { from: 1_700_000_000_000, until: 1_700_000_060_000, filters: &[], pages: 6 };

/// How a walk over these pages ends, with its rows and requests.
async fn walked(pages: Vec<Value>, enough: usize) -> (End, usize, usize) {
    let log = Pages::new(pages);
    let mut rows = 0;
    let end = walk(&log, ACTIVITIES, PART, |page| {
        rows += page.len();
        if rows >= enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let end = end.await.unwrap();
    (end, rows, log.asked("limit").len())
}

#[tokio::test]
async fn a_walk_ends_at_whatever_says_that_the_log_ends() {
    let none = || Value::Null;
    let of = |number: u64| json!({"relation": "eq", "value": number});
    let all = usize::MAX;
    for (what, pages, enough, expected) in [
        (
            "no cursor",
            vec![page(1000, json!("1,a"), none()), page(2, none(), none())],
            all,
            (End::Read, 1002, 2),
        ),
        ("no metadata", vec![json!({"items": [{}]})], all, (End::Read, 1, 1)),
        ("an empty log", vec![page(0, none(), none())], all, (End::Read, 0, 1)),
        (
            "an empty page with a cursor",
            vec![page(3, json!("1,a"), none()), page(0, json!("1,b"), none())],
            all,
            (End::Read, 3, 2),
        ),
        (
            "an empty page too early",
            vec![page(3, json!("1,a"), of(9)), page(0, json!("1,b"), of(9))],
            all,
            (End::CutOff, 3, 2),
        ),
        (
            "a cursor on the last page, and a count",
            vec![page(3, json!("1,a"), of(3))],
            all,
            (End::Read, 3, 1),
        ),
        ("a count as number", vec![page(3, json!(["1", "a"]), json!(3))], all, (End::Read, 3, 1)),
        ("a count as text", vec![page(3, json!(["1", "a"]), json!("3"))], all, (End::Read, 3, 1)),
        (
            "a count that is a lower bound",
            vec![page(3, json!("1,a"), json!({"relation": "gte", "value": 3})), page(0, none(), none())],
            all,
            (End::Read, 3, 2),
        ),
        (
            "a count of one page only",
            vec![page(1000, json!("1,a"), of(1000)), page(5, none(), of(5))],
            all,
            (End::Read, 1005, 2),
        ),
        ("the same cursor for ever", vec![page(1, json!("1,a"), none())], all, (End::CutOff, 2, 2)),
        (
            "cursors in a circle",
            vec![page(1, json!("1,a"), none()), page(1, json!("1,b"), none()), page(1, json!("1,a"), none())],
            all,
            (End::CutOff, 3, 3),
        ),
        ("enough on the first page", vec![page(1000, json!("1,a"), none())], 3, (End::Read, 1000, 1)),
    ] {
        assert_eq!(walked(pages, enough).await, expected, "{what}");
    }
    let many = (0..9).map(|number| page(1, json!(format!("{number},a")), none())).collect();
    assert_eq!(walked(many, all).await, (End::CutOff, 6, 6), "more pages than are allowed");
}

#[tokio::test]
async fn what_is_asked_is_what_duo_takes() {
    let log = Pages::new(vec![
        page(1, json!([1_700_000_000_123_i64, "af0b"]), Value::Null),
        page(0, Value::Null, Value::Null),
    ]);
    let part = Part { until: PART.from, filters: &[("applications", "DI1")], ..PART };
    walk(&log, ACTIVITIES, part, |_| ControlFlow::Continue(())).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(log.asked("next_offset"), [None, text("1700000000123,af0b")]);
    assert_eq!(log.asked("applications")[1], text("DI1"));
    assert_eq!(
        (log.asked("mintime")[0].clone(), log.asked("maxtime")[0].clone()),
        (text("1700000000000"), text("1700000000001"),)
    );
    let broken = Pages::new(vec![json!({"items": "none"})]);
    let error = walk(&broken, ACTIVITIES, PART, |_| ControlFlow::Continue(())).await.unwrap_err();
    assert!(matches!(error, DuoError::Incomplete { .. }), "{error}");
}

#[test]
fn times_are_read_in_every_form() {
    let at = |row: Value| time_of(&row).map(|time| time.as_millisecond());
    let iso = "2026-11-26T20:21:22.591015+00:00";
    for row in [json!({"isotimestamp": iso, "timestamp": 1}), json!({"ts": iso})] {
        assert_eq!(at(row), Some(1_795_724_482_591));
    }
    for row in [
        json!({"ts": "2026-11-26T20:21:22Z"}),
        json!({"timestamp": 1_795_724_482}),
        json!({"timestamp": "1795724482"}),
    ] {
        assert_eq!(at(row), Some(1_795_724_482_000));
    }
    assert_eq!(at(json!({"ts": "yesterday"})), None);
    assert_eq!(moment(iso.parse().unwrap()), "2026-11-26T20:21:22Z");
}
