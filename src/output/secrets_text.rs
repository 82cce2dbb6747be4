//! The inventory of secrets for people.

use std::fmt::Write as _;

use crate::reconcile::inventory::{Entry, Keeping};

use super::paint::{Paint, safe};

/// One line per application, and a last line that counts.
pub fn render(entries: &[Entry], paint: Paint) -> String {
    let mut text = String::new();
    for entry in entries {
        let state = match entry.state {
            Keeping::Current => paint.good(entry.state.words()),
            Keeping::Due | Keeping::NotCreated => paint.notice(entry.state.words()),
            Keeping::Unreadable => paint.bad(entry.state.words()),
            Keeping::CannotTell | Keeping::NotKept => paint.faint(entry.state.words()),
        };
        let _ = write!(text, "{state} {}", paint.strong(entry.address.as_str()));
        if let Some(ikey) = &entry.integration_key {
            let _ = write!(text, " {}", safe(ikey.as_str()));
        }
        if let Some(place) = &entry.place {
            let _ = write!(text, "  {}", safe(place));
        }
        if let Some(at) = &entry.delivered_at {
            let _ = write!(text, ", delivered {}", safe(at));
        }
        if let Some(reason) = &entry.reason {
            let _ = write!(text, ": {}", safe(reason));
        }
        text.push('\n');
        details(&mut text, entry, paint);
    }
    let count = |state| entries.iter().filter(|entry| entry.state == state).count();
    let kept = entries.len() - count(Keeping::NotKept);
    let _ = writeln!(text, "Secrets: {} of {kept} are current.", count(Keeping::Current));
    text
}

/// What is known of the key itself, below its place.
fn details(text: &mut String, entry: &Entry, paint: Paint) {
    if let Some(age) = entry.age.as_ref().filter(|_| entry.state != Keeping::NotKept) {
        let over =
            if entry.overdue == Some(true) { paint.bad(", older than max_age") } else { String::new() };
        let _ = writeln!(text, "    key {}{over}", safe(&age.words()));
    }
    if let Some(since) = entry.rotating_since {
        let _ = writeln!(text, "    {} since {since}", paint.notice("being rotated"));
    }
    if let Some(proof) = &entry.proof {
        let proof = safe(proof);
        let proof = match entry.proven {
            Some(true) => paint.good(&proof),
            Some(false) => paint.bad(&proof),
            None => paint.faint(&proof),
        };
        let _ = writeln!(text, "    {proof}");
    }
}
