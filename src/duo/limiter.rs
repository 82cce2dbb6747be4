//! Spends an account's rate budgets evenly, and slows down when Duo rate-limits (duo-api.md, section 2.3).
//!
//! Duo reveals neither its limits nor the remaining calls, and other tools share them. Each budget starts at the documented
//! rate, and a 429 pauses all calls of that budget. If this run sent a large part of the calls, the number that succeeded
//! in the last minute becomes the limit. Otherwise other tools used the limit: the rate is halved and recovers in a minute.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::call::Budget;

/// The longest time that a halved rate takes to recover: Duo's counting window.
const RECOVERY_SECONDS: f64 = 60.0;

/// Duo's counting window.
const WINDOW: Duration = Duration::from_secs(60);

/// If this run sent at least this part of the documented rate, a 429 reveals the limit and is not caused by other tools.
const TELLING_PART: f64 = 1.0 / 8.0;

/// How far duoctl stays below a learnt limit, and how much of the full rate it tries to regain per second.
const MARGIN: f64 = 0.98;
const REGAIN: f64 = 0.02 / 60.0;

/// The smallest shortfall of a token that matters: timers round to less than this.
const ROUNDING: f64 = 1e-6;

/// A rate budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Long-term calls per minute.
    pub per_minute: u32,
    /// Calls that may be sent at once after a pause. Together with `per_minute` it stays within Duo's limit per minute.
    pub burst: u32,
    /// The rate below which a 429 does not reduce it.
    pub floor_per_minute: u32,
}

/// The budgets of an account; `None` is unlimited, except that a 429 still pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For [`Budget::Read`].
    pub read: Option<Rate>,
    /// For [`Budget::Write`].
    pub write: Option<Rate>,
    /// For [`Budget::Log`].
    pub log: Option<Rate>,
}

impl Limits {
    /// Duo's own limits: 300 reads and 300 writes a minute. For logs, newer sources say 50 a minute and older ones 2: the first
    /// two calls go out at once, and 429s reduce the rate to the older limit.
    pub const DUO: Self = Self {
        read: Some(Rate { per_minute: 280, burst: 20, floor_per_minute: 40 }),
        write: Some(Rate { per_minute: 295, burst: 5, floor_per_minute: 20 }),
        log: Some(Rate { per_minute: 50, burst: 2, floor_per_minute: 2 }),
    };

    /// No limits, for a simulator.
    pub const UNLIMITED: Self = Self { read: None, write: None, log: None };
}

/// Hands out turns. All workers of an account share one.
#[derive(Debug)]
pub struct Limiter {
    read: Lane,
    write: Lane,
    log: Lane,
}

/// A turn that was taken. Pass it to [`Limiter::pause`] when Duo answers 429.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    budget: Budget,
    slowdowns: u64,
}

impl Limiter {
    /// Starts with full budgets.
    pub fn new(limits: Limits) -> Self {
        Self { read: Lane::new(limits.read), write: Lane::new(limits.write), log: Lane::new(limits.log) }
    }

    /// Waits for a turn, first come, first served.
    pub async fn turn(&self, budget: Budget) -> Turn {
        self.turn_announced(budget, |_| ()).await
    }

