//! `duoctl init`: a first duo.yaml, and the schema for the editor beside it. Never overwrites a file.

use std::path::Path;

use std::fs;
use std::io::ErrorKind;

use crate::atomic::{self, Readers};
use crate::config::schema::config_schema_text;
use crate::config::template;
use crate::output::printer::Printer;

use super::again::word;
use super::args::Init;
use super::exit::{Exit, Failure};
use super::schema::FILE as SCHEMA;

/// Runs the command.
pub fn run(args: &Init, dir: &Path, printer: Printer) -> Result<Exit, Failure> {
    let path = dir.strip_prefix(".").unwrap_or(dir).join("duo.yaml");
    let failure = |error| Failure::File { path: path.clone(), what: "cannot be written", error };
    fs::create_dir_all(dir).map_err(failure)?;
    let folder = fs::canonicalize(dir).map_err(failure)?;
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let text = if args.bare { template::bare(name, SCHEMA) } else { template::initial(name, SCHEMA) };
    atomic::create(&path, &text, Readers::Umask).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::Exists(path.clone()),
        _ => failure(error),
    })?;
    let schema = dir.join(SCHEMA);
    match atomic::create(&schema, &config_schema_text(), Readers::Umask) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(Failure::File { path: schema, what: "cannot be written", error });
        }
        _ => {}
    }
    let (path, dir) = (path.display(), word(&dir.display().to_string()));
    printer.show(&match args.bare {
        true => format!(
            "Wrote {path}. Next: name your account in it, then `duoctl import {dir}` adds what the account holds.\n"
        ),
        false => format!(
            "Wrote {path}. Next: `duoctl plan {dir} --sandbox` shows what it would do, on a simulated account.\n"
        ),
    });
    Ok(Exit::Done)
}
