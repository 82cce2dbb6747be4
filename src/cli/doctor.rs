//! `duoctl doctor`: whether duoctl can work, and how to mend what keeps it from working.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::json;

use crate::output::paint::Paint;
use crate::output::printer::Printer;
use crate::output::{json as documents, verify_text};
use crate::text::safe;
use crate::verify::doctor::diagnose;
use crate::verify::report::Check;

use super::args::{self, Format};
use super::exit::{Exit, Failure};
use super::progress::Spinner;
use super::session::Session;

/// Runs the command.
pub async fn run(args: args::Doctor, printer: Printer) -> Result<Exit, Failure> {
    let session = Session::open(&args.source.path, &args.connection, printer).await?;
    let spinner = Spinner::start("looking", printer);
    let diagnosis = diagnose(&session.transport, &session.desired, &session.operator, Timestamp::now()).await;
    spinner.finish();
    let (healthy, checks) = (diagnosis.healthy(), &diagnosis.checks);
    match args.format {
        Format::Json => {
            let document = json!({
                "format_version": documents::FORMAT_VERSION, "kind": "doctor", "healthy": healthy, "checks": checks,
            });
            printer.data(&documents::text(&document));
        }
        Format::Human => printer.data(&text(checks, healthy, printer.out)),
    }
    Ok(match &diagnosis.error {
        Some(error) => Exit::of(error),
        None if healthy => Exit::Done,
        None => Exit::Error,
    })
}

fn text(checks: &[Check], healthy: bool, paint: Paint) -> String {
    let mut text = String::new();
    for check in checks {
        let _ = writeln!(
            text,
            "{} {}: {}",
            verify_text::word(check.verdict, paint),
            check.name,
            safe(&check.detail)
        );
        for line in check.fix.iter().flat_map(|fix| fix.lines()) {
            let _ = writeln!(text, "    {}", safe(line));
        }
    }
    text.push_str(if healthy {
        "Healthy: duoctl can work with this account.\n"
    } else {
        "Not healthy: see above.\n"
    });
    text
}
