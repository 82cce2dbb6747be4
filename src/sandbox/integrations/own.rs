//! Applications that change themselves (duo-api.md, section 3.1).

use super::super::call::{Call, Reply};
use super::super::switches::Switches;

/// Whether an application is the caller.
pub(super) fn is(call: &Call, ikey: &str) -> bool {
    call.caller.as_ref().is_some_and(|caller| caller.ikey == ikey)
}

/// Refuses to delete, reset or restrict the calling application; the real code is unknown.
pub(super) fn refusal(switches: &Switches) -> Reply {
    if switches.forbid_self_change { Reply::forbidden() } else { Reply::invalid("integration_key") }
}
