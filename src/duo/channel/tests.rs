//! The loop around an exchange that answers from a script, with a paused clock.

use std::collections::VecDeque;
use std::sync::Mutex;

use jiff::SignedDuration;
use serde_json::Map;

use super::*;
use crate::duo::call::{Budget, Method};
use crate::duo::reply::Body;

const OK: &str = r#"{"stat": "OK", "response": "done"}"#;
const TOO_MANY: &str = r#"{"stat": "FAIL", "code": 42901, "message": "Too many requests"}"#;
const BAD_TIME: &str = r#"{"stat": "FAIL", "code": 40105, "message": "Bad request timestamp"}"#;
const START: i64 = 1_773_824_707;

/// What was sent: when (in seconds since the start), and the request.
type Sent = Vec<(f64, SignedRequest)>;

struct Script {
    answers: Mutex<VecDeque<Result<Reply, Fault>>>,
    sent: Arc<Mutex<Sent>>,
    start: Instant,
}

impl Exchange for Script {
    async fn exchange(&self, request: &SignedRequest) -> Result<Reply, Fault> {
        self.sent.lock().unwrap().push((self.start.elapsed().as_secs_f64(), request.clone()));
        self.answers.lock().unwrap().pop_front().expect("one request too many")
    }

    fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.start.elapsed()).unwrap();
        Timestamp::from_second(START).unwrap() + elapsed
    }
}

fn reply(status: u16, body: &str) -> Result<Reply, Fault> {
    let body = Body::Whole(body.as_bytes().to_vec());
    Ok(Reply { status, content_type: None, content_encoding: None, location: None, retry_after: None, body })
}

fn lost() -> Result<Reply, Fault> {
    Err(Fault::Lost("the connection ended".to_owned()))
}

fn channel(answers: impl IntoIterator<Item = Result<Reply, Fault>>) -> (Channel<Script>, Arc<Mutex<Sent>>) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let answers = Mutex::new(answers.into_iter().collect());
    let script = Script { answers, sent: Arc::clone(&sent), start: Instant::now() };
    let key = Key { ikey: Ikey::new("DITEST"), skey: Secret::new("topsecret") };
    let host = "api-00000000.duosecurity.com";
    (Channel::new(script, host, key, Limits::UNLIMITED, Backoff::default()), sent)
}

fn get() -> ApiCall {
    ApiCall::get("/admin/v1/groups", &[])
}

fn post() -> ApiCall {
    ApiCall::post("/admin/v3/integrations", Map::from_iter([("name".to_owned(), "x".into())]))
}

