//! Checks the connection to the account without a key: hostname, TLS and clock.

use jiff::Timestamp;

use crate::duo::call::Transport;
use crate::duo::probe::auth_ping;
use crate::verify::report::{Check, Verdict};

use super::diagnosis::Diagnosis;

/// The name of the connection check.
pub const WAY: &str = "hostname and TLS";
/// The name of the clock check.
pub const CLOCK: &str = "clock";

/// From how many seconds on a wrong clock is reported. Duo may refuse requests from about a minute on (duo-api.md,
/// corrections to section 1.7).
const CLOCK_WARNING: i64 = 30;
const CLOCK_LIMIT: i64 = 60;

/// Sends an unsigned call and compares the clocks. Returns whether the account was reached.
pub async fn check<T: Transport>(found: &mut Diagnosis, transport: &T, now: Timestamp) -> bool {
    match auth_ping(transport).await {
        Ok(time) => {
            found.verified(WAY, format!("{} answers as Duo", transport.host()));
            clock(found, time.saturating_sub(now.as_second()));
            true
        }
        Err(error) => {
            found.refused(WAY, error);
            found.skipped(CLOCK, &format!("`{WAY}` failed"));
            false
        }
    }
}

fn clock(found: &mut Diagnosis, offset: i64) {
    let seconds = offset.unsigned_abs();
    let fix = "synchronise this machine's clock, e.g. with chrony or systemd-timesyncd";
    if offset.abs() >= CLOCK_LIMIT {
        found.failed(
            CLOCK,
            format!("it differs from Duo's by {seconds} s; duoctl signs with Duo's time instead"),
            fix,
        );
    } else if offset.abs() >= CLOCK_WARNING {
        let detail = format!("it differs from Duo's by {seconds} s, which Duo accepts");
        found.note(Check::new(CLOCK, Verdict::Verified, detail).fix(fix));
    } else {
        found.verified(CLOCK, format!("differs from Duo's by {seconds} s"));
    }
}
