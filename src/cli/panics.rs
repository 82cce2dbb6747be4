//! What is said when a bug ends duoctl. What a panic has to tell may hold anything, so only its place is printed.

use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};

use super::exit::Exit;

static BEGUN: AtomicBool = AtomicBool::new(false);

/// Prints the place of every panic from now on, and nothing else of it.
#[allow(clippy::exit, reason = "nothing has begun that could be finished")]
pub fn install() {
    std::panic::set_hook(Box::new(|panic| {
        // There is nobody left to tell.
        let _ = std::io::stderr().lock().write_all(text(panic).as_bytes());
        // Threads that were started would wait for ever for those that could not be.
        if !BEGUN.load(Ordering::Acquire) {
            std::process::exit(i32::from(Exit::Error.code()));
        }
    }));
}

/// All threads are there: a panic from now on is for whoever catches it.
pub fn begun() {
    BEGUN.store(true, Ordering::Release);
}

fn text(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
    format!(
        "error: a bug ended duoctl {} at {}; what was under way may be done or not: run `duoctl plan` to see, and please \
         report this line\n",
        env!("CARGO_PKG_VERSION"),
        place.unwrap_or_else(|| "an unknown place".to_owned()),
    )
}
