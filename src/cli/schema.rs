//! `duoctl schema`: the JSON Schemas of the YAML and of the documents.

use crate::config::schema::config_schema_text;
use crate::output::document::schema::{plan_schema, report_schema, text};
use crate::output::printer::Printer;

use super::args::{Schema, SchemaKind};
use super::exit::Exit;

/// Runs the command.
pub fn run(args: &Schema, printer: Printer) -> Exit {
    match args.kind {
        SchemaKind::Config => printer.data(&config_schema_text()),
        SchemaKind::Plan => printer.data(&text(&plan_schema())),
        SchemaKind::Report => printer.data(&text(&report_schema())),
    }
    Exit::Done
}
