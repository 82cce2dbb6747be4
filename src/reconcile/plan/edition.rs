//! Whether the account's Duo plan includes what the YAML needs.

use crate::config::model::DuoPlan;
use crate::diagnostic::{Code, Diagnostic};

use super::context::{Context, Parts};
use crate::kinds::address::Address;

/// Blocks the applications of entries that need a larger plan, and warns if the account's plan is not the declared one.
pub(super) fn check(cx: &Context<'_>) -> Parts {
    let mut parts = Parts::default();
    let Some(edition) = &cx.observation.account.edition else { return parts };
    let Some(actual) = DuoPlan::from_edition(edition) else { return parts };
    for form in &cx.desired.handoffs {
        // With a declared plan, the offline check has reported this already.
        let recommended =
            form.recommended.as_ref().filter(|(plan, _)| cx.desired.plan.is_none() && actual >= *plan);
        let covered = cx.options.selection.covers(&form.address);
        parts.problems.extend(recommended.filter(|_| covered).map(|(_, note)| note.clone()));
        let Some(needed) = form.needs_plan.as_ref().filter(|needed| actual < needed.value) else {
            continue;
        };
        let of_form = |address: &&Address| {
            address.composite().is_some_and(|(entry, _)| entry == form.address)
                && cx.options.selection.covers(address)
        };
        let wanted = cx.desired.objects.iter().map(|wanted| &wanted.address);
        let blocked: Vec<Address> = wanted.filter(of_form).cloned().collect();
        if blocked.is_empty() {
            continue;
        }
        let message = format!(
            "{}: the account's plan is {edition}, and `endpoints` needs Duo Advantage or Premier",
            form.address
        );
        parts.problems.push(
            Diagnostic::error(Code::PlanTooSmall, needed.span, message).help(
                "write `endpoints: false`: Identity Intelligence cannot collect endpoints on this plan",
            ),
        );
        parts.blocked.extend(blocked);
    }
    if let Some(declared) = cx.desired.plan.as_ref().filter(|declared| declared.value != actual) {
        let message = format!("the account's plan is {edition}, not the declared one");
        parts.problems.push(
            Diagnostic::warning(Code::AccountMismatch, declared.span, message).help("correct `tenant.plan`"),
        );
    }
    parts
}
