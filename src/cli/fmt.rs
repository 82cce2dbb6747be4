//! `duoctl fmt`: the canonical form of YAML files. A file that cannot be read or formatted safely is left unchanged; the
//! others are still formatted.

use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::config::edit;
use crate::config::files;
use crate::config::format::{FormatError, canonical};
use crate::config::load::empty;
use crate::diagnostic::{Diagnostic, Sources, has_errors};
use crate::output::printer::{Printer, findings_width};
use crate::output::snippet;
use crate::reading::{self, ReadError};
use crate::text::{counted, escape, safe};

use super::args::Fmt;
use super::edit::{hold, read};
use super::exit::{Exit, Failure};

/// Runs the command.
pub fn run(args: &Fmt, workspace: &Path, printer: Printer) -> Result<Exit, Failure> {
    match args.paths.as_slice() {
        [] => in_place(args, &[workspace.to_owned()], printer),
        [path] if path == Path::new("-") => filter(args, printer),
        paths => in_place(args, paths, printer),
    }
}

fn in_place(args: &Fmt, given: &[PathBuf], printer: Printer) -> Result<Exit, Failure> {
    if given.iter().any(|path| path == Path::new("-")) {
        return Err(Failure::Usage("`-` means stdin and cannot be combined with other paths".to_owned()));
    }
    let mut findings = Vec::new();
    let mut sources = Sources::default();
    let mut paths = Vec::new();
    for path in given {
        for found in files::find(path, args.trusted.trust(), &mut findings).files {
            if !paths.contains(&found) {
                paths.push(found);
            }
        }
    }
    let mut failed = false;
    let mut pending = 0;
    for index in files::read(&paths, &mut sources, &mut findings) {
        let Some(source) = sources.file(index) else { continue };
        let path = source.path.as_path();
        findings.extend(empty(index, &source.text));
        match one(path, index, args, printer)? {
            Formatted::Same => {}
            Formatted::Changed => pending += 1,
            Formatted::Harmed => failed = true,
            Formatted::Invalid(invalid) => findings.extend(invalid),
        }
    }
    report(&findings, &sources, printer);
    if args.check && pending > 0 {
        not_canonical(&counted(pending, "file is", "files are"), printer);
    }
    Ok(exit(failed || has_errors(&findings), args.check && pending > 0))
}

/// Prints why a check exits with 2.
fn not_canonical(what: &str, printer: Printer) {
    printer.remark(&format!("{what} not formatted\n"));
}

/// The result for one file.
enum Formatted {
    Same,
    Changed,
    Harmed,
    Invalid(Vec<Diagnostic>),
}

fn one(path: &Path, index: usize, args: &Fmt, printer: Printer) -> Result<Formatted, Failure> {
    let failure = |what| move |error| Failure::File { path: path.to_owned(), what, error };
    // Read again, because the sources lack the byte-order mark, which must be kept.
    let held = (!args.check && !args.diff).then(|| hold(path)).transpose()?;
    let text = read(path)?;
    let formatted = match canonical(index, &text) {
        Ok(formatted) if formatted == text => return Ok(Formatted::Same),
        Ok(formatted) => formatted,
        Err(FormatError::Invalid(invalid)) => return Ok(Formatted::Invalid(invalid)),
        Err(error @ FormatError::Unsafe) => {
            Failure::Edit { path: path.to_owned(), error: error.to_string(), line: None }.print(printer);
            return Ok(Formatted::Harmed);
        }
    };
    let name = safe(&path.display().to_string());
    if !args.check
        && !args.diff
        && let Err(error) = edit::save(path, &formatted)
    {
        failure("cannot be written")(error).print(printer);
        return Ok(Formatted::Harmed);
    }
    drop(held);
    printer.data(&if args.diff { diff(&name, &text, &formatted) } else { format!("{name}\n") });
    Ok(Formatted::Changed)
}

fn filter(args: &Fmt, printer: Printer) -> Result<Exit, Failure> {
    let failure = |error: ReadError| Failure::File {
        path: "stdin".into(),
        what: "cannot be read",
        error: error.into(),
    };
    let text = reading::stream_text(std::io::stdin(), files::MAX_FILE_BYTES).map_err(failure)?;
    let mut sources = Sources::default();
    let file = sources.add("stdin".into(), text.trim_start_matches('\u{feff}').to_owned());
    match canonical(file, &text) {
        Ok(formatted) => {
            match (args.diff, args.check) {
                (true, _) => printer.data(&diff("stdin", &text, &formatted)),
                (false, true) => {}
                (false, false) => printer.data(&formatted),
            }
            let pending = args.check && formatted != text;
            if pending {
                not_canonical("stdin is", printer);
            }
            Ok(exit(false, pending))
        }
        Err(FormatError::Invalid(findings)) => {
            report(&findings, &sources, printer);
            Ok(Exit::Error)
        }
        Err(error @ FormatError::Unsafe) => {
            Err(Failure::Edit { path: "stdin".into(), error: error.to_string(), line: None })
        }
    }
}

fn report(findings: &[Diagnostic], sources: &Sources, printer: Printer) {
    printer.problem(&snippet::render(findings, sources, printer.err.on, findings_width()));
}

fn exit(failed: bool, pending: bool) -> Exit {
    match (failed, pending) {
        (true, _) => Exit::Error,
        (false, true) => Exit::Pending,
        (false, false) => Exit::Done,
    }
}

/// A line for people, with invisible characters escaped.
fn visible(line: &str) -> String {
    let end = line.trim_end_matches(['\r', '\n']).len();
    let (text, end) = line.split_at_checked(end).unwrap_or((line, ""));
    text.split('\t').map(|part| part.chars().flat_map(escape).collect()).collect::<Vec<String>>().join("\t")
        + end
}

fn diff(name: &str, before: &str, after: &str) -> String {
    let diff =
        TextDiff::from_lines(before, after).unified_diff().context_radius(3).header(name, name).to_string();
    diff.split_inclusive('\n').map(visible).collect()
}
