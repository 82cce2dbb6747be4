//! The clients over a transport that answers from a table in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::duo::call::Method;
use crate::duo::error::Refusal;
use crate::duo::probe::{auth_check, auth_ping};
use crate::duo::sign::Scheme;

type Answer = Box<dyn Fn(&ApiCall) -> Result<Success, DuoError> + Send + Sync>;

#[derive(Clone)]
struct Fake {
    answer: Arc<Answer>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn new(answer: impl Fn(&ApiCall) -> Result<Success, DuoError> + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(Box::new(answer)), calls: Arc::default() }
    }

    /// Answers in order, whatever the request.
    fn script(answers: impl IntoIterator<Item = Result<Value, DuoError>>) -> Self {
        let answers = Mutex::new(answers.into_iter().collect::<VecDeque<_>>());
        Self::new(move |_| {
            let response = answers.lock().unwrap().pop_front().expect("one call too many")?;
            Ok(Success { response, metadata: Value::Null })
        })
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

impl Transport for Fake {
    async fn send(&self, call: &ApiCall) -> Result<Success, DuoError> {
        let query = match call.params.get("offset") {
            Some(offset) if call.method == Method::Get => format!("?{}", offset.as_str().unwrap()),
            _ => String::new(),
        };
        self.calls.lock().unwrap().push(format!("{}{query}", title(call)));
        tokio::task::yield_now().await;
        (self.answer)(call)
    }

    fn signed_by(&self, _: &Ikey, _: &Secret) -> Self {
        self.clone()
    }

    fn host(&self) -> &str {
        "api-00000000.duosecurity.com"
    }
}

fn refusal(status: u16) -> DuoError {
    let message = "no".to_owned();
    DuoError::Refused(Refusal { call: "x".to_owned(), status, code: None, message, detail: None })
}

fn application(number: i64) -> Value {
    json!({"integration_key": format!("DI{number:018}"), "name": format!("App {number}"), "type": "websdk"})
}

fn ikey(number: i64) -> Ikey {
    Ikey::new(format!("DI{number:018}"))
}

/// Serves `total` applications; pages are limited to `clamp`.
fn account(total: i64, clamp: i64) -> Fake {
    Fake::new(move |call| {
        let number = |key: &str| call.params[key].as_str().unwrap().parse::<i64>().unwrap();
        let (offset, limit) = (number("offset"), number("limit").min(clamp));
        let end = (offset + limit).min(total);
        let mut metadata = json!({"total_objects": total});
        if end < total {
            metadata["next_offset"] = json!(end);
        }
        Ok(Success { response: (offset..end).map(application).collect(), metadata })
    })
}

#[tokio::test]
async fn the_list_is_walked_once_with_pages_of_five_hundred() {
    let fake = account(1234, 500);
    let list = Reader::new(fake.clone()).list(Kind::Application).await.unwrap();
    assert_eq!(list.len(), 1234);
    assert_eq!(
        fake.calls(),
        [0, 500, 1000].map(|offset| format!("GET /admin/v3/integrations?{offset}")),
        "one call per page"
    );
    let fake = account(1234, 100);
    assert_eq!(Reader::new(fake.clone()).list(Kind::Application).await.unwrap().len(), 1234);
    assert_eq!(fake.calls().len(), 13, "a server that gives smaller pages costs no extra calls");
}

#[tokio::test]
async fn pages_after_the_first_are_in_flight_together() {
    let most = Arc::new(Mutex::new((0, 0)));
    let seen = Arc::clone(&most);
    let inner = account(1000, 100);
    // A transport that counts concurrent calls.
    #[derive(Clone)]
    struct Counting(Fake, Arc<Mutex<(i32, i32)>>);
    impl Transport for Counting {
        async fn send(&self, call: &ApiCall) -> Result<Success, DuoError> {
            {
                let mut counts = self.1.lock().unwrap();
                counts.0 += 1;
                counts.1 = counts.1.max(counts.0);
            }
            let result = self.0.send(call).await;
            self.1.lock().unwrap().0 -= 1;
            result
        }
        fn signed_by(&self, _: &Ikey, _: &Secret) -> Self {
            self.clone()
        }
        fn host(&self) -> &str {
            self.0.host()
        }
    }
    assert_eq!(Reader::new(Counting(inner, seen)).list(Kind::Application).await.unwrap().len(), 1000);
    assert_eq!(most.lock().unwrap().1, 4);
}

#[tokio::test]
async fn a_failed_page_fails_the_list() {
    let fake = Fake::new(|call| match call.params["offset"].as_str().unwrap() {
        "0" => Ok(Success {
            response: (0..500).map(application).collect(),
            metadata: json!({"next_offset": 500, "total_objects": 700}),
        }),
        _ => Err(refusal(500)),
    });
    assert_eq!(Reader::new(fake).list(Kind::Application).await, Err(refusal(500)));
}

#[tokio::test]
async fn a_list_that_grows_meanwhile_is_walked_to_its_end() {
    // The count grows after the first page, and the page that seemed to be the last has a next page.
    let fake = Fake::new(|call| {
        let (range, metadata) = match call.params["offset"].as_str().unwrap() {
            "0" => (0..100, json!({"next_offset": 100, "total_objects": 150})),
            "100" => (100..200, json!({"next_offset": 200, "total_objects": 201})),
            "200" => (200..201, json!({"total_objects": 201})),
            other => panic!("{other}"),
        };
        let groups = range.map(|id| json!({"group_id": format!("DG{id}"), "name": "G"})).collect();
        Ok(Success { response: groups, metadata })
    });
    assert_eq!(Reader::new(fake).list(Kind::Group).await.unwrap().len(), 201);
}

#[tokio::test]
async fn only_a_404_means_absent() {
    let missing = Reader::new(Fake::script([Err(refusal(404))]));
    assert_eq!(missing.get(&ObjectId::application(&ikey(1))).await, Ok(None));
    let forbidden = Reader::new(Fake::script([Err(refusal(403))]));
    assert_eq!(forbidden.get(&ObjectId::application(&ikey(1))).await, Err(refusal(403)));
    for other in [json!(""), json!({}), application(2)] {
        let strange = Reader::new(Fake::script([Ok(other)]));
        assert!(matches!(
            strange.get(&ObjectId::application(&ikey(1))).await,
            Err(DuoError::Unexpected { .. })
        ));
    }
    let found =
        Reader::new(Fake::script([Ok(application(1))])).get(&ObjectId::application(&ikey(1))).await.unwrap();
    assert_eq!(found.unwrap().name(), "App 1");
}

#[tokio::test]
async fn ids_are_escaped_or_refused() {
    let fake = Fake::script([Err(refusal(404))]);
    let reader = Reader::new(fake.clone());
    reader.get(&ObjectId::application(&Ikey::new("DI é?#"))).await.unwrap();
    assert_eq!(fake.calls(), ["GET /admin/v3/integrations/DI%20%C3%A9%3F%23"]);
    let (writer, keys) = (Writer::new(fake.clone()), KeyReader::new(fake.clone()));
    for id in ["", ".", "..", "a/b", "../groups"] {
        let id = Ikey::new(id);
        assert!(matches!(reader.get(&ObjectId::application(&id)).await, Err(DuoError::NotSent { .. })));
        assert!(matches!(
            writer.update(&ObjectId::application(&id), Map::new()).await,
            Err(DuoError::NotSent { .. })
        ));
        assert!(matches!(writer.delete(&deletable(id.as_str())).await, Err(DuoError::NotSent { .. })));
        assert!(matches!(keys.secret_key(&id).await.err(), Some(DuoError::NotSent { .. })));
    }
    assert_eq!(fake.calls().len(), 1, "nothing else was sent");
}

#[tokio::test]
async fn account_fields_need_a_permission_each() {
    let answer = |denied: &'static str, status: u16| {
        Fake::new(move |call| match call.path.as_str() {
            path if path == denied => Err(refusal(status)),
            "/admin/v1/info/summary" => {
                Ok(Success { response: json!({"edition": "Duo Premier"}), ..Success::default() })
            }
            "/admin/v1/settings" => Ok(Success { response: json!({"name": "Acme"}), ..Success::default() }),
            other => panic!("{other}"),
        })
    };
    let (name, edition) = (Some("Acme".to_owned()), Some("Duo Premier".to_owned()));
    let read = async |fake: Fake| Reader::new(fake).account().await;
    assert_eq!(read(answer("", 0)).await, Ok(Account { name: name.clone(), edition: edition.clone() }));
    assert_eq!(read(answer("/admin/v1/settings", 403)).await, Ok(Account { name: None, edition }));
    assert_eq!(read(answer("/admin/v1/info/summary", 403)).await, Ok(Account { name, edition: None }));
    assert_eq!(read(answer("/admin/v1/settings", 401)).await, Err(refusal(401)));
    assert_eq!(read(answer("/admin/v1/settings", 500)).await, Err(refusal(500)));
}

