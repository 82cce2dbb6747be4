//! Names and addresses of groups and policies in the YAML, resolved against the account. What cannot be resolved stops its
//! address: dropping it would change who may log in (duo-api.md, trap 28).
//!
//! An object that this plan creates has no id yet. Its address takes the place of the id, in what is compared, shown and
//! sent; an apply replaces it by the id (`plan::late`).

use std::collections::{BTreeMap, HashMap};

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::duo::object::{Id, Object, Policy};
use crate::kinds::Kind;
use crate::kinds::application::fields::FIELDS;
use crate::kinds::field::Names;
use crate::kinds::policy::{Effect, effect};
use crate::kinds::reference::Reference;
use crate::names::{alike_key, same_key};
use crate::text::shown;

use super::desired::Desired;
use super::matching::{Match, match_all};
use super::observation::Observation;
use super::observed::{Objects, Observed};

/// How similar a name must be to be suggested (Jaro-Winkler, 0 to 1).
const NEAR: f64 = 0.8;

/// One kind of named object: ids, and ids by name.
#[derive(Debug)]
struct Index {
    kind: Kind,
    unreadable: Option<String>,
    names: HashMap<String, String>,
    ids: HashMap<String, Vec<String>>,
}

impl Index {
    fn new(kind: Kind, objects: &Observed<Vec<Object>>) -> Self {
        let (objects, unreadable) = match objects {
            Observed::Present(objects) => (objects.as_slice(), None),
            Observed::Absent => (&[][..], None),
            Observed::NotRead => (&[][..], Some("they were not requested".to_owned())),
            Observed::Unreadable(reason) => (&[][..], Some(reason.clone())),
        };
        let mut index = Self { kind, unreadable, names: HashMap::new(), ids: HashMap::new() };
        for object in objects {
            let (id, name) = (object.id.to_string(), object.name().to_owned());
            // A page that shifts while it is read repeats objects (trap 29), which does not make a name ambiguous.
            let ids = index.ids.entry(same_key(&name)).or_default();
            if !ids.contains(&id) {
                ids.push(id.clone());
            }
            index.names.insert(id, name);
        }
        index
    }

    fn resolve(&self, wanted: &Reference, span: Span) -> Result<String, Diagnostic> {
        if let Some(reason) = &self.unreadable {
            let message = format!("the {} of the account could not be read: {reason}", self.kind.section());
            return Err(Diagnostic::error(Code::AccountUnreadable, span, message).help(
                "nothing is planned for this address until they can be read; `duoctl doctor` explains why",
            ));
        }
        let name = match wanted {
            Reference::Id(id) if self.names.contains_key(id) => return Ok(id.clone()),
            Reference::Id(id) => {
                let message = format!("the account has no {} with the id {}", self.kind.noun(), shown(id));
                return Err(Diagnostic::error(Code::UnknownReference, span, message)
                    .help("correct the id, or write the name"));
            }
            Reference::Name(name) | Reference::Address(name) => name,
        };
        match self.ids.get(&same_key(name)).map(Vec::as_slice) {
            Some([id]) => Ok(id.clone()),
            Some(ids) if !ids.is_empty() => {
                let mut ids: Vec<String> = ids.iter().map(|id| format!("`{{id: {id}}}`")).collect();
                ids.sort_unstable();
                let message = format!("{} {} are named {}", ids.len(), self.kind.section(), shown(name));
                Err(Diagnostic::error(Code::AmbiguousReference, span, message)
                    .help(format!("choose one by its id: {}", ids.join(", "))))
            }
            _ => Err(self.unknown(name, span)),
        }
    }

    fn unknown(&self, wanted: &str, span: Span) -> Diagnostic {
        let message = format!("the account has no {} named {}", self.kind.noun(), shown(wanted));
        let lower = alike_key(wanted);
        let likeness = |name: &str| {
            let name = alike_key(name);
            // A directory-synced group carries a suffix that names the directory (duo-api.md, section 7.1).
            if name.starts_with(&lower) { 1.0 } else { strsim::jaro_winkler(&name, &lower) }
        };
        let mut near: Vec<(f64, &String)> =
            self.ids.keys().map(|name| (likeness(name), name)).filter(|(score, _)| *score >= NEAR).collect();
        near.sort_by(|(a, left), (b, right)| b.total_cmp(a).then(left.cmp(right)));
        let near: Vec<String> = near.iter().take(3).map(|(_, name)| format!("`{name}`")).collect();
        let help = if self.names.contains_key(wanted) {
            format!("it is an id: write `{{id: {wanted}}}`")
        } else if near.is_empty() {
            format!(
                "correct the name; if the {0} was renamed in Duo, write its new name here; if it does not exist yet, create it in Duo",
                self.kind.noun()
            )
        } else {
            format!("did you mean {}?", near.join(" or "))
        };
        Diagnostic::error(Code::UnknownReference, span, message).help(help)
    }
}

