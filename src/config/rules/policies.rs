//! Policies: what the plan of the account includes, and what cannot be done to the global policy.

use serde_json::{Map, Value};

use crate::config::model::{DuoPlan, Removal, Workspace};
use crate::diagnostic::{Code, Diagnostic, Help, Span, Spanned};
use crate::duo::policy::{self, Edition, Field, When};
use crate::kinds::Kind;
use crate::kinds::policy::language::written_path;
use crate::kinds::value::Setting;
use crate::language::address::{GLOBAL_POLICY, Place};
use crate::text::member;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    if let Some(removal) =
        workspace.removed.get(GLOBAL_POLICY).filter(|removal| removal.value == Removal::Delete)
    {
        findings.push(
            Diagnostic::error(Code::InvalidValue, removal.span, "the global policy cannot be deleted")
                .help("write `retain` to stop managing it"),
        );
    }
    let Some(plan) = &workspace.tenant.plan else { return };
    if plan.value >= DuoPlan::Advantage {
        return;
    }
    for (key, declared) in workspace.of(Kind::Policy) {
        let address = Place::Object(Kind::Policy, key).to_string();
        for (name, setting) in &declared.settings {
            let beyond = beyond(name, setting).into_iter().map(|finding| {
                let finding = finding.help(Help::removing("remove it, or correct `tenant.plan`"));
                finding.related(plan.span, "the plan").about(&address)
            });
            findings.extend(beyond);
        }
    }
}

/// What a section sets that needs more than Duo Essentials.
fn beyond(name: &str, setting: &Spanned<Setting>) -> Vec<Diagnostic> {
    let (Some(section), Setting::Document(document)) = (policy::section(name), &setting.value) else {
        return Vec::new();
    };
    if section.edition > Edition::Essentials {
        return vec![needs(&format!("`{name}`"), setting.span)];
    }
    let mut found = Vec::new();
    if let Some(map) = document.as_object() {
        in_object(name, section.fields, map, "", &mut |what, pointer| {
            found.push(needs(&what, document.place(pointer).unwrap_or(setting.span)));
        });
    }
    found
}

fn needs(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error(Code::FieldNotApplicable, span, format!("{what} needs Duo Advantage or Premier"))
}

/// Reports the fields of an object that Duo Essentials does not have, and the values that select them.
fn in_object(
    section: &str,
    fields: &'static [Field],
    map: &Map<String, Value>,
    at: &str,
    report: &mut impl FnMut(String, &str),
) {
    for field in fields {
        let pointer = member(at, field.name);
        let larger = field.edition > Edition::Essentials;
        match (map.get(field.name), field.inner()) {
            (Some(_), _) if larger => {
                report(format!("`{section}.{}`", written_path(section, &pointer)), &pointer);
            }
            (Some(Value::Object(inner)), Some(fields)) => {
                in_object(section, fields, inner, &pointer, report);
            }
            (None, _) if larger => {
                for when in field.applies {
                    let When::In(name, values) = when else { continue };
                    let chosen = map.get(*name).and_then(Value::as_str).filter(|word| values.contains(word));
                    if let Some(word) = chosen {
                        report(format!("`{name}: {word}`"), &member(at, name));
                    }
                }
            }
            _ => {}
        }
    }
}
