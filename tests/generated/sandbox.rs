//! The tables of `docs/reference/sandbox.md`.

use duoctl::sandbox::account::Account;
use duoctl::sandbox::faults::FaultKind;
use duoctl::sandbox::switches::Switches;
use duoctl::sandbox::unsimulated::UNSIMULATED;

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
    let mut text =
        row(["`--switch`", "At first", "What it does when it is on, or chooses"]) + "|---|---|---|\n";
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

/// What the sandbox leaves out.
pub(crate) fn unsimulated() -> String {
    let mut text = row(["Calls", "Path", "What they are for"]) + "|---|---|---|\n";
    for left_out in UNSIMULATED {
        let methods = if left_out.methods == "*" { "all" } else { left_out.methods };
        text += &row([methods, &format!("`{}`", left_out.path), left_out.what]);
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
            name => panic!("docs/reference/sandbox.md does not say what the key {name} is for"),
        };
        text += &row([&format!("`{}`", key.name), &format!("`{}`", key.kind), meaning]);
    }
    text
}

/// The text without the places in the notes on the vendors' APIs that it rests on.
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
