//! When a call is retried, and after what wait; without I/O (duo-api.md, sections 1.7 and 2.3).

use std::time::Duration;

use super::call::Method;
use super::error::{DuoError, Unreachable};

/// How often a call is sent while Duo answers 429: once, and again after each wait.
pub const ATTEMPTS: u32 = 7;

/// How often a read is sent while its answers are lost or are server errors.
const READ_TRIES: u32 = 3;

/// Duo's code for too large a clock difference.
const BAD_TIMESTAMP: u32 = 40105;

/// Duo's code for too many requests.
const TOO_MANY: u32 = 42901;

/// The lengths of the waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The unit of the schedule: the waits are 1, 2, 4, 8, 16 and 32 units, plus up to one unit of jitter. One second; tests
    /// with a real socket use milliseconds.
    pub unit: Duration,
    /// The longest `Retry-After` that is honoured.
    pub longest_retry_after: Duration,
    /// The total time that one call waits while Duo answers 429.
    pub longest_in_all: Duration,
}

impl Default for Backoff {
    /// The schedule of Duo's own clients.
    fn default() -> Self {
        Self {
            unit: Duration::from_secs(1),
            longest_retry_after: Duration::from_secs(120),
            longest_in_all: Duration::from_secs(300),
        }
    }
}

impl Backoff {
    /// The wait after the given number of refusals (from 1 on); `None` to give up.
    ///
    /// `chance` is a number from 0 up to 1. `Retry-After` can lengthen the wait, never shorten it.
    pub fn wait(&self, refusals: u32, chance: f64, retry_after: Option<Duration>) -> Option<Duration> {
        let doublings = refusals.checked_sub(1)?;
        if refusals >= ATTEMPTS {
            return None;
        }
        let planned = self.unit.saturating_mul(2_u32.saturating_pow(doublings));
        let asked = retry_after.unwrap_or_default().min(self.longest_retry_after);
        Some(planned.max(asked) + self.unit.mul_f64(chance.clamp(0.0, 1.0)))
    }
}

/// What to do after a failed attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Stop: this is the outcome.
    GiveUp(DuoError),
    /// Pause all calls of the call's budget this long, then send the call again.
    Pause(Duration),
    /// Only this call waits this long and is sent again.
    Repeat(Duration),
    /// Learn the clock's offset, then send the call again; if that fails, this error is the outcome.
    LearnClock(DuoError),
}

/// The attempts at a call so far.
#[derive(Debug)]
pub struct Attempts {
    backoff: Backoff,
    method: Method,
    refusals: u32,
    failures: u32,
    clock_learnt: bool,
    /// The sum of the pauses.
    paused: Duration,
}

impl Attempts {
    /// No attempt yet.
    pub fn new(backoff: Backoff, method: Method) -> Self {
        Self { backoff, method, refusals: 0, failures: 0, clock_learnt: false, paused: Duration::ZERO }
    }

    /// Decides after a failure.
    ///
    /// A 429 and a bad timestamp are refused before anything happens, so every call may be sent again. After a server error
    /// or a lost answer the outcome is unknown: only reads are retried.
    pub fn next(&mut self, error: DuoError, chance: f64, retry_after: Option<Duration>) -> Next {
        if error.status() == Some(429) || error.code() == Some(TOO_MANY) {
            self.refusals = self.refusals.saturating_add(1);
            let wait = self.backoff.wait(self.refusals, chance, retry_after);
            let fits = |wait: &Duration| self.paused.saturating_add(*wait) <= self.backoff.longest_in_all;
            return match (wait.filter(fits), call_of(&error)) {
                (Some(wait), _) => {
                    self.paused = self.paused.saturating_add(wait);
                    Next::Pause(wait)
                }
                (None, Some(call)) => Next::GiveUp(DuoError::RateLimited { call, attempts: self.refusals }),
                (None, None) => Next::GiveUp(error),
            };
        }
        if error.code() == Some(BAD_TIMESTAMP) && !self.clock_learnt {
            self.clock_learnt = true;
            return Next::LearnClock(error);
        }
        if self.method == Method::Get && is_worth_repeating(&error) {
            self.failures = self.failures.saturating_add(1);
            if self.failures < READ_TRIES
                && let Some(wait) = self.backoff.wait(self.failures, chance, None)
            {
                return Next::Repeat(wait);
            }
        }
        Next::GiveUp(error)
    }
}

fn is_worth_repeating(error: &DuoError) -> bool {
    match error {
        DuoError::Lost { .. } | DuoError::Unreachable { kind: Unreachable::Timeout, .. } => true,
        DuoError::Refused(refusal) => refusal.status >= 500,
        DuoError::Unexpected { status, .. } => *status >= 500,
        DuoError::NotSent { .. }
        | DuoError::Unreachable { .. }
        | DuoError::RateLimited { .. }
        | DuoError::Incomplete { .. } => false,
    }
}

