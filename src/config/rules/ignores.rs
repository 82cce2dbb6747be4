//! An `ignore` must have something to ignore.

use std::collections::{BTreeMap, HashSet};

use crate::config::declared::Declared;
use crate::config::model::Workspace;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::duo::catalogue::lookup;
use crate::kinds::application::fields::field;
use crate::kinds::field::Field;

/// Items of applications.
pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for declared in workspace.every_declared() {
        let mut seen = HashSet::new();
        for ignore in declared.ignore {
            let name = ignore.value.field.as_str();
            // A default is not wrong where an application happens not to have the field.
            let compared = field(name).is_some_and(Field::is_compared);
            let written = is_compared(&declared, name);
            if !compared || !declared.own_ignore {
                continue;
            }
            if !seen.insert(name) {
                findings.push(
                    Diagnostic::warning(
                        Code::UnusedIgnore,
                        ignore.span,
                        format!("`{name}` is ignored twice"),
                    )
                    .help("remove one of the two"),
                );
            } else if !written {
                findings.push(
                    Diagnostic::warning(
                        Code::UnusedIgnore,
                        ignore.span,
                        format!("there is no `{name}` here whose difference could be ignored"),
                    )
                    .help("a field that is not written is left alone anyway: remove the item"),
                );
            }
        }
    }
}

/// Items of `defaults` that are of use to no application.
pub(super) fn defaults(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    let mut used: BTreeMap<Span, (&str, bool)> = BTreeMap::new();
    for declared in workspace.every_declared().filter(|declared| !declared.own_ignore) {
        for ignore in declared.ignore {
            let name = ignore.value.field.as_str();
            used.entry(ignore.span).or_insert((name, false)).1 |= is_compared(&declared, name);
        }
    }
    for (span, (name, _)) in used.into_iter().filter(|(_, (_, used))| !used) {
        let message = format!("no application that takes this default has a `{name}` that could be ignored");
        findings.push(
            Diagnostic::warning(Code::UnusedIgnore, span, message)
                .help("a field that is not written is left alone anyway: remove the item"),
        );
    }
}

/// Whether a field of an application is compared: it is written, or counts as unset.
fn is_compared(declared: &Declared<'_>, name: &str) -> bool {
    let kind = declared.kind.and_then(lookup);
    let counts = declared.authoritative && field(name).is_some_and(|field| field.applies_to(kind));
    declared.fields.contains(&name) || counts
}
