//! Two fields decide who may log in, and they must agree (duo-api.md, traps 2 and 3).

use crate::diagnostic::{Code, Diagnostic, Spanned};

/// The conflict between an access and its groups, if any. `access` is true for `permitted_groups`, `groups` if at least
/// one is named. If the two disagree, Duo may keep an old list of groups.
pub fn conflict(access: Option<&Spanned<bool>>, groups: Option<&Spanned<bool>>) -> Option<Diagnostic> {
    let permitted = access.filter(|access| access.value);
    let named = groups.filter(|groups| groups.value);
    match (permitted, named) {
        (Some(access), None) => {
            let place = groups.map_or(access.span, |groups| groups.span);
            let message = "`user_access: permitted_groups` needs `groups_allowed`";
            Some(
                Diagnostic::error(Code::AccessConflict, place, message)
                    .help("name at least one group, or write `user_access: no_users` to block all users"),
            )
        }
        (None, Some(groups)) => {
            let message = "`groups_allowed` requires `user_access: permitted_groups`";
            let found = Diagnostic::error(Code::AccessConflict, groups.span, message)
                .help("write `user_access: permitted_groups`, or remove `groups_allowed`");
            Some(match access {
                Some(access) => found.related(access.span, "the access is set here"),
                None => found,
            })
        }
        (Some(_), Some(_)) | (None, None) => None,
    }
}
