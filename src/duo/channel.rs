//! The transport without its I/O: one host, one key, and everything around an exchange that callers should not have to
//! handle: rate budget, fresh date and signature, back-off, safe retries, and the clock.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::backoff::{Attempts, Backoff, Next};
use super::call::{ApiCall, Success, Transport};
use super::clock::Clock;
use super::error::{DuoError, Unreachable};
use super::limiter::{Limiter, Limits, Turn};
use super::object::Ikey;
use super::probe::{ping_call, time_in};
use super::reply::{Reply, outcome};
use super::request::{Key, SignedRequest, date_text, signed_request, title};
use super::waits::{NO_ANSWER, Notice, PACE, RATE_LIMIT, Waits};
use crate::secret::Secret;

/// Waits of at least this many back-off units, three seconds, are announced.
const LONG_WAIT: u32 = 3;

/// Why there was no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was sent.
    Unreachable(Unreachable, String),
    /// Something may have been sent; one line for people.
    Lost(String),
}

/// Sends one request and returns one reply: the only access to the network and the wall clock.
pub trait Exchange: Send + Sync + 'static {
    /// Sends a request once.
    fn exchange(&self, request: &SignedRequest) -> impl Future<Output = Result<Reply, Fault>> + Send;

    /// This machine's clock.
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A transport over an [`Exchange`]. Clones share connections, budgets and clock.
pub struct Channel<E> {
    shared: Arc<Shared<E>>,
    key: Key,
}

struct Shared<E> {
    exchange: E,
    host: String,
    limiter: Limiter,
    backoff: Backoff,
    clock: Clock,
    waits: Waits,
    requests: AtomicU64,
}

impl<E> Clone for Channel<E> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), key: self.key.clone() }
    }
}

impl<E> fmt::Debug for Channel<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("host", &self.shared.host)
            .field("ikey", &self.key.ikey)
            .finish_non_exhaustive()
    }
}

impl<E: Exchange> Channel<E> {
    /// A transport to one API hostname with one key.
    pub fn new(exchange: E, host: impl Into<String>, key: Key, limits: Limits, backoff: Backoff) -> Self {
        let shared = Shared {
            exchange,
            host: host.into(),
            limiter: Limiter::new(limits),
            backoff,
            clock: Clock::default(),
            waits: Waits::from(backoff.unit.saturating_mul(LONG_WAIT)),
            requests: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared), key }
    }

    /// Sets who is told about the first long wait for each reason.
    pub fn tell_waits(&self, notice: Notice) {
        self.shared.waits.tell(notice);
    }

    /// How many requests were sent so far, over all clones, including retries and pings.
    pub fn requests_sent(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Seconds by which Duo's clock is ahead of this machine's, once known; a reason to warn.
    pub fn clock_offset(&self) -> Option<i64> {
        self.shared.clock.offset()
    }

    /// Asks Duo for the time, and signs with it from then on. Returns the offset in seconds.
    ///
    /// # Errors
    ///
    /// Those of one unsigned call to `/auth/v2/ping`.
    pub async fn learn_clock(&self) -> Result<i64, DuoError> {
        let call = ping_call();
        self.shared.limiter.turn(call.budget).await;
        let before = self.shared.exchange.now();
        let (result, _) = self.attempt(&call).await;
        let after = self.shared.exchange.now();
        let offset = self.shared.clock.learn(time_in(&call, &result?.response)?, before, after);
        tracing::debug!(offset, "clock compared with Duo's");
        Ok(offset)
    }

    /// One exchange with a fresh date and signature.
    async fn attempt(&self, call: &ApiCall) -> (Result<Success, DuoError>, Option<Duration>) {
        let shared = &self.shared;
        let date = date_text(shared.clock.duo_time(shared.exchange.now()));
        let request = match signed_request(call, &shared.host, &self.key, &date) {
            Ok(request) => request,
            Err(error) => return (Err(error), None),
        };
        shared.requests.fetch_add(1, Ordering::Relaxed);
        let start = Instant::now();
        let reply = shared.exchange.exchange(&request).await;
        let (method, path, ms) = (call.method.as_str(), &call.path, start.elapsed().as_millis());
        match reply {
            Ok(reply) => {
                tracing::debug!(method, path, status = reply.status, ms, "answered");
                (outcome(call, &reply), reply.retry_after)
            }
            Err(fault) => {
                tracing::debug!(method, path, ms, ?fault, "not answered");
                (Err(shared.error(call, fault)), None)
            }
        }
    }
}

impl<E> Shared<E> {
    fn error(&self, call: &ApiCall, fault: Fault) -> DuoError {
        match fault {
            Fault::Unreachable(kind, reason) => {
                DuoError::Unreachable { host: self.host.clone(), kind, reason }
            }
            Fault::Lost(reason) => DuoError::Lost { call: title(call), reason },
        }
    }

    fn pause(&self, turn: Turn, wait: Duration, asked: Option<Duration>, call: &ApiCall) {
        tracing::debug!(path = call.path, ms = wait.as_millis(), "rate limited, pausing");
        // Duo may ask for a longer wait than duoctl accepts.
        let asked = asked.map(|asked| format!(" (Duo asks for {} s)", asked.as_secs())).unwrap_or_default();
        self.waits.announce(RATE_LIMIT, wait, &asked);
        self.limiter.pause(turn, wait);
    }
}

impl<E: Exchange> Transport for Channel<E> {
    async fn send(&self, call: &ApiCall) -> Result<Success, DuoError> {
        let mut attempts = Attempts::new(self.shared.backoff, call.method);
        let start = Instant::now();
        let slowly = |wait: Duration| self.shared.waits.announce(PACE, wait, "");
        loop {
            // Waiting for a turn may take long, so it comes before the date.
            let turn = self.shared.limiter.turn_announced(call.budget, slowly).await;
            let (result, retry_after) = self.attempt(call).await;
            let error = match result {
                Ok(success) => return Ok(success),
                Err(error) => error,
            };
            match attempts.next(error, chance(), retry_after) {
                Next::GiveUp(error) => return Err(error),
                Next::Pause(wait) => self.shared.pause(turn, wait, retry_after, call),
                Next::Repeat(wait) => {
                    // The wait for the lost answer counts, too.
                    self.shared.waits.announce(NO_ANSWER, start.elapsed().saturating_add(wait), "");
                    tokio::time::sleep(wait).await;
                }
                Next::LearnClock(error) => {
                    if self.learn_clock().await.is_err() {
                        return Err(error);
                    }
                }
            }
        }
    }

    fn signed_by(&self, ikey: &Ikey, secret: &Secret) -> Self {
        let key = Key { ikey: ikey.clone(), skey: secret.clone() };
        Self { shared: Arc::clone(&self.shared), key }
    }

    fn host(&self) -> &str {
        &self.shared.host
    }

    fn announce(&self, reason: &'static str, wait: Duration) {
        self.shared.waits.announce(reason, wait, "");
    }
}

/// A number from 0 up to 1, so that parallel workers do not retry in step.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / 4_294_967_296.0)
}

#[cfg(test)]
mod tests;