/// The kinds that a field refers to.
fn referred() -> impl Iterator<Item = Kind> {
    FIELDS.iter().filter_map(|field| field.refers_to)
}

/// What an address of this workspace stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    /// An object in the account.
    Live(Id),
    /// An object that does not exist yet, in words for people.
    Planned(String),
    /// It is not known which object it is.
    Unmatched,
}

/// What the declared objects of the referred kinds stand for.
fn targets(desired: &Desired, observation: &Observation) -> HashMap<String, Target> {
    let mut targets = HashMap::new();
    for kind in referred().filter(|kind| desired.of(*kind).next().is_some()) {
        let Observed::Present(lives) = observation.objects.of(kind) else {
            let unmatched = desired.of(kind).map(|wanted| (wanted.address.to_string(), Target::Unmatched));
            targets.extend(unmatched);
            continue;
        };
        let matches = match_all(kind, desired, lives, &observation.held, &observation.proofs);
        for (wanted, found) in desired.of(kind).zip(matches.matched) {
            let address = wanted.address.to_string();
            let target = match found {
                Ok(Match { live: Some(live), .. }) => Target::Live(live.integration.id.clone()),
                Ok(Match { live: None, .. }) => Target::Planned(format!("{address} (new)")),
                Err(_) => Target::Unmatched,
            };
            targets.insert(address, target);
        }
    }
    targets
}

/// What can be referred to, in one reading.
#[derive(Debug)]
pub struct References {
    indexes: BTreeMap<Kind, Index>,
    /// The declared objects, by address.
    targets: HashMap<String, Target>,
    global_policy: Option<Id>,
    /// How strict each policy is, compared with the global one.
    effects: HashMap<Id, Effect>,
}

impl References {
    /// Indexes what was read and what the YAML declares.
    pub fn new(desired: &Desired, observation: &Observation) -> Self {
        Self { targets: targets(desired, observation), ..Self::named(&observation.objects) }
    }

    /// The id that an address stands for, or the address itself if its object does not exist yet.
    fn declared(&self, kind: Kind, address: &str, span: Span) -> Result<String, Diagnostic> {
        match self.targets.get(address) {
            Some(Target::Live(id)) => Ok(id.to_string()),
            Some(Target::Planned(_)) => Ok(address.to_owned()),
            Some(Target::Unmatched) => {
                let message = format!("it is not known which {} {} is", kind.noun(), shown(address));
                Err(Diagnostic::error(Code::UnknownReference, span, message)
                    .help(format!("first resolve the error at {address}")))
            }
            None => Err(kind.undeclared(address, span)),
        }
    }

    /// Whether a text stands for an object that does not exist yet.
    pub(super) fn is_planned(&self, id: &str) -> bool {
        matches!(self.targets.get(id), Some(Target::Planned(_)))
    }

    /// Indexes what was read.
    fn named(objects: &Objects) -> Self {
        let policies = || objects.present(Kind::Policy).iter().filter_map(Policy::of);
        let global = policies().find(|policy| policy.is_global());
        let effects = policies().filter_map(|policy| Some((policy.key().clone(), effect(policy, global?))));
        Self {
            effects: effects.collect(),
            targets: HashMap::new(),
            indexes: referred().map(|kind| (kind, Index::new(kind, objects.of(kind)))).collect(),
            global_policy: global.map(|policy| policy.key().clone()),
        }
    }

    /// How strict a policy is, compared with the global one.
    pub fn effect(&self, policy_key: &str) -> Effect {
        self.effects.get(&Id::new(policy_key)).copied().unwrap_or(Effect::Unknown)
    }
}

impl Names for References {
    fn id(&self, kind: Kind, wanted: &Reference, span: Span) -> Result<String, Diagnostic> {
        let index = self.indexes.get(&kind).ok_or_else(|| {
            let message = format!("no field can name {}", kind.section());
            Diagnostic::error(Code::UnknownReference, span, message)
        })?;
        let id = match wanted {
            Reference::Address(address) => self.declared(kind, address, span)?,
            Reference::Name(_) | Reference::Id(_) => index.resolve(wanted, span)?,
        };
        // It is never attached (policies.md, section 3).
        if self.global_policy.as_ref().is_some_and(|global| global.as_str() == id) {
            let message = "the global policy applies to every application and cannot be attached to one";
            return Err(Diagnostic::error(Code::InvalidValue, span, message)
                .help("write `policy: null` to use only the global policy"));
        }
        Ok(id)
    }

