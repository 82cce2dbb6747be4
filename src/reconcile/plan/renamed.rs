//! A group or policy that no longer exists under its declared name, while the application uses one that the YAML does not
//! mention: an administrator probably renamed it in Duo.

use serde_json::Value;

use super::super::desired::Wanted;
use super::super::live::Live;
use super::context::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::kinds::Kind;
use crate::kinds::application::{GROUPS, POLICY, ROLE_ATTRS};
use crate::kinds::field::Names as _;
use crate::kinds::reference::Reference;
use crate::kinds::value::{Setting, parts};
use crate::text::shown;

/// How many names are suggested at most.
const OFFERED: usize = 3;

/// Adds to the finding about an unknown name what the application uses in Duo instead.
pub(super) fn advise(cx: &Context<'_>, wanted: &Wanted, live: &Live<'_>, problem: &mut Diagnostic) {
    if problem.code != Code::UnknownReference {
        return;
    }
    let is_policy = wanted.settings.get(POLICY).is_some_and(|policy| Some(policy.span) == problem.span);
    let kind = if is_policy { Kind::Policy } else { Kind::Group };
    let ids = used(live, kind);
    let mut names: Vec<&str> = ids
        .iter()
        .filter(|id| cx.references.name(kind, id) != id.as_str() && !is_named(cx, kind, id))
        .map(|id| cx.references.name(kind, id))
        .collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() || names.len() > OFFERED {
        return;
    }
    let names: Vec<String> = names.into_iter().map(shown).collect();
    let near = problem.help.take().filter(|help| help.starts_with("did you mean"));
    let near = near.map(|near| format!("{near} ")).unwrap_or_default();
    problem.help = Some(format!(
        "{near}the application uses {} in Duo, which the YAML does not name: if it was renamed, write its new name here",
        names.join(" and ")
    ));
}

/// The ids of the groups or policies that the application uses.
fn used(live: &Live<'_>, kind: Kind) -> Vec<String> {
    let property = |name: &str| live.integration.property(name).map(parts).unwrap_or_default();
    match kind {
        // No field refers to an application.
        Kind::Application => Vec::new(),
        Kind::Policy => property("policy_key"),
        Kind::Group => {
            let sso = live.integration.property("sso");
            let roles = sso.and_then(|sso| sso.pointer(ROLE_ATTRS));
            let mut ids = property(GROUPS);
            roles.into_iter().for_each(|roles| texts(roles, &mut ids));
            ids
        }
    }
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether any application in the YAML refers to it.
fn is_named(cx: &Context<'_>, kind: Kind, id: &str) -> bool {
    let name = cx.references.name(kind, id);
    let means = |reference: &Reference| reference.means(id, name);
    cx.desired.objects.iter().flat_map(|wanted| &wanted.settings).any(|(field, setting)| {
        match (kind, &setting.value) {
            (Kind::Policy, Setting::Reference(policy)) => field == POLICY && means(policy),
            (Kind::Group, Setting::References(groups)) => {
                field == GROUPS && groups.iter().any(|group| means(&group.value))
            }
            (Kind::Group, Setting::Document(document)) => {
                let mut named = Vec::new();
                document.pointer(ROLE_ATTRS).into_iter().for_each(|it| Reference::all(kind, it, &mut named));
                named.iter().any(means)
            }
            _ => false,
        }
    })
}
