//! The tables of `docs/sandbox.md`.

use duoctl::sandbox::account::Account;
use duoctl::sandbox::faults::FaultKind;
use duoctl::sandbox::switches::Switches;

use super::row;

pub(crate) fn faults() -> String {
    let mut text = row(["`--fault`", "What happens"]) + "|---|---|\n";
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
    let mut text = row(["`--switch`", "At first", "What it does when it is on"]) + "|---|---|---|\n";
    for switch in Switches::ALL {
        let state = if switch.default { "on" } else { "off" };
        text += &row([&format!("`{}`", switch.name), state, &without_sources(switch.text)]);
    }
    text
}

/// The names and types of the keys, and what their applications may do.
pub(crate) fn keys() -> String {
    let account = Account::in_memory().unwrap();
    let mut text = row(["Name", "Type", "What it may do"]) + "|---|---|---|\n";
    for key in account.keys() {
        let meaning = match key.name.as_str() {
            "operator" => "everything: it has every permission",
            "plan-only" => "read: applications, groups, policies, settings and the account's summary",
            "no-permissions" => "nothing: its key is valid, and it has no permission",
            "auth" => "the Auth API",
            name => panic!("docs/sandbox.md does not say what the key {name} is for"),
        };
        text += &row([&format!("`{}`", key.name), &format!("`{}`", key.kind), meaning]);
    }
    text
}

/// The text without the places in the notes on the vendors' APIs that it rests on.
fn without_sources(text: &str) -> String {
    let mut kept = text.trim().to_owned();
    for source in [" (duo-api.md", " (identity-intelligence.md"] {
        while let Some(start) = kept.find(source) {
            let end = kept[start..].find(')').map_or(kept.len(), |end| start + end + 1);
            kept.replace_range(start..end, "");
        }
    }
    kept
}
