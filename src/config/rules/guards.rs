//! Standing consents: an address must be one that the workspace could have.

use crate::config::model::Workspace;
use crate::diagnostic::{Code, Diagnostic};
use crate::language::address::may_match;
use crate::text::shown;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for allowance in &workspace.guards.allow {
        let Some(address) = &allowance.value.address else { continue };
        if !may_match(address) {
            findings.push(
                Diagnostic::error(
                    Code::InvalidValue,
                    allowance.span,
                    format!("{} is not an address", shown(address)),
                )
                .help("write it in full, e.g. `applications.vpn`, or with `*`, e.g. `applications.test-*`"),
            );
        }
    }
}
