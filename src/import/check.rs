//! Parses entries again and plans them against the account that they were made from. Settings that would cause an error
//! or a change are removed, one at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::config::edit::writing;
use crate::config::load::load_text;
use crate::config::model::Workspace;
use crate::config::variables::escaped;
use crate::diagnostic::Severity;
use crate::duo::object::Ikey;
use crate::kinds::Kind;
use crate::kinds::address::Address;
use crate::kinds::field::Field;
use crate::language::texts::ID;
use crate::reconcile::desired::{Desired, Wanted};
use crate::reconcile::observation::Observation;
use crate::reconcile::plan::{self, Action, Options, Plan, Prune};
use crate::reconcile::rotation::Orders;
use crate::reconcile::selection::Selection;

use super::draft::Draft;
use super::scope::{LeftOut, Reason};

/// Entries of a kind against the account that they were made from.
pub(super) struct Check<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) desired: &'a Desired,
    pub(super) observation: &'a Observation,
    /// Proven entries of kinds that these entries may refer to.
    pub(super) before: &'a [Draft],
}

/// The maximum number of rounds; each round removes at least one setting of every entry with a problem.
const ROUNDS: usize = 20;

/// Applications that almost certainly belong to a declared address without a marker: with an entry of their own, the
/// address would become another application.
pub(super) fn look_alikes(desired: &Desired, observation: &Observation) -> BTreeMap<Ikey, Address> {
    match desired.objects.is_empty() {
        true => BTreeMap::new(),
        false => plan::plan(desired, observation, &options()).look_alikes().clone(),
    }
}

fn options() -> Options {
    Options {
        hold_back: false,
        allow: Vec::new(),
        prune: Prune::No,
        selection: Selection::default(),
        now: jiff::Timestamp::UNIX_EPOCH,
        rotation: Orders::default(),
    }
}

