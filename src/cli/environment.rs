//! The environment variables of duoctl itself, and what of them is misspelt.

use crate::language::similar::did_you_mean;
use crate::output::printer::Printer;
use crate::text::{safe, shown};

/// What the names of them all begin with.
const PREFIX: &str = "DUOCTL_";

/// What is set by the YAML's author: `vars.NAME`.
const OF_VARS: &str = "DUOCTL_VAR_";

/// Every variable that changes what duoctl does, but for those that the YAML names, and what it sets.
pub(super) const EVERY: [(&str, &str); 11] = [
    ("CLICOLOR_FORCE", "colour everywhere, as --color always does"),
    ("DUOCTL_CA_FILE", "certificate authorities to trust, too, where --ca-file is not given"),
    ("DUOCTL_CONNECT_TO", "where a simulator answers on this machine, where --connect-to is not given"),
    ("DUOCTL_SIMULATOR_BACKOFF_MS", "the unit of the wait after 429, against a simulator only"),
    (
        "DUOCTL_SIMULATOR_PATIENCE_MS",
        "how long Identity Intelligence may take to answer, against a simulator only",
    ),
    ("DUOCTL_SIMULATOR_TIMEOUT_MS", "how long an answer may take, against a simulator only"),
    ("DUOCTL_VAR_NAME", "the value of the variable NAME of the YAML, where --var does not set it"),
    ("DUOCTL_WORKSPACE", "the workspace, where neither PATH nor --workspace is given"),
    ("HTTPS_PROXY", "the proxy; ALL_PROXY counts where it is not set"),
    ("NO_COLOR", "no colour"),
    ("NO_PROXY", "hosts that are reached without the proxy"),
];

/// The names of those that are duoctl's own, but for those of the YAML.
fn known() -> impl Iterator<Item = &'static str> {
    let names = EVERY.into_iter().map(|(name, _)| name);
    names.filter(|name| name.starts_with(PREFIX) && !name.starts_with(OF_VARS))
}

/// Warns about every variable that looks like one of duoctl's and is none.
pub(super) fn warn_about_unknown(printer: Printer) {
    let warning = printer.err.notice("warning");
    for name in unknown(std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned())) {
        let help = did_you_mean(&name, known()).map(|help| format!("; {help}")).unwrap_or_default();
        printer.problem(&format!("{warning}: {} has no effect{}\n", safe(&shown(&name)), safe(&help)));
    }
}

fn unknown(names: impl Iterator<Item = String>) -> Vec<String> {
    let is_unknown = |name: &String| {
        name.starts_with(PREFIX) && !name.starts_with(OF_VARS) && !known().any(|known| known == name)
    };
    let mut found: Vec<String> = names.filter(is_unknown).collect();
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_found() {
        let names = known().chain(["DUOCTL_VAR_HOST", "DUO_IKEY", "PATH"]);
        assert!(unknown(names.map(str::to_owned)).is_empty());
        let wrong = ["DUOCTL_CONECT_TO", "DUOCTL_", "DUOCTL_PROFILE"];
        assert_eq!(
            unknown(wrong.into_iter().map(str::to_owned)),
            ["DUOCTL_", "DUOCTL_CONECT_TO", "DUOCTL_PROFILE"]
        );
    }
}
