//! What an import did, for people and for machines.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::import::placement::Change;
use crate::import::{Imported, LeftOut, Reason};

use super::json::FORMAT_VERSION;
use super::paint::{Paint, safe};

/// The files that were added to, what was left out and why, and what comes next. `sandbox` is the argument that reached
/// the simulator, where one was given.
pub fn render(
    imported: &Imported,
    changes: &[Change],
    path: &Path,
    sandbox: Option<&Path>,
    paint: Paint,
) -> String {
    let mut text = String::new();
    for change in changes {
        let _ = writeln!(
            text,
            "{} {}  {}",
            paint.good("+"),
            paint.strong(&safe(&change.path.display().to_string())),
            counted(change.added, "application")
        );
    }
    for left_out in &imported.left_out {
        if let Some(why) = why(&left_out.reason) {
            let _ = writeln!(
                text,
                "{} \"{}\" {}  {}",
                paint.notice("? left out"),
                safe(&left_out.name),
                safe(left_out.ikey.as_str()),
                safe(&why)
            );
        }
    }
    let unsaid: usize = imported.entries.iter().map(|entry| entry.unsaid).sum();
    if unsaid > 0 {
        let _ = writeln!(
            text,
            "{} are left alone; comments in the YAML say which and why.",
            counted(unsaid, "value")
        );
    }
    text.push_str(&last_line(imported));
    if !imported.entries.is_empty() {
        // An application of the simulator is none of the real account.
        let sandbox = sandbox.map_or_else(String::new, |state| match state.as_os_str().is_empty() {
            true => " --sandbox".to_owned(),
            false => format!(" --sandbox={}", state.display()),
        });
        let next = safe(&format!("duoctl plan {}{sandbox}", path.display()));
        let _ = writeln!(text, "Next: `{next}` shows that they will only be adopted.");
    }
    text
}

/// Only what a person may want to act on is named one by one.
fn why(reason: &Reason) -> Option<String> {
    match reason {
        Reason::Declared | Reason::Elsewhere(_) | Reason::NotWanted => None,
        Reason::Operator => Some("its key is the one that duoctl uses; `--include operator` takes it too".to_owned()),
        Reason::Intelligence => Some(
            "it looks like a part of a connection to Identity Intelligence, which `identity_intelligence` describes; \
             `--include identity-intelligence` takes it as a plain application"
                .to_owned(),
        ),
        Reason::Impossible(why) => Some(why.clone()),
    }
}

fn last_line(imported: &Imported) -> String {
    let count = |matches: fn(&Reason) -> bool| {
        imported.left_out.iter().filter(|LeftOut { reason, .. }| matches(reason)).count()
    };
    let mut line = match imported.entries.len() {
        0 => "Nothing to import.".to_owned(),
        entries => format!("Imported {}.", counted(entries, "application")),
    };
    for (count, what) in [
        (count(|reason| *reason == Reason::Declared), "declared already"),
        (count(|reason| matches!(reason, Reason::Elsewhere(_))), "owned by another workspace"),
        (count(|reason| *reason == Reason::NotWanted), "not selected"),
        (
            count(|reason| matches!(reason, Reason::Operator | Reason::Intelligence | Reason::Impossible(_))),
            "left out, see above",
        ),
    ] {
        if count > 0 {
            let _ = write!(line, " {count} {what}.");
        }
    }
    line.push('\n');
    line
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The same as a document.
pub fn document(imported: &Imported, changes: &[Change]) -> Value {
    let entries = imported.entries.iter().map(|entry| {
        json!({
            "address": format!("applications.{}", entry.key), "integration_key": entry.ikey, "type": entry.kind,
            "name": entry.name, "unsaid": entry.unsaid,
        })
    });
    let files = changes
        .iter()
        .map(|change| json!({"path": change.path.display().to_string(), "added": change.added}));
    let left_out = imported.left_out.iter().map(|left_out| {
        let (reason, detail) = match &left_out.reason {
            Reason::Declared => ("declared", None),
            Reason::Elsewhere(owner) => ("owned_elsewhere", Some(owner)),
            Reason::NotWanted => ("not_selected", None),
            Reason::Operator => ("operator", None),
            Reason::Intelligence => ("identity_intelligence", None),
            Reason::Impossible(why) => ("impossible", Some(why)),
        };
        json!({"integration_key": left_out.ikey, "name": left_out.name, "reason": reason, "detail": detail})
    });
    json!({
        "format_version": FORMAT_VERSION, "kind": "import", "entries": entries.collect::<Vec<_>>(),
        "files": files.collect::<Vec<_>>(), "left_out": left_out.collect::<Vec<_>>(),
    })
}
