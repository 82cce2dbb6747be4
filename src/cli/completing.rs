//! Completion candidates, from duoctl's tables and the current YAML. Completing runs no command, reads no secret and makes no
//! calls. On errors there are no candidates.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::OnceLock;

use clap_complete::engine::{PathCompleter, ValueCompleter as _};
use clap_complete::{ArgValueCompleter, CompletionCandidate};

use crate::config::load::{Loaded, Terms, load_as};
use crate::config::model::Workspace;
use crate::config::untrusted::Trust;
use crate::config::variables::{Assigned, declarations};
use crate::duo::catalogue::{self, lookup};
use crate::kinds::application::fields::FIELDS;
use crate::kinds::field::Field;
use crate::kinds::risk::{CONSENTS, EMPTY};
use crate::language::address::Place;
use crate::language::address::without_section;
use crate::output::explain::{self, plain};
use crate::output::format::Format;
use crate::reconcile::consent::UNVERIFIED;
use crate::sandbox::faults::FaultKind;
use crate::sandbox::switches::Switches;
use crate::text::safe;

use super::exit::Exit;

/// What the words before the completed one mean.
#[derive(Debug, Default)]
pub(super) struct Typed {
    /// The workspace.
    pub(super) workspace: Option<PathBuf>,
    /// The addresses given so far.
    pub(super) addresses: Vec<String>,
    /// The commands that can follow those given as values, and their descriptions.
    pub(super) commands: Vec<(String, String)>,
}

static TYPED: OnceLock<Typed> = OnceLock::new();

/// Stores what was typed; called once, before completing.
pub(super) fn begin(typed: Typed) {
    let _ = TYPED.set(typed);
}

/// A value, and its help.
type Choice = (String, String);

/// Completes with the choices that begin with the word so far.
fn chosen(choices: impl Fn(&str) -> Vec<Choice> + Send + Sync + 'static) -> ArgValueCompleter {
    ArgValueCompleter::new(move |word: &OsStr| {
        let word = word.to_str().unwrap_or_default();
        let fitting = choices(word).into_iter().filter(|(value, _)| value.starts_with(word));
        fitting.map(|(value, help)| candidate(value, &help)).collect()
    })
}

/// Descriptions may come from the YAML, so they are shown on one line, without control characters.
fn candidate(value: String, help: &str) -> CompletionCandidate {
    let help = Some(safe(&plain(help))).filter(|help| !help.is_empty());
    CompletionCandidate::new(value).help(help.map(Into::into))
}

fn loaded() -> Option<Loaded> {
    let workspace = TYPED.get()?.workspace.as_ref()?;
    // Pressing TAB in a checkout does not mean trusting its YAML.
    let terms = Terms { trust: Trust::None { ca_given: true }, assigned: Assigned::default() };
    Some(load_as(workspace, &terms))
}

fn workspace() -> Option<Workspace> {
    loaded()?.workspace
}

/// One address of an application.
pub(super) fn address() -> ArgValueCompleter {
    chosen(|word| workspace().map(|workspace| forms(&applications(&workspace), word)).unwrap_or_default())
}

/// An address of an application; the word after each address, an integration key, has no candidates.
pub(super) fn address_of_pair() -> ArgValueCompleter {
    chosen(|word| match TYPED.get() {
        Some(typed) if typed.addresses.len() % 2 == 0 => {
            workspace().map(|workspace| forms(&applications(&workspace), word)).unwrap_or_default()
        }
        _ => Vec::new(),
    })
}

/// The addresses that a pattern can match.
pub(super) fn pattern() -> ArgValueCompleter {
    chosen(patterns)
}

fn patterns(word: &str) -> Vec<Choice> {
    let Some(workspace) = workspace() else { return Vec::new() };
    let mut known = applications(&workspace);
    for (key, entry) in &workspace.identity_intelligence {
        known.insert(Place::Entry(key).to_string(), entry.display_name.value.clone());
    }
    let removed = workspace.removed.keys().map(|address| (address.clone(), "removed".to_owned()));
    known.extend(removed);
    known.retain(|address, _| Place::parse(address).is_some());
    forms(&known, word)
}

/// The addresses of applications, with their types and names.
fn applications(workspace: &Workspace) -> BTreeMap<String, String> {
    let name = |place| match place {
        Place::Object(kind, key) => Some(workspace.of(kind).get(key)?.name.as_ref()?.value.as_str()),
        Place::Entry(key) | Place::Part { entry: key, .. } => {
            Some(workspace.identity_intelligence.get(key)?.display_name.value.as_str())
        }
    };
    let declared = workspace.every_declared().map(|declared| {
        let help: Vec<&str> = declared.kind.into_iter().chain(name(declared.place)).collect();
        (declared.place.to_string(), help.join(", "))
    });
    declared.filter(|(address, _)| Place::parse(address).is_some()).collect()
}

/// Addresses without their section if that is unambiguous, and also in full once a word is started.
fn forms(addresses: &BTreeMap<String, String>, word: &str) -> Vec<Choice> {
    let short = |address: &str| without_section(address).map(str::to_owned);
    let mut times: HashMap<String, usize> = HashMap::new();
    for rest in addresses.keys().filter_map(|address| short(address)) {
        *times.entry(rest).or_default() += 1;
    }
    let mut found = Vec::new();
    for (address, help) in addresses {
        let only = short(address).filter(|rest| times.get(rest) == Some(&1));
        if only.is_none() || !word.is_empty() {
            found.push((address.clone(), help.clone()));
        }
        found.extend(only.map(|rest| (rest, help.clone())));
    }
    found
}

