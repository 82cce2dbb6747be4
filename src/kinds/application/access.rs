//! Who may log in is said by two fields, and both must say the same (duo-api.md, traps 2 and 3).

use crate::diagnostic::{Code, Diagnostic, Spanned};

/// What is wrong with an access and its groups, if anything: `access` tells whether it is `permitted_groups`, `groups`
/// whether they name any. Duo might keep a list of its own otherwise.
pub fn conflict(access: Option<&Spanned<bool>>, groups: Option<&Spanned<bool>>) -> Option<Diagnostic> {
    let permitted = access.filter(|access| access.value);
    let named = groups.filter(|groups| groups.value);
    match (permitted, named) {
        (Some(access), None) => {
            let place = groups.map_or(access.span, |groups| groups.span);
            let message = "`user_access: permitted_groups` needs `groups_allowed`";
            Some(
                Diagnostic::error(Code::AccessConflict, place, message)
                    .help("name at least one group; to let nobody in, write `user_access: no_users`"),
            )
        }
        (None, Some(groups)) => {
            let message = "`groups_allowed` counts only with `user_access: permitted_groups`";
            let found = Diagnostic::error(Code::AccessConflict, groups.span, message)
                .help("write `user_access: permitted_groups`, or remove `groups_allowed`");
            Some(match access {
                Some(access) => found.related(access.span, "the access is decided here"),
                None => found,
            })
        }
        (Some(_), Some(_)) | (None, None) => None,
    }
}
