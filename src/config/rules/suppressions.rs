//! `suppress`: an address must be one that the workspace has.

use crate::config::model::{Suppression, Workspace};
use crate::diagnostic::{Code, Diagnostic};
use crate::language::address::may_match;
use crate::text::shown;

/// Entries that can never have an effect.
pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for suppression in &workspace.suppress {
        let Suppression { address: Some(address), matcher, .. } = &suppression.value else { continue };
        let Some(glob) = matcher.as_ref().filter(|_| may_match(address)) else {
            findings.push(
                Diagnostic::error(
                    Code::InvalidValue,
                    suppression.span,
                    format!("{} is not an address", shown(address)),
                )
                .help("write it in full, e.g. `applications.vpn`, or with `*`, e.g. `applications.test-*`"),
            );
            continue;
        };
        let applications = workspace.every_declared().map(|declared| declared.place.to_string());
        let entries =
            workspace.identity_intelligence.keys().map(|key| format!("identity_intelligence.{key}"));
        if !applications.chain(entries).any(|declared| glob.is_match(&declared)) {
            let message =
                format!("the YAML declares nothing at {}, so nothing is suppressed", shown(address));
            findings.push(
                Diagnostic::warning(Code::UnusedIgnore, suppression.span, message)
                    .help("correct it, or remove it"),
            );
        }
    }
}
