//! The command to run next, with the path and the options of this call, so that it can be pasted.

use std::collections::BTreeMap;
use std::path::Path;

use crate::reconcile::consent::is_consent;
use crate::reconcile::guard::Refusal;

use super::args::{Command, Connection, Consents, PruneMode, Pruning, Selected, Variables};
use crate::duo::https::TlsRoots;
use crate::output::people::Call;
use crate::text::safe;

/// From this many addresses, a consent covers all addresses instead of naming each.
const MANY: usize = 6;

/// The arguments of a call, as shell words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Again {
    /// The positional argument.
    path: Vec<String>,
    options: Vec<String>,
}

/// What the commands in messages of this call need to refer to the same workspace and account.
pub(super) fn call(command: &Command, workspace: &Path) -> Call {
    // A saved plan knows its YAML, and no other command takes one.
    let path = if is_saved_plan(workspace) { Path::new(".") } else { workspace };
    let (vars, _, connection) = command.input();
    // The printer adds it after making everything else safe for a terminal, and a folder of a checkout may have any name.
    let shown = |options: Vec<String>| options.iter().map(|option| safe(option)).collect();
    Call {
        path: path_word(path).map(|path| safe(&path)),
        vars: vars.map(|vars| shown(Again::default().assigning(vars).options)).unwrap_or_default(),
        connection: connection
            .map(|connection| shown(Again::at(path, connection).options))
            .unwrap_or_default(),
    }
}

fn is_saved_plan(path: &Path) -> bool {
    path.is_file() && path.extension().is_none_or(|extension| extension != "yaml" && extension != "yml")
}

/// The path of a workspace as a shell word; `None` if it is the default.
fn path_word(path: &Path) -> Option<String> {
    let path = path.display().to_string();
    let here = matches!(path.as_str(), "." | "") || from_environment("DUOCTL_WORKSPACE", &path);
    (!here).then(|| word(&path))
}

fn from_environment(name: &str, value: &str) -> bool {
    std::env::var(name).is_ok_and(|set| set == value)
}

impl Again {
    /// With the same workspace and connection.
    pub(super) fn at(path: &Path, connection: &Connection) -> Self {
        let mut options = Vec::new();
        match &connection.sandbox {
            Some(state) if state.as_os_str().is_empty() => options.push("--sandbox".to_owned()),
            Some(state) => options.push(format!("--sandbox={}", word(&state.display().to_string()))),
            None => {}
        }
        if let Some(address) = connection.connect_to.map(|address| address.to_string())
            && !from_environment("DUOCTL_CONNECT_TO", &address)
        {
            options.extend(["--connect-to".to_owned(), address]);
        }
        if let Some(file) = connection.ca_file.as_ref().map(|file| file.display().to_string())
            && !from_environment("DUOCTL_CA_FILE", &file)
        {
            options.extend(["--ca-file".to_owned(), word(&file)]);
        }
        let roots =
            connection.tls_roots.and_then(|roots| TlsRoots::NAMED.iter().find(|(_, named)| *named == roots));
        options.extend(roots.map(|(name, _)| format!("--tls-roots {name}")));
        Self { path: path_word(path).into_iter().collect(), options }
    }

    /// With the same selection and removals.
    pub(super) fn covering(mut self, selected: &Selected, pruning: &Pruning) -> Self {
        for (option, globs) in [("--only", &selected.only), ("--exclude", &selected.exclude)] {
            self.options.extend(globs.iter().flat_map(|glob| [option.to_owned(), word(glob)]));
        }
        self.options.extend(match pruning.prune {
            None => None,
            Some(PruneMode::Quarantine) => Some("--prune".to_owned()),
            Some(PruneMode::Now) => Some("--prune=now".to_owned()),
        });
        self
    }

    /// With the same variables.
    pub(super) fn assigning(mut self, vars: &Variables) -> Self {
        let assignments = vars.assignments.iter().map(|(name, value)| format!("{name}={value}"));
        self.options.extend(assignments.flat_map(|text| ["--var".to_owned(), word(&text)]));
        self
    }

