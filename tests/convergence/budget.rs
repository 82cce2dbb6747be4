//! Writes follow the account's budget: at a limit of R writes a minute an apply reaches 95% of R, and never sends bursts.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use duoctl::duo::backoff::Backoff;
use duoctl::duo::call::Method;
use duoctl::duo::channel::{Channel, Exchange, Fault};
use duoctl::duo::client::Writer;
use duoctl::duo::limiter::Limits;
use duoctl::duo::object::Ikey;
use duoctl::duo::reply::{Body, Reply};
use duoctl::duo::request::{Key, SignedRequest};
use duoctl::sandbox::account::{API_HOSTNAME, Account};
use duoctl::sandbox::faults::Strike;
use duoctl::sandbox::message::RawRequest;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::time::Instant;

use super::{
    Courier, Hands, Sealer, Silent, Stores, execute, keyring, observe, options, parse, plan, without_waiting,
};
use duoctl::duo::client::Reader;
use tokio_util::sync::CancellationToken;

const WORKERS: usize = 4;

/// The simulator behind the complete client without its sockets, with a clock that skips every wait.
#[derive(Clone)]
struct Wire {
    account: Arc<Mutex<Account>>,
    begun: (Timestamp, Instant),
    /// When each write was sent, and its status.
    writes: Arc<Mutex<Vec<(f64, u16)>>>,
}

impl Exchange for Wire {
    async fn exchange(&self, request: &SignedRequest) -> Result<Reply, Fault> {
        tokio::time::sleep(Duration::from_millis(80)).await;
        let mut headers =
            vec![("Host".to_owned(), API_HOSTNAME.to_owned()), ("Date".to_owned(), request.date.clone())];
        headers.extend(
            request.authorization.as_ref().map(|text| ("Authorization".to_owned(), text.expose().to_owned())),
        );
        headers.extend(request.content_type.map(|text| ("Content-Type".to_owned(), text.to_owned())));
        let raw = RawRequest::new(request.method.as_str(), &request.target, headers, request.body.clone());
        let now = self.now().as_second();
        let mut account = self.account.lock().unwrap();
        let answer = match account.strike(&raw, now) {
            Strike::Answer(answer) => answer,
            _ => account.handle(&raw, now),
        };
        if request.method != Method::Get {
            self.writes.lock().unwrap().push((self.begun.1.elapsed().as_secs_f64(), answer.status));
        }
        let content_type = Some("application/json".to_owned());
        let body = Body::Whole(answer.body);
        let status = answer.status;
        Ok(Reply { status, content_type, content_encoding: None, location: None, retry_after: None, body })
    }

    fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.begun.1.elapsed()).unwrap();
        self.begun.0 + elapsed
    }
}

/// Creates this many applications at a limit. Returns when each write was sent, and its status.
fn writes_at(limit: u32, count: usize) -> Vec<(f64, u16)> {
    without_waiting(async {
        let mut account = Account::empty_in_memory().unwrap();
        account.faults.add(format!("writes-per-minute={limit}").parse().unwrap());
        let operator = account.key("operator").unwrap();
        let writes: Arc<Mutex<Vec<(f64, u16)>>> = Arc::default();
        let begun = (Timestamp::now(), Instant::now());
        let wire = Wire { account: Arc::new(Mutex::new(account)), begun, writes: Arc::clone(&writes) };
        let key = Key { ikey: Ikey::new(operator.integration_key), skey: operator.secret_key };
        let operator = key.ikey.clone();
        let channel = Channel::new(wire, API_HOSTNAME, key, Limits::DUO, Backoff::default());
        let entries: serde_json::Map<_, _> = (0..count)
            .map(|n| {
                (
                    format!("a{n}"),
                    json!({"type": "radius", "name": format!("A {n}"), "user_access": "no_users"}),
                )
            })
            .collect();
        let tenant = json!({"api_hostname": API_HOSTNAME});
        let yaml = json!({"version": 1, "workspace": "acme", "tenant": tenant, "applications": entries});
        let wanted = parse(yaml.to_string());
        let reading =
            observe(&Reader::new(channel.clone()), &wanted, keyring(), &operator, API_HOSTNAME).await;
        let planned = plan(&wanted, &reading.observation, &options());
        let (writer, stores) = (Writer::new(channel.clone()), Stores::default());
        let courier = Courier::new(channel, &stores);
        let outcomes = execute(
            &planned,
            Hands { writer: &writer, courier: &courier, deputy: None, sealer: Sealer::new(keyring()) },
            WORKERS,
            &CancellationToken::new(),
            &Silent,
        )
        .await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome.status, super::Status::Applied)), "{limit}");
        writes.lock().unwrap().clone()
    })
}

#[test]
fn an_apply_spends_the_budget_whatever_it_is_and_never_storms() {
    for limit in [300_u32, 240, 120, 60] {
        let count = usize::try_from(limit).unwrap() * 6;
        let writes = writes_at(limit, count);
        let done: Vec<f64> = writes.iter().filter(|(_, status)| *status == 200).map(|(at, _)| *at).collect();
        let refused = writes.len() - done.len();
        // The first minutes are spent on finding the limit.
        let steady = done.iter().filter(|at| **at > 120.0).count();
        let minutes = (done.last().unwrap() - 120.0) / 60.0;
        let reached = f64::from(u32::try_from(steady).unwrap()) / minutes / f64::from(limit);
        assert!((0.95..=1.01).contains(&reached), "{limit}: {reached:.3} of it, {refused} refused");
        // One refusal for each worker and step of the back-off, and a few for testing whether more is possible.
        assert!(
            refused <= 6 * WORKERS + writes.len() / 100,
            "{limit}: {refused} of {} were refused",
            writes.len()
        );
        let at: Vec<f64> = writes.iter().filter(|(_, status)| *status == 429).map(|(at, _)| *at).collect();
        let storm = at.windows(WORKERS + 1).find(|some| some[WORKERS] - some[0] < 1.0);
        assert_eq!(storm, None, "{limit}: every worker is refused once before all of them wait");
    }
}
