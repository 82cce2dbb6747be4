//! `duoctl validate`: syntax, schema and meaning, offline.

use std::path::{Path, PathBuf};

use crate::config::load::{Loaded, load_as};
use crate::diagnostic::Severity;
use crate::kinds::Kind;
use crate::output::document::{DeclaredCounts, Document, ValidateDocument};
use crate::output::printer::{Printer, findings_width};
use crate::output::snippet;

use super::args::{FailSeverity, Validate};
use super::exit::{Exit, Failure};
use super::outlet::Outlet;

/// Runs the command.
pub fn run(args: &Validate, workspace: &Path, outlet: &Outlet, printer: Printer) -> Result<Exit, Failure> {
    let terms = args.yaml.terms();
    let paths: Vec<&Path> = match args.paths.as_slice() {
        [] | [_] => vec![workspace],
        several => several.iter().map(PathBuf::as_path).collect(),
    };
    let document = paths.into_iter().map(|path| validated(&load_as(path, &terms), outlet, printer));
    let Some(document) = document.reduce(ValidateDocument::and) else { return Ok(Exit::Done) };
    let (valid, worst) = (document.valid, document.diagnostics.iter().map(|found| found.severity).max());
    outlet.deliver(&Document::Validate(Box::new(document)));
    let least = args.fail_severity.map(|severity| match severity {
        FailSeverity::Note => Severity::Note,
        FailSeverity::Warning => Severity::Warning,
        FailSeverity::Error => Severity::Error,
    });
    Ok(match least {
        Some(least) if worst.is_some_and(|worst| worst >= least) => Exit::Findings,
        Some(_) => Exit::Done,
        None if !valid => Exit::Error,
        None => Exit::Done,
    })
}

/// The findings of one workspace; people see them now.
fn validated(loaded: &Loaded, outlet: &Outlet, printer: Printer) -> ValidateDocument {
    if outlet.human() {
        let width = findings_width();
        printer.problem(&snippet::render(&loaded.diagnostics, &loaded.sources, printer.err.on, width));
    }
    let declared = loaded.valid().map(|workspace| DeclaredCounts {
        applications: workspace.of(Kind::Application).len(),
        identity_intelligence: workspace.identity_intelligence.len(),
        files: loaded.sources.files().len(),
    });
    let name = loaded.workspace.as_ref().map(|workspace| workspace.name.value.clone());
    ValidateDocument::new(name, declared, &loaded.diagnostics, &loaded.sources)
}
