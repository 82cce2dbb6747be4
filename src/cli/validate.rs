//! `duoctl validate`: syntax, schema and meaning, offline.

use std::path::Path;

use crate::config::load::load_as;
use crate::diagnostic::{Severity, has_errors};
use crate::output::document::{DeclaredCounts, Document, ValidateDocument};
use crate::output::printer::{Printer, findings_width};
use crate::output::snippet;

use super::args::{FailSeverity, Validate};
use super::exit::{Exit, Failure};
use super::outlet::Outlet;

/// Runs the command.
pub fn run(args: &Validate, workspace: &Path, outlet: &Outlet, printer: Printer) -> Result<Exit, Failure> {
    let loaded = load_as(workspace, &args.yaml.terms());
    let failed = has_errors(&loaded.diagnostics);
    if outlet.human() {
        let width = findings_width();
        printer.problem(&snippet::render(&loaded.diagnostics, &loaded.sources, printer.err.on, width));
    }
    let declared = loaded.valid().map(|workspace| DeclaredCounts {
        applications: workspace.applications.len(),
        identity_intelligence: workspace.identity_intelligence.len(),
        files: loaded.sources.files().len(),
    });
    let name = loaded.workspace.as_ref().map(|workspace| workspace.name.value.clone());
    let document = ValidateDocument::new(name, declared, &loaded.diagnostics, &loaded.sources);
    outlet.deliver(&Document::Validate(Box::new(document)));
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
