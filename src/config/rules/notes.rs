//! Notes share their field in Duo with the marker.

use crate::config::model::{Declaration, Workspace};
use crate::diagnostic::{Code, Diagnostic, Spanned};
use crate::duo::catalogue::lookup;
use crate::kinds::Kind;
use crate::kinds::address::Address;
use crate::kinds::application::fields::FIELDS;
use crate::kinds::field::{Field, Roles};
use crate::kinds::marker::{self, NOTES_LIMIT, Notes};
use crate::kinds::value::Setting;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for (key, application) in workspace.of(Kind::Application) {
        let Some(Spanned { value: Setting::Text(notes), span }) = application.settings.get("notes") else {
            continue;
        };
        if Notes::parse(notes) != Notes::plain(notes) {
            findings.push(
                Diagnostic::error(
                    Code::InvalidNotes,
                    *span,
                    "`notes` contains text that looks like duoctl's marker",
                )
                .help("remove `[duoctl ...]` from the text: duoctl adds its marker itself"),
            );
        }
        let room = NOTES_LIMIT.saturating_sub(marker_length(&workspace.name.value, key, application));
        let length = notes.chars().count();
        // Longer notes do not have the form of notes, which is reported already.
        if length > room && length <= NOTES_LIMIT {
            findings.push(
                Diagnostic::error(
                    Code::InvalidNotes,
                    *span,
                    format!("`notes` has {length} characters, but only {room} fit next to duoctl's marker"),
                )
                .help(format!("shorten it: notes and marker can have {NOTES_LIMIT} characters in total")),
            );
        }
    }
}

/// The maximum length of an application's marker.
fn marker_length(workspace: &str, key: &str, application: &Declaration) -> usize {
    let kind = application.variant.as_ref().and_then(|kind| lookup(&kind.value));
    let written = |field: &&Field| {
        let counts = application.authoritative && field.applies_to(kind);
        counts || application.settings.contains_key(field.name()) || field.is(Roles::IDENTIFYING)
    };
    let letters = FIELDS.iter().filter(written).filter_map(|field| field.letter);
    marker::longest(workspace, Address::application(key), letters)
}
