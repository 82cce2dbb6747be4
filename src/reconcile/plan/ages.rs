//! Keys that are older than `max_age` allows.

use crate::diagnostic::{Code, Diagnostic};

use super::super::age::key_age;
use super::super::desired::Wanted;
use super::super::live::Live;
use super::super::observation::Observation;
use super::super::pairing::Pair;
use super::context::Context;
use super::step::{Action, Step};
use crate::kinds::risk::Risk;

/// Reports a key that is too old, and adds a risk to changes of its application until it is rotated.
pub(super) fn check_age(
    cx: &Context<'_>,
    wanted: &Wanted,
    live: Option<&Live<'_>>,
    pair: Option<&Pair<'_>>,
    steps: &mut [Step],
) -> Option<Diagnostic> {
    let (Some(most), Some(live)) = (&wanted.max_age, live) else { return None };
    let previous = pair.map(|pair| &pair.old.integration.id).filter(|old| **old != live.integration.id);
    let Observation { creations, host, .. } = cx.observation;
    let age = key_age(live.integration, cx.held(wanted), creations, host, previous);
    let address = &wanted.address;
    let limit = most.value.as_hours() / 24;
    match age.is_over(most.value, cx.options.now) {
        Some(false) => None,
        Some(true) => {
            let message = format!("{address}: its key is older than {limit} days: it was {}", age.words());
            let help = if pair.is_some() {
                format!("it is being rotated: `duoctl keys status {address}`")
            } else {
                format!("rotate it: `duoctl keys rotate {address}`")
            };
            for step in steps.iter_mut().filter(|step| step.action == Action::Update) {
                step.inherent
                    .push((Risk::OverdueKey, "its key is older than `max_age` allows; rotate it first"));
            }
            Some(Diagnostic::warning(Code::KeyTooOld, most.span, message).help(help))
        }
        None => {
            let message = format!(
                "{address}: cannot tell whether its key is older than {limit} days: it is {}",
                age.words()
            );
            Some(Diagnostic::warning(Code::KeyAgeUnknown, most.span, message).help(format!(
                "grant the operator `Grant read log`, or rotate the key once: `duoctl keys rotate {address}`"
            )))
        }
    }
}