#[tokio::test]
async fn an_update_without_a_usable_reply_is_read_back() {
    let fake = Fake::script([Ok(json!("")), Ok(application(1))]);
    let updated =
        Writer::new(fake.clone()).update(&ObjectId::application(&ikey(1)), Map::new()).await.unwrap();
    assert_eq!(updated.id, ikey(1));
    let path = format!("/admin/v3/integrations/{}", ikey(1));
    assert_eq!(fake.calls(), [format!("POST {path}"), format!("GET {path}")]);

    for answer in [Err(refusal(403)), Err(refusal(404))] {
        let writer = Writer::new(Fake::script([Ok(json!("")), answer]));
        let error = writer.update(&ObjectId::application(&ikey(1)), Map::new()).await.unwrap_err();
        assert!(matches!(error, DuoError::Lost { .. }), "an accepted change must not look refused: {error}");
    }
}

#[tokio::test]
async fn a_create_without_a_usable_reply_has_an_unknown_outcome() {
    let created =
        Writer::new(Fake::script([Ok(application(7))])).create(Kind::Application, Map::new()).await.unwrap();
    assert_eq!(created.id, ikey(7));
    let error =
        Writer::new(Fake::script([Ok(json!(""))])).create(Kind::Application, Map::new()).await.unwrap_err();
    assert!(error.outcome_unknown());
}

