//! Progress on a terminal while something takes longer than a moment.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, WeakProgressBar};

use crate::apply::execute::Progress;
use crate::apply::outcome::StepOutcome;
use crate::output::document::{EventDocument, OutcomeDocument};
use crate::output::human::apply::{is_told, line};
use crate::output::printer::{Printer, is_dumb};
use crate::reconcile::plan::Step;
use crate::text::safe;

use super::outlet::Outlet;

/// How long something may take before progress is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// The spinner that is on the screen: other output goes above it.
static SHOWN: Mutex<Option<WeakProgressBar>> = Mutex::new(None);

/// A remark on stderr, in one line.
pub fn remark(printer: Printer, line: &str) {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let write = || printer.remark(&format!("note: {line}\n"));
    match shown.and_then(|bar| bar.upgrade()) {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// A spinner on stderr, if that is a terminal; it appears after a second.
pub struct Spinner {
    bar: ProgressBar,
    appear: tokio::task::JoinHandle<()>,
}

impl Spinner {
    /// Starts it.
    pub fn start(what: &'static str, printer: Printer) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.set_message(what);
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.downgrade());
        let shown = bar.clone();
        let appear = tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            if !printer.quiet && !is_dumb() {
                // Draws nothing if stderr is not a terminal.
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(Duration::from_millis(120));
            }
        });
        Self { bar, appear }
    }

    /// Ends and removes it.
    pub fn finish(self) {
        self.appear.abort();
        self.bar.finish_and_clear();
    }
}

/// Steps as they end: on stdout if that is for people, otherwise on stderr; as events on stdout if that is a stream.
pub struct Steps<'a> {
    printer: Printer,
    outlet: &'a Outlet,
    spinner: Spinner,
    /// How many there are.
    count: usize,
}

impl<'a> Steps<'a> {
    /// Begins to watch.
    pub fn new(printer: Printer, outlet: &'a Outlet, count: usize) -> Self {
        Self { printer, outlet, spinner: Spinner::start("applying", printer), count }
    }

    /// Ends it.
    pub fn finish(self) {
        self.spinner.finish();
    }
}

impl Progress for Steps<'_> {
    fn begin(&self, step: &Step) {
        self.spinner.bar.set_message(format!("{} {}", step.action.name(), safe(step.address.as_str())));
        if self.outlet.streams() {
            self.outlet.event(&EventDocument::step_begun(step));
        }
    }

    fn end(&self, outcome: &StepOutcome) {
        self.spinner.bar.suspend(|| {
            if self.outlet.streams() {
                self.outlet.event(&EventDocument::step_ended(outcome));
            }
            let ended = OutcomeDocument::from(outcome);
            if !is_told(&ended, self.count, self.outlet.style) {
                return;
            }
            if self.outlet.human() {
                self.printer.show(&line(&ended, self.printer.out));
            } else {
                self.printer.remark(&format!("{}\n", line(&ended, self.printer.err)));
            }
        });
    }
}
