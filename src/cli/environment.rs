//! The environment variables of duoctl, and warnings about misspelt ones.

use crate::language::similar::did_you_mean;
use crate::output::printer::Printer;
use crate::text::{safe, shown};

/// The prefix of duoctl's own variables.
const PREFIX: &str = "DUOCTL_";

/// The prefix of variables declared in the YAML: `vars.NAME`.
const OF_VARS: &str = "DUOCTL_VAR_";

/// Every variable that changes what duoctl does, and its effect; variables that the YAML names are not included.
pub(super) const EVERY: [(&str, &str); 11] = [
    ("CLICOLOR_FORCE", "always use colour, like --color always"),
    ("DUOCTL_CA_FILE", "a PEM file of additional trusted certificate authorities, unless --ca-file is given"),
    ("DUOCTL_CONNECT_TO", "the loopback address of a simulator, unless --connect-to is given"),
    ("DUOCTL_SIMULATOR_BACKOFF_MS", "the unit of the wait after 429, only with a simulator"),
    ("DUOCTL_SIMULATOR_PATIENCE_MS", "how long to wait for Identity Intelligence, only with a simulator"),
    ("DUOCTL_SIMULATOR_TIMEOUT_MS", "how long to wait for a response, only with a simulator"),
    ("DUOCTL_VAR_NAME", "the value of the YAML variable NAME, unless --var sets it"),
    ("DUOCTL_WORKSPACE", "the workspace, unless PATH or --workspace is given"),
    ("HTTPS_PROXY", "the proxy; ALL_PROXY is used if it is not set"),
    ("NO_COLOR", "use no colour"),
    ("NO_PROXY", "hosts to reach without the proxy"),
];

/// duoctl's own variables, without those of the YAML.
fn known() -> impl Iterator<Item = &'static str> {
    let names = EVERY.into_iter().map(|(name, _)| name);
    names.filter(|name| name.starts_with(PREFIX) && !name.starts_with(OF_VARS))
}

/// Warns about every unknown variable with duoctl's prefix.
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
