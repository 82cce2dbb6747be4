//! What a person at a terminal sees while something takes longer than a moment.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::apply::execute::Progress;
use crate::apply::outcome::StepOutcome;
use crate::output::apply_text;
use crate::output::paint::safe;
use crate::output::printer::Printer;
use crate::reconcile::plan::Step;

/// How long something may take before it is worth a word.
const PATIENCE: Duration = Duration::from_secs(1);

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
        let shown = bar.clone();
        let appear = tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            if !printer.quiet {
                // Draws nothing where stderr is no terminal.
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(Duration::from_millis(120));
            }
        });
        Self { bar, appear }
    }

    /// Ends it and takes it away.
    pub fn finish(self) {
        self.appear.abort();
        self.bar.finish_and_clear();
    }
}

/// Steps as they end: on stdout where that is for people, else on stderr.
pub struct Steps {
    printer: Printer,
    on_stdout: bool,
    spinner: Spinner,
}

impl Steps {
    /// Begins to watch.
    pub fn new(printer: Printer, on_stdout: bool) -> Self {
        Self { printer, on_stdout, spinner: Spinner::start("applying", printer) }
    }

    /// Ends it.
    pub fn finish(self) {
        self.spinner.finish();
    }
}

impl Progress for Steps {
    fn begin(&self, step: &Step) {
        self.spinner.bar.set_message(format!("{} {}", step.action.name(), safe(step.address.as_str())));
    }

    fn end(&self, outcome: &StepOutcome) {
        self.spinner.bar.suspend(|| {
            if self.on_stdout {
                self.printer.data(&format!("{}\n", apply_text::line(outcome, self.printer.out)));
            } else {
                self.printer.remark(&format!("{}\n", apply_text::line(outcome, self.printer.err)));
            }
        });
    }
}
