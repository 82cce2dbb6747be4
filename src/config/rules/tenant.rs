//! The tenant and what identifies applications in it.

use crate::config::diagnostic::{Code, Diagnostic, Spanned};
use crate::config::model::{ValueSource, Workspace};
use crate::config::texts::{INTEGRATION_KEY, is_usual_integration_key};

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    if let Some(credentials) = &workspace.tenant.credentials
        && let Spanned { value: ValueSource::Plain(key), span } = &credentials.integration_key
    {
        match (INTEGRATION_KEY.check)(key) {
            Ok(()) => unusual(&Spanned::new(key.clone(), *span), findings),
            Err(problem) => findings.push(
                Diagnostic::error(problem.code, *span, format!("`integration_key` {}", problem.message))
                    .help(problem.help),
            ),
        }
    }
    for pin in workspace.applications.values().filter_map(|application| application.integration_key.as_ref())
    {
        if (INTEGRATION_KEY.check)(&pin.value).is_ok() {
            unusual(pin, findings);
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
