//! What a person at a terminal sees while something takes longer than a moment.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::apply::execute::Progress;
use crate::apply::outcome::StepOutcome;
use crate::output::apply_text;
use crate::output::paint::safe;
use crate::output::plan_text::sign;
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

/// Steps as they begin and end, on stderr.
pub struct Steps(pub Printer);

impl Progress for Steps {
    fn begin(&self, step: &Step) {
        self.0.remark(&format!("{} {} ...\n", sign(step.action, self.0.err), safe(step.address.as_str())));
    }

    fn end(&self, outcome: &StepOutcome) {
        self.0.remark(&format!("{}\n", apply_text::line(outcome, self.0.err)));
    }
}