impl Check<'_> {
    /// Removes settings that would cause an error or a change, and returns the objects for which none can be removed.
    pub(super) fn settle(&self, drafts: &mut Vec<Draft>) -> Vec<LeftOut> {
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
        // Only entries that were proven to be right may be written.
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
            let why = format!("cannot be written: {}", found.message);
            let finding =
                findings.entry(draft.key.clone()).or_insert_with(|| Finding { fields: BTreeSet::new(), why });
            finding.fields.extend(field);
        }
        let Some(workspace) = loaded.workspace else { return findings };
        let plan = self.plan(&workspace);
        let mut by_address: HashMap<Address, &Draft> =
            drafts.iter().map(|draft| (draft.address(), draft)).collect();
        by_address.retain(|_, draft| !findings.contains_key(&draft.key));
        for step in plan.steps().iter().filter(|step| step.action != Action::Adopt) {
            let Some(draft) = by_address.get(&step.address) else { continue };
            let fields = step.changes.iter().filter_map(|change| change.field.split(['.', '[']).next());
            let fields = fields.filter(|field| draft.can_give_up(field));
            let fields: BTreeSet<String> = fields.map(str::to_owned).collect();
            let why = match fields.is_empty() {
                true => format!("the plan would {} it", step.action.name()),
                false => "is stored by Duo in another form; it is not managed".to_owned(),
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
        for draft in drafts.iter().filter(|draft| draft.pinned && (ID.check)(draft.id.as_str()).is_err()) {
            let pin = draft.kind.endpoint().pin;
            let why = format!("it has to be pinned, and its `{pin}` has an unknown shape");
            findings.insert(draft.key.clone(), Finding { fields: BTreeSet::new(), why });
        }
        findings
    }

    /// The plan of the declared objects and the entries.
    fn plan(&self, entries: &Workspace) -> Plan {
        let mut desired = self.desired.clone();
        let declared: BTreeSet<&Address> =
            self.desired.objects.iter().map(|wanted| &wanted.address).collect();
        let added = entries.entries();
        let added = added.filter(|(kind, key, _)| !declared.contains(&Address::object(*kind, key)));
        desired.objects.extend(added.map(|(kind, key, added)| Wanted::from_yaml(kind, key, added, entries)));
        plan::plan(&desired, self.observation, &options())
    }

    /// How many fields of the entries are set in Duo but neither written nor ignored.
    pub(super) fn unmanaged_fields(&self, drafts: &[Draft]) -> usize {
        let (text, _) = self.file(drafts);
        let Some(entries) = load_text(PathBuf::from("import.yaml"), text).workspace else { return 0 };
        let own: BTreeSet<Address> = drafts.iter().map(Draft::address).collect();
        self.plan(&entries).unmanaged_fields().iter().filter(|set| own.contains(&set.address)).count()
    }

    /// The entries as a separate workspace with everything that they may refer to, and the position of each.
    fn file<'d>(&self, drafts: &'d [Draft]) -> (String, Vec<(Range<usize>, &'d Draft)>) {
        let tenant = writing::text(&self.workspace.tenant.api_hostname.value);
        let defaults = match &self.workspace.defaults {
            Value::Null => Value::Object(Map::new()),
            written => written.clone(),
        };
        let defaults = writing::inline(&escaped(&defaults));
        let mut text = format!(
            "version: 1\nworkspace: {}\ntenant: {{api_hostname: {tenant}}}\nauthoritative: {}\ndefaults: {defaults}\n",
            writing::text(&self.workspace.name.value),
            self.workspace.authoritative
        );
        let mut places = Vec::with_capacity(drafts.len());
        for kind in Kind::ALL {
            let of_kind = |draft: &&Draft| draft.kind == kind && !draft.is_global_policy();
            let before: String = self.before.iter().filter(of_kind).map(|draft| draft.indented()).collect();
            let declared: String = self.declared(kind).collect();
            let mut own = drafts.iter().filter(of_kind).peekable();
            if own.peek().is_none() && before.is_empty() && declared.is_empty() {
                continue;
            }
            text.push_str(&format!("{}:\n{declared}{before}", kind.section()));
            for draft in own {
                let start = text.len();
                text.push_str(&draft.indented());
                places.push((start..text.len(), draft));
            }
        }
        for draft in drafts.iter().filter(|draft| draft.is_global_policy()) {
            let start = text.len();
            text.push_str(&draft.indented());
            places.push((start..text.len(), draft));
        }
        (text, places)
    }

    /// The declared objects of a kind, as far as other entries can refer to them.
    fn declared(&self, kind: Kind) -> impl Iterator<Item = String> {
        let declared = self.workspace.of(kind).iter();
        let declared = declared.filter(move |(key, _)| kind != Kind::Application && !key.is_empty());
        declared.map(move |(key, declared)| {
            let mut identity = Map::new();
            let name = declared.name.as_ref().map(|name| ("name", name));
            let pin = declared.pin.as_ref().map(|pin| (kind.endpoint().pin, pin));
            identity
                .extend(name.into_iter().chain(pin).map(|(key, text)| (key.to_owned(), json!(text.value))));
            format!("  {}: {}\n", writing::text(key), writing::inline(&escaped(&Value::Object(identity))))
        })
    }
}

/// What is wrong with an entry.
struct Finding {
    /// The settings to remove; none if the entry as a whole is impossible.
    fields: BTreeSet<String>,
    why: String,
}

fn impossible_because(draft: &Draft, why: String) -> LeftOut {
    LeftOut { id: draft.id.clone(), name: draft.name.clone(), reason: Reason::Impossible(why) }
}

impl Draft {
    /// Whether a field can still be removed: as a setting, or by no longer counting as unset.
    fn can_give_up(&self, name: &str) -> bool {
        let is_ignored = self.ignored.iter().any(|(ignored, _)| ignored == name);
        let counts =
            self.fullness.is_whole() && self.kind.field(name).is_some_and(Field::is_compared) && !is_ignored;
        counts || self.parts.iter().any(|part| part.key == name)
    }

    /// Its text at its place in a file.
    fn indented(&self) -> String {
        let pad = self.indentation();
        let lines = self.text().trim_end_matches('\n').split('\n');
        lines.map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{pad}{line}\n") }).collect()
    }

    fn indentation(&self) -> &'static str {
        if self.is_global_policy() { "" } else { "  " }
    }

    /// The setting at an offset in the indented text.
    fn field_at(&self, offset: usize) -> Option<String> {
        let mut field = None;
        let mut end = 0;
        for line in self.text().lines() {
            if let Some(rest) = line.strip_prefix("  ")
                && !rest.starts_with([' ', '-', '#'])
            {
                field = rest.split_once(':').map(|(key, _)| key.to_owned());
            }
            end += line.len() + 1 + if line.is_empty() { 0 } else { self.indentation().len() };
            if offset < end {
                break;
            }
        }
        field.filter(|field| self.parts.iter().any(|part| part.key == field))
    }
}
