//! Test builders for both sides of a plan: a declaration without YAML, and an account without Duo.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::config::model::{Guards, SecretTarget};
use crate::diagnostic::{Code, Span, Spanned};
use crate::duo::object::{Ikey, Kind, Object};
use crate::kinds::application::fields::field;
use crate::kinds::reference::Reference;
use crate::kinds::value::Setting;

use super::consent::Consent;
use super::delivery::DesiredSecret;
use super::desired::{Desired, Wanted};
use super::guard::judge;
use super::plan::{Options, Plan, Prune, Write, plan};
use super::rotation::Orders;
use super::selection::Selection;
use super::takedown::TakedownSpec;
use crate::kinds::address::Address;
use crate::kinds::marker::{Applied, AppliedFields, Marker, MarkerState, Shut, short_hash};
use crate::kinds::value::FieldValue;

pub(crate) mod fake_duo;
pub(crate) mod random;

pub(crate) use fake_duo::FakeDuo;

/// A span for tests that do not need a real one.
pub(crate) const HERE: Span = Span { file: 0, start: 0, end: 0 };
/// The workspace of every test.
pub(crate) const WORKSPACE: &str = "acme";

/// Noon of a day.
pub(crate) fn noon(day: jiff::civil::Date) -> jiff::Timestamp {
    jiff::tz::TimeZone::UTC.to_timestamp(day.at(12, 0, 0, 0)).unwrap()
}

/// The time of every test.
pub(crate) fn now() -> jiff::Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

/// The same object with another name.
pub(crate) fn renamed(object: &Object, name: &str) -> Object {
    let mut properties = object.properties().clone();
    properties.insert(object.kind.endpoint().name.to_owned(), json!(name));
    Object::decode(object.kind, Value::Object(properties)).unwrap()
}

/// An entry of `applications`.
#[derive(Debug)]
pub(crate) struct App(pub(crate) Wanted);

/// An application that everyone may log in to, unless the test changes it.
pub(crate) fn app(key: &str, kind: &str, name: &str) -> App {
    let application = Wanted {
        address: Address::application(key),
        span: Some(HERE),
        kind: Kind::Application,
        variant: Some(kind.to_owned()),
        name: Some(Spanned::new(name.to_owned(), HERE)),
        pin: None,
        settings: BTreeMap::new(),
        protect: false,
        authoritative: false,
        ignore: Vec::new(),
        definition: BTreeMap::new(),
        secret: None,
        max_age: None,
        group_policies: Vec::new(),
    };
    App(application).text("user_access", "all_users")
}

fn reference(text: &str) -> Reference {
    let is_id = ["DG", "PO"].iter().any(|kind| text.starts_with(kind));
    if is_id { Reference::Id(text.to_owned()) } else { Reference::Name(text.to_owned()) }
}

impl App {
    /// Sets a field. Objects that it refers to are named by their ids (`DG1`, `PO1`) or their names.
    pub(crate) fn set(mut self, key: &str, setting: Setting) -> Self {
        let kind = field(key).and_then(|field| field.refers_to);
        let setting = match (kind, setting) {
            (Some(_), Setting::Text(text)) => Setting::Reference(reference(&text)),
            (Some(_), Setting::List(items)) => {
                let item = |item: Spanned<String>| Spanned::new(reference(&item.value), item.span);
                Setting::References(items.into_iter().map(item).collect())
            }
            (_, setting) => setting,
        };
        self.0.settings.insert(key.to_owned(), Spanned::new(setting, HERE));
        self
    }

    pub(crate) fn text(self, key: &str, text: &str) -> Self {
        self.set(key, Setting::Text(text.to_owned()))
    }

    pub(crate) fn flag(self, key: &str, on: bool) -> Self {
        self.set(key, Setting::Flag(on))
    }

    pub(crate) fn clear(self, key: &str) -> Self {
        self.set(key, Setting::Clear)
    }

    pub(crate) fn list(self, key: &str, items: &[&str]) -> Self {
        let items = items.iter().map(|item| Spanned::new((*item).to_owned(), HERE)).collect();
        self.set(key, Setting::List(items))
    }

    pub(crate) fn sso(self, document: Value) -> Self {
        self.set("sso", Setting::Document(document.into()))
    }

    pub(crate) fn groups(self, names: &[&str]) -> Self {
        self.text("user_access", "permitted_groups").list("groups_allowed", names)
    }

    pub(crate) fn without(mut self, key: &str) -> Self {
        self.0.settings.remove(key);
        self
    }

    pub(crate) fn pin(mut self, ikey: &str) -> Self {
        self.0.pin = Some(Spanned::new(Ikey::new(ikey), HERE));
        self
    }

    pub(crate) fn protect(mut self) -> Self {
        self.0.protect = true;
        self
    }

    /// Its keys are delivered to a store, which may be write-only.
    pub(crate) fn delivered(mut self, write_only: bool) -> Self {
        let target = SecretTarget { store: "store".to_owned(), path: "keys".to_owned(), format: None };
        let place = "store store: keys".to_owned();
        self.0.secret = Some(DesiredSecret { target, span: HERE, place, write_only });
        self
    }

    pub(crate) fn ignore(mut self, keys: &[&str]) -> Self {
        self.0.ignore = keys.iter().map(|key| (*key).to_owned()).collect();
        self
    }
}

