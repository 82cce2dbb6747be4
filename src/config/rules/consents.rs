//! A standing consent must be able to count.

use crate::config::model::Workspace;
use crate::diagnostic::{Code, Diagnostic};
use crate::kinds::risk::Risk;
use crate::language::address::glob_matcher;
use crate::text::shown;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    let applications = workspace.applications.iter().map(|(key, application)| {
        let kind = application.kind.as_ref().map(|kind| kind.value.as_str());
        (format!("applications.{key}"), kind.is_none_or(|kind| kind == "adminapi"))
    });
    let entries = workspace.identity_intelligence.keys();
    let parts = entries.flat_map(|key| {
        ["", ".admin_api", ".auth_api"]
            .map(|part| (format!("identity_intelligence.{key}{part}"), part != ".auth_api"))
    });
    let declared: Vec<(String, bool)> = applications.chain(parts).collect();
    for allowance in &workspace.guards.allow {
        let Some(address) = &allowance.value.address else { continue };
        let Ok(glob) = glob_matcher(address) else { continue };
        let risk = Risk::parse(&allowance.value.risk);
        let mut matched = declared.iter().filter(|(address, _)| glob.is_match(address)).peekable();
        // What left the YAML may still be owned: then a consent to its removal counts.
        let declares = matches!(risk, Some(Risk::WidensAccess | Risk::EscalatesPrivilege | Risk::Replaces));
        let message = if declares && matched.peek().is_none() {
            format!("this consent matches no address: the YAML has no {}", shown(address))
        } else if risk == Some(Risk::EscalatesPrivilege) && !matched.any(|(_, may)| *may) {
            format!("{} cannot have this risk: its type has no permissions", shown(address))
        } else {
            continue;
        };
        findings.push(Diagnostic::warning(Code::UnusedConsent, allowance.span, message).help(
            "correct the address, or remove the consent: it would count for whatever gets this address later",
        ));
    }
}
