//! A permanent consent must be able to take effect.

use crate::config::declared::Declared;
use crate::config::model::{Allowance, Workspace};
use crate::diagnostic::{Code, Diagnostic, Fix, Help};
use crate::kinds::risk::{EMPTY, Risk};
use crate::language::address::Pattern;
use crate::language::address::{APPLICATIONS, section};
use crate::text::shown;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    if workspace.guards.allow.is_empty() {
        return;
    }
    let declared: Vec<(String, Declared<'_>)> =
        workspace.every_declared().map(|declared| (declared.place.to_string(), declared)).collect();
    for allowance in &workspace.guards.allow {
        if let Some(why) = idle(&allowance.value, &declared) {
            findings.push(
                Diagnostic::warning(Code::UnusedConsent, allowance.span, why).help(
                    Help::from("correct or remove it: it would apply to anything that matches it later")
                        .by(Fix::RemoveItem),
                ),
            );
        }
    }
}

/// Why a consent has no effect, judging by the YAML.
fn idle(allowance: &Allowance, declared: &[(String, Declared<'_>)]) -> Option<String> {
    let address = allowance.address.as_deref();
    if allowance.risk == EMPTY {
        return address.map(|_| {
            format!("`{EMPTY}` applies to the whole workspace, so with an address it has no effect")
        });
    }
    let risk = Risk::parse(&allowance.risk)?;
    // An invalid address is reported elsewhere.
    let pattern: Option<Pattern> = address.map(Pattern::parse).transpose().ok()?;
    if pattern.as_ref().is_some_and(|pattern| !pattern.is_address_or_glob()) {
        return None;
    }
    let is_meant = |address: &str| pattern.as_ref().is_none_or(|pattern| pattern.matches(address));
    // An application that left the YAML may still be owned, and a console may still hold its keys.
    match risk {
        Risk::Destroys => return None,
        Risk::BreaksHandoff => {
            let console = address.is_none_or(|address| section(address) != APPLICATIONS);
            let why = "this consent has no effect: only keys of `identity_intelligence` are in a console";
            return (!console).then(|| why.to_owned());
        }
        _ => {}
    }
    let meant: Vec<&Declared<'_>> =
        declared.iter().filter(|(address, _)| is_meant(address)).map(|(_, declared)| declared).collect();
    if meant.is_empty() {
        return Some(match address {
            Some(address) => format!("this consent matches no address: the YAML has no {}", shown(address)),
            None => "this consent matches no address: the YAML declares nothing".to_owned(),
        });
    }
    let (may, why): (fn(&Declared<'_>) -> bool, &str) = match risk {
        Risk::EscalatesPrivilege => {
            (|it| it.kind.is_none_or(|kind| kind == "adminapi"), "its type has no permissions")
        }
        Risk::OverdueKey => (|it| it.has_max_age, "it has no `max_age`"),
        Risk::AdoptsKey => (|it| it.has_secret, "its key is not delivered to a store"),
        _ => return None,
    };
    if meant.into_iter().any(may) {
        return None;
    }
    let subject = address.map_or_else(|| "nothing in the YAML".to_owned(), shown);
    let verb = if address.is_some() { "cannot have" } else { "can have" };
    Some(format!("{subject} {verb} this risk: {why}"))
}