fn announced(channel: &Channel<Script>) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&lines);
    channel.tell_waits(Arc::new(move |line| told.lock().unwrap().push(line.to_owned())));
    lines
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_is_announced_once_with_its_reason() {
    let asked = |seconds| {
        let mut refused = reply(429, TOO_MANY).unwrap();
        refused.retry_after = Some(Duration::from_secs(seconds));
        Ok(refused)
    };
    let (channel, _) = channel([asked(3600), asked(3600), reply(200, OK)]);
    let lines = announced(&channel);
    channel.send(&get()).await.unwrap();
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 1, "{lines:?}");
    // The longest wait that duoctl accepts, plus up to a second of jitter.
    assert!(lines[0] == "waiting 121 s: Duo's rate limit is reached (Duo asks for 3600 s)", "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn short_waits_are_not_announced_and_long_ones_of_other_reasons_are() {
    let (quick, _) = channel([reply(429, TOO_MANY), lost(), reply(503, "<html>"), reply(200, OK)]);
    let lines = announced(&quick);
    quick.send(&get()).await.unwrap();
    // Each wait is short, but their sum is not.
    let lines = lines.lock().unwrap().clone();
    let told =
        lines.len() == 1 && lines[0].ends_with(" s: Duo does not answer reliably, so reads are retried");
    assert!(told, "{lines:?}");
    let (quiet, _) = channel([reply(429, TOO_MANY), reply(200, OK)]);
    let lines = announced(&quiet);
    quiet.send(&get()).await.unwrap();
    assert!(lines.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn duoctls_own_pace_is_announced_where_it_is_slow() {
    let rate = crate::duo::limiter::Rate { per_minute: 2, burst: 1, floor_per_minute: 2 };
    let limits = Limits { log: Some(rate), ..Limits::UNLIMITED };
    let sent = Arc::new(Mutex::new(Vec::new()));
    let answers = Mutex::new([reply(200, OK), reply(200, OK), reply(200, OK)].into());
    let script = Script { answers, sent: Arc::clone(&sent), start: Instant::now() };
    let key = Key { ikey: Ikey::new("DITEST"), skey: Secret::new("topsecret") };
    let channel = Channel::new(script, "api-00000000.duosecurity.com", key, limits, Backoff::default());
    let lines = announced(&channel);
    for _ in 0..3 {
        channel.send(&get().budget(Budget::Log)).await.unwrap();
    }
    let expected = "waiting 30 s: calls are spread out to stay within Duo's rate limit";
    assert_eq!(*lines.lock().unwrap(), [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_429_is_waited_out_with_a_fresh_signature_and_the_same_body() {
    let (channel, sent) = channel([reply(429, TOO_MANY), reply(429, "<html>"), reply(200, OK)]);
    channel.send(&post()).await.unwrap();
    let sent = sent.lock().unwrap();
    let times: Vec<_> = sent.iter().map(|(time, _)| *time).collect();
    assert!(
        times[0] == 0.0 && (1.0..2.01).contains(&times[1]) && (2.0..3.01).contains(&(times[2] - times[1]))
    );
    for pair in sent.windows(2) {
        let signature = |index: usize| pair[index].1.authorization.as_ref().unwrap().expose();
        assert_ne!(pair[0].1.date, pair[1].1.date);
        assert_ne!(signature(0), signature(1));
        assert_eq!(pair[0].1.body, pair[1].1.body);
    }
    assert_eq!(channel.requests_sent(), 3);
}

#[tokio::test(start_paused = true)]
async fn seven_429s_are_the_end() {
    let (channel, sent) = channel((0..7).map(|_| reply(429, TOO_MANY)));
    let error = channel.send(&post()).await.unwrap_err();
    assert_eq!(error, DuoError::RateLimited { call: "POST /admin/v3/integrations".to_owned(), attempts: 7 });
    let last = sent.lock().unwrap().last().unwrap().0;
    assert!((63.0..69.1).contains(&last), "{last}");
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured() {
    let mut slow = reply(429, TOO_MANY).unwrap();
    slow.retry_after = Some(Duration::from_secs(40));
    let (channel, sent) = channel([Ok(slow), reply(200, OK)]);
    channel.send(&get()).await.unwrap();
    let second = sent.lock().unwrap()[1].0;
    assert!((40.0..41.1).contains(&second), "{second}");
}

#[tokio::test(start_paused = true)]
async fn a_429_pauses_the_other_workers_of_its_budget() {
    let (channel, sent) = channel([reply(429, TOO_MANY), reply(200, OK), reply(200, OK), reply(200, OK)]);
    let first = tokio::spawn({
        let channel = channel.clone();
        async move { channel.send(&post()).await }
    });
    tokio::task::yield_now().await;
    let other = channel.signed_by(&Ikey::new("DIOTHER"), &Secret::new("s"));
    let (change, read) = (post(), get().budget(Budget::Read));
    let (write, read) = tokio::join!(other.send(&change), other.send(&read));
    write.and(read).unwrap();
    first.await.unwrap().unwrap();
    let sent = sent.lock().unwrap();
    let reads: Vec<_> = sent.iter().filter(|(_, request)| request.method == Method::Get).collect();
    assert_eq!(reads[0].0, 0.0, "another budget goes on");
    let writes = sent.iter().filter(|(_, request)| request.method == Method::Post).skip(1);
    assert!(writes.clone().count() == 2 && writes.clone().all(|(time, _)| *time >= 1.0), "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_read_is_repeated_and_a_change_is_not() {
    let (channel1, sent) = channel([lost(), reply(502, "<html>"), reply(200, OK)]);
    channel1.send(&get()).await.unwrap();
    assert_eq!(sent.lock().unwrap().len(), 3);
    let (channel2, sent) = channel([lost(), lost(), lost()]);
    assert!(matches!(channel2.send(&get()).await, Err(DuoError::Lost { .. })));
    assert_eq!(sent.lock().unwrap().len(), 3);
    let put = ApiCall { method: Method::Put, ..post() };
    for call in [post(), put, ApiCall::delete("/admin/v3/integrations/DI1")] {
        for answer in [lost(), reply(500, "{\"stat\":\"FAIL\"}"), reply(200, "{\"stat\": \"OK\", ")] {
            let (channel, sent) = channel([answer]);
            let error = channel.send(&call).await.unwrap_err();
            assert!(error.outcome_unknown(), "{error}");
            assert_eq!(sent.lock().unwrap().len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_timestamp_is_mended_by_one_ping() {
    let ping = format!(r#"{{"stat": "OK", "response": {{"time": {}}}}}"#, START + 4000);
    let (channel, sent) = channel([reply(401, BAD_TIME), reply(200, &ping), reply(200, OK), reply(200, OK)]);
    assert_eq!(channel.clock_offset(), None);
    channel.send(&post()).await.unwrap();
    channel.clone().send(&get()).await.unwrap();
    assert_eq!(channel.clock_offset(), Some(4000));
    let sent = sent.lock().unwrap();
    let (ping, mended, later) = (&sent[1].1, &sent[2].1, &sent[3].1);
    assert!(ping.target == "/auth/v2/ping" && ping.authorization.is_none());
    assert_eq!(
        (sent[0].1.date.as_str(), mended.date.as_str()),
        ("Wed, 18 Mar 2026 09:05:07 -0000", "Wed, 18 Mar 2026 10:11:47 -0000",)
    );
    assert_eq!(later.date, mended.date);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_cannot_be_mended_leaves_duos_refusal() {
    let ping = format!(r#"{{"stat": "OK", "response": {{"time": {START}}}}}"#);
    let (still, _) = channel([reply(401, BAD_TIME), reply(200, &ping), reply(401, BAD_TIME)]);
    assert_eq!(still.send(&get()).await.unwrap_err().code(), Some(40105));
    let (no_ping, _) = channel([reply(401, BAD_TIME), reply(404, "<html>")]);
    assert_eq!(no_ping.send(&get()).await.unwrap_err().code(), Some(40105));
}

#[tokio::test(start_paused = true)]
async fn nothing_printed_holds_the_secret() {
    let (channel, sent) =
        channel([reply(403, r#"{"stat": "FAIL", "code": 40301, "message": "Access forbidden"}"#)]);
    let error = channel.send(&post()).await.unwrap_err();
    let text = format!("{error} {error:?} {channel:?} {:?}", sent.lock().unwrap());
    assert!(!text.contains("topsecret") && !text.contains("Basic"), "{text}");
}
