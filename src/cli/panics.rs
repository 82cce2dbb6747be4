//! The message when a bug ends duoctl. The text of a panic may contain anything, so only its place is printed.

use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};

use super::exit::Exit;

static BEGUN: AtomicBool = AtomicBool::new(false);

/// From now on, prints only the place of every panic.
#[allow(clippy::exit, reason = "nothing has begun that could be finished")]
pub fn install() {
    std::panic::set_hook(Box::new(|panic| {
        // Nothing can be done if stderr is closed.
        let _ = std::io::stderr().lock().write_all(text(panic).as_bytes());
        // Threads that were started would wait forever for those that could not be.
        if !BEGUN.load(Ordering::Acquire) {
            std::process::exit(i32::from(Exit::Error.code()));
        }
    }));
}

/// All threads are started: from now on, a panic is left to the code that catches it.
pub fn begun() {
    BEGUN.store(true, Ordering::Release);
}

fn text(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
    format!(
        "error: a bug ended duoctl {} at {}; requests in progress may or may not have been carried out: run `duoctl plan` to \
         see, and please report this line\n",
        env!("CARGO_PKG_VERSION"),
        place.unwrap_or_else(|| "an unknown place".to_owned()),
    )
}
