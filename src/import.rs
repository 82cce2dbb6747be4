//! A live account as YAML: one entry for each application that nobody declares yet, so that the plan after it only
//! adopts. What the language cannot say becomes a comment, and what cannot be adopted at all is left out with a word.
//!
//! Nothing here is guessed to be right: every entry is read back and planned against the same account, and what would
//! be an error or a change is given up, one setting at a time.

pub mod accept;
mod document;
mod draft;
mod naming;
pub mod placement;
mod settings;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::path::PathBuf;

use globset::GlobMatcher;
use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::config::diagnostic::{Severity, Sources};
use crate::config::edit::writing;
use crate::config::load::load_text;
use crate::config::model::Workspace;
use crate::config::texts::{ADDRESS_KEY, INTEGRATION_KEY, LINE};
use crate::config::tree;
use crate::duo::catalogue::{Creation, lookup};
use crate::duo::types::{Group, Ikey, Integration, Policy};
use crate::reconcile::address::Address;
use crate::reconcile::desired::{Desired, DesiredApplication};
use crate::reconcile::marker::{Marker, MarkerState, Notes};
use crate::reconcile::matching::match_all;
use crate::reconcile::observed::Observation;
use crate::reconcile::plan::{self, Action, Options, Prune};
use crate::reconcile::rotation::Orders;
use crate::reconcile::selection::Selection;
use crate::reconcile::value::FieldValue;

use draft::{Draft, Part};
use naming::Named;
use settings::Names;

/// Which applications are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Globs on the address to be, with or without `applications.`, or on the name; none means every one.
    pub only: Vec<GlobMatcher>,
    /// Types; none means every one.
    pub kinds: Vec<String>,
    /// The application whose key duoctl uses, too.
    pub operator: bool,
    /// Applications of Identity Intelligence, too.
    pub intelligence: bool,
}

/// The lists that an import needs, all of them read.
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    /// Every application.
    pub integrations: &'a [Integration],
    /// Every group.
    pub groups: &'a [Group],
    /// Every policy.
    pub policies: &'a [Policy],
}

/// An application as an entry of `applications`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The last part of its address.
    pub key: String,
    /// Its type.
    pub kind: String,
    /// Its name in Duo.
    pub name: String,
    /// Its integration key.
    pub ikey: Ikey,
    /// A block mapping with the one key, without indentation.
    pub text: String,
    /// How many of its values are left alone because the language cannot say them.
    pub unsaid: usize,
}

/// Why an application was left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The workspace declares it.
    Declared,
    /// Another workspace owns it.
    Elsewhere(String),
    /// It is not among the wanted ones.
    NotWanted,
    /// Its key is the one that duoctl uses.
    Operator,
    /// It looks like a part of a connection to Identity Intelligence.
    Intelligence,
    /// Something keeps it from being adopted: what, and what to do.
    Impossible(String),
}

/// An application that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its integration key.
    pub ikey: Ikey,
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: Reason,
}

/// What an import makes of an account.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// The new entries, sorted by their addresses.
    pub entries: Vec<Entry>,
    /// Everything else, sorted by integration key.
    pub left_out: Vec<LeftOut>,
}

/// Describes what the workspace does not declare yet. `defaults` are those of `defaults.applications`.
pub fn import(
    workspace: &Workspace,
    desired: &Desired,
    defaults: &Map<String, Value>,
    observation: &Observation,
    live: Live<'_>,
    wanted: &Wanted,
) -> Imported {
    let mut imported = Imported::default();
    let mut chosen = Vec::new();
    let scope = Scope::new(desired, observation, live, wanted);
    let mut integrations: Vec<&Integration> = live.integrations.iter().collect();
    integrations.sort_by(|a, b| a.ikey.cmp(&b.ikey));
    for integration in integrations {
        match scope.judge(integration) {
            Ok(candidate) => chosen.push(candidate),
            Err(reason) => imported.left_out.push(left_out(integration, reason)),
        }
    }
    let mut drafts = Vec::new();
    let names = Names::new(live.groups, live.policies);
    for (candidate, key) in chosen.iter().zip(keys(&chosen, live.integrations, workspace)) {
        if scope.is_wanted(candidate.integration, &key) {
            drafts.push(scope.draft(candidate, key, &names, defaults));
        } else {
            imported.left_out.push(left_out(candidate.integration, Reason::NotWanted));
        }
    }
    let check = Check { workspace, desired, defaults, observation };
    let impossible = check.settle(&mut drafts);
    imported.left_out.extend(impossible);
    imported.left_out.sort_by(|a, b| a.ikey.cmp(&b.ikey));
    drafts.sort_by(|a, b| a.key.cmp(&b.key));
    imported.entries = drafts
        .into_iter()
        .map(|draft| Entry {
            text: draft.text(),
            unsaid: draft.comments.len(),
            key: draft.key,
            kind: draft.kind,
            name: draft.name,
            ikey: draft.ikey,
        })
        .collect();
    imported
}

