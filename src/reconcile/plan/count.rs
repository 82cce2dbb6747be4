//! Nothing is deleted on the word of a list that may lack applications: the one that is missing may be the one that the
//! YAML means.

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::types::Integration;

use super::super::observed::Observed;
use super::context::{Context, Parts};
use super::step::Step;

/// Holds back what deletes, where the account's summary counts more applications than its list has. A summary that cannot
/// be read holds nothing back.
pub(super) fn check(cx: &Context<'_>, integrations: &[Integration], steps: &[Step]) -> Parts {
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
