//! Waits that could look as if the program hangs: the first one for each reason is announced.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Receives, in one line, that duoctl waits, why, and for how long.
pub type Notice = Arc<dyn Fn(&str) + Send + Sync>;

/// Duo answered 429.
pub const RATE_LIMIT: &str = "Duo's rate limit is reached";
/// duoctl's own rate limit.
pub const PACE: &str = "calls are spread out to stay within Duo's rate limit";
/// An answer was lost, or was a server error.
pub const NO_ANSWER: &str = "Duo does not answer reliably, so reads are retried";

/// Announces waits, once per reason.
#[derive(Default)]
pub struct Waits {
    notice: OnceLock<Notice>,
    told: Mutex<BTreeSet<&'static str>>,
    /// The shortest wait that is announced.
    least: Duration,
}

impl fmt::Debug for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waits").field("least", &self.least).finish_non_exhaustive()
    }
}

impl Waits {
    /// Announces waits of at least this length.
    pub fn from(least: Duration) -> Self {
        Self { least, ..Self::default() }
    }

    /// Sets the listener. Only the first call has an effect.
    pub fn tell(&self, notice: Notice) {
        // The first listener stays.
        let _ = self.notice.set(notice);
    }

    /// Announces a wait; `detail` completes the sentence.
    pub fn announce(&self, reason: &'static str, wait: Duration, detail: &str) {
        let Some(notice) = self.notice.get().filter(|_| wait >= self.least) else { return };
        let first = self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(reason);
        if first {
            notice(&format!("waiting {}: {reason}{detail}", in_words(wait)));
        }
    }
}

/// A wait for people: whole seconds, or milliseconds below one.
fn in_words(wait: Duration) -> String {
    match wait.as_secs() {
        0 => format!("{} ms", wait.as_millis()),
        seconds if wait.subsec_nanos() > 0 => format!("{} s", seconds.saturating_add(1)),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_announced_once_and_only_where_the_wait_is_long() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let waits = Waits::from(Duration::from_secs(3));
        waits.announce(PACE, Duration::from_secs(9), "");
        let told = Arc::clone(&lines);
        waits.tell(Arc::new(move |line| told.lock().unwrap().push(line.to_owned())));
        for millis in [2_900, 3_000, 40_100, 60_000] {
            waits.announce(RATE_LIMIT, Duration::from_millis(millis), "");
        }
        waits.announce(PACE, Duration::from_millis(4_200), "; try later");
        waits.announce(PACE, Duration::from_secs(30), "");
        let expected = [format!("waiting 3 s: {RATE_LIMIT}"), format!("waiting 5 s: {PACE}; try later")];
        assert_eq!(*lines.lock().unwrap(), expected);
        assert_eq!(in_words(Duration::from_millis(5)), "5 ms");
    }
}