/// A workspace of these applications.
pub(crate) fn desired(apps: impl IntoIterator<Item = App>) -> Desired {
    Desired {
        workspace: WORKSPACE.to_owned(),
        formerly: None,
        objects: apps.into_iter().map(|app| app.0).collect(),
        handoffs: Vec::new(),
        removed: BTreeMap::new(),
        removed_policies: BTreeMap::new(),
        takedown: TakedownSpec::default(),
        guards: Guards::default(),
        suppress: Vec::new(),
        plan: None,
        yaml_hash: "yaml".to_owned(),
        recovery_key: false,
    }
}

pub(crate) fn options(prune: Prune) -> Options {
    Options {
        prune,
        selection: Selection::default(),
        hold_back: false,
        allow: Vec::new(),
        now: now(),
        rotation: Orders::default(),
    }
}

/// The plan of a run without options.
pub(crate) fn plan_of(desired: &Desired, duo: &FakeDuo) -> Plan {
    plan(desired, &duo.observation(), &options(Prune::No))
}

pub(crate) fn plan_pruning(desired: &Desired, duo: &FakeDuo, prune: Prune) -> Plan {
    plan(desired, &duo.observation(), &options(prune))
}

/// The workspace's marker of an address before anything was applied.
pub(crate) fn marker(key: &str) -> Marker {
    Marker {
        workspace: WORKSPACE.to_owned(),
        address: Address::application(key),
        applied: AppliedFields::new(),
        state: MarkerState::Owned,
        shut: Shut::default(),
        was_shut: None,
        adopted: false,
        protected: false,
    }
}

pub(crate) fn marked(key: &str) -> String {
    marker(key).to_string()
}

pub(crate) fn marked_as(key: &str, state: MarkerState) -> String {
    Marker { state, ..marker(key) }.to_string()
}

/// A marker that records what was asked for in one field.
pub(crate) fn marked_with(key: &str, code: char, asked: &FieldValue) -> String {
    let applied = Applied { asked: short_hash(code, asked), kept: None };
    Marker { applied: AppliedFields::from([(code, applied)]), ..marker(key) }.to_string()
}

/// Every step in one line each: address, action, and each change.
pub(crate) fn outline(plan: &Plan) -> String {
    let mut lines = Vec::new();
    for step in plan.steps() {
        let target = step.id.as_ref().map_or_else(String::new, |ikey| format!(" {ikey}"));
        lines.push(format!("{} {}{target}", step.action.name(), step.address));
        for change in &step.changes {
            let origin = change.origin.map_or_else(String::new, |origin| {
                format!(" ({})", json!(origin).as_str().unwrap_or_default())
            });
            let risk =
                if change.risk.name() == "neutral" { String::new() } else { format!(" !{}", change.risk) };
            lines.push(format!("  {}: {} -> {}{origin}{risk}", change.field, change.before, change.after));
        }
        for (risk, reason) in &step.inherent {
            lines.push(format!("  !{risk}: {reason}"));
        }
    }
    lines.join("\n")
}

/// Every request of the plan in one line each.
pub(crate) fn requests(plan: &Plan) -> String {
    let line = |write: &Write| match write {
        Write::Create(_, body) => format!("create {}", json!(body)),
        Write::Finish(body) => format!("finish {}", json!(body)),
        Write::Link(ikey, notes) => format!("link {ikey} {}", notes.join("NEW")),
        Write::Update(ikey, body) => format!("update {ikey} {}", json!(body)),
        Write::Bind(id, body) => format!("bind {id} {}", json!(body)),
        Write::Delete(ikey) => format!("delete {ikey}"),
        Write::Deliver(ikey) => format!("deliver {ikey:?}"),
        Write::Prove(ikey) => format!("prove {ikey:?}"),
    };
    plan.steps().iter().flat_map(|step| &step.writes).map(line).collect::<Vec<_>>().join("\n")
}

/// The bodies of every request, without the notes.
pub(crate) fn bodies(plan: &Plan) -> Vec<Value> {
    let writes = plan.steps().iter().flat_map(|step| &step.writes);
    writes
        .filter_map(|write| match write {
            Write::Create(_, body) | Write::Finish(body) | Write::Update(_, body) | Write::Bind(_, body) => {
                Some(body.clone())
            }
            Write::Link(..) | Write::Delete(_) | Write::Deliver(_) | Write::Prove(_) => None,
        })
        .map(|mut body| {
            body.remove("notes");
            Value::Object(body)
        })
        .collect()
}

/// The codes and messages of what was found.
pub(crate) fn problems(plan: &Plan) -> Vec<(Code, &str)> {
    plan.problems().iter().map(|problem| (problem.code, problem.message.as_str())).collect()
}

pub(crate) fn codes(plan: &Plan) -> Vec<Code> {
    plan.problems().iter().map(|problem| problem.code).collect()
}

/// The guards that refuse, each with what lifts it.
pub(crate) fn refusals(
    plan: &Plan,
    desired: &Desired,
    consent: &Consent,
) -> Vec<(&'static str, Option<String>)> {
    judge(plan, desired, consent).into_iter().map(|refusal| (refusal.guard, refusal.lift)).collect()
}
