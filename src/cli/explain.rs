//! `duoctl explain`: what a printed name means, and what to do about it.

use crate::language::similar::did_you_mean;
use crate::output::explain::{self, Entry, plain};
use crate::output::printer::Printer;

use super::args::Explain;
use super::exit::{Exit, Failure};

/// Runs the command.
pub fn run(args: &Explain, printer: Printer) -> Result<Exit, Failure> {
    let Some(name) = &args.code else {
        printer.show(&list());
        return Ok(Exit::Done);
    };
    let wanted = name.trim();
    let bare = wanted.strip_prefix("exit-").unwrap_or(wanted);
    if let Some(exit) = Exit::ALL.into_iter().find(|exit| exit.code().to_string() == bare) {
        printer.show(&text(bare, "an exit code", exit.explained()));
        return Ok(Exit::Done);
    }
    let all = explain::all();
    if let Some((name, subject, entry)) = all.iter().find(|(name, ..)| *name == wanted) {
        printer.show(&text(name, subject.words(), *entry));
        return Ok(Exit::Done);
    }
    let help = did_you_mean(wanted, all.iter().map(|(name, ..)| *name))
        .unwrap_or_else(|| "`duoctl explain` without a name lists all of them".to_owned());
    Err(Failure::Usage(format!("`{wanted}` is not a name that duoctl prints; {help}")))
}

fn text(name: &str, kind: &str, entry: Entry) -> String {
    let Entry { title, meaning, fix } = entry;
    format!("{name}, {kind}: {}\n\n{}\n\n{}\n", plain(title), plain(meaning), plain(fix))
}

fn list() -> String {
    let mut lines: Vec<(String, &str)> =
        explain::all().into_iter().map(|(name, _, entry)| (name.to_owned(), entry.title)).collect();
    lines.extend(Exit::ALL.into_iter().map(|exit| (exit.code().to_string(), exit.explained().title)));
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    lines.iter().map(|(name, title)| format!("{name:width$}  {}\n", plain(title))).collect()
}