    fn name<'a>(&'a self, kind: Kind, id: &'a str) -> &'a str {
        match self.targets.get(id) {
            Some(Target::Planned(words)) => words,
            _ => self.indexes.get(&kind).and_then(|index| index.names.get(id)).map_or(id, String::as_str),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn named(name: &str) -> Reference {
        Reference::Name(name.to_owned())
    }

    fn id(id: &str) -> Reference {
        Reference::Id(id.to_owned())
    }

    fn object(kind: Kind, value: serde_json::Value) -> Object {
        Object::decode(kind, value).unwrap()
    }

    fn group(id: &str, name: &str) -> Object {
        object(Kind::Group, json!({"group_id": id, "name": name}))
    }

    fn of(groups: Observed<Vec<Object>>, policies: Observed<Vec<Object>>) -> References {
        References::named(&Objects::from([(Kind::Group, groups), (Kind::Policy, policies)]))
    }

    const HERE: Span = Span { file: 0, start: 0, end: 0 };

    fn references() -> References {
        let policy = |key: &str, name: &str, global: bool| {
            object(Kind::Policy, json!({"policy_key": key, "policy_name": name, "is_global_policy": global}))
        };
        let groups = vec![
            group("DG1", "VPN Users"),
            group("DG2", "Staff (from AD sync \"HQ\")"),
            group("DG3", "Twins"),
            group("DG4", "Twins"),
        ];
        let policies = vec![policy("PO1", "Strict", false), policy("PO2", "Global Policy", true)];
        of(Observed::Present(groups), Observed::Present(policies))
    }

    #[test]
    fn names_and_ids_resolve() {
        let references = references();
        let french = of(Observed::Present(vec![group("DG9", "Équipe")]), Observed::Absent);
        assert_eq!(french.id(Kind::Group, &named("E\u{301}quipe"), HERE).as_deref(), Ok("DG9"));
        let help = french.id(Kind::Group, &named("é\u{200b}quipe"), HERE).unwrap_err().help;
        assert_eq!(help.as_deref(), Some("did you mean `Équipe`?"));
        assert_eq!(references.id(Kind::Group, &named("VPN Users"), HERE).as_deref(), Ok("DG1"));
        assert_eq!(references.id(Kind::Group, &id("DG3"), HERE).as_deref(), Ok("DG3"));
        assert_eq!(references.id(Kind::Policy, &named("Strict"), HERE).as_deref(), Ok("PO1"));
        assert_eq!(references.name(Kind::Group, "DG9"), "DG9");
    }

    /// Otherwise, anyone who may name a group could get the access of the group with that id.
    #[test]
    fn an_id_is_no_name_and_a_name_no_id() {
        let (gone, own) = ("DGAAAAAAAAAAAAAAAAA1", "DGBBBBBBBBBBBBBBBBB2");
        let references = of(Observed::Present(vec![group(own, gone)]), Observed::Absent);
        assert_eq!(references.id(Kind::Group, &named(gone), HERE).as_deref(), Ok(own));
        assert_eq!(references.id(Kind::Group, &id(own), HERE).as_deref(), Ok(own));
        let refused = references.id(Kind::Group, &id(gone), HERE).unwrap_err();
        assert_eq!(refused.code, Code::UnknownReference);
        assert_eq!(refused.message, format!("the account has no group with the id `{gone}`"));
        let help = references.id(Kind::Group, &named(own), HERE).unwrap_err().help;
        assert_eq!(help, Some(format!("it is an id: write `{{id: {own}}}`")));
        let address = Reference::written(Kind::Group, "groups.staff");
        let refused = references.id(Kind::Group, &address, HERE).unwrap_err();
        assert_eq!(refused.message, "`groups.staff` is not declared");
    }

    #[test]
    fn what_does_not_resolve_says_why_and_what_else_there_is() {
        let references = references();
        let help = |result: Result<String, Diagnostic>| {
            let diagnostic = result.unwrap_err();
            (diagnostic.code, diagnostic.help.unwrap())
        };
        assert_eq!(
            help(references.id(Kind::Group, &named("Staff"), HERE)),
            (Code::UnknownReference, "did you mean `Staff (from AD sync \"HQ\")`?".into())
        );
        assert_eq!(help(references.id(Kind::Group, &named("VPN User"), HERE)).1, "did you mean `VPN Users`?");
        assert_eq!(
            help(references.id(Kind::Group, &named("Twins"), HERE)),
            (Code::AmbiguousReference, "choose one by its id: `{id: DG3}`, `{id: DG4}`".into())
        );
        assert_eq!(help(references.id(Kind::Policy, &named("Global Policy"), HERE)).0, Code::InvalidValue);
        let unreadable = of(Observed::Unreadable("403".into()), Observed::NotRead);
        assert_eq!(help(unreadable.id(Kind::Group, &named("VPN Users"), HERE)).0, Code::AccountUnreadable);
        assert_eq!(help(unreadable.id(Kind::Policy, &named("Strict"), HERE)).0, Code::AccountUnreadable);
        let none = of(Observed::Absent, Observed::Absent);
        assert_eq!(help(none.id(Kind::Group, &named("VPN Users"), HERE)).0, Code::UnknownReference);
    }
}
