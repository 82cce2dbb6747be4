//! Writes the files of an import, each completely or not at all. A run that ends early reports which were written.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::atomic;
use crate::config::edit;
use crate::config::files::MAX_FILE_BYTES;
use crate::import::placement::Change;
use crate::output::printer::Printer;
use crate::reading;
use crate::text::safe;

use super::super::exit::Failure;
use super::super::signals::Signals;

/// How many files are named one by one.
const NAMED: usize = 10;

/// How much was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// Every file.
    Whole,
    /// Some of them, until a signal arrived.
    InPart,
}

/// Writes the files. Problems that can be seen in advance are refused before the first one is touched.
pub(super) async fn write(changes: &[Change], printer: Printer) -> Result<Written, Failure> {
    for change in changes {
        if let Err(error) = check(&change.path) {
            printer.problem(&left(changes, 0));
            return Err(failure(&change.path, error));
        }
    }
    let stop = CancellationToken::new();
    let mut signals = Signals::catch();
    let mut writing = tokio::task::spawn_blocking({
        let (changes, stop) = (changes.to_vec(), stop.clone());
        move || write_each(&changes, &stop)
    });
    let ended = tokio::select! {
        ended = &mut writing => ended,
        () = signals.next() => {
            stop.cancel();
            printer.remark("interrupted: finishing the file that is being written\n");
            writing.await
        }
    };
    let (count, error) = ended.unwrap_or_else(|lost| (0, Some(io::Error::other(lost))));
    if count == changes.len() {
        return Ok(Written::Whole);
    }
    printer.problem(&left(changes, count));
    match (error, changes.get(count)) {
        (Some(error), Some(change)) => Err(failure(&change.path, error)),
        (_, _) => Ok(Written::InPart),
    }
}

fn failure(path: &Path, error: io::Error) -> Failure {
    Failure::File { path: path.to_owned(), what: "cannot be written", error }
}

/// Refuses a file or folder that is a link: files are never written through links.
fn check(path: &Path) -> io::Result<()> {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or(Ok(()), atomic::check)?;
    atomic::editable(path)
}

/// How many were written, and why the next one was not.
fn write_each(changes: &[Change], stop: &CancellationToken) -> (usize, Option<io::Error>) {
    for (count, change) in changes.iter().enumerate() {
        if stop.is_cancelled() {
            return (count, None);
        }
        if let Err(error) = write_one(change) {
            return (count, Some(error));
        }
    }
    (changes.len(), None)
}

fn write_one(change: &Change) -> io::Result<()> {
    if let Some(folder) = change.path.parent() {
        atomic::folder(folder)?;
    }
    let _held = atomic::hold(&change.path)?;
    let now = match change.path.is_file() {
        true => Some(reading::exact(&change.path, MAX_FILE_BYTES)?),
        false => None,
    };
    if now != change.before {
        return Err(io::Error::other(
            "it was changed in the meantime and left as it is; run the same command again to continue",
        ));
    }
    edit::save(&change.path, &change.text)
}

/// What a run that ends early has written, and what it has not.
fn left(changes: &[Change], count: usize) -> String {
    let (written, missing) = changes.split_at(count.min(changes.len()));
    let mut text = match written.len() {
        0 => "nothing was written".to_owned(),
        count => format!("{count} of {} files were written: {}", changes.len(), named(written)),
    };
    let _ = writeln!(text, "; not written: {}. Run the same command again to add them.", named(missing));
    text
}

fn named(changes: &[Change]) -> String {
    let paths = changes.iter().take(NAMED).map(|change| safe(&change.path.display().to_string()));
    let mut text = paths.collect::<Vec<_>>().join(", ");
    if let Some(more) = changes.len().checked_sub(NAMED).filter(|more| *more > 0) {
        let _ = write!(text, ", and {more} more");
    }
    text
}
