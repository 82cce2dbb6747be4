//! `duoctl validate`: syntax, schema and meaning, offline.

use crate::config::diagnostic::has_errors;
use crate::config::load::{Trust, load_as};
use crate::output::printer::{Printer, terminal_width};
use crate::output::{json, snippet};

use super::args::{Format, Validate};
use super::exit::{Exit, Failure};

/// Runs the command.
pub fn run(args: &Validate, printer: Printer) -> Result<Exit, Failure> {
    let trust = if args.untrusted { Trust::None } else { Trust::Full };
    let loaded = load_as(&args.source.path, trust);
    let failed = has_errors(&loaded.diagnostics);
    match args.format {
        Format::Json => printer.data(&json::text(&json::validate(&loaded.diagnostics, &loaded.sources))),
        Format::Human => {
            if !loaded.diagnostics.is_empty() {
                let width = terminal_width();
                printer.problem(&snippet::render(
                    &loaded.diagnostics,
                    &loaded.sources,
                    printer.err.on,
                    width,
                ));
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
    }
    Ok(if failed { Exit::Error } else { Exit::Done })
}
