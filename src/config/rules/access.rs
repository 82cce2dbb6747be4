//! Who may log in: `user_access` and `groups_allowed` must agree.

use std::collections::HashSet;
use std::hash::Hash;

use crate::config::model::{Declaration, Workspace};
use crate::diagnostic::{Code, Diagnostic, Spanned};
use crate::duo::catalogue::{Variant, lookup};
use crate::kinds::Kind;
use crate::kinds::application::access::conflict;
use crate::kinds::application::fields::{USER_ACCESS, field};
use crate::kinds::application::{ACCESS, GROUPS, NETWORKS, PERMISSION_LIST};
use crate::kinds::reference::Reference;
use crate::kinds::value::Setting;
use crate::text::shown;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for application in workspace.of(Kind::Application).values() {
        access(application, findings);
        for field in [GROUPS, PERMISSION_LIST, NETWORKS] {
            repetitions(application, field, findings);
        }
    }
}

fn access(application: &Declaration, findings: &mut Vec<Diagnostic>) {
    let groups = application.settings.get(GROUPS);
    let access = application.settings.get(ACCESS);
    let word = access.map(|access| &access.value).map(|access| match access {
        Setting::Text(word) if USER_ACCESS.iter().any(|choice| choice.value == word) => Some(word.as_str()),
        _ => None,
    });
    // An invalid access is reported already.
    if word == Some(None) {
        return;
    }
    let access = access.map(|access| Spanned::new(word == Some(Some("permitted_groups")), access.span));
    let groups = groups.map(|groups| Spanned::new(groups.value != Setting::Clear, groups.span));
    let kind = application.variant.as_ref().and_then(|kind| lookup(&kind.value));
    let named = groups.as_ref().is_some_and(|groups| groups.value);
    match &access {
        Some(Spanned { value: true, span }) if !named && !takes_groups(kind) => findings.push(
            Diagnostic::error(
                Code::AccessConflict,
                *span,
                "this type of application does not support `permitted_groups`",
            )
            .help("users do not log in to it: write `user_access: no_users`"),
        ),
        access => findings.extend(conflict(access.as_ref(), groups.as_ref())),
    }
}

fn takes_groups(kind: Option<&Variant>) -> bool {
    field(GROUPS).is_some_and(|field| field.applies_to(kind))
}

fn repetitions(application: &Declaration, field: &str, findings: &mut Vec<Diagnostic>) {
    match application.settings.get(field).map(|setting| &setting.value) {
        Some(Setting::List(items)) => repeated(field, items, String::as_str, findings),
        Some(Setting::References(items)) => repeated(field, items, Reference::text, findings),
        _ => {}
    }
}

fn repeated<T: Eq + Hash>(
    field: &str,
    items: &[Spanned<T>],
    text: fn(&T) -> &str,
    findings: &mut Vec<Diagnostic>,
) {
    let mut seen = HashSet::new();
    for Spanned { value, span } in items {
        if seen.insert(value) {
            continue;
        }
        findings.push(
            Diagnostic::warning(
                Code::InvalidValue,
                *span,
                format!("`{field}` has {} twice", shown(text(value))),
            )
            .help("remove one of the two"),
        );
    }
}
