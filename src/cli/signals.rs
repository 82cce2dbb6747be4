//! The signals that ask the process to end.

use tokio_util::sync::CancellationToken;

use crate::output::printer::Printer;

/// SIGINT and SIGTERM, caught from the moment of creation on, so that none gets lost between two awaits.
pub struct Signals {
    #[cfg(unix)]
    caught: Option<(tokio::signal::unix::Signal, tokio::signal::unix::Signal)>,
}

impl Signals {
    /// Begins to catch them. Where that is impossible they keep ending the process.
    pub fn catch() -> Self {
        Self {
            #[cfg(unix)]
            caught: {
                use tokio::signal::unix::{SignalKind, signal};
                signal(SignalKind::interrupt()).ok().zip(signal(SignalKind::terminate()).ok())
            },
        }
    }

    /// Returns at the next one.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        match &mut self.caught {
            Some((interrupt, terminate)) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            None => std::future::pending().await,
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The first signal asks to stop: what is under way is finished, nothing new begins. Returns at the second one.
pub async fn stop_then_give_up(mut signals: Signals, stop: &CancellationToken, printer: Printer) {
    signals.next().await;
    stop.cancel();
    printer.remark("interrupted: finishing what is under way; once more to end at once\n");
    signals.next().await;
    printer.problem(
        "interrupted again: whether the requests under way were carried out is not known; run `duoctl plan` to see\n",
    );
}
