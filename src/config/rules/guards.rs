//! The addresses of `guards.allow` and `suppress`, which allow globs and short addresses like the command line.

use crate::config::model::Workspace;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::language::address::Pattern;
use crate::text::shown;

use super::suppressions::every;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    let allowed = workspace.guards.allow.iter().map(|allow| (&allow.value.address, allow.span));
    let suppressed = workspace.suppress.iter().map(|suppress| (&suppress.value.address, suppress.span));
    let mut all =
        allowed.chain(suppressed).filter_map(|(address, span)| Some((address.as_ref()?, span))).peekable();
    // Few workspaces have any, and there may be many addresses.
    let known: Vec<String> = all.peek().map(|_| every(workspace).collect()).unwrap_or_default();
    findings.extend(all.filter_map(|(address, span)| unusable(address, span, &known)));
}

fn unusable(address: &str, span: Span, known: &[String]) -> Option<Diagnostic> {
    let wrong = |message: String| Diagnostic::error(Code::InvalidValue, span, message);
    let Some(pattern) = Pattern::parse(address).ok().filter(Pattern::is_address_or_glob) else {
        return Some(wrong(format!("{} is not an address", shown(address))).help(
            "write an address such as `vpn`, `applications.vpn` or `identity_intelligence.emea`, or a glob such as `test-*`",
        ));
    };
    let (one, other) = pattern.ambiguous(known.iter().map(String::as_str))?;
    Some(
        wrong(format!("{} is ambiguous: it can be `{one}` or `{other}`", shown(address)))
            .help("write the full address"),
    )
}
