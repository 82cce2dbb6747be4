//! Identity Intelligence: rules from the vendor's documentation (design, section 6).

use std::collections::HashMap;

use crate::config::language::intelligence::NEVER;
use crate::config::model::{IntelligenceAccess, IntelligenceEntry, Workspace};
use crate::config::recommended;
use crate::diagnostic::{Code, Diagnostic, Fix, Help, Spanned};
use crate::language::address::Pattern;
use crate::language::address::Place;
use crate::names::{alike_key, same};

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for (key, entry) in &workspace.identity_intelligence {
        endpoints(workspace, entry, findings);
        event_streaming(entry, findings);
        push(key, entry, findings);
        permissions(workspace, key, entry, findings);
        networks(workspace, key, entry, findings);
        findings.extend(recommended::push_verification(key, entry));
        // Without a declared plan, the account itself tells whether endpoints are available.
        let plan = workspace.tenant.plan.as_ref().filter(|plan| plan.value >= recommended::ENDPOINTS);
        findings.extend(plan.and_then(|_| recommended::endpoints(key, entry)));
    }
    display_names(workspace, findings);
}

fn endpoints(workspace: &Workspace, entry: &IntelligenceEntry, findings: &mut Vec<Diagnostic>) {
    let Some(place) = entry.endpoints.as_ref().filter(|on| on.value).map(|on| on.span) else { return };
    match &workspace.tenant.plan {
        Some(plan) if plan.value < recommended::ENDPOINTS => findings.push(
            Diagnostic::error(Code::PlanTooSmall, place, "`endpoints` needs Duo Advantage or Premier")
                .help("write `endpoints: false`, or correct `tenant.plan`")
                .related(plan.span, "the plan is declared here"),
        ),
        Some(_) => {}
        None => findings.push(
            Diagnostic::note(
                Code::PlanTooSmall,
                place,
                "`endpoints` needs Duo Advantage or Premier, but no plan is declared",
            )
            .help("add `plan` to `tenant` so that duoctl can check it"),
        ),
    }
}

fn event_streaming(entry: &IntelligenceEntry, findings: &mut Vec<Diagnostic>) {
    if let Some(streaming) = entry.event_streaming.as_ref().filter(|streaming| streaming.value) {
        findings.push(
            Diagnostic::error(
                Code::EventStreaming,
                streaming.span,
                "event streaming is available only for the integration that the Duo Admin Panel provisions",
            )
            .help("remove it; for the provisioned integration, turn it on in step 2 of the provisioning wizard in the Duo Admin Panel"),
        );
    }
}

fn push(key: &str, entry: &IntelligenceEntry, findings: &mut Vec<Diagnostic>) {
    let named = "`push_verification: {application_name: Acme IT Support}`; users see the name in the push";
    if entry.has_auth_api() {
        return;
    }
    if let Some(push) = entry.push_verification.as_ref().filter(|push| push.value) {
        findings.push(
            Diagnostic::error(
                Code::MissingKey,
                push.span,
                "`push_verification` needs the name of its Auth API application",
            )
            .help(format!("write {named}")),
        );
    } else if let Some(span) = entry.auth_api.span {
        let message = format!("`{key}` has no push verification, so it has no Auth API application");
        findings.push(
            Diagnostic::error(Code::MissingKey, span, message)
                .help(format!("add {named}, or remove `auth_api`"))
                .related(entry.span, "the entry is here"),
        );
    }
}

/// Whether a permanent consent to the risk covers the entry's Admin API application.
fn insisted(workspace: &Workspace, risk: &str, key: &str) -> bool {
    let address = Place::admin_api(key).to_string();
    let names = |text: &String| Pattern::parse(text).is_ok_and(|pattern| pattern.matches(&address));
    let allow = &workspace.guards.allow;
    allow.iter().any(|allow| allow.value.risk == risk && allow.value.address.as_ref().is_some_and(names))
}

fn consent(risk: &str, key: &str) -> String {
    format!(
        "`guards: {{allow: [{{risk: {risk}, address: identity_intelligence.{key}.admin_api, reason: ...}}]}}`"
    )
}

/// A restriction would have to list the vendor's addresses, which are unknown (identity-intelligence.md, section 11).
fn networks(workspace: &Workspace, key: &str, entry: &IntelligenceEntry, findings: &mut Vec<Diagnostic>) {
    let Some(first) = entry.networks.first() else { return };
    if !insisted(workspace, "breaks_handoff", key) {
        findings.push(
            Diagnostic::error(
                Code::InvalidValue,
                first.span,
                "Identity Intelligence does not publish its addresses, so this restriction may block it",
            )
            .help(format!(
                "remove `networks_for_api_access`, or consent to it with {}",
                consent("breaks_handoff", key)
            )),
        );
    }
}

fn permissions(workspace: &Workspace, key: &str, entry: &IntelligenceEntry, findings: &mut Vec<Diagnostic>) {
    for permission in &entry.extra_permissions {
        let name = permission.value.as_str();
        if NEVER.contains(&name) {
            if insisted(workspace, "escalates_privilege", key) {
                continue;
            }
            let message = format!("Identity Intelligence must never have the permission `{name}`");
            findings.push(Diagnostic::error(Code::InvalidValue, permission.span, message).help(format!(
                "use a read permission such as `admins_read`, `integrations_read` or `settings_read`, \
                or consent to it with {}",
                consent("escalates_privilege", key)
            )));
        } else if name == "write_resource" && entry.access.value == IntelligenceAccess::ReadOnly {
            findings.push(
                Diagnostic::error(
                    Code::InvalidValue,
                    permission.span,
                    "`write_resource` contradicts `access: read_only`",
                )
                .help("write `access: read_write`")
                .related(entry.access.span, "`access` is set here"),
            );
        } else if matches!(name, "read_log" | "read_resource" | "write_resource") {
            findings.push(
                Diagnostic::warning(
                    Code::InvalidValue,
                    permission.span,
                    format!("`access` already includes `{name}`"),
                )
                .help(Help::from("remove it").by(Fix::RemoveItem)),
            );
        }
    }
}

fn display_names(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    let mut entries: Vec<_> =
        workspace.identity_intelligence.values().map(|entry| &entry.display_name).collect();
    entries.sort_by_key(|name| name.span);
    let mut seen: HashMap<String, &Spanned<String>> = HashMap::new();
    for name in entries {
        let Some(first) = seen.get(&alike_key(&name.value)) else {
            seen.insert(alike_key(&name.value), name);
            continue;
        };
        let message = if same(&first.value, &name.value) {
            "two entries have the same display name"
        } else {
            "two entries have display names that look the same"
        };
        findings.push(
            Diagnostic::error(Code::AmbiguousName, name.span, message)
                .help("choose another name: the console identifies integrations only by display name")
                .related(first.span, "the other name is here"),
        );
    }
}
