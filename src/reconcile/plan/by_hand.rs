//! Applications that a person made for a console before there was an entry for it: next to one of them an entry would
//! create a second one.
//!
//! A console's applications have few settings, so what tells them is what they may do and what they are called. Nothing is
//! adopted by that; the plan says it before it creates anything.

use std::collections::BTreeSet;

use super::super::desired::DesiredApplication;
use super::super::handoff::HandoffValue;
use super::context::Context;
use crate::duo::types::Integration;
use crate::kinds::application::PERMISSION_LIST;
use crate::kinds::application::fields::held_permissions;
use crate::kinds::value::Setting;

/// The unowned applications of the type that look like the wanted one, and by what in words; none where they are more than
/// `most`, since that tells none of them from the others.
pub(super) fn fitting<'a>(
    cx: &Context<'_>,
    wanted: &DesiredApplication,
    unowned: &[&'a Integration],
    most: usize,
) -> Option<(Vec<&'a Integration>, &'static str)> {
    let others = || unowned.iter().copied().filter(|live| live.ikey != cx.observation.operator);
    let few = |lives: Vec<&'a Integration>, by| (1..=most).contains(&lives.len()).then_some((lives, by));
    let names = names(cx, wanted);
    let named = others().filter(|live| {
        let name = words(live.name());
        names.iter().any(|known| name.contains(known.as_str()))
    });
    if let Some(found) = few(named.collect(), "is called like a part of this connection") {
        return Some(found);
    }
    let permissions = permissions(wanted)?;
    let same = others().filter(|live| held_permissions(live) == permissions);
    few(same.collect(), "has exactly the permissions that this entry needs")
}

/// What the application is to be allowed; nothing where its type has no permissions.
fn permissions(wanted: &DesiredApplication) -> Option<BTreeSet<String>> {
    match &wanted.settings.get(PERMISSION_LIST)?.value {
        Setting::List(names) => Some(names.iter().map(|name| name.value.clone()).collect()),
        Setting::Clear | Setting::Text(_) | Setting::Flag(_) | Setting::Document(_) => None,
    }
}

/// What an application of the connection may be called: the name of the console, that of the integration there, or the
/// one that it would get.
fn names(cx: &Context<'_>, wanted: &DesiredApplication) -> Vec<String> {
    let (entry, takedown) = (wanted.address.composite().map(|(entry, _)| entry), &cx.desired.takedown);
    let form = cx.desired.handoffs.iter().find(|form| Some(&form.address) == entry.as_ref());
    let fields = form.into_iter().flat_map(|form| &form.fields);
    let display =
        fields.filter(|field| field.label == takedown.name_label).filter_map(|field| match &field.value {
            HandoffValue::Text(name) => Some(name.as_str()),
            HandoffValue::Switch(_) | HandoffValue::IntegrationKey(_) | HandoffValue::SecretKey(_) => None,
        });
    let own = wanted.name.iter().map(|name| name.value.as_str());
    let known = takedown.known_as.iter().copied();
    known.chain(display).chain(own).map(words).filter(|words| !words.trim().is_empty()).collect()
}

/// The words of a text, in small letters, with a space around each.
fn words(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(" ".to_owned(), |text, word| text + word + " ")
}
