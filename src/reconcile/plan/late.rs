//! Late references: ids of objects that the same plan creates. Until then their address takes the place of the id.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::{Id, ObjectId};
use crate::kinds::Kind;
use crate::kinds::address::Address;
use crate::kinds::application::bindings::APPLY_TO_GROUPS;
use crate::kinds::field::{Form, Wire};

use super::super::observed::Objects;
use super::super::references::References;
use super::super::users::users_of;
use super::context::Parts;
use super::step::{Action, Step, Write};

/// Calls `visit` with each text of a body that is one id, or several separated by commas.
fn each_reference(kind: Kind, body: &mut Map<String, Value>, visit: &mut dyn FnMut(&mut String)) {
    if let (Kind::Policy, Some(bindings)) = (kind, body.get_mut(APPLY_TO_GROUPS)) {
        each_text(bindings, visit);
    }
    for field in kind.fields() {
        let Wire::Property(property) = field.wire else { continue };
        let Some(value) = body.get_mut(property) else { continue };
        match field.form {
            Form::Document(document) => {
                if let Some(part) = document.references.and_then(|pointer| value.pointer_mut(pointer)) {
                    each_text(part, visit);
                }
            }
            _ if field.refers_to.is_some() => each_text(value, visit),
            _ => {}
        }
    }
}

fn each_text(value: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, visit)),
        Value::Object(map) => map.values_mut().for_each(|item| each_text(item, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The kind of object that a request writes to, and the properties that it sends.
fn body_of(step: &Step, write: &Write) -> Option<(Kind, Map<String, Value>)> {
    match write {
        Write::Create(kind, body) => Some((*kind, body.clone())),
        Write::Finish(body) => Some((step.kind, body.clone())),
        Write::Update(id, body) | Write::Bind(id, body) => Some((id.kind, body.clone())),
        Write::Link(..) | Write::Delete(_) | Write::Deliver(_) | Write::Prove(_) => None,
    }
}

/// Records in each step which objects it refers to that do not exist yet.
pub(super) fn mark(references: &References, steps: &mut [Step]) {
    for step in steps {
        let mut awaits = BTreeSet::new();
        for (kind, mut body) in step.writes.iter().filter_map(|write| body_of(step, write)) {
            each_reference(kind, &mut body, &mut |text| {
                let planned = text.split(',').filter(|part| references.is_planned(part));
                awaits.extend(planned.map(Address::new));
            });
        }
        let bound = step.writes.iter().filter_map(|write| match write {
            Write::Bind(id, _) => Some(id.as_str()),
            _ => None,
        });
        awaits.extend(bound.filter(|id| references.is_planned(id)).map(Address::new));
        step.awaits = awaits;
    }
}

/// Records what each step depends on. A step that attaches a policy or lets in a group depends on the step that changes it, and
/// on the state of a policy that no step changes. A deletion depends on every step that lets go of the object.
pub(super) fn depend(objects: &Objects, steps: &mut [Step]) {
    let changed: BTreeMap<String, Address> = steps
        .iter()
        .filter(|step| step.kind != Kind::Application)
        .filter_map(|step| Some((step.id.as_ref()?.to_string(), step.address.clone())))
        .collect();
    let by_target: BTreeMap<ObjectId, Address> = steps
        .iter()
        .flat_map(|step| step.targets().into_iter().map(|id| (id.clone(), step.address.clone())))
        .collect();
    for step in steps {
        let mut named = BTreeSet::new();
        for (kind, mut body) in step.writes.iter().filter_map(|write| body_of(step, write)) {
            each_reference(kind, &mut body, &mut |text| named.extend(text.split(',').map(str::to_owned)));
        }
        named.extend(step.writes.iter().filter_map(|write| match write {
            Write::Bind(id, _) => Some(id.to_string()),
            _ => None,
        }));
        let mut after: BTreeSet<Address> = named.iter().filter_map(|id| changed.get(id)).cloned().collect();
        for policy in objects.present(Kind::Policy).iter().filter(|policy| named.contains(policy.id.as_str()))
        {
            if !changed.contains_key(policy.id.as_str()) {
                step.watch(policy);
            }
        }
        for gone in step.deletes().into_iter().filter(|id| id.kind != Kind::Application) {
            let users = users_of(gone, objects);
            after.extend(users.iter().filter_map(|user| by_target.get(&user.object_id())).cloned());
        }
        after.remove(&step.address);
        step.after = after;
    }
}

/// Blocks the steps that refer to an object that neither exists nor is created by the plan.
pub(super) fn hold(parts: &mut Parts) {
    let creates = parts.steps.iter().filter(|step| step.action == Action::Create);
    let created: BTreeSet<Address> = creates.map(|step| step.address.clone()).collect();
    let (steps, held): (Vec<Step>, Vec<Step>) = std::mem::take(&mut parts.steps)
        .into_iter()
        .partition(|step| step.awaits.iter().all(|address| created.contains(address)));
    parts.steps = steps;
    for step in held {
        let missing: Vec<&str> =
            step.awaits.iter().filter(|address| !created.contains(*address)).map(Address::as_str).collect();
        let missing = missing.join(" and ");
        let message = format!("{}: it refers to {missing}, which this plan does not create", step.address);
        let problem = Diagnostic::error(Code::UnknownReference, None, message)
            .help(format!("resolve what is reported about {missing}, or add it to --only"));
        parts.add(Parts::blocked(&step.address, vec![problem]));
    }
}

/// A body with ids in place of the addresses of objects that were created meanwhile.
pub(crate) fn resolved(
    kind: Kind,
    body: &Map<String, Value>,
    made: &BTreeMap<Address, Id>,
) -> Map<String, Value> {
    let mut body = body.clone();
    each_reference(kind, &mut body, &mut |text| {
        let id = |part: &str| made.get(&Address::new(part)).map_or_else(|| part.to_owned(), Id::to_string);
        *text = text.split(',').map(id).collect::<Vec<_>>().join(",");
    });
    body
}
