//! Notes share their place in Duo with the marker.

use crate::config::diagnostic::{Code, Diagnostic, Spanned};
use crate::config::model::{Setting, Workspace};

/// Notes and marker together stay within this many characters; Duo's own limit is unconfirmed (duo-api.md, 3.3).
const NOTES_LIMIT: usize = 512;

/// The most characters that the marker's hash takes.
const HASH: usize = 60;

/// The longest word that says in the marker that a change is under way, with its space.
const STATE: usize = " quarantined 2026-12-31".len();

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for (key, application) in &workspace.applications {
        let Some(Spanned { value: Setting::Text(notes), span }) = application.settings.get("notes") else {
            continue;
        };
        if notes.contains("[duoctl ") {
            findings.push(
                Diagnostic::error(Code::InvalidNotes, *span, "`notes` holds what looks like duoctl's marker")
                    .help("remove `[duoctl ...]` from the text: duoctl writes its marker itself"),
            );
        }
        let room = NOTES_LIMIT.saturating_sub(marker_length(&workspace.name.value, key));
        let length = notes.chars().count();
        if length > room {
            findings.push(
                Diagnostic::error(
                    Code::InvalidNotes,
                    *span,
                    format!(
                        "`notes` has {length} characters, and only {room} are left beside duoctl's marker"
                    ),
                )
                .help(format!("shorten it: notes and marker share {NOTES_LIMIT} characters")),
            );
        }
    }
}

/// What `\n[duoctl WORKSPACE/ADDRESS HASH]` takes at most.
fn marker_length(workspace: &str, key: &str) -> usize {
    "\n[duoctl /applications. ]".len() + workspace.len() + key.len() + HASH + STATE
}
