//! `duoctl schema`: the JSON Schemas of the YAML and the documents, on stdout or in a file that an editor finds.

use std::fs;
use std::path::Path;

use crate::config::association::{self, Unassociated};
use crate::config::edit;
use crate::config::files::MAX_FILE_BYTES;
use crate::config::schema::config_schema_text;
use crate::output::document::report_schema;
use crate::output::document::schema::{plan_schema, text};
use crate::output::printer::Printer;
use crate::reading::{self, ReadError};
use crate::text::safe;

use super::args::{Schema, SchemaKind};
use super::exit::{Exit, Failure};

/// The schema's file name, which the first line of a `duo.yaml` tells to editors.
pub const FILE: &str = "duoctl.schema.json";

/// Runs the command.
pub fn run(args: &Schema, printer: Printer) -> Result<Exit, Failure> {
    match (&args.install, args.kind) {
        (Some(folder), _) => install(folder, printer)?,
        (None, SchemaKind::Config) => printer.data(&config_schema_text()),
        (None, SchemaKind::Plan) => printer.data(&text(&plan_schema())),
        (None, SchemaKind::Report) => printer.data(&text(&report_schema())),
    }
    Ok(Exit::Done)
}

fn install(folder: &Path, printer: Printer) -> Result<(), Failure> {
    let schema = folder.join(FILE);
    let settings = folder.join(".vscode/settings.json");
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |error| Failure::File { path, what: "cannot be written", error }
    };
    let before = read(&settings)?;
    let after = association::associate(before.as_deref().unwrap_or_default(), FILE).map_err(|error| {
        let line =
            matches!(error, Unassociated::NoObject | Unassociated::Unsafe).then(|| association::line(FILE));
        Failure::Edit { path: settings.clone(), error: error.to_string(), line }
    })?;
    let text = config_schema_text();
    let told = match read(&schema)? {
        Some(there) if there == text => "is up to date",
        Some(there) if !association::is_our_schema(&there) => return Err(Failure::Exists(schema)),
        Some(_) | None => {
            fs::create_dir_all(folder).map_err(unwritable(folder))?;
            edit::save(&schema, &text).map_err(unwritable(&schema))?;
            "written"
        }
    };
    printer.show(&format!("{}: {told}\n", safe(&schema.display().to_string())));
    let told = match after {
        None => "already has the schema",
        Some(after) => {
            let parent = folder.join(".vscode");
            fs::create_dir_all(&parent).map_err(unwritable(&parent))?;
            edit::save(&settings, &after).map_err(unwritable(&settings))?;
            "written"
        }
    };
    printer.show(&format!("{}: {told}\n", safe(&settings.display().to_string())));
    Ok(())
}

/// The text of a file, if it exists.
fn read(path: &Path) -> Result<Option<String>, Failure> {
    match reading::exact(path, MAX_FILE_BYTES) {
        Ok(text) => Ok(Some(text)),
        Err(ReadError::Missing) => Ok(None),
        Err(error) => {
            Err(Failure::File { path: path.to_owned(), what: "cannot be read", error: error.into() })
        }
    }
}
