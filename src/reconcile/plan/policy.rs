//! The steps of a policy. It has no marker: it belongs to its address by a pin or its name, which side changed is not known, and
//! only an entry of `removed` deletes it (policies.md, section 15).
//!
//! A section that the YAML gives is meant whole: a field that it leaves out counts as Duo's default.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::duo::object::{Kind, Object, Policy};
use crate::duo::policy::Edition;
use crate::kinds::policy::language::written_path;
use crate::kinds::policy::risk::{Difference, differences, is_available, rewritten, whole};
use crate::kinds::risk::Risk;
use crate::kinds::value::Setting;
use crate::names::same;

use super::super::desired::Wanted;
use super::super::diff::{Change, DriftRisk, Origin};
use super::super::matching::Match;
use super::context::{Context, Parts};
use super::step::{Action, Step, Write};

/// The reason of a value that the YAML leaves out.
pub(crate) const DEFAULT: &str = "Duo's default";

/// What the YAML says about one section.
enum Section<'w> {
    /// It has these fields.
    Set(&'w Value),
    /// It is inherited.
    Inherited,
}

/// What the YAML says about each section, with its place.
fn sections(wanted: &Wanted) -> BTreeMap<&str, (Section<'_>, Span)> {
    let said = wanted.settings.iter().filter_map(|(name, setting)| {
        let section = match &setting.value {
            Setting::Document(document) => Section::Set(document),
            Setting::Clear | Setting::LeftOut => Section::Inherited,
            _ => return None,
        };
        Some((name.as_str(), (section, setting.span)))
    });
    said.filter(|(name, _)| !wanted.ignore.iter().any(|ignored| ignored == name)).collect()
}

/// The edition, as far as the sections of the global policy show it: they are what this account can take (policies.md, 3.8).
pub(super) fn edition(cx: &Context<'_>) -> Edition {
    let global = cx.global_policy();
    match global.and_then(|global| global.section("browsers")) {
        Some(_) => Edition::Advantage,
        None if global.is_none() => Edition::Advantage,
        None => Edition::Essentials,
    }
}

/// The steps of a declared policy.
pub(super) fn policy(cx: &Context<'_>, wanted: &Wanted, found: &Match<'_>) -> Parts {
    let mut problems = beyond_edition(cx, wanted);
    let step = match &found.live {
        None => creation(cx, wanted),
        Some(live) => match Policy::of(live.integration) {
            Some(policy) => Ok(update(cx, wanted, live.integration, policy, &mut problems)),
            None => Ok(None),
        },
    };
    match step {
        Ok(_) if problems.iter().any(|problem| problem.severity == crate::diagnostic::Severity::Error) => {
            Parts::blocked(&wanted.address, problems)
        }
        Ok(step) => Parts { steps: step.into_iter().collect(), problems, ..Parts::default() },
        Err(problem) => Parts::blocked(&wanted.address, vec![*problem]),
    }
}

