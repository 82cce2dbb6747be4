//! Keys that are older than `max_age` says.

use crate::config::diagnostic::{Code, Diagnostic};

use super::super::age::key_age;
use super::super::desired::DesiredApplication;
use super::super::matching::{Live, Pair};
use super::super::risk::Risk;
use super::build::Builder;
use super::{Action, Step};

impl Builder<'_> {
    /// Says that a key is too old, and has changes of its application wait until it is rotated.
    pub(super) fn check_age(
        &mut self,
        wanted: &DesiredApplication,
        live: Option<&Live<'_>>,
        pair: Option<&Pair<'_>>,
        steps: &mut [Step],
    ) {
        let (Some(most), Some(live)) = (&wanted.max_age, live) else { return };
        let beside = pair.map(|pair| &pair.old.integration.ikey).filter(|old| **old != live.integration.ikey);
        let held = self.held.get(&wanted.address);
        let age = key_age(live.integration, held, self.creations, self.host, beside);
        let address = &wanted.address;
        let limit = most.value.as_hours() / 24;
        match age.is_over(most.value, self.options.now) {
            Some(false) => {}
            Some(true) => {
                let message =
                    format!("{address}: its key is older than {limit} days: it was {}", age.words());
                let help = if pair.is_some() {
                    format!("it is being rotated: `duoctl rotate {address} --status`")
                } else {
                    format!("rotate it: `duoctl rotate {address}`")
                };
                self.problems.push(Diagnostic::warning(Code::KeyTooOld, most.span, message).help(help));
                for step in steps.iter_mut().filter(|step| step.action == Action::Update) {
                    step.inherent
                        .push((Risk::OverdueKey, "its key is older than `max_age` allows; rotate it first"));
                }
            }
            None => {
                let message = format!(
                    "{address}: nobody can tell whether its key is older than {limit} days: it is {}",
                    age.words()
                );
                self.problems
                    .push(Diagnostic::warning(Code::KeyAgeUnknown, most.span, message).help(format!(
                    "grant the operator `Grant read log`, or rotate the key once: `duoctl rotate {address}`"
                )));
            }
        }
    }
}
