//! Who may log in: `user_access` and `groups_allowed` must say the same.

use std::collections::HashSet;

use crate::config::diagnostic::{Code, Diagnostic, Spanned};
use crate::config::model::{Application, Setting, Workspace};
use crate::config::settings::{USER_ACCESS, setting};
use crate::duo::catalogue::lookup;
use crate::text::shown;

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
    let word = access.map(|access| &access.value).map(|access| match access {
        Setting::Text(word) if USER_ACCESS.iter().any(|choice| choice.value == word) => Some(word.as_str()),
        _ => None,
    });
    // What is no access at all is reported already.
    if word == Some(None) {
        return;
    }
    let permitted = access.filter(|_| word == Some(Some("permitted_groups")));
    let has_groups = application.kind.as_ref().is_none_or(|kind| {
        setting("groups_allowed").is_some_and(|spec| spec.applies_to(lookup(&kind.value)))
    });
    let named = groups.filter(|groups| groups.value != Setting::Clear);
    match (permitted, named) {
        (Some(access), None) if !has_groups => findings.push(
            Diagnostic::error(
                Code::AccessConflict,
                access.span,
                "this type of application has no groups that could be permitted",
            )
            .help("nobody logs in to it: write `user_access: no_users`"),
        ),
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
