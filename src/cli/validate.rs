//! `duoctl validate`: syntax, schema and meaning, offline.

use crate::config::diagnostic::{Severity, has_errors};
use crate::config::load::{Trust, load_as};
use crate::output::printer::{Printer, terminal_width};
use crate::output::{json, snippet};

use super::args::{FailSeverity, Validate};
use super::exit::{Exit, Failure};
use super::outlet::{Outlet, name_workspace};

/// Runs the command.
pub fn run(args: &Validate, outlet: &Outlet, printer: Printer) -> Result<Exit, Failure> {
    let trust = if args.untrusted { Trust::None } else { Trust::Full };
    let loaded = load_as(&args.source.path, trust);
    let failed = has_errors(&loaded.diagnostics);
    if outlet.human() {
        if !loaded.diagnostics.is_empty() {
            let width = terminal_width();
            printer.problem(&snippet::render(&loaded.diagnostics, &loaded.sources, printer.err.on, width));
        }
        if let Some(workspace) = loaded.valid() {
            let counted = |count: usize, one: &str, many: &str| match count {
                1 => format!("1 {one}"),
                count => format!("{count} {many}"),
            };
            printer.data(&format!(
                "Valid: workspace {}, {}, {}, {}.\n",
                workspace.name.value,
                counted(workspace.applications.len(), "application", "applications"),
                counted(
                    workspace.identity_intelligence.len(),
                    "Identity Intelligence entry",
                    "Identity Intelligence entries"
                ),
                counted(loaded.sources.files().len(), "file", "files"),
            ));
        }
    }
    let mut document = json::validate(&loaded.diagnostics, &loaded.sources);
    if let Some(workspace) = &loaded.workspace {
        name_workspace(&mut document, &workspace.name.value);
    }
    outlet.deliver(&document);
    let least = args.fail_severity.map(|severity| match severity {
        FailSeverity::Note => Severity::Note,
        FailSeverity::Warning => Severity::Warning,
        FailSeverity::Error => Severity::Error,
    });
    Ok(match least {
        Some(least) if loaded.diagnostics.iter().any(|found| found.severity >= least) => Exit::Findings,
        Some(_) => Exit::Done,
        None if failed => Exit::Error,
        None => Exit::Done,
    })
}
