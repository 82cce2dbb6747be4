//! What is said when a bug ends duoctl. What a panic has to tell may hold anything, so only its place is printed.

use std::io::Write as _;
use std::panic::PanicHookInfo;

/// Prints the place of every panic from now on, and nothing else of it.
pub fn install() {
    std::panic::set_hook(Box::new(|panic| {
        // There is nobody left to tell.
        let _ = std::io::stderr().lock().write_all(text(panic).as_bytes());
    }));
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
