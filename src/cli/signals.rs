//! The signals that ask the process to end.

#[cfg(unix)]
use std::cell::Cell;
#[cfg(unix)]
use std::io::Write as _;
#[cfg(unix)]
use std::sync::OnceLock;
#[cfg(unix)]
use std::sync::atomic::{AtomicU8, Ordering};
#[cfg(unix)]
use std::time::Duration;

use tokio_util::sync::CancellationToken;

#[cfg(unix)]
use super::exit::Exit;
use crate::output::printer::Printer;

/// Who ends the run: decided once, so that there is one outcome, and nothing is written after an interrupt.
#[cfg(unix)]
static END: AtomicU8 = AtomicU8::new(OPEN);
/// Nothing is decided: a signal ends the process at once.
#[cfg(unix)]
const OPEN: u8 = 0;
/// The outcome is being written: a signal ends the process without another one.
#[cfg(unix)]
const DELIVERED: u8 = 1;
/// A signal ends the process.
#[cfg(unix)]
const INTERRUPTED: u8 = 2;
/// Something waits for signals.
#[cfg(unix)]
const CAUGHT: u8 = 3;

/// Decides who ends the run; if a signal has come first, this thread stops here.
#[cfg(unix)]
fn decide(end: u8) {
    match END.compare_exchange(OPEN, end, Ordering::AcqRel, Ordering::Acquire) {
        Err(INTERRUPTED) if !REPORTS.get() => loop {
            std::thread::park();
        },
        Err(DELIVERED) if end == CAUGHT => END.store(CAUGHT, Ordering::Release),
        Ok(_) | Err(_) => {}
    }
}

#[cfg(unix)]
thread_local! {
    /// Whether this thread writes the outcome of an interrupted run.
    static REPORTS: Cell<bool> = const { Cell::new(false) };
}

/// To be called before the outcome is written.
pub(super) fn delivering() {
    #[cfg(unix)]
    decide(DELIVERED);
}

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
                let end = END.compare_exchange(OPEN, INTERRUPTED, Ordering::AcqRel, Ordering::Acquire);
                if end != Err(CAUGHT) {
                    report(end.is_ok());
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
    #[cfg(not(unix))]
    drop(report);
}

/// Says that the run was interrupted, and writes its outcome if there is none yet. The output may be blocked, and an
/// interrupted run must end.
#[cfg(unix)]
fn report(outcome: bool) {
    let (done, wait) = std::sync::mpsc::channel();
    let write = move || {
        // stderr may be closed.
        let _ = std::io::stderr().write_all(b"\ninterrupted\n");
        REPORTS.set(true);
        if let Some(report) = REPORT.get().filter(|_| outcome) {
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
        if signals.caught.is_some() {
            decide(CAUGHT);
        }
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

/// What is said of a run that was interrupted twice.
pub(super) const GIVEN_UP: &str =
    "interrupted again: requests in progress may or may not have been carried out; run `duoctl plan` to see";

/// The first signal asks to stop: requests in progress are finished, and nothing new begins. Returns at the second one.
pub async fn stop_then_give_up(mut signals: Signals, stop: &CancellationToken, printer: Printer) {
    signals.next().await;
    stop.cancel();
    printer.remark("interrupted: finishing requests in progress; interrupt again to stop at once\n");
    signals.next().await;
    printer.problem(&format!("{GIVEN_UP}\n"));
}
