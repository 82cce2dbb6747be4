//! Who may log in: `user_access` and `groups_allowed` must say the same.

use std::collections::HashSet;

use crate::config::diagnostic::{Code, Diagnostic, Spanned};
use crate::config::model::{Application, Setting, Workspace};
use crate::config::texts::shown;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for application in workspace.applications.values() {
        access(application, findings);
        repetitions(application, "groups_allowed", findings);
        repetitions(application, "permissions", findings);
        repetitions(application, "networks_for_api_access", findings);
    }
}

fn access(application: &Application, findings: &mut Vec<Diagnostic>) {
    let groups = application.settings.get("groups_allowed");
    let access = application.settings.get("user_access");
    let named = groups.filter(|groups| groups.value != Setting::Clear);
    let permitted = access.filter(|access| access.value == Setting::Text("permitted_groups".to_owned()));
    match (permitted, named) {
        (Some(access), None) => {
            let place = groups.map_or(access.span, |groups| groups.span);
            findings.push(
                Diagnostic::error(
                    Code::AccessConflict,
                    place,
                    "`user_access: permitted_groups` needs `groups_allowed`",
                )
                .help("name at least one group; to let nobody in, write `user_access: no_users`"),
            );
        }
        (None, Some(groups)) => {
            let mut found = Diagnostic::error(
                Code::AccessConflict,
                groups.span,
                "`groups_allowed` counts only with `user_access: permitted_groups`",
            )
            .help("write `user_access: permitted_groups`, or remove `groups_allowed`");
            if let Some(access) = access {
                found = found.related(access.span, "the access is decided here");
            }
            findings.push(found);
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
}

fn repetitions(application: &Application, field: &str, findings: &mut Vec<Diagnostic>) {
    let Some(Spanned { value: Setting::List(items), .. }) = application.settings.get(field) else { return };
    let mut seen = HashSet::new();
    for item in items.iter().filter(|item| !seen.insert(item.value.as_str())) {
        findings.push(
            Diagnostic::warning(
                Code::InvalidValue,
                item.span,
                format!("{} stands twice in `{field}`", shown(&item.value)),
            )
            .help("remove one of the two"),
        );
    }
}
