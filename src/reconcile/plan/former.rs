//! The former name of a workspace: which applications still carry it, and when `formerly` is no longer needed.

use super::super::live::Live;
use super::context::Context;
use crate::diagnostic::{Code, Diagnostic};

/// How many applications are listed at most.
const NAMED: usize = 5;

/// The note about `formerly`. `carriers` is how many applications carry the former name; `left_behind` are those that no
/// address takes over.
pub(super) fn check(cx: &Context<'_>, carriers: usize, left_behind: &[Live<'_>]) -> Option<Diagnostic> {
    let former = cx.desired.formerly.as_ref()?;
    let note = |message: String| Diagnostic::note(Code::FormerName, former.span, message);
    if carriers == 0 {
        let message = format!("no application carries the former name `{}` any longer", former.value);
        return Some(note(message).help("remove `formerly`"));
    }
    let mut left: Vec<String> = left_behind
        .iter()
        .filter_map(|live| Some(format!("{} ({})", live.integration.id, live.marker.as_ref()?.address)))
        .collect();
    if left.is_empty() {
        return None;
    }
    left.sort_unstable();
    let (count, are) = (left.len(), if left.len() == 1 { "application keeps" } else { "applications keep" });
    let more = count.saturating_sub(NAMED);
    left.truncate(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let message = format!(
        "{count} {are} the former name `{}`, with no matching address in the YAML: {}{more}",
        former.value,
        left.join(", ")
    );
    Some(note(message).help("duoctl leaves these unchanged; to manage one, declare it at its address"))
}