fn call_of(error: &DuoError) -> Option<String> {
    match error {
        DuoError::Refused(refusal) => Some(refusal.call.clone()),
        DuoError::Unexpected { call, .. } => Some(call.clone()),
        DuoError::NotSent { .. }
        | DuoError::Unreachable { .. }
        | DuoError::Lost { .. }
        | DuoError::RateLimited { .. }
        | DuoError::Incomplete { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duo::error::Refusal;

    fn refused(status: u16, code: u32) -> DuoError {
        let (call, message) = ("POST /x".to_owned(), "m".to_owned());
        DuoError::Refused(Refusal { call, status, code: Some(code), message, detail: None })
    }

    fn lost() -> DuoError {
        DuoError::Lost { call: "GET /x".to_owned(), reason: "r".to_owned() }
    }

    fn attempts(method: Method) -> Attempts {
        Attempts::new(Backoff::default(), method)
    }

    #[test]
    fn the_official_schedule_and_then_no_more() {
        let mut post = attempts(Method::Post);
        let waits: Vec<_> = (0..6)
            .map(|_| match post.next(refused(429, 42901), 0.5, None) {
                Next::Pause(wait) => wait.as_secs_f64(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(waits, [1.5, 2.5, 4.5, 8.5, 16.5, 32.5]);
        let last = post.next(refused(429, 42901), 0.5, None);
        assert_eq!(last, Next::GiveUp(DuoError::RateLimited { call: "POST /x".to_owned(), attempts: 7 }));
    }

    #[test]
    fn any_429_counts_whatever_its_body() {
        let html = DuoError::Unexpected { call: "GET /x".to_owned(), status: 429, reason: "r".to_owned() };
        assert!(matches!(attempts(Method::Get).next(html, 0.0, None), Next::Pause(_)));
        assert!(matches!(attempts(Method::Get).next(refused(200, 42901), 0.0, None), Next::Pause(_)));
    }

    #[test]
    fn retry_after_lengthens_within_bounds() {
        let backoff = Backoff::default();
        let wait = |seconds| backoff.wait(2, 0.0, Some(Duration::from_secs(seconds))).unwrap().as_secs();
        assert_eq!((wait(0), wait(1), wait(30), wait(100_000)), (2, 2, 30, 120));
    }

    /// Whatever Duo, or something in its place, asks for, a call gives up after five minutes of waiting.
    #[test]
    fn waits_that_are_asked_for_end() {
        for seconds in [0, 1, 30, 60, 100, 120, 100_000] {
            let mut post = attempts(Method::Post);
            let mut waited = Duration::ZERO;
            let ended = loop {
                match post.next(refused(429, 42901), 1.0, Some(Duration::from_secs(seconds))) {
                    Next::Pause(wait) => waited += wait,
                    other => break other,
                }
            };
            assert!(matches!(ended, Next::GiveUp(DuoError::RateLimited { .. })), "{ended:?}");
            assert!(waited <= Duration::from_secs(300), "{seconds}: {waited:?}");
            assert!(seconds > 30 || waited >= Duration::from_secs(60), "{seconds}: {waited:?}");
        }
    }

    #[test]
    fn reads_are_tried_three_times_and_changes_once() {
        for error in [
            lost(),
            refused(503, 50000),
            DuoError::Unexpected { call: String::new(), status: 502, reason: String::new() },
            DuoError::Unreachable { host: String::new(), kind: Unreachable::Timeout, reason: String::new() },
        ] {
            let mut get = attempts(Method::Get);
            assert_eq!(get.next(error.clone(), 0.0, None), Next::Repeat(Duration::from_secs(1)));
            assert_eq!(get.next(error.clone(), 0.0, None), Next::Repeat(Duration::from_secs(2)));
            assert_eq!(get.next(error.clone(), 0.0, None), Next::GiveUp(error.clone()));
            for method in [Method::Post, Method::Put, Method::Delete] {
                assert_eq!(attempts(method).next(error.clone(), 0.0, None), Next::GiveUp(error.clone()));
            }
        }
    }

    #[test]
    fn refusals_are_final() {
        for error in [refused(400, 40002), refused(401, 40103), refused(403, 40301), refused(404, 40401)] {
            assert_eq!(attempts(Method::Get).next(error.clone(), 0.0, None), Next::GiveUp(error));
        }
    }

    #[test]
    fn a_bad_timestamp_is_answered_by_learning_the_clock_once() {
        let mut post = attempts(Method::Post);
        assert_eq!(post.next(refused(401, 40105), 0.0, None), Next::LearnClock(refused(401, 40105)));
        assert_eq!(post.next(refused(401, 40105), 0.0, None), Next::GiveUp(refused(401, 40105)));
    }
}
