//! Notes and descriptions share their field in Duo with the marker.

use crate::config::model::{Declaration, Workspace};
use crate::diagnostic::{Code, Diagnostic, Spanned};
use crate::duo::catalogue::lookup;
use crate::kinds::Kind;
use crate::kinds::address::Address;
use crate::kinds::field::{Field, Roles};
use crate::kinds::marker::{self, Notes};
use crate::kinds::value::Setting;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for (kind, key, declared) in workspace.entries() {
        let (name, limit) = (kind.endpoint().text, kind.endpoint().limit);
        let Some(Spanned { value: Setting::Text(text), span }) = declared.settings.get(name) else {
            continue;
        };
        if Notes::parse(text) != Notes::plain(text) {
            let message = format!("`{name}` contains text that looks like duoctl's marker");
            findings.push(
                Diagnostic::error(Code::InvalidNotes, *span, message)
                    .help("remove `[duoctl ...]` from the text: duoctl adds its marker itself"),
            );
        }
        let room = limit.saturating_sub(marker_length(&workspace.name.value, kind, key, declared));
        let length = text.chars().count();
        // The rule about the form has reported a longer text already.
        if length > room && length <= limit {
            let message =
                format!("`{name}` has {length} characters, but only {room} fit next to duoctl's marker");
            findings.push(
                Diagnostic::error(Code::InvalidNotes, *span, message)
                    .help(format!("shorten it: {name} and marker can have {limit} characters in total")),
            );
        }
    }
}

/// The maximum length of an object's marker.
fn marker_length(workspace: &str, kind: Kind, key: &str, declared: &Declaration) -> usize {
    let variant = declared.variant.as_ref().and_then(|variant| lookup(&variant.value));
    let written = |field: &&Field| {
        let counts = declared.authoritative && field.applies_to(variant);
        counts || declared.settings.contains_key(field.name()) || field.is(Roles::IDENTIFYING)
    };
    let letters = kind.fields().iter().filter(written).filter_map(|field| field.letter);
    marker::longest(workspace, Address::object(kind, key), letters)
}