/// `defaults.applications` over all files of a workspace.
pub fn defaults(sources: &Sources) -> Map<String, Value> {
    let mut defaults = Map::new();
    for (index, file) in sources.files().iter().enumerate() {
        let tree = tree::parse(index, &file.text, &mut Vec::new()).map(|tree| tree.json());
        let part = tree.and_then(|tree| tree.pointer("/defaults/applications").cloned());
        if let Some(Value::Object(part)) = part {
            defaults.extend(part);
        }
    }
    defaults
}

fn left_out(integration: &Integration, reason: Reason) -> LeftOut {
    LeftOut { ikey: integration.ikey.clone(), name: integration.name().to_owned(), reason }
}

/// An application that gets an entry.
struct Candidate<'a> {
    integration: &'a Integration,
    marker: Option<Marker>,
    /// The key that its marker names.
    key: Option<String>,
}

fn keys(candidates: &[Candidate<'_>], all: &[Integration], workspace: &Workspace) -> Vec<String> {
    let known = candidates.iter().filter_map(|candidate| candidate.key.clone());
    let taken: BTreeSet<String> = workspace.applications.keys().cloned().chain(known).collect();
    let unnamed: Vec<Named<'_>> = candidates
        .iter()
        .filter(|candidate| candidate.key.is_none())
        .map(|candidate| Named::of(candidate.integration))
        .collect();
    let all: Vec<Named<'_>> = all.iter().map(Named::of).collect();
    let mut made = naming::addresses(&unnamed, &all, &taken).into_iter();
    candidates
        .iter()
        .map(|candidate| candidate.key.clone().or_else(|| made.next()).unwrap_or_default())
        .collect()
}

impl<'a> Named<'a> {
    fn of(integration: &'a Integration) -> Self {
        Self { name: integration.name(), kind: integration.kind(), ikey: integration.ikey.as_str() }
    }
}

type TypeAndName = (String, String);

fn type_and_name(kind: &str, name: &str) -> TypeAndName {
    (kind.to_owned(), FieldValue::text(name).canonical())
}

/// What is known before any entry is written.
struct Scope<'a> {
    workspace: &'a str,
    operator: &'a Ikey,
    wanted: &'a Wanted,
    /// Live applications that the YAML declares.
    declared: HashSet<&'a Ikey>,
    addresses: HashSet<&'a Address>,
    /// Type and name of declared applications of which several live ones could be meant.
    ambiguous: HashMap<TypeAndName, &'a Address>,
    /// How many live applications carry the marker of an address of this workspace.
    markers: HashMap<Address, usize>,
    /// How many live and declared applications have a type and name.
    names: HashMap<TypeAndName, usize>,
}

