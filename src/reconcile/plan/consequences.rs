//! The consequences of a replacement beyond its changes: what needs the new keys, and what refers to the old ones.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::duo::catalogue::{Family, lookup};
use crate::duo::object::{Ikey, Object};
use crate::kinds::value::Setting;

use super::super::desired::Desired;
use super::reach::Worlds;
use super::step::{Action, Step};
use crate::kinds::marker::Notes;

/// The consequences of each replacement, as lines for people, by the step's index.
pub(super) fn of(
    steps: &[Step],
    desired: &Desired,
    integrations: &[Object],
    worlds: Option<&Worlds<'_>>,
) -> BTreeMap<usize, Vec<String>> {
    let about = steps.iter().enumerate().filter_map(|(index, step)| Some((index, worlds?.lines(step))));
    let about = about.filter(|(_, lines)| !lines.is_empty());
    let replaced = steps.iter().enumerate().filter(|(_, step)| step.action == Action::Replace);
    replaced.map(|(index, step)| (index, consequences(step, desired, integrations))).chain(about).collect()
}

fn consequences(step: &Step, desired: &Desired, integrations: &[Object]) -> Vec<String> {
    let mut lines = Vec::new();
    let old = step.ikey().and_then(|ikey| integrations.iter().find(|live| live.id == *ikey));
    let Some(old) = old else { return lines };
    lines.push(format!(
        "a new integration key and a new secret key; those of {} stop working once the new ones are proven",
        old.id
    ));
    lines.push(match &step.delivery {
        Some(delivery) => format!("the new keys are delivered to {} before that", delivery.place),
        None => "no secret store is configured: the new keys have to be copied from the Duo Admin Panel"
            .to_owned(),
    });
    let kinds = [old.variant(), step.variant.as_str()];
    lines.extend(kinds.into_iter().filter_map(told).map(str::to_owned));
    lines.dedup();
    for form in &desired.handoffs {
        if step.address.as_str().strip_prefix(form.address.as_str()).is_some_and(|rest| rest.starts_with('.'))
        {
            lines.push(format!(
                "the console of {} holds the old keys and must be given the new ones",
                form.address
            ));
        }
    }
    lines.extend(pointers(&old.id, step, desired, integrations));
    if !old.text("policy_key").is_empty() {
        let policy = old.text("policy_key");
        let sharing = integrations.iter().filter(|live| live.text("policy_key") == policy).count();
        if sharing > 1 {
            lines.push(format!(
                "other applications that share its policy {policy} and keep it: {}",
                sharing - 1
            ));
        }
    }
    lines.push(
        "group policies and administrative units that refer to the old application are not carried over; no API lists them"
            .to_owned(),
    );
    lines
}

/// What needs the new keys, by the application's type.
fn told(kind: &str) -> Option<&'static str> {
    let family = lookup(kind)?.family;
    Some(match family {
        Family::AdminApi | Family::AccountsApi => {
            "every program that calls Duo's API with the old keys needs the new ones"
        }
        Family::AuthApi => "the program that authenticates users with the old keys needs the new ones",
        Family::Saml => "the service provider needs the new metadata: entity id, certificate and URLs change",
        Family::Oidc | Family::OAuth => {
            "the client needs the new client id and secret; the issuer and its URLs change"
        }
        Family::AccessGateway => "the access gateway needs the new application file",
        Family::Native | Family::UserFacing => {
            "the server, proxy or appliance that holds the old keys needs the new ones"
        }
    })
}

/// What refers to the old key: other entries of the YAML, and other live applications.
fn pointers(old: &Ikey, step: &Step, desired: &Desired, integrations: &[Object]) -> Vec<String> {
    let key = old.as_str();
    let declared = desired.objects.iter().filter(|wanted| {
        let in_settings = wanted.settings.values().any(|setting| names(&setting.value, key));
        in_settings || wanted.pin.as_ref().is_some_and(|pin| pin.value == *old)
    });
    let mut lines: Vec<String> =
        declared.map(|wanted| format!("the YAML of {} refers to {key}", wanted.address)).collect();
    let lives = integrations.iter().filter(|live| live.id != *old && mentions(live, key));
    lines.extend(lives.map(|live| {
        let marker = Notes::parse(live.notes()).marker;
        let own = marker.filter(|marker| marker.workspace == desired.workspace);
        let who = own.map_or_else(|| live.id.to_string(), |marker| marker.address.to_string());
        format!("{who}, \"{}\", refers to {key}", live.name())
    }));
    lines.retain(|line| !line.starts_with(&format!("{}, ", step.address)));
    lines
}

fn names(setting: &Setting, key: &str) -> bool {
    match setting {
        Setting::Clear | Setting::Flag(_) | Setting::LeftOut => false,
        Setting::Text(text) => text.contains(key),
        Setting::Reference(reference) => reference.text().contains(key),
        Setting::References(references) => {
            references.iter().any(|reference| reference.value.text().contains(key))
        }
        Setting::List(items) => items.iter().any(|item| item.value.contains(key)),
        Setting::Document(document) => holds(document, key),
    }
}

fn mentions(live: &Object, key: &str) -> bool {
    live.properties().values().any(|value| holds(value, key))
}

fn holds(value: &Value, key: &str) -> bool {
    match value {
        Value::String(text) => text.contains(key),
        Value::Array(items) => items.iter().any(|item| holds(item, key)),
        Value::Object(map) => map.iter().any(|(name, value)| name.contains(key) || holds(value, key)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