    /// The same; `announce` is called for each wait caused by the budget's rate, but not for pauses.
    pub async fn turn_announced(&self, budget: Budget, announce: impl Fn(Duration)) -> Turn {
        let lane = self.lane(budget);
        // Held while waiting: this lock's queue is the budget's queue.
        let _queue = lane.queue.lock().await;
        loop {
            let (wait, paused) = {
                let mut bucket = lane.bucket();
                let now = Instant::now();
                match bucket.take(now) {
                    None => return Turn { budget, slowdowns: bucket.slowdowns },
                    Some(wait) => (wait, bucket.is_paused(now)),
                }
            };
            if !paused {
                announce(wait);
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Pauses all calls of the turn's budget and halves its rate, once for all calls that were in flight together.
    pub fn pause(&self, turn: Turn, pause: Duration) {
        self.lane(turn.budget).bucket().pause(Instant::now() + pause, turn.slowdowns);
    }

    fn lane(&self, budget: Budget) -> &Lane {
        match budget {
            Budget::Read => &self.read,
            Budget::Write => &self.write,
            Budget::Log => &self.log,
        }
    }
}

#[derive(Debug)]
struct Lane {
    queue: tokio::sync::Mutex<()>,
    bucket: Mutex<Bucket>,
}

impl Lane {
    fn new(rate: Option<Rate>) -> Self {
        Self { queue: tokio::sync::Mutex::default(), bucket: Mutex::new(Bucket::new(rate)) }
    }

    fn bucket(&self) -> std::sync::MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Bucket {
    rate: Option<Rate>,
    per_second: f64,
    /// The rate that is recovered to: the full rate, or less if a limit was learnt.
    ceiling: f64,
    /// When calls were sent in the last minute, without refused ones.
    sent: VecDeque<Instant>,
    tokens: f64,
    /// The time up to which tokens are counted; in the future during a pause.
    counted: Option<Instant>,
    paused_until: Option<Instant>,
    slowdowns: u64,
}

impl Bucket {
    fn new(rate: Option<Rate>) -> Self {
        let (per_second, tokens) =
            rate.map_or((0.0, 0.0), |rate| (per_second(rate.per_minute), f64::from(rate.burst.max(1))));
        Self {
            rate,
            per_second,
            ceiling: per_second,
            sent: VecDeque::new(),
            tokens,
            counted: None,
            paused_until: None,
            slowdowns: 0,
        }
    }

    fn is_paused(&self, now: Instant) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }

    /// Takes a token, or returns how long to wait before asking again.
    fn take(&mut self, now: Instant) -> Option<Duration> {
        if let Some(until) = self.paused_until.filter(|until| now < *until) {
            return Some(until - now);
        }
        let rate = self.rate?;
        let elapsed =
            self.counted.map_or(0.0, |counted| now.saturating_duration_since(counted).as_secs_f64());
        self.counted = Some(now);
        let full = per_second(rate.per_minute);
        self.ceiling = (self.ceiling + full * REGAIN * elapsed).min(full);
        self.per_second = (self.per_second + full * elapsed / RECOVERY_SECONDS).min(self.ceiling);
        self.tokens = (self.tokens + self.per_second * elapsed).min(f64::from(rate.burst.max(1)));
        if self.tokens >= 1.0 - ROUNDING {
            self.tokens -= 1.0;
            self.forget(now);
            self.sent.push_back(now);
            return None;
        }
        Some(Duration::from_secs_f64((1.0 - self.tokens) / self.per_second))
    }

    fn forget(&mut self, now: Instant) {
        while self.sent.front().is_some_and(|sent| now.saturating_duration_since(*sent) >= WINDOW) {
            self.sent.pop_front();
        }
    }

    /// How many calls succeeded in the last minute, per second, if that reveals the limit.
    fn learnt(&mut self, full: f64) -> Option<f64> {
        self.forget(Instant::now());
        let count = u32::try_from(self.sent.len()).map_or(f64::MAX, f64::from);
        let rate = count / WINDOW.as_secs_f64();
        (rate >= full * TELLING_PART).then_some(rate * MARGIN)
    }

    fn pause(&mut self, until: Instant, slowdowns: u64) {
        self.sent.pop_back();
        let until = self.paused_until.map_or(until, |already| already.max(until));
        self.paused_until = Some(until);
        // One call is sent as soon as the pause ends; the others follow at the lower rate.
        (self.tokens, self.counted) = (1.0, Some(until));
        if let Some(rate) = self.rate.filter(|_| slowdowns == self.slowdowns) {
            self.slowdowns = self.slowdowns.wrapping_add(1);
            let (full, floor) = (per_second(rate.per_minute), per_second(rate.floor_per_minute));
            self.per_second = match self.learnt(full) {
                Some(limit) => {
                    self.ceiling = limit.clamp(floor, full);
                    self.ceiling
                }
                None => (self.per_second / 2.0).max(floor),
            };
        }
    }
}

fn per_second(per_minute: u32) -> f64 {
    f64::from(per_minute.max(1)) / 60.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const RATE: Rate = Rate { per_minute: 60, burst: 3, floor_per_minute: 6 };

    fn limiter() -> Limiter {
        Limiter::new(Limits { read: Some(RATE), write: Some(RATE), log: None })
    }

    async fn turns(limiter: &Limiter, budget: Budget, count: usize) -> Turn {
        for _ in 1..count {
            limiter.turn(budget).await;
        }
        limiter.turn(budget).await
    }

    fn near(measured: Duration, seconds: f64) {
        assert!(
            (measured.as_secs_f64() - seconds).abs() < 0.02 * seconds.max(1.0),
            "{measured:?}, not {seconds} s"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn calls_go_out_at_the_rate_neither_below_nor_above() {
        let (limiter, start) = (limiter(), Instant::now());
        turns(&limiter, Budget::Write, 3).await;
        near(start.elapsed(), 0.0);
        turns(&limiter, Budget::Write, 30).await;
        near(start.elapsed(), 30.0);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let start = Instant::now();
        turns(&limiter, Budget::Write, 4).await;
        near(start.elapsed(), 1.0);
    }

    #[tokio::test(start_paused = true)]
    async fn three_hundred_changes_a_minute_and_not_one_more() {
        let (limiter, start) = (Limiter::new(Limits::DUO), Instant::now());
        let mut sent = 0;
        while start.elapsed() <= Duration::from_secs(60) {
            limiter.turn(Budget::Write).await;
            sent += 1;
        }
        assert!((298..=301).contains(&sent), "{sent}");
    }

    #[tokio::test(start_paused = true)]
    async fn many_workers_share_one_budget() {
        let (limiter, start) = (Arc::new(limiter()), Instant::now());
        let workers: Vec<_> = (0..10)
            .map(|_| {
                let limiter = Arc::clone(&limiter);
                tokio::spawn(async move { turns(&limiter, Budget::Read, 2).await })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        near(start.elapsed(), 17.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everyone_of_the_budget_and_nobody_else() {
        let (limiter, start) = (Arc::new(limiter()), Instant::now());
        let turn = turns(&limiter, Budget::Write, 3).await;
        let waiting = tokio::spawn({
            let limiter = Arc::clone(&limiter);
            async move { limiter.turn(Budget::Write).await }
        });
        tokio::task::yield_now().await;
        limiter.pause(turn, Duration::from_secs(8));
        limiter.turn(Budget::Read).await;
        near(start.elapsed(), 0.0);
        waiting.await.unwrap();
        near(start.elapsed(), 8.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_429_halves_the_rate_once_and_it_recovers() {
        let limiter = limiter();
        let turn = turns(&limiter, Budget::Write, 3).await;
        // Three calls were in flight together and are refused together.
        for _ in 0..3 {
            limiter.pause(turn, Duration::from_secs(1));
        }
        let start = Instant::now();
        turns(&limiter, Budget::Write, 2).await;
        let gap = start.elapsed().as_secs_f64() - 1.0;
        assert!((1.8..=2.05).contains(&gap), "half of one call a second: {gap}");
        tokio::time::sleep(Duration::from_secs(60)).await;
        turns(&limiter, Budget::Write, 3).await;
        let start = Instant::now();
        turns(&limiter, Budget::Write, 5).await;
        near(start.elapsed(), 5.0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_never_falls_below_its_floor() {
        let limiter = limiter();
        for _ in 0..20 {
            let turn = limiter.turn(Budget::Write).await;
            limiter.pause(turn, Duration::ZERO);
        }
        let start = Instant::now();
        turns(&limiter, Budget::Write, 2).await;
        assert!(start.elapsed() <= Duration::from_secs(10), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_unlimited_budget_still_pauses() {
        let (limiter, start) = (limiter(), Instant::now());
        let turn = turns(&limiter, Budget::Log, 1000).await;
        near(start.elapsed(), 0.0);
        limiter.pause(turn, Duration::from_secs(3));
        turns(&limiter, Budget::Log, 1000).await;
        near(start.elapsed(), 3.0);
    }
}
