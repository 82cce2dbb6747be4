//! The environment variables of duoctl itself, and what of them is misspelt.

use crate::language::similar::did_you_mean;
use crate::output::printer::Printer;
use crate::text::{safe, shown};

/// What the names of them all begin with.
const PREFIX: &str = "DUOCTL_";

/// What is set by the YAML's author: `vars.NAME`.
const OF_VARS: &str = "DUOCTL_VAR_";

/// Every variable that duoctl reads, but for those of the YAML.
pub const KNOWN: [&str; 6] = [
    "DUOCTL_CA_FILE",
    "DUOCTL_CONNECT_TO",
    "DUOCTL_SIMULATOR_BACKOFF_MS",
    "DUOCTL_SIMULATOR_PATIENCE_MS",
    "DUOCTL_SIMULATOR_TIMEOUT_MS",
    "DUOCTL_WORKSPACE",
];

/// Warns about every variable that looks like one of duoctl's and is none.
pub(super) fn warn_about_unknown(printer: Printer) {
    let warning = printer.err.notice("warning");
    for name in unknown(std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned())) {
        let help = did_you_mean(&name, KNOWN).map(|help| format!("; {help}")).unwrap_or_default();
        printer.problem(&format!("{warning}: {} has no effect{}\n", safe(&shown(&name)), safe(&help)));
    }
}

fn unknown(names: impl Iterator<Item = String>) -> Vec<String> {
    let is_unknown = |name: &String| {
        name.starts_with(PREFIX) && !name.starts_with(OF_VARS) && !KNOWN.contains(&name.as_str())
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
        let names = KNOWN.into_iter().chain(["DUOCTL_VAR_HOST", "DUO_IKEY", "PATH"]);
        assert!(unknown(names.map(str::to_owned)).is_empty());
        let wrong = ["DUOCTL_CONECT_TO", "DUOCTL_", "DUOCTL_PROFILE"];
        assert_eq!(
            unknown(wrong.into_iter().map(str::to_owned)),
            ["DUOCTL_", "DUOCTL_CONECT_TO", "DUOCTL_PROFILE"]
        );
    }
}