impl<'a> Scope<'a> {
    fn new(desired: &'a Desired, observation: &'a Observation, live: Live<'a>, wanted: &'a Wanted) -> Self {
        let matches = match_all(desired, live.integrations);
        let mut scope = Self {
            workspace: &desired.workspace,
            operator: &observation.operator,
            wanted,
            declared: HashSet::new(),
            addresses: desired.applications.iter().map(|wanted| &wanted.address).collect(),
            ambiguous: HashMap::new(),
            markers: HashMap::new(),
            names: HashMap::new(),
        };
        for (wanted, found) in desired.applications.iter().zip(&matches.matched) {
            let name = wanted.kind.as_ref().zip(wanted.name.as_ref());
            let name = name.map(|(kind, name)| type_and_name(kind, &name.value));
            match found {
                Ok(found) => {
                    scope.declared.extend(found.all().map(|live| &live.integration.ikey));
                }
                Err(_) => {
                    if let (Some(name), None) = (&name, &wanted.pin) {
                        scope.ambiguous.insert(name.clone(), &wanted.address);
                    }
                }
            }
            if let Some(pin) = &wanted.pin {
                scope.declared.insert(&pin.value);
            }
            if let Some(name) = name {
                *scope.names.entry(name).or_default() += 1;
            }
        }
        for integration in live.integrations {
            let marker = Notes::parse(integration.notes()).marker;
            // The second application of a rotation shares its marker by right.
            let single = |marker: &Marker| {
                !marker.state.is_successor() && !matches!(marker.state, MarkerState::Retired(_))
            };
            if let Some(marker) =
                marker.filter(|marker| marker.workspace == desired.workspace && single(marker))
            {
                *scope.markers.entry(marker.address).or_default() += 1;
            }
        }
        for integration in live.integrations.iter().filter(|live| !scope.declared.contains(&live.ikey)) {
            *scope.names.entry(type_and_name(integration.kind(), integration.name())).or_default() += 1;
        }
        scope
    }

    fn judge(&self, integration: &'a Integration) -> Result<Candidate<'a>, Reason> {
        if self.declared.contains(&integration.ikey) {
            return Err(Reason::Declared);
        }
        let marker = Notes::parse(integration.notes()).marker;
        let key = match &marker {
            Some(marker) if marker.workspace != self.workspace => {
                return Err(Reason::Elsewhere(format!("{}/{}", marker.workspace, marker.address)));
            }
            Some(marker) => self.own_key(marker)?,
            None => None,
        };
        if integration.ikey == *self.operator && !self.wanted.operator {
            return Err(Reason::Operator);
        }
        if marker.is_none() && is_intelligence(integration) && !self.wanted.intelligence {
            return Err(Reason::Intelligence);
        }
        if let Some(address) = self.ambiguous.get(&type_and_name(integration.kind(), integration.name())) {
            return Err(Reason::Impossible(format!(
                "`{address}` could be it or another one; say which with `duoctl adopt {address} IKEY`, then import again"
            )));
        }
        if !self.wanted.kinds.is_empty() && !self.wanted.kinds.iter().any(|kind| kind == integration.kind()) {
            return Err(Reason::NotWanted);
        }
        Ok(Candidate { integration, marker, key })
    }

    /// An application that this workspace owns, but whose address left the YAML, comes back under it.
    fn own_key(&self, marker: &Marker) -> Result<Option<String>, Reason> {
        if self.addresses.contains(&marker.address) {
            return Err(Reason::Impossible(format!(
                "it carries a copy of the marker of `{}`; remove `[duoctl ...]` from its notes in the Admin Panel",
                marker.address
            )));
        }
        if self.markers.get(&marker.address).is_some_and(|count| *count > 1) {
            return Err(Reason::Impossible(format!(
                "several applications carry the marker of `{}`; remove `[duoctl ...]` from the notes of the copies in the \
                 Admin Panel",
                marker.address
            )));
        }
        match &marker.state {
            MarkerState::Owned => {}
            MarkerState::Quarantined(since) => {
                return Err(Reason::Impossible(format!(
                    "it left the YAML as `{}` and is quarantined since {since}; write the entry again to bring it back",
                    marker.address
                )));
            }
            MarkerState::Retired(since) => {
                return Err(Reason::Impossible(format!(
                    "a rotation of `{}` put it out of use on {since}",
                    marker.address
                )));
            }
            state if state.is_successor() && self.markers.contains_key(&marker.address) => {
                return Err(Reason::Impossible(format!(
                    "a rotation of `{}` made it and is not finished; the entry of the other application stands for both",
                    marker.address
                )));
            }
            MarkerState::Successor(_) | MarkerState::Delivered { .. } | MarkerState::Abandoned => {}
            MarkerState::Creating | MarkerState::Replaced => {
                return Err(Reason::Impossible(format!(
                    "an apply of `{}` has not finished with it; finish that first",
                    marker.address
                )));
            }
        }
        match marker.address.as_str().strip_prefix("applications.") {
            Some(key) if (ADDRESS_KEY.check)(key).is_ok() => Ok(Some(key.to_owned())),
            Some(_) | None => Err(Reason::Intelligence),
        }
    }

    fn is_wanted(&self, integration: &Integration, key: &str) -> bool {
        let address = format!("applications.{key}");
        self.wanted.only.is_empty()
            || self.wanted.only.iter().any(|glob| {
                glob.is_match(&address) || glob.is_match(key) || glob.is_match(integration.name())
            })
    }

    fn draft(
        &self,
        candidate: &Candidate<'_>,
        key: String,
        names: &Names<'_>,
        defaults: &Map<String, Value>,
    ) -> Draft {
        let integration = candidate.integration;
        let kind = lookup(integration.kind());
        let alike = self.names.get(&type_and_name(integration.kind(), integration.name()));
        let cannot_be_made = kind.is_some_and(|kind| kind.creation != Creation::Ok);
        let mut draft = Draft {
            key,
            ikey: integration.ikey.clone(),
            kind: integration.kind().to_owned(),
            name: integration.name().to_owned(),
            // A marker finds it without a pin.
            pinned: candidate.marker.is_none() && (cannot_be_made || alike.is_some_and(|alike| *alike > 1)),
            parts: Vec::new(),
            comments: Vec::new(),
        };
        for (key, text) in [("type", integration.kind()), ("name", integration.name())] {
            if (LINE.check)(text).is_ok() {
                draft.parts.push(Part::new(key, text));
            } else {
                let shown = if text.is_empty() { "empty".to_owned() } else { format!("`{text}`") };
                draft.give_up(key, &format!("is {shown} in Duo, which is no line of text; it is left alone"));
            }
        }
        settings::describe(&mut draft, integration, kind, names, defaults);
        let protected = candidate.marker.as_ref().is_some_and(|marker| marker.protected);
        let by_default = defaults.get("protect") == Some(&Value::Bool(true));
        if candidate.marker.is_some() && protected != by_default {
            draft.parts.push(Part::new("protect", protected));
        }
        draft
    }
}

/// Nothing about such an application is certain but its name (identity-intelligence.md, section 5).
fn is_intelligence(integration: &Integration) -> bool {
    let name = integration.name().to_lowercase();
    matches!(integration.kind(), "adminapi" | "authapi") && name.contains("identity intelligence")
}

/// Entries against the account that they were made from.
struct Check<'a> {
    workspace: &'a Workspace,
    desired: &'a Desired,
    defaults: &'a Map<String, Value>,
    observation: &'a Observation,
}

