//! The signals that ask the process to end.

#[cfg(unix)]
use std::io::Write as _;
#[cfg(unix)]
use std::sync::OnceLock;
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(unix)]
use std::time::Duration;

use tokio_util::sync::CancellationToken;

#[cfg(unix)]
use super::exit::Exit;
use crate::output::printer::Printer;

/// Whether a signal ends the process at once: until something waits for it.
#[cfg(unix)]
static AT_ONCE: AtomicBool = AtomicBool::new(true);

/// The stack of the thread that waits for a signal, in bytes: it writes one line.
#[cfg(unix)]
const STACK: usize = 128 * 1024;

/// From now on, SIGINT and SIGTERM end the process with the exit code of an interruption, until [`Signals::catch`]. If that
/// is impossible, they end it as they end any process.
pub fn end_at_once() {
    #[cfg(unix)]
    if let Ok(mut signals) =
        signal_hook::iterator::Signals::new([signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM])
    {
        let wait = move || {
            for _ in signals.forever() {
                if AT_ONCE.load(Ordering::Acquire) {
                    // stderr may be closed.
                    let _ = std::io::stderr().write_all(b"\ninterrupted\n");
                    report();
                    signal_hook::low_level::exit(i32::from(Exit::Interrupted.code()));
                }
            }
        };
        // Without the thread, signals could no longer end the process.
        if std::thread::Builder::new().stack_size(STACK).spawn(wait).is_err() {
            signal_hook::low_level::exit(i32::from(Exit::Error.code()));
        }
    }
}

/// What writes the outcome of an interrupted run.
#[cfg(unix)]
static REPORT: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

/// Sets what writes the outcome of a run that is interrupted before something waits for signals.
pub(super) fn on_interrupt(report: impl Fn() + Send + Sync + 'static) {
    #[cfg(unix)]
    REPORT.get_or_init(|| Box::new(report));
}

/// The output may be blocked, and an interrupted run must end.
#[cfg(unix)]
fn report() {
    let (done, wait) = std::sync::mpsc::channel();
    let write = move || {
        if let Some(report) = REPORT.get() {
            report();
        }
        let _ = done.send(());
    };
    if std::thread::Builder::new().spawn(write).is_ok() {
        let _ = wait.recv_timeout(PATIENCE);
    }
}

/// How long an interrupted run may take to write its outcome.
#[cfg(unix)]
const PATIENCE: Duration = Duration::from_secs(2);

/// SIGINT and SIGTERM, caught from the moment of creation on, so that none gets lost between two awaits.
pub struct Signals {
    #[cfg(unix)]
    caught: Option<(tokio::signal::unix::Signal, tokio::signal::unix::Signal)>,
}

impl Signals {
    /// Begins to catch them. If that is impossible, they keep ending the process.
    pub fn catch() -> Self {
        let signals = Self {
            #[cfg(unix)]
            caught: {
                use tokio::signal::unix::{SignalKind, signal};
                signal(SignalKind::interrupt()).ok().zip(signal(SignalKind::terminate()).ok())
            },
        };
        #[cfg(unix)]
        AT_ONCE.store(signals.caught.is_none(), Ordering::Release);
        signals
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

/// The first signal asks to stop: requests in progress are finished, and nothing new begins. Returns at the second one.
pub async fn stop_then_give_up(mut signals: Signals, stop: &CancellationToken, printer: Printer) {
    signals.next().await;
    stop.cancel();
    printer.remark("interrupted: finishing requests in progress; interrupt again to stop at once\n");
    signals.next().await;
    printer.problem(
        "interrupted again: requests in progress may or may not have been carried out; run `duoctl plan` to see\n",
    );
}
