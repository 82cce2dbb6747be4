//! The offset between this machine's clock and Duo's (duo-api.md, section 1.7).

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::request::shifted;

/// Remembers the offset. Until it is known, this machine's clock is used.
#[derive(Debug, Default)]
pub struct Clock {
    offset: Mutex<Option<i64>>,
}

impl Clock {
    /// Records Duo's time in Unix seconds, read between two local moments. Returns the offset in seconds, positive if Duo is
    /// ahead.
    pub fn learn(&self, duo: i64, before: Timestamp, after: Timestamp) -> i64 {
        let local = before.as_second().midpoint(after.as_second());
        let offset = duo.saturating_sub(local);
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner) = Some(offset);
        offset
    }

    /// The offset in seconds, positive if Duo is ahead; `None` until it is known. A large one deserves a warning: Duo accepts
    /// about a minute.
    pub fn offset(&self) -> Option<i64> {
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Duo's time at a local moment.
    pub fn duo_time(&self, local: Timestamp) -> Timestamp {
        shifted(local, self.offset().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_is_taken_from_the_middle_of_the_call() {
        let clock = Clock::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!((clock.offset(), clock.duo_time(at(50))), (None, at(50)));
        assert_eq!(clock.learn(1_000, at(600), at(604)), 398);
        assert_eq!((clock.offset(), clock.duo_time(at(50))), (Some(398), at(448)));
        assert_eq!(clock.learn(i64::MIN, at(600), at(600)), i64::MIN);
        assert_eq!(clock.duo_time(at(50)), at(50), "an absurd offset is ignored");
    }
}