/// How often entries are read back at most: each time at least one setting of every wrong one is given up.
const ROUNDS: usize = 20;

impl Check<'_> {
    /// Gives up what would be an error or a change, and returns the applications for which nothing is left to give up.
    fn settle(&self, drafts: &mut Vec<Draft>) -> Vec<LeftOut> {
        let mut impossible = Vec::new();
        for _ in 0..ROUNDS {
            let findings = self.findings(drafts);
            if findings.is_empty() {
                return impossible;
            }
            let mut gone = BTreeSet::new();
            for (key, finding) in findings {
                let Some(draft) = drafts.iter_mut().find(|draft| draft.key == key) else { continue };
                if finding.fields.is_empty() {
                    gone.insert(key);
                    impossible.push(impossible_because(draft, finding.why));
                } else {
                    finding.fields.iter().for_each(|field| draft.give_up(field, &finding.why));
                }
            }
            drafts.retain(|draft| !gone.contains(&draft.key));
        }
        // Nothing may be written that was not seen to be right.
        let wrong = self.findings(drafts);
        let (kept, lost): (Vec<Draft>, Vec<Draft>) =
            std::mem::take(drafts).into_iter().partition(|draft| !wrong.contains_key(&draft.key));
        *drafts = kept;
        impossible
            .extend(lost.iter().map(|draft| impossible_because(draft, "it cannot be described".to_owned())));
        impossible
    }

    fn findings(&self, drafts: &[Draft]) -> BTreeMap<String, Finding> {
        let mut findings = BTreeMap::new();
        let (text, places) = self.file(drafts);
        let loaded = load_text(PathBuf::from("import.yaml"), text);
        for found in loaded.diagnostics.iter().filter(|found| found.severity == Severity::Error) {
            let start = found.span.map_or(0, |span| span.start);
            let Some((place, draft)) = places.iter().find(|(place, _)| place.contains(&start)) else {
                continue;
            };
            let field = draft.field_at(start - place.start);
            let why = format!("cannot be written down: {}", found.message);
            let finding =
                findings.entry(draft.key.clone()).or_insert_with(|| Finding { fields: BTreeSet::new(), why });
            finding.fields.extend(field);
        }
        let Some(workspace) = loaded.workspace else { return findings };
        let mut desired = self.desired.clone();
        desired.applications.extend(
            workspace
                .applications
                .iter()
                .map(|(key, application)| DesiredApplication::from_yaml(key, application, &workspace)),
        );
        let options = Options {
            prune: Prune::No,
            selection: Selection::default(),
            today: Date::MIN,
            now: jiff::Timestamp::UNIX_EPOCH,
            rotation: Orders::default(),
        };
        let plan = plan::plan(&desired, self.observation, &options);
        let mut by_address: HashMap<Address, &Draft> =
            drafts.iter().map(|draft| (Address::application(&draft.key), draft)).collect();
        by_address.retain(|_, draft| !findings.contains_key(&draft.key));
        for step in plan.steps().iter().filter(|step| step.action != Action::Adopt) {
            let Some(draft) = by_address.get(&step.address) else { continue };
            let fields = step.changes.iter().filter_map(|change| change.field.split(['.', '[']).next());
            let fields = fields.filter(|field| draft.parts.iter().any(|part| part.key == *field));
            let fields: BTreeSet<String> = fields.map(str::to_owned).collect();
            let why = match fields.is_empty() {
                true => format!("the plan would {} it", step.action.name()),
                false => "reads back from Duo in another form; it is left alone".to_owned(),
            };
            findings.insert(draft.key.clone(), Finding { fields, why });
        }
        for address in plan.blocked() {
            let Some(draft) = by_address.get(address) else { continue };
            let prefix = format!("{address}: ");
            let message = plan.problems().iter().find_map(|problem| {
                let message = problem.message.strip_prefix(&prefix)?;
                let help = problem.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
                Some(format!("{message}{help}"))
            });
            let why = message.unwrap_or_else(|| "nothing can be planned for it".to_owned());
            findings.insert(draft.key.clone(), Finding { fields: BTreeSet::new(), why });
        }
        for draft in drafts
            .iter()
            .filter(|draft| draft.pinned && (INTEGRATION_KEY.check)(draft.ikey.as_str()).is_err())
        {
            let why = "it has to be pinned, and its integration key has an unknown shape".to_owned();
            findings.insert(draft.key.clone(), Finding { fields: BTreeSet::new(), why });
        }
        findings
    }

    /// The entries as a workspace of their own, and the place of each.
    fn file<'d>(&self, drafts: &'d [Draft]) -> (String, Vec<(Range<usize>, &'d Draft)>) {
        let tenant = writing::text(&self.workspace.tenant.api_hostname.value);
        let defaults = writing::inline(&Value::Object(self.defaults.clone()));
        let mut text = format!(
            "version: 1\nworkspace: {}\ntenant: {{api_hostname: {tenant}}}\ndefaults: {{applications: {defaults}}}\napplications:\n",
            writing::text(&self.workspace.name.value)
        );
        let mut places = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let start = text.len();
            for line in draft.text().trim_end_matches('\n').split('\n') {
                text.push_str(if line.is_empty() { "" } else { "  " });
                text.push_str(line);
                text.push('\n');
            }
            places.push((start..text.len(), draft));
        }
        (text, places)
    }
}

/// What is wrong with an entry.
struct Finding {
    /// The settings to give up; none where the entry as a whole is impossible.
    fields: BTreeSet<String>,
    why: String,
}

fn impossible_because(draft: &Draft, why: String) -> LeftOut {
    LeftOut { ikey: draft.ikey.clone(), name: draft.name.clone(), reason: Reason::Impossible(why) }
}

impl Draft {
    /// The setting that stands at an offset into the entry's text, each line of which is indented by two.
    fn field_at(&self, offset: usize) -> Option<String> {
        let mut field = None;
        let mut end = 0;
        for line in self.text().lines() {
            if let Some(rest) = line.strip_prefix("  ")
                && !rest.starts_with([' ', '-', '#'])
            {
                field = rest.split_once(':').map(|(key, _)| key.to_owned());
            }
            end += line.len() + if line.is_empty() { 1 } else { 3 };
            if offset < end {
                break;
            }
        }
        field.filter(|field| self.parts.iter().any(|part| part.key == field))
    }
}
