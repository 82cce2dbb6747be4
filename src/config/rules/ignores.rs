//! An `ignore` must have something to ignore.

use std::collections::HashSet;

use crate::config::model::Workspace;
use crate::diagnostic::{Code, Diagnostic};
use crate::kinds::application::fields::field;
use crate::kinds::field::Field;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for declared in workspace.every_declared() {
        let mut seen = HashSet::new();
        for ignore in declared.ignore {
            let name = ignore.value.field.as_str();
            // A default is not wrong where an application happens not to have the field.
            let own = declared.is_own(ignore);
            let compared = field(name).is_some_and(Field::is_compared);
            let written = declared.fields.contains(&name);
            if !compared || !own {
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
