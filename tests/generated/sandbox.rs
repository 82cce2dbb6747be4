//! The tables of `docs/reference/sandbox.md`.

use duoctl::sandbox::account::Account;
use duoctl::sandbox::faults::FaultKind;
use duoctl::sandbox::switches::Switches;
use duoctl::sandbox::unsimulated::UNSIMULATED;

use super::row;

pub(crate) fn faults() -> String {
    let mut text = row(["`--fault`", "Effect"]) + "|---|---|\n";
    for kind in FaultKind::ALL {
        let written = match kind.takes() {
            "" => kind.name().to_owned(),
            takes => format!("{}={takes}", kind.name()),
        };
        text += &row([&format!("`{written}`"), kind.text().trim()]);
    }
    text
}

pub(crate) fn switches() -> String {
    let mut text = row(["`--switch`", "Default", "Effect"]) + "|---|---|---|\n";
    for switch in Switches::all() {
        let name = match switch.values {
            _ if switch.is_flag() => format!("`{}`", switch.name),
            [] => format!("`{}=NAME`", switch.name),
            values => format!("`{}={}`", switch.name, values.join("|")),
        };
        text += &row([&name, &switch.default, &without_sources(switch.text)]);
    }
    text
}

/// Calls that the sandbox does not simulate.
pub(crate) fn unsimulated() -> String {
    let mut text = row(["Calls", "Path", "Purpose"]) + "|---|---|---|\n";
    for left_out in UNSIMULATED {
        let methods = if left_out.methods == "*" { "all" } else { left_out.methods };
        text += &row([methods, &format!("`{}`", left_out.path), left_out.what]);
    }
    text
}

/// The names and types of the keys, and the permissions of their applications.
pub(crate) fn keys() -> String {
    let account = Account::in_memory().unwrap();
    let mut text = row(["Name", "Type", "Permissions"]) + "|---|---|---|\n";
    for key in account.keys() {
        let meaning = match key.name.as_str() {
            "operator" => "all permissions",
            "plan-only" => "read applications, groups, policies, settings and the account's summary",
            "no-permissions" => "none, although its key is valid",
            "auth" => "the Auth API",
            name => panic!("docs/reference/sandbox.md does not say what the key {name} is for"),
        };
        text += &row([&format!("`{}`", key.name), &format!("`{}`", key.kind), meaning]);
    }
    text
}

/// The text without references to the notes on the vendors' APIs.
fn without_sources(text: &str) -> String {
    let mut kept = text.trim().to_owned();
    for source in [" (duo-api.md", " (identity-intelligence.md", " (probes.md", " (policies.md"] {
        while let Some(start) = kept.find(source) {
            let end = kept[start..].find(')').map_or(kept.len(), |end| start + end + 1);
            kept.replace_range(start..end, "");
        }
    }
    kept
}
