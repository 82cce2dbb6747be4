//! Names of groups and policies in the YAML, resolved against the account. A name that cannot be resolved stops its
//! address: dropping it would change who may log in (duo-api.md, trap 28).

use std::collections::HashMap;

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::duo::types::{Group, Policy};

use crate::kinds::Kind;
use crate::kinds::field::Names;
use crate::kinds::policy::{Effect, effect};
use crate::kinds::reference::Reference;
use crate::names::{alike_key, same_key};
use crate::text::shown;

use super::observed::Observed;

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
    fn new<T>(kind: Kind, items: &Observed<Vec<T>>, key: impl Fn(&T) -> (String, String)) -> Self {
        let (items, unreadable) = match items {
            Observed::Present(items) => (items.as_slice(), None),
            Observed::Absent => (&[][..], None),
            Observed::NotRead => (&[][..], Some("they were not requested".to_owned())),
            Observed::Unreadable(reason) => (&[][..], Some(reason.clone())),
        };
        let mut index = Self { kind, unreadable, names: HashMap::new(), ids: HashMap::new() };
        for (id, name) in items.iter().map(key) {
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
            Reference::Address(address) => return Err(self.kind.undeclared(address, span)),
            Reference::Id(id) if self.names.contains_key(id) => return Ok(id.clone()),
            Reference::Id(id) => {
                let message = format!("the account has no {} with the id {}", self.what(), shown(id));
                return Err(Diagnostic::error(Code::UnknownReference, span, message)
                    .help("correct the id, or write the name"));
            }
            Reference::Name(name) => name,
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

    fn what(&self) -> &'static str {
        match self.kind {
            Kind::Group => "group",
            Kind::Policy => "policy",
        }
    }

    fn unknown(&self, wanted: &str, span: Span) -> Diagnostic {
        let message = format!("the account has no {} named {}", self.what(), shown(wanted));
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
                self.what()
            )
        } else {
            format!("did you mean {}?", near.join(" or "))
        };
        Diagnostic::error(Code::UnknownReference, span, message).help(help)
    }
}

/// The groups and policies of one reading.
#[derive(Debug)]
pub struct References {
    groups: Index,
    policies: Index,
    global_policy: Option<String>,
    /// How strict each policy is, compared with the global one.
    effects: HashMap<String, Effect>,
}

impl References {
    /// Indexes what was read.
    pub fn new(groups: &Observed<Vec<Group>>, policies: &Observed<Vec<Policy>>) -> Self {
        let listed = match policies {
            Observed::Present(policies) => policies.as_slice(),
            Observed::Absent | Observed::NotRead | Observed::Unreadable(_) => &[],
        };
        let global = listed.iter().find(|policy| policy.is_global);
        let effects = listed.iter().filter_map(|policy| {
            let effect = effect(policy, global?);
            Some((policy.key.to_string(), effect))
        });
        Self {
            effects: effects.collect(),
            groups: Index::new(Kind::Group, groups, |group| (group.id.to_string(), group.name.clone())),
            policies: Index::new(Kind::Policy, policies, |policy| {
                (policy.key.to_string(), policy.name.clone())
            }),
            global_policy: global.map(|policy| policy.key.to_string()),
        }
    }

    /// The id of the group that the YAML means.
    pub fn group(&self, wanted: &Reference, span: Span) -> Result<String, Diagnostic> {
        self.groups.resolve(wanted, span)
    }

    /// The key of the policy that the YAML means; the global one is never attached (section 7.2).
    pub fn policy(&self, wanted: &Reference, span: Span) -> Result<String, Diagnostic> {
        let key = self.policies.resolve(wanted, span)?;
        if self.global_policy.as_deref() == Some(key.as_str()) {
            let message = "the global policy applies to every application and cannot be attached to one";
            return Err(Diagnostic::error(Code::InvalidValue, span, message)
                .help("write `policy: null` to use only the global policy"));
        }
        Ok(key)
    }

    /// How strict a policy is, compared with the global one.
    pub fn effect(&self, policy_key: &str) -> Effect {
        self.effects.get(policy_key).copied().unwrap_or(Effect::Unknown)
    }

    /// A group for people: its name, or its id if the name is unknown.
    pub fn group_name<'a>(&'a self, id: &'a str) -> &'a str {
        self.groups.names.get(id).map_or(id, String::as_str)
    }
}

impl Names for References {
    fn id(&self, kind: Kind, wanted: &Reference, span: Span) -> Result<String, Diagnostic> {
        match kind {
            Kind::Group => self.group(wanted, span),
            Kind::Policy => self.policy(wanted, span),
        }
    }