    /// With the same consents.
    pub(super) fn consenting(mut self, consents: &Consents) -> Self {
        let Consents { allow, max_changes, max_deletes, caller_address } = consents;
        self.options.extend(allow.iter().flat_map(|allow| ["--allow".to_owned(), word(&allow.to_string())]));
        self.options.extend(max_changes.map(|percent| format!("--max-changes {percent}%")));
        self.options.extend(max_deletes.map(|count| format!("--max-deletes {count}")));
        self.options.extend(caller_address.map(|address| format!("--caller-address {address}")));
        self
    }

    /// With one more option.
    pub(super) fn with(mut self, option: &str) -> Self {
        self.options.push(option.to_owned());
        self
    }

    /// With the options that lift these refusals; `None` if no option lifts one of them.
    pub(super) fn lifting(mut self, refusals: &[Refusal]) -> Option<Self> {
        let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for refusal in refusals {
            let lift = refusal.lift.as_deref().filter(|lift| lift.starts_with("--"))?;
            match (&refusal.address, is_consent(refusal.guard)) {
                (Some(address), true) => {
                    places.entry(refusal.guard).or_default().push(address.to_string());
                }
                _ => {
                    // Replaces one that was given and is not enough.
                    let name = lift.split(' ').next().unwrap_or(lift);
                    self.options.retain(|option| !option.starts_with(name));
                    self.options.push(lift.to_owned());
                }
            }
        }
        for (name, addresses) in places {
            if addresses.len() >= MANY {
                self.options.push(format!("--allow {name}"));
            } else {
                self.options.extend(addresses.iter().map(|address| format!("--allow {name}:{address}")));
            }
        }
        Some(self)
    }

    /// The command line of a command that takes the path as its argument.
    pub(super) fn line(&self, command: &str) -> String {
        let words = self.path.iter().chain(&self.options).cloned();
        std::iter::once(format!("duoctl {command}")).chain(words).collect::<Vec<_>>().join(" ")
    }

    /// The command line of a command whose arguments are names and that takes the path as an option.
    pub(super) fn named(&self, command: &str) -> String {
        let path = self.path.iter().map(|path| format!("-w {path}"));
        let words =
            std::iter::once(format!("duoctl {command}")).chain(path).chain(self.options.iter().cloned());
        words.collect::<Vec<_>>().join(" ")
    }
}

/// A text as one shell word.
pub(super) fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=%@+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::address::Address;

    fn refusal(guard: &'static str, address: Option<&str>, lift: Option<&str>) -> Refusal {
        let address = address.map(Address::application);
        Refusal { guard, address, message: String::new(), lift: lift.map(str::to_owned) }
    }

    #[test]
    fn what_lifts_all_refusals_is_one_line() {
        let again = Again { path: vec!["duo/prod".to_owned()], options: vec!["--sandbox".to_owned()] };
        let two = [
            refusal("widens_access", Some("vpn"), Some("--allow widens_access:applications.vpn")),
            refusal("max_deletes", None, Some("--max-deletes 4")),
        ];
        assert_eq!(
            again.clone().lifting(&two).unwrap().line("apply"),
            "duoctl apply duo/prod --sandbox --max-deletes 4 --allow widens_access:applications.vpn"
        );
        let many: Vec<Refusal> =
            (0..9).map(|n| refusal("replaces", Some(&format!("a{n}")), Some("--allow replaces"))).collect();
        assert_eq!(
            again.clone().lifting(&many).unwrap().named("keys rotate a0"),
            "duoctl keys rotate a0 -w duo/prod --sandbox --allow replaces"
        );
        assert_eq!(again.clone().lifting(&[refusal("self_lockout", Some("vpn"), None)]), None);
        let words = [refusal("protect", Some("vpn"), Some("declare it with `protect: false`"))];
        assert_eq!(again.lifting(&words), None);
    }

    #[test]
    fn a_word_is_one_word_in_a_shell() {
        for (text, expected) in [
            ("duo/prod", "duo/prod"),
            ("my duo", "'my duo'"),
            ("*", "'*'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
            ("$(rm)", "'$(rm)'"),
        ] {
            assert_eq!(word(text), expected);
        }
    }
}