fn deletable(ikey: &str) -> Deletable {
    let mut live =
        Object::decode(Kind::Application, json!({"integration_key": "DI1", "type": "unix"})).unwrap();
    live.id = Ikey::new(ikey);
    Deletable::read(&live, |_| true).unwrap()
}

#[tokio::test]
async fn a_delete_accepts_any_answer_of_success() {
    for answer in [json!(""), json!({}), json!(null)] {
        Writer::new(Fake::script([Ok(answer)])).delete(&deletable("DI1")).await.unwrap();
    }
}

#[tokio::test]
async fn only_a_key_in_clear_is_a_secret_key() {
    let clear = "a1".repeat(20);
    let fake = Fake::script([Ok(json!({"secret_key": clear}))]);
    assert_eq!(KeyReader::new(fake.clone()).secret_key(&ikey(1)).await.unwrap().expose(), clear);
    assert_eq!(fake.calls(), [format!("GET /admin/v1/integrations/{}/skey", ikey(1))]);
    for answer in [json!({"secret_key": "****9fQx"}), json!({"secret_key": ""}), json!({}), json!("hidden")] {
        let error = KeyReader::new(Fake::script([Ok(answer)])).secret_key(&ikey(1)).await.err().unwrap();
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("no secret key in clear text")
                && !text.contains("9fQx")
                && !text.contains("hidden")
        );
    }
}

/// A value that a store could not return, or a consumer could not use, is not accepted as a key.
#[tokio::test]
async fn a_key_of_an_odd_shape_is_not_taken() {
    let long = "hunter2".repeat(150_000);
    let key = "a1".repeat(20);
    for odd in [
        &long,
        &key[1..],
        &format!("{key}0"),
        &format!("{}é", &key[2..]),
        &format!("{} ", &key[1..]),
        &format!("{}\n", &key[1..]),
    ] {
        let error = KeyReader::new(Fake::script([Ok(json!({"secret_key": odd}))])).secret_key(&ikey(1)).await;
        let text = format!("{:?}", error.err().unwrap());
        assert!(
            text.contains("not 40 letters or digits") && !text.contains("hunter2") && text.len() < 300,
            "{text}"
        );
    }
    for odd in [&long, "a b", "a\n", "\u{1b}[31m", "é", " "] {
        let error = KeyReader::new(Fake::script([Ok(json!({"client_secret": odd}))]))
            .client_secret(&ikey(1), None)
            .await;
        assert!(format!("{:?}", error.err().unwrap()).contains("a single word of at most 512 characters"));
    }
    let odd = json!({"client_secret": "a-b_c.d~e/f+g="});
    assert!(KeyReader::new(Fake::script([Ok(odd)])).client_secret(&ikey(1), None).await.is_ok());
}

#[tokio::test]
async fn ping_and_check_give_duos_clock() {
    let fake =
        Fake::script([Ok(json!({"time": 1710429344})), Ok(json!({"time": "1710429345"})), Ok(json!({}))]);
    assert_eq!(auth_ping(&fake).await, Ok(1_710_429_344));
    assert_eq!(auth_check(&fake, Scheme::V2Sha1).await, Ok(1_710_429_345));
    assert!(matches!(auth_ping(&fake).await, Err(DuoError::Unexpected { .. })));
    assert_eq!(fake.calls(), ["GET /auth/v2/ping", "GET /auth/v2/check", "GET /auth/v2/ping"]);
}