/// Sections that the account's edition does not have: Duo may drop them silently.
fn beyond_edition(cx: &Context<'_>, wanted: &Wanted) -> Vec<Diagnostic> {
    let Some(global) = cx.global_policy() else { return Vec::new() };
    let beyond = sections(wanted)
        .into_iter()
        .filter(|(name, (section, _))| matches!(section, Section::Set(_)) && global.section(name).is_none());
    let finding = |(name, (_, span)): (&str, (Section<'_>, Span))| {
        let message = format!(
            "{}: the account has no section `{name}`: its global policy does not have it either",
            wanted.address
        );
        Diagnostic::error(Code::PlanTooSmall, span, message)
            .help("remove it, or use a Duo edition that has it; for a section that duoctl does not know, check its name")
    };
    beyond.map(finding).collect()
}

fn creation(cx: &Context<'_>, wanted: &Wanted) -> Result<Option<Step>, Box<Diagnostic>> {
    if wanted.is_global_policy() {
        let message = format!("{}: the account shows no global policy", wanted.address);
        return Err(Box::new(Diagnostic::error(Code::AccountUnreadable, wanted.span, message)));
    }
    let Some(name) = &wanted.name else {
        let message = format!("{}: a new policy needs a name", wanted.address);
        return Err(Box::new(Diagnostic::error(Code::MissingKey, wanted.span, message)));
    };
    let mut sent = Map::new();
    let mut changes =
        vec![Change { origin: None, ..Change::neutral("name", Value::Null, json!(name.value)) }];
    for (section, (said, _)) in sections(wanted) {
        let Section::Set(declared) = said else { continue };
        let whole = whole(section, declared, edition(cx));
        changes.extend(added(section, declared, &whole, None));
        sent.insert(section.to_owned(), declared.clone());
    }
    let body = Map::from_iter([
        ("policy_name".to_owned(), json!(name.value)),
        ("sections".to_owned(), Value::Object(sent)),
    ]);
    let step = Step::new(Kind::Policy, &wanted.address, Action::Create, "", &name.value);
    Ok(Some(Step { changes, writes: vec![Write::Create(Kind::Policy, body)], ..step }))
}

fn update(
    cx: &Context<'_>,
    wanted: &Wanted,
    live: &Object,
    policy: Policy<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Step> {
    let mut changes = Vec::new();
    let mut body = Map::new();
    if let Some(name) = wanted.name.as_ref().filter(|name| !same(&name.value, policy.name())) {
        changes.push(drifted(Change::neutral("name", json!(policy.name()), json!(name.value))));
        body.insert("policy_name".to_owned(), json!(name.value));
    }
    let said = sections(wanted);
    let mut sent = Map::new();
    let mut deleted = BTreeSet::new();
    for (section, (said, span)) in &said {
        match (said, policy.section(section)) {
            (Section::Inherited, None) => {}
            (Section::Inherited, Some(_)) if wanted.is_global_policy() => {
                let message = format!("{}: the global policy has every section", wanted.address);
                problems.push(
                    Diagnostic::error(Code::InvalidValue, *span, message)
                        .help("write the section's values, or remove the key to leave it unmanaged"),
                );
            }
            (Section::Inherited, Some(held)) => {
                changes.push(drifted(Change::neutral(section, held.clone(), Value::Null)));
                deleted.insert((*section).to_owned());
            }
            (Section::Set(declared), None) => {
                let whole = whole(section, declared, edition(cx));
                changes.extend(added(section, declared, &whole, Some(Origin::Unknown)));
                sent.insert((*section).to_owned(), (*declared).clone());
            }
            (Section::Set(declared), Some(held)) => {
                if !is_available(section, held) {
                    problems.extend(not_available(wanted, section, *span));
                    continue;
                }
                let found = differences(section, declared, held);
                if found.is_empty() {
                    continue;
                }
                let becomes = rewritten(section, declared, held, edition(cx));
                sent.insert((*section).to_owned(), changed(declared, &becomes, &found));
                changes.extend(found.into_iter().map(|(path, after, before)| {
                    let field = written(section, &path);
                    drifted(Change::neutral(&field, before, after))
                }));
            }
        }
    }
    // Whatever an authoritative policy leaves out is inherited.
    if wanted.authoritative && !wanted.is_global_policy() {
        let left_out = policy.sections().filter(|(name, _)| {
            !said.contains_key(name.as_str()) && !wanted.ignore.iter().any(|ignored| ignored == *name)
        });
        for (name, held) in left_out {
            changes.push(drifted(Change::neutral(name, held.clone(), Value::Null)));
            deleted.insert(name.clone());
        }
    }
    if changes.is_empty() {
        return None;
    }
    if !sent.is_empty() {
        body.insert("sections".to_owned(), Value::Object(sent));
    }
    if !deleted.is_empty() {
        body.insert("sections_to_delete".to_owned(), json!(deleted));
    }
    let writes = vec![Write::Update(live.object_id(), body)];
    Some(Step { changes, writes, ..Step::on(&wanted.address, Action::Update, live) })
}

/// Duo shows `not-configured` until the account has a management integration of trusted endpoints, and keeps nothing else.
fn not_available(wanted: &Wanted, section: &str, span: Span) -> Option<Diagnostic> {
    let message =
        format!("{}: the account cannot have `{section}` yet, so nothing is planned for it", wanted.address);
    Some(
        Diagnostic::warning(Code::NotOfferedYet, span, message)
            .help("add a management integration of trusted endpoints in the Duo Admin Panel"),
    )
}

/// The fields of a section that an update sends: those that differ, inner objects whole.
fn changed(declared: &Value, becomes: &Value, differences: &[Difference]) -> Value {
    // A section whose fields are not known is sent as it is declared.
    if differences.iter().any(|(path, ..)| path.is_empty()) {
        return declared.clone();
    }
    let fields: BTreeSet<&str> = differences.iter().filter_map(|(path, ..)| path.split('.').next()).collect();
    let of = |field: &str| becomes.get(field).or_else(|| declared.get(field)).cloned();
    fields.into_iter().filter_map(|field| Some((field.to_owned(), of(field)?))).collect()
}

/// The changes of a new section: what the YAML says, and the defaults that it brings along.
fn added(section: &str, declared: &Value, whole: &Value, origin: Option<Origin>) -> Vec<Change> {
    let (said, all) = (leaves(declared), leaves(whole));
    let mut changes = Vec::new();
    for (path, value) in all.iter().chain(said.iter().filter(|(path, _)| !all.contains_key(*path))) {
        let reason = if said.contains_key(path) { "" } else { DEFAULT };
        let field = written(section, path);
        let change = Change::neutral(&field, Value::Null, (*value).clone());
        changes.push(Change { origin, reason, ..change });
    }
    if changes.is_empty() {
        changes.push(Change { origin, ..Change::neutral(section, Value::Null, json!({})) });
    }
    changes
}

/// A field as the YAML writes it: a path that begins with its section.
pub(super) fn written(section: &str, path: &str) -> String {
    let path = written_path(section, &format!("/{}", path.replace('.', "/")));
    if path.is_empty() { section.to_owned() } else { format!("{section}.{path}") }
}

/// The values of a section by path.
fn leaves(section: &Value) -> BTreeMap<String, &Value> {
    fn visit<'v>(value: &'v Value, path: &str, found: &mut BTreeMap<String, &'v Value>) {
        match value {
            Value::Object(fields) if !fields.is_empty() => fields.iter().for_each(|(name, value)| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                visit(value, &path, found);
            }),
            Value::Object(_) => {}
            _ => drop(found.insert(path.to_owned(), value)),
        }
    }
    let mut found = BTreeMap::new();
    visit(section, "", &mut found);
    found
}

/// A difference of a policy that exists. Nothing shows which side changed.
fn drifted(change: Change) -> Change {
    let drift = Some(DriftRisk { risk: Risk::Neutral, reason: "" });
    Change { origin: Some(Origin::Unknown), drift, ..change }
}
