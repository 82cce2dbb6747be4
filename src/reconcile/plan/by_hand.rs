//! Possible duplicates of the applications of a console entry: those of an entry that was removed from the YAML at the same
//! time, and those that a person created before the entry existed.
//!
//! These applications have few settings, so only their permissions and names identify them. Nothing is adopted on that
//! evidence; the plan warns before it creates anything.

use std::collections::BTreeSet;

use super::super::desired::Wanted;
use super::super::handoff::HandoffValue;
use super::super::live::Live;
use super::context::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::{Ikey, Object};
use crate::kinds::address::Address;
use crate::kinds::application::PERMISSION_LIST;
use crate::kinds::application::fields::held_permissions;
use crate::kinds::marker::MarkerState;
use crate::kinds::value::Setting;
use crate::names::mentions;

/// The unowned applications of the type that look like the wanted one, and why in words; `None` if there are more than
/// `most`, since that does not distinguish any of them.
pub(super) fn fitting<'a>(
    cx: &Context<'_>,
    wanted: &Wanted,
    unowned: &[&'a Object],
    most: usize,
) -> Option<(Vec<&'a Object>, &'static str)> {
    let others = || unowned.iter().copied().filter(|live| live.id != cx.observation.operator);
    let few = |lives: Vec<&'a Object>, by| (1..=most).contains(&lives.len()).then_some((lives, by));
    let names = names(cx, wanted);
    let named = others().filter(|live| names.iter().any(|known| mentions(live.name(), known)));
    if let Some(found) = few(named.collect(), "has a name that mentions this connection") {
        return Some(found);
    }
    let permissions = permissions(wanted)?;
    let same = others().filter(|live| held_permissions(live) == permissions);
    few(same.collect(), "has exactly the permissions that this entry needs")
}

/// The warning that an entry would get new applications while the only removed entry still has its own: perhaps its key and
/// name were changed together. It appears once per entry, with the command that moves all of its applications.
pub(super) fn renamed(cx: &Context<'_>, wanted: &Wanted, orphans: &[Live<'_>]) -> Option<Diagnostic> {
    let (entry, part) = wanted.address.composite().filter(|_| wanted.address.is_intelligence())?;
    let left: Vec<(Address, &Ikey)> = orphans.iter().filter_map(|live| leaves(cx, live)).collect();
    let (old, _) = left.first()?.0.composite()?;
    let of = |address: &Address, of: &Address| address.composite().is_some_and(|(entry, _)| entry == *of);
    let first = cx.desired.objects.iter().find(|wanted| of(&wanted.address, &entry))?;
    let moves = left.iter().any(|(address, _)| *address == old.part(part));
    if !moves || first.address != wanted.address || left.iter().any(|(address, _)| !of(address, &old)) {
        return None;
    }
    let pairs = cx.desired.objects.iter().filter(|wanted| of(&wanted.address, &entry)).filter_map(|wanted| {
        let (_, part) = wanted.address.composite()?;
        let (_, ikey) = left.iter().find(|(address, _)| *address == old.part(part))?;
        Some(format!("{} {ikey}", wanted.address))
    });
    let command = format!("duoctl adopt {}", pairs.collect::<Vec<_>>().join(" "));
    let message = format!(
        "{}: it would be created, but `{old}` was removed from the YAML: perhaps `{entry}` is its new name",
        wanted.address
    );
    let found = Diagnostic::warning(Code::PossibleDuplicate, wanted.span, message).about(&wanted.address);
    Some(found.help(format!("if so, run `{command}`; if not, `suppress` the warning")))
}

/// An application of an entry that was removed from the YAML, unless the YAML already decides what happens to it.
fn leaves<'l>(cx: &Context<'_>, live: &'l Live<'_>) -> Option<(Address, &'l Ikey)> {
    let marker = live.marker.as_ref().filter(|marker| marker.state == MarkerState::Owned)?;
    let (entry, _) = marker.address.composite().filter(|_| marker.address.is_intelligence())?;
    let declared = cx.desired.handoffs.iter().any(|form| form.address == entry);
    let decided = cx.desired.retains(&marker.address) || cx.desired.takedown.attested.contains_key(&entry);
    (!declared && !decided).then(|| (marker.address.clone(), &live.integration.id))
}

/// The declared permissions; `None` if the type has none.
fn permissions(wanted: &Wanted) -> Option<BTreeSet<String>> {
    match &wanted.settings.get(PERMISSION_LIST)?.value {
        Setting::List(names) => Some(names.iter().map(|name| name.value.clone()).collect()),
        Setting::LeftOut => Some(BTreeSet::new()),
        _ => None,
    }
}

/// Names that an application of the connection may have: that of the console, of the integration there, or the declared one.
fn names<'d>(cx: &Context<'d>, wanted: &'d Wanted) -> Vec<&'d str> {
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
    known.chain(display).chain(own).collect()
}