/// The names of `identity_intelligence` entries.
pub(super) fn entry() -> ArgValueCompleter {
    chosen(|_| {
        let entries = workspace().map(|workspace| workspace.identity_intelligence).unwrap_or_default();
        entries.into_iter().map(|(key, entry)| (key, entry.display_name.value)).collect()
    })
}

/// The comparable fields of the applications at the given addresses.
pub(super) fn field() -> ArgValueCompleter {
    chosen(|_| {
        let workspace = workspace();
        let kind = |address: &String| {
            let declared = workspace.as_ref()?.declared(Place::shortened(address)?)?;
            declared.kind.and_then(lookup)
        };
        let kinds: Vec<_> =
            TYPED.get().map(|typed| typed.addresses.iter().map(kind).collect()).unwrap_or_default();
        let has = |field: &&Field| kinds.is_empty() || kinds.iter().any(|kind| field.applies_to(*kind));
        let fields = FIELDS.iter().filter(|field| field.is_compared()).filter(has);
        fields.map(|field| (field.name().to_owned(), field.key.description.to_owned())).collect()
    })
}

/// The types of applications.
pub(super) fn kind() -> ArgValueCompleter {
    chosen(|_| {
        let kinds = catalogue::kinds().iter();
        kinds.map(|kind| (kind.name.to_owned(), kind.product.to_owned())).collect()
    })
}

/// `NAME[:ADDRESS]` of a consent.
pub(super) fn consent() -> ArgValueCompleter {
    chosen(|word| match word.split_once(':') {
        // The first takes no address; the second takes an application that only the account knows.
        Some((EMPTY | UNVERIFIED, _)) => Vec::new(),
        Some((name, address)) => {
            let at = |(address, help)| (format!("{name}:{address}"), help);
            patterns(address).into_iter().map(at).collect()
        }
        None => {
            let named =
                CONSENTS.iter().map(|choice| (choice.value.to_owned(), choice.description.to_owned()));
            let unverified = "trust the marker of one application although nothing proves it";
            named.chain([(format!("{UNVERIFIED}:"), unverified.to_owned())]).collect()
        }
    })
}

/// Every name that duoctl explains.
pub(super) fn code() -> ArgValueCompleter {
    chosen(|_| {
        let named = explain::all().into_iter().map(|(name, _, entry)| (name.to_owned(), entry));
        let exits = Exit::ALL.into_iter().map(|exit| (exit.code().to_string(), exit.explained()));
        named.chain(exits).map(|(name, entry)| (name, entry.title.to_owned())).collect()
    })
}

/// The commands, word by word.
pub(super) fn command() -> ArgValueCompleter {
    chosen(|_| TYPED.get().map(|typed| typed.commands.clone()).unwrap_or_default())
}

/// `NAME=VALUE` of a simulator switch.
pub(super) fn switch() -> ArgValueCompleter {
    chosen(|word| {
        let all = Switches::all();
        match word.split_once('=') {
            None => all
                .iter()
                .map(|switch| (format!("{}=", switch.name), switch.text.trim().to_owned()))
                .collect(),
            Some((name, _)) => {
                let values = all.iter().filter(|switch| switch.name == name).flat_map(|switch| switch.values);
                values.map(|value| (format!("{name}={value}"), String::new())).collect()
            }
        }
    })
}

/// `KIND[=N]` of a simulator fault.
pub(super) fn fault() -> ArgValueCompleter {
    chosen(|_| {
        let value = |kind: &FaultKind| match kind.takes() {
            "" => kind.name().to_owned(),
            _ => format!("{}=", kind.name()),
        };
        FaultKind::ALL.iter().map(|kind| (value(kind), kind.text().trim().to_owned())).collect()
    })
}

/// `NAME=` of a variable in the YAML.
pub(super) fn variable() -> ArgValueCompleter {
    chosen(|_| {
        let declared = loaded().map(|loaded| declarations(&loaded.sources)).unwrap_or_default();
        declared.into_iter().map(|(name, help)| (format!("{name}="), help)).collect()
    })
}

/// `FORMAT=FILE` of a report.
pub(super) fn report(formats: Vec<Format>) -> ArgValueCompleter {
    ArgValueCompleter::new(move |word: &OsStr| {
        let word = word.to_str().unwrap_or_default();
        let Some((name, file)) = word.split_once('=') else {
            let fitting = formats.iter().filter(|format| format.name().starts_with(word));
            return fitting.map(|format| candidate(format!("{}=", format.name()), format.help())).collect();
        };
        let files = PathCompleter::any().complete(OsStr::new(file));
        files.into_iter().map(|file| file.add_prefix(format!("{name}="))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(addresses: &[&str], word: &str) -> Vec<String> {
        let known = addresses.iter().map(|address| ((*address).to_owned(), String::new())).collect();
        let forms = forms(&known, word).into_iter().map(|(value, _)| value);
        forms.filter(|value| value.starts_with(word)).collect()
    }

    #[test]
    fn addresses_are_short_where_that_is_enough_and_in_full_for_who_begins_so() {
        let all = [
            "applications.emea",
            "applications.vpn",
            "identity_intelligence.emea",
            "identity_intelligence.emea.admin_api",
        ];
        assert_eq!(
            values(&all, ""),
            ["applications.emea", "vpn", "identity_intelligence.emea", "emea.admin_api"]
        );
        assert_eq!(values(&all, "v"), ["vpn"]);
        assert_eq!(values(&all, "applications.v"), ["applications.vpn"]);
        assert_eq!(values(&all, "emea"), ["emea.admin_api"]);
    }
}