    fn name<'a>(&'a self, kind: Kind, id: &'a str) -> &'a str {
        match kind {
            Kind::Group => self.group_name(id),
            Kind::Policy => self.policies.names.get(id).map_or(id, String::as_str),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duo::types::{GroupId, GroupStatus, PolicyKey};

    fn named(name: &str) -> Reference {
        Reference::Name(name.to_owned())
    }

    fn id(id: &str) -> Reference {
        Reference::Id(id.to_owned())
    }

    const HERE: Span = Span { file: 0, start: 0, end: 0 };

    fn references() -> References {
        let group = |id: &str, name: &str| Group {
            id: GroupId::new(id),
            name: name.into(),
            status: GroupStatus::Active,
        };
        let policy = |key: &str, name: &str, is_global| Policy {
            key: PolicyKey::new(key),
            name: name.into(),
            is_global,
            sections: serde_json::Map::new(),
        };
        References::new(
            &Observed::Present(vec![
                group("DG1", "VPN Users"),
                group("DG2", "Staff (from AD sync \"HQ\")"),
                group("DG3", "Twins"),
                group("DG4", "Twins"),
            ]),
            &Observed::Present(vec![policy("PO1", "Strict", false), policy("PO2", "Global Policy", true)]),
        )
    }

    #[test]
    fn names_and_ids_resolve() {
        let references = references();
        let group = Group { id: GroupId::new("DG9"), name: "Équipe".into(), status: GroupStatus::Active };
        let french = References::new(&Observed::Present(vec![group]), &Observed::Absent);
        assert_eq!(french.group(&named("E\u{301}quipe"), HERE).as_deref(), Ok("DG9"));
        let help = french.group(&named("é\u{200b}quipe"), HERE).unwrap_err().help;
        assert_eq!(help.as_deref(), Some("did you mean `Équipe`?"));
        assert_eq!(references.group(&named("VPN Users"), HERE).as_deref(), Ok("DG1"));
        assert_eq!(references.group(&id("DG3"), HERE).as_deref(), Ok("DG3"));
        assert_eq!(references.policy(&named("Strict"), HERE).as_deref(), Ok("PO1"));
        assert_eq!(references.group_name("DG9"), "DG9");
    }

    /// Otherwise, anyone who may name a group could get the access of the group with that id.
    #[test]
    fn an_id_is_no_name_and_a_name_no_id() {
        let (gone, own) = ("DGAAAAAAAAAAAAAAAAA1", "DGBBBBBBBBBBBBBBBBB2");
        let group = Group { id: GroupId::new(own), name: gone.into(), status: GroupStatus::Active };
        let references = References::new(&Observed::Present(vec![group]), &Observed::Absent);
        assert_eq!(references.group(&named(gone), HERE).as_deref(), Ok(own));
        assert_eq!(references.group(&id(own), HERE).as_deref(), Ok(own));
        let refused = references.group(&id(gone), HERE).unwrap_err();
        assert_eq!(refused.code, Code::UnknownReference);
        assert_eq!(refused.message, format!("the account has no group with the id `{gone}`"));
        let help = references.group(&named(own), HERE).unwrap_err().help;
        assert_eq!(help, Some(format!("it is an id: write `{{id: {own}}}`")));
        let address = Reference::written(Kind::Group, "groups.staff");
        let refused = references.group(&address, HERE).unwrap_err();
        assert_eq!(refused.message, "`groups.staff` is not declared: this workspace has no groups");
    }

    #[test]
    fn what_does_not_resolve_says_why_and_what_else_there_is() {
        let references = references();
        let help = |result: Result<String, Diagnostic>| {
            let diagnostic = result.unwrap_err();
            (diagnostic.code, diagnostic.help.unwrap())
        };
        assert_eq!(
            help(references.group(&named("Staff"), HERE)),
            (Code::UnknownReference, "did you mean `Staff (from AD sync \"HQ\")`?".into())
        );
        assert_eq!(help(references.group(&named("VPN User"), HERE)).1, "did you mean `VPN Users`?");
        assert_eq!(
            help(references.group(&named("Twins"), HERE)),
            (Code::AmbiguousReference, "choose one by its id: `{id: DG3}`, `{id: DG4}`".into())
        );
        assert_eq!(help(references.policy(&named("Global Policy"), HERE)).0, Code::InvalidValue);
        let unreadable = References::new(&Observed::Unreadable("403".into()), &Observed::NotRead);
        assert_eq!(help(unreadable.group(&named("VPN Users"), HERE)).0, Code::AccountUnreadable);
        assert_eq!(help(unreadable.policy(&named("Strict"), HERE)).0, Code::AccountUnreadable);
        let none = References::new(&Observed::Absent, &Observed::Absent);
        assert_eq!(help(none.group(&named("VPN Users"), HERE)).0, Code::UnknownReference);
    }
}
