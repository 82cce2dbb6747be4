//! The tenant, and integration keys.

use crate::config::declared::Declared;
use crate::config::model::{StateKey, ValueSource, Workspace};
use crate::diagnostic::{Code, Diagnostic, Spanned};
use crate::kinds::Kind;
use crate::language::address::Place;
use crate::language::texts::{INTEGRATION_KEY, is_usual_integration_key};

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    if let Some(former) = workspace.formerly.as_ref().filter(|former| former.value == workspace.name.value) {
        findings.push(
            Diagnostic::error(
                Code::InvalidValue,
                former.span,
                "`formerly` is the current name of the workspace",
            )
            .help("write the previous name, or remove it")
            .related(workspace.name.span, "the current name"),
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
                "the recovery key has the same source as the operator's key",
            )
            .help("use another Admin API application: a key cannot recover itself")
            .related(first.integration_key.span, "the operator's key"),
        );
    }
    same_source(workspace, findings);
    let keys = first.and_then(|first| first.state_keys.as_ref()).into_iter().flatten();
    for key in keys.filter(|key| key.value == StateKey::Recovery && recovery.is_none()) {
        findings.push(
            Diagnostic::error(
                Code::InvalidValue,
                key.span,
                "`state_keys` contains `recovery`, but there is no recovery key",
            )
            .help("declare `tenant.credentials.recovery`, or remove `recovery` from `state_keys`"),
        );
    }
    for credentials in [first, recovery].into_iter().flatten() {
        let Spanned { value: ValueSource::Plain(key), span } = &credentials.integration_key else { continue };
        if (INTEGRATION_KEY.check)(key).is_ok() {
            unusual(&Spanned::new(key.clone(), *span), findings);
        }
    }
    // The IDs of other kinds begin differently.
    let is_application = |declared: &Declared<'_>| {
        matches!(declared.place, Place::Object(Kind::Application, _) | Place::Part { .. })
    };
    let pins = workspace.every_declared().filter(is_application).filter_map(|declared| declared.pin);
    for pin in pins {
        if (INTEGRATION_KEY.check)(&pin.value).is_ok() {
            unusual(pin, findings);
        }
    }
}

/// Integration keys and client ids are sent in plain text, so they must not have the same source as a secret.
fn same_source(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    let first = workspace.tenant.credentials.as_ref();
    let recovery = first.and_then(|credentials| credentials.recovery.as_deref());
    let operators = || [first, recovery].into_iter().flatten();
    let own: Vec<&Spanned<ValueSource>> = operators().map(|keys| &keys.secret_key).collect();
    let all: Vec<_> =
        own.iter().copied().chain(workspace.api_clients().map(|fields| &fields.client_secret)).collect();
    let ids = operators().map(|keys| ("integration_key", &keys.integration_key, &all));
    // A client's id and secret are sent to the same server in one request.
    let clients = workspace.api_clients().map(|fields| ("client_id", &fields.client_id, &own));
    for (key, id, secrets) in ids.chain(clients) {
        if let Some(secret) = secrets.iter().find(|secret| secret.value == id.value) {
            findings.push(
                Diagnostic::error(
                    Code::InvalidValue,
                    id.span,
                    format!("`{key}` has the same source as a secret, but is sent in plain text"),
                )
                .help("use the source of the key itself")
                .related(secret.span, "the secret"),
            );
        }
    }
}

/// The form of keys is known from samples only, so a different one is only a warning (duo-api.md, section 0).
fn unusual(key: &Spanned<String>, findings: &mut Vec<Diagnostic>) {
    if !is_usual_integration_key(&key.value) {
        findings.push(
            Diagnostic::warning(Code::InvalidValue, key.span, "this does not look like an integration key")
                .help("all known keys have 20 characters: `DI` and 18 of A-Z and 0-9"),
        );
    }
}
