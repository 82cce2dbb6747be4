//! An `ignore` must have something to ignore.

use std::collections::HashSet;

use crate::config::diagnostic::{Code, Diagnostic};
use crate::config::model::Workspace;
use crate::config::settings::{Owner, setting};

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for application in workspace.applications.values() {
        let mut seen = HashSet::new();
        for ignore in &application.ignore {
            let field = ignore.value.field.as_str();
            // A default is not wrong where an application happens not to have the field.
            let own = ignore.span.file == application.span.file && ignore.span.start > application.span.start;
            let compared = setting(field).is_some_and(|spec| spec.owner == Owner::Duo || field == "name");
            let written =
                application.settings.contains_key(field) || field == "name" && application.name.is_some();
            if !compared || !own {
                continue;
            }
            if !seen.insert(field) {
                findings.push(
                    Diagnostic::warning(
                        Code::UnusedIgnore,
                        ignore.span,
                        format!("`{field}` is ignored twice"),
                    )
                    .help("remove one of the two"),
                );
            } else if !written {
                findings.push(
                    Diagnostic::warning(
                        Code::UnusedIgnore,
                        ignore.span,
                        format!("there is no `{field}` here whose difference could be ignored"),
                    )
                    .help("a field that is not written is left alone anyway: remove the item"),
                );
            }
        }
    }
}
