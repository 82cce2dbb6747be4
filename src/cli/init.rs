//! `duoctl init`: a first duo.yaml, and next to it the schema for editors. Never overwrites a file.

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, IsTerminal as _, stderr, stdin};
use std::path::Path;

use clap::Parser as _;

use crate::atomic::{self, Readers};
use crate::config::schema::config_schema_text;
use crate::config::template;
use crate::output::printer::Printer;
use crate::text::safe;

use super::again::word;
use super::args::{Args, Command, Init};
use super::edit::unchanged;
use super::exit::{Exit, Failure};
use super::interview::{self, Answers};
use super::outlet::Outlet;
use super::schema::FILE as SCHEMA;

/// Runs the command. On a terminal it asks questions, unless `--bare` or `--no-input` is given.
pub async fn run(args: &Init, dir: &Path, printer: Printer) -> Result<Exit, Failure> {
    let path = dir.strip_prefix(".").unwrap_or(dir).join("duo.yaml");
    if path.symlink_metadata().is_ok() {
        return Err(Failure::Exists(path));
    }
    let asks = !args.bare && !args.no_input && stdin().is_terminal() && stderr().is_terminal();
    let answers = if asks { interview::ask(printer)? } else { None };
    if asks && answers.is_none() {
        printer.problem("\nrefused: the input ended before the last answer, so nothing was written\n");
        return Ok(Exit::Refused);
    }
    write(args, dir, &path, answers.as_ref())?;
    let (path, word) = (safe(&path.display().to_string()), word(&dir.display().to_string()));
    let next = match &answers {
        Some(answers) if answers.import => {
            printer.show(&format!("Wrote {path}.\n"));
            return import(dir, printer).await;
        }
        Some(answers) if answers.is_simulated() => {
            format!("run `duoctl plan {word} --sandbox` to try it on a simulated account")
        }
        Some(_) => format!(
            "run `duoctl doctor {word}` to check the connection and the keys, then `duoctl plan {word}`"
        ),
        None if args.bare => {
            format!(
                "set your account's hostname in it, then run `duoctl import {word}` to add its applications"
            )
        }
        None => format!("run `duoctl plan {word} --sandbox` to try it on a simulated account"),
    };
    printer.show(&format!("Wrote {path}. Next: {next}.\n"));
    Ok(Exit::Done)
}

/// Writes the file, and the schema for editors.
fn write(args: &Init, dir: &Path, path: &Path, answers: Option<&Answers>) -> Result<(), Failure> {
    let failure = |error| Failure::File { path: path.to_owned(), what: "cannot be written", error };
    fs::create_dir_all(dir).map_err(failure)?;
    let folder = fs::canonicalize(dir).map_err(failure)?;
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let text = match answers {
        Some(answers) => answers.text(name, SCHEMA).map_err(|error| unchanged(path, &error))?,
        None if args.bare => template::bare(name, SCHEMA),
        None => template::initial(name, SCHEMA),
    };
    atomic::create(path, &text, Readers::Umask).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::Exists(path.to_owned()),
        _ => failure(error),
    })?;
    let schema = dir.join(SCHEMA);
    match atomic::create(&schema, &config_schema_text(), Readers::Umask) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(Failure::File { path: schema, what: "cannot be written", error })
        }
        _ => Ok(()),
    }
}

/// The first import, the same as `duoctl import`.
async fn import(dir: &Path, printer: Printer) -> Result<Exit, Failure> {
    let words = [OsStr::new("duoctl"), OsStr::new("import"), OsStr::new("--workspace"), dir.as_os_str()];
    let args = Args::try_parse_from(words).map_err(|error| Failure::Usage(error.to_string()))?;
    let outlet = Outlet::of(&args, Some(&dir.to_owned()), printer);
    match args.command {
        Command::Import(args) => super::import::run(args, dir, &outlet, printer).await,
        _ => Ok(Exit::Error),
    }
}
