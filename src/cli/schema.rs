//! `duoctl schema`: the JSON Schema of the YAML.

use crate::config::schema::config_schema_text;
use crate::output::printer::Printer;

use super::args::{Schema, SchemaKind};
use super::exit::Exit;

/// Runs the command.
pub fn run(args: &Schema, printer: Printer) -> Exit {
    match args.kind {
        SchemaKind::Config => printer.data(&config_schema_text()),
    }
    Exit::Done
}
