//! Policies that apply to groups within one application (policies.md, sections 2 and 3). They are settings of the application,
//! but Duo keeps them in the policies.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::diagnostic::Spanned;
use crate::duo::object::Id;
use crate::kinds::Kind;
use crate::kinds::reference::{REFERENCE, Reference};
use crate::kinds::value::parts;
use crate::language::shape::{Key, Object, Shape};
use crate::yaml::{Data, Entry, Node, find};

/// The YAML key.
pub const GROUP_POLICIES: &str = "group_policies";

/// The property of a policy that a write of a binding sends.
pub const APPLY_TO_GROUPS: &str = "apply_to_groups_in_apps";

/// An item of `group_policies`.
pub static GROUP_POLICY: Object = Object::new(
    "an item of `group_policies`",
    &[
        Key::required(
            "policy",
            REFERENCE,
            "The policy. Plain text is a name in Duo, or an address such as `policies.strict`.",
            "policies.strict",
        ),
        Key::required(
            "groups",
            Shape::List(&REFERENCE, 1, super::MOST_GROUPS),
            "The groups whose members it applies to when they log in to this application.",
            "[groups.contractors]",
        ),
    ],
);

/// A policy that applies to the members of groups when they log in to one application.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupPolicy {
    /// The policy.
    pub policy: Spanned<Reference>,
    /// The groups.
    pub groups: Vec<Spanned<Reference>>,
}

impl GroupPolicy {
    /// Reads the items of a list; what is not valid is left out.
    pub fn read(node: &Node) -> Vec<Spanned<Self>> {
        let Data::List(items) = &node.data else { return Vec::new() };
        let read = |item: &Node| {
            let Data::Mapping(entries) = &item.data else { return None };
            let of = |kind, node: &Node| Some(Spanned::new(Reference::read(kind, node)?, node.span));
            let groups = find(entries, "groups").map(|Entry { value, .. }| match &value.data {
                Data::List(groups) => groups.iter().filter_map(|group| of(Kind::Group, group)).collect(),
                _ => Vec::new(),
            });
            let policy = of(Kind::Policy, &find(entries, "policy")?.value)?;
            Some(Spanned::new(Self { policy, groups: groups? }, item.span))
        };
        items.iter().filter_map(read).collect()
    }
}

/// The body that binds a policy to groups in an application. It adds to what is bound already: no API call removes a
/// binding. `existing` keeps the order of the others.
pub fn body(application: &str, groups: &BTreeSet<String>) -> Map<String, Value> {
    let binding = json!({
        "group_policy_apply_order": "existing",
        "apply_group_policies_list": [{"app_integration_key": application, "group_id_list": groups}],
    });
    Map::from_iter([(APPLY_TO_GROUPS.to_owned(), binding)])
}

/// What a body binds: the groups of each application.
pub fn bound_in(body: &Map<String, Value>) -> Vec<(&str, BTreeSet<Id>)> {
    let bindings = body.get(APPLY_TO_GROUPS).and_then(|bound| bound.get("apply_group_policies_list"));
    let bindings = bindings.and_then(Value::as_array).into_iter().flatten();
    let read = |binding: &'_ Value| {
        let groups = binding.get("group_id_list").map(parts).unwrap_or_default();
        groups.into_iter().map(Id::new).collect::<BTreeSet<Id>>()
    };
    bindings
        .filter_map(|binding| Some((binding.get("app_integration_key")?.as_str()?, read(binding))))
        .collect()
}
