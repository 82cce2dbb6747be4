//! The tenant and what identifies applications in it.

use crate::config::model::{StateKey, ValueSource, Workspace};
use crate::diagnostic::{Code, Diagnostic, Spanned};
use crate::language::texts::{INTEGRATION_KEY, is_usual_integration_key};

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    if let Some(former) = workspace.formerly.as_ref().filter(|former| former.value == workspace.name.value) {
        findings.push(
            Diagnostic::error(
                Code::InvalidValue,
                former.span,
                "`formerly` is the name that the workspace has now",
            )
            .help("write the name that it had before, or remove it")
            .related(workspace.name.span, "its name"),
        );
    }
    let first = workspace.tenant.credentials.as_ref();
    let recovery = first.and_then(|credentials| credentials.recovery.as_deref());
    if let (Some(first), Some(recovery)) = (first, recovery)
        && (first.integration_key.value == recovery.integration_key.value
            || first.secret_key.value == recovery.secret_key.value)
    {
        findings.push(
            Diagnostic::error(
                Code::InvalidValue,
                recovery.integration_key.span,
                "the recovery key comes from the same place as the operator",
            )
            .help("name another Admin API application: one key cannot stand in for itself")
            .related(first.integration_key.span, "the operator"),
        );
    }
    same_source(workspace, findings);
    let keys = first.and_then(|first| first.state_keys.as_ref()).into_iter().flatten();
    for key in keys.filter(|key| key.value == StateKey::Recovery && recovery.is_none()) {
        findings.push(
            Diagnostic::error(Code::InvalidValue, key.span, "there is no recovery key that could seal")
                .help("declare `tenant.credentials.recovery`, or remove `recovery` from `state_keys`"),
        );
    }
    for credentials in [first, recovery].into_iter().flatten() {
        let Spanned { value: ValueSource::Plain(key), span } = &credentials.integration_key else { continue };
        match (INTEGRATION_KEY.check)(key) {
            Ok(()) => unusual(&Spanned::new(key.clone(), *span), findings),
            Err(problem) => findings.push(
                Diagnostic::error(problem.code, *span, format!("`integration_key` {}", problem.message))
                    .help(problem.help),
            ),
        }
    }
    for pin in workspace.every_declared().filter_map(|declared| declared.pin) {
        if (INTEGRATION_KEY.check)(&pin.value).is_ok() {
            unusual(pin, findings);
        }
    }
}

/// What identifies a key is sent in clear, so it comes from no place that holds a secret.
fn same_source(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    let first = workspace.tenant.credentials.as_ref();
    let recovery = first.and_then(|credentials| credentials.recovery.as_deref());
    let operators = || [first, recovery].into_iter().flatten();
    let own: Vec<&Spanned<ValueSource>> = operators().map(|keys| &keys.secret_key).collect();
    let all: Vec<_> =
        own.iter().copied().chain(workspace.api_clients().map(|fields| &fields.client_secret)).collect();
    let ids = operators().map(|keys| ("integration_key", &keys.integration_key, &all));
    // A client's id and secret go to the same server, in one request.
    let clients = workspace.api_clients().map(|fields| ("client_id", &fields.client_id, &own));
    for (key, id, secrets) in ids.chain(clients) {
        if let Some(secret) = secrets.iter().find(|secret| secret.value == id.value) {
            findings.push(
                Diagnostic::error(
                    Code::InvalidValue,
                    id.span,
                    format!("`{key}` comes from the same place as a secret, and it is sent in clear"),
                )
                .help("name the place that holds the key itself")
                .related(secret.span, "the secret"),
            );
        }
    }
}

/// The shape of a key is known from samples only, so another one is worth a warning (duo-api.md, section 0).
fn unusual(key: &Spanned<String>, findings: &mut Vec<Diagnostic>) {
    if !is_usual_integration_key(&key.value) {
        findings.push(
            Diagnostic::warning(Code::InvalidValue, key.span, "this does not look like an integration key")
                .help("every known one has 20 characters: `DI` and 18 of A-Z and 0-9"),
        );
    }
}
