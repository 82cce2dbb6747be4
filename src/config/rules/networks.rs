//! Networks that are probably a mistake.

use std::net::IpAddr;

use crate::config::model::Workspace;
use crate::diagnostic::{Code, Diagnostic, Spanned};
use crate::kinds::Kind;
use crate::kinds::networks::Networks;
use crate::kinds::value::Setting;
use crate::text::shown;

/// The field with networks.
const FIELD: &str = "networks_for_api_access";

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for application in workspace.of(Kind::Application).values() {
        let Some(Spanned { value: Setting::List(items), .. }) = application.settings.get(FIELD) else {
            continue;
        };
        items.iter().for_each(|item| network(item, findings));
    }
    for entry in workspace.identity_intelligence.values() {
        entry.networks.iter().for_each(|item| network(item, findings));
    }
}

fn network(item: &Spanned<String>, findings: &mut Vec<Diagnostic>) {
    let Ok(network) = Networks::parse([&item.value]) else { return };
    let mut warn = |message: String, help: String| {
        findings.push(Diagnostic::warning(Code::DoubtfulNetwork, item.span, message).help(help));
    };
    if network.is_everything() {
        let help =
            format!("remove `{FIELD}` if that is intended, or name the networks from which the key is used");
        warn(format!("{} matches every address", shown(&item.value)), help);
        return;
    }
    let Some((address, _)) = item.value.trim().split_once('/') else { return };
    let texts = network.texts();
    let Some(meant) = texts.first() else { return };
    let parsed = |text: &str| text.parse::<IpAddr>().ok();
    let first = meant.split('/').next().and_then(parsed);
    if first.is_some() && first != parsed(address) {
        let help = format!(
            "write {} for the whole network, or {} for the single address",
            shown(meant),
            shown(address)
        );
        warn(format!("{} matches the whole network {}", shown(&item.value), shown(meant)), help);
    }
}
