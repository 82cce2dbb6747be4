//! Nothing is deleted if the list of applications may be incomplete: a missing application may be the one that the YAML means.

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::Object;

use super::super::observed::Observed;
use super::context::{Context, Parts};
use super::step::Step;

/// Blocks deletions if the account's summary counts more applications than the list contains. An unreadable summary blocks
/// nothing.
pub(super) fn check(cx: &Context<'_>, integrations: &[Object], steps: &[Step]) -> Parts {
    let mut parts = Parts::default();
    let Observed::Present(counted) = cx.observation.counted else { return parts };
    let listed = integrations.len();
    if counted <= listed {
        return parts;
    }
    for step in steps {
        for ikey in step.deletes() {
            let message = format!(
                "{}: {ikey} is not deleted: Duo lists {listed} applications and counts {counted}, so the list may be incomplete",
                step.address
            );
            let found = Diagnostic::error(Code::AccountUnreadable, None, message).help(
                "run again; if the two never agree, revoke the permission info, \"Grant read information\", from duoctl's key to skip this check",
            );
            parts.add(Parts::blocked(&step.address, vec![found]));
        }
    }
    parts
}
