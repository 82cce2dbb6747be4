//! `duoctl show`: a saved plan or report in another format. Needs no network and no credentials.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::output::document::{self, Document};
use crate::output::format::render;
use crate::output::human::Style;
use crate::output::printer::Printer;
use crate::reading::{self, ReadError};

use super::args::{OutputFormat, Show};
use super::exit::{Exit, Failure};
use super::outlet::context;
use super::saved_plan::MAX_DOCUMENT;

/// Runs the command.
pub fn run(args: &Show, printer: Printer) -> Result<Exit, Failure> {
    let document = document(&args.file)?;
    let style = Style { paint: printer.out, every: true };
    let Some(text) = render(args.format, &document, &context(), style) else {
        let (kind, format) = (document.kind(), args.format.name());
        let message = format!("a document of the kind `{kind}` cannot be shown as {format}");
        return Err(Failure::Usage(message));
    };
    match args.format {
        OutputFormat::Human => printer.show(&text),
        _ => printer.data(&text),
    }
    Ok(Exit::Done)
}

/// The document of a file, or of standard input.
pub(super) fn document(file: &Path) -> Result<Document, Failure> {
    let text = read(file)?;
    let unusable = |reason: String| Failure::NoDocument { path: file.to_owned(), reason };
    let value: Value = serde_json::from_str(&text).map_err(|error| {
        unusable(format!("it is not valid JSON (line {}, column {})", error.line(), error.column()))
    })?;
    document::read(&value).map_err(unusable)
}

fn read(file: &Path) -> Result<String, Failure> {
    let (shown, read) = if file == Path::new("-") {
        (PathBuf::from("standard input"), reading::stream_text(std::io::stdin(), MAX_DOCUMENT))
    } else {
        (file.to_owned(), reading::exact(file, MAX_DOCUMENT))
    };
    let failure =
        |error: ReadError| Failure::File { path: shown, what: "cannot be read", error: error.into() };
    read.map(reading::unmarked).map_err(failure)
}
