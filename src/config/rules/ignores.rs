//! An `ignore` item must have something to ignore.

use std::collections::{BTreeMap, HashSet};

use crate::config::declared::Declared;
use crate::config::model::Workspace;
use crate::diagnostic::{Code, Diagnostic, Fix, Help, Span};
use crate::duo::catalogue::lookup;
use crate::kinds::Kind;
use crate::kinds::field::Field;
use crate::language::address::Place;

/// Items of applications.
pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for declared in workspace.every_declared() {
        let mut seen = HashSet::new();
        for ignore in declared.ignore {
            let name = ignore.value.field.as_str();
            // A default is valid even if an application does not have the field.
            let compared = kind(&declared).field(name).is_some_and(Field::is_compared);
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
                    .help(Help::from("remove one of the two").by(Fix::RemoveItem)),
                );
            } else if !written {
                findings.push(
                    Diagnostic::warning(
                        Code::UnusedIgnore,
                        ignore.span,
                        format!("`{name}` is not managed here, so it cannot differ"),
                    )
                    .help(
                        Help::from("remove the item: fields that are not in the YAML are not compared")
                            .by(Fix::RemoveItem),
                    ),
                );
            }
        }
    }
}

/// Items of `defaults` that no application can use.
pub(super) fn defaults(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    let mut used: BTreeMap<Span, (&str, bool)> = BTreeMap::new();
    for declared in workspace.every_declared().filter(|declared| !declared.own_ignore) {
        for ignore in declared.ignore {
            let name = ignore.value.field.as_str();
            used.entry(ignore.span).or_insert((name, false)).1 |= is_compared(&declared, name);
        }
    }
    for (span, (name, _)) in used.into_iter().filter(|(_, (_, used))| !used) {
        let message = format!("no application with this default manages `{name}`, so it cannot differ");
        findings.push(
            Diagnostic::warning(Code::UnusedIgnore, span, message).help(
                Help::from("remove the item: fields that are not in the YAML are not compared")
                    .by(Fix::RemoveItem),
            ),
        );
    }
}

fn kind(declared: &Declared<'_>) -> Kind {
    if let Place::Object(kind, _) = declared.place { kind } else { Kind::Application }
}

/// Whether a field is compared: it is set, or counts as unset.
fn is_compared(declared: &Declared<'_>, name: &str) -> bool {
    let variant = declared.kind.and_then(lookup);
    let field = kind(declared).field(name);
    let counts = declared.authoritative && field.is_some_and(|field| field.applies_to(variant));
    declared.sets(name) || counts
}
