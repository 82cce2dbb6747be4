//! Lists for people: rotations, secrets, checks of `doctor`, what was imported.

use std::fmt::Write as _;

use crate::output::document::{
    DoctorDocument, ImportDocument, KeysDocument, LeftOutDocument, LeftOutReason, unmanaged_fields,
};
use crate::output::paint::Paint;
use crate::reconcile::inventory::{Entry, Keeping};
use crate::reconcile::rotation::Rotation;
use crate::text::{counted, safe};
use crate::verify::report::{Check, Verdict};

use super::verdict::{fix, word};

/// All rotations that are under way.
pub(crate) fn status(rotations: &[Rotation], paint: Paint) -> String {
    match rotations {
        [] => "No rotation is under way.\n".to_owned(),
        some => self::rotations(some, paint),
    }
}

/// Each rotation with its stage, what was seen, and what it is waiting for.
pub(crate) fn rotations(rotations: &[Rotation], paint: Paint) -> String {
    let mut text = String::new();
    for rotation in rotations {
        let (title, address) = (paint.notice("@ rotation"), paint.strong(&safe(rotation.address.as_str())));
        let (old, successor) = (safe(rotation.old.as_str()), safe(rotation.successor.as_str()));
        let _ = write!(text, "{title} {address}  {old} -> {successor}");
        if let Some(since) = rotation.since {
            let _ = write!(text, ", under way since {since}");
        }
        let _ = match rotation.delivered_at {
            Some(at) => writeln!(text, ", delivered {at}"),
            None => writeln!(text, ", {}", rotation.stage.words()),
        };
        for seen in &rotation.evidence.seen {
            let _ = writeln!(text, "    {} {}", paint.good("seen:"), safe(seen));
        }
        for waits in &rotation.evidence.waits_for {
            let _ = writeln!(text, "    {} {}", paint.notice("waits for:"), safe(waits));
        }
    }
    text
}

/// One line per application, and a last line that counts.
pub(super) fn keys(keys: &KeysDocument, paint: Paint) -> String {
    let mut text = String::new();
    for entry in &keys.applications {
        let state = match entry.state {
            Keeping::Current => paint.good(entry.state.words()),
            Keeping::Due | Keeping::NotCreated => paint.notice(entry.state.words()),
            Keeping::Unreadable | Keeping::Stopped => paint.bad(entry.state.words()),
            Keeping::CannotTell | Keeping::NotKept => paint.faint(entry.state.words()),
        };
        let _ = write!(text, "{state} {}", paint.strong(&safe(entry.address.as_str())));
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
    let _ = writeln!(text, "{}", keys.last_line());
    text
}

/// Details about the key itself, below its place.
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

/// Every check in order; checks that were skipped for the same reason share a line.
pub(super) fn doctor(doctor: &DoctorDocument, paint: Paint) -> String {
    let mut text = String::new();
    let unmade = |check: &Check| matches!(check.verdict, Verdict::Skipped | Verdict::NotTestable);
    let alike =
        |a: &Check, b: &Check| unmade(a) && a.verdict == b.verdict && a.detail == b.detail && a.fix == b.fix;
    for checks in doctor.checks.chunk_by(alike) {
        let [check, ..] = checks else { continue };
        let names: Vec<String> = checks.iter().map(|check| safe(&check.name)).collect();
        let _ =
            writeln!(text, "{} {}: {}", word(check.verdict, paint), names.join(", "), safe(&check.detail));
        fix(&mut text, check, "    ");
    }
    let _ = writeln!(text, "{}", doctor.last_line());
    text
}

/// The files that got entries, and what was left out and why.
pub(crate) fn import(import: &ImportDocument, paint: Paint) -> String {
    let mut text = String::new();
    let (one, many) =
        if import.has_only_applications() { ("application", "applications") } else { ("object", "objects") };
    for file in &import.files {
        let (sign, path) = (paint.good("+"), paint.strong(&safe(&file.path)));
        let _ = writeln!(text, "{sign} {path}  {}", counted(file.added, one, many));
    }
    for left_out in &import.left_out {
        if let Some(why) = why(left_out) {
            let _ = writeln!(
                text,
                "{} \"{}\" {}  {}",
                paint.notice("? left out"),
                safe(&left_out.name),
                safe(&left_out.integration_key),
                safe(why)
            );
        }
    }
    let unsaid: usize = import.entries.iter().map(|entry| entry.unsaid).sum();
    if unsaid > 0 {
        let values = counted(unsaid, "value", "values");
        let _ = writeln!(text, "Not managed: {values}; comments in the YAML say which and why.");
    }
    if let Some(sentence) = unmanaged_fields(import.unmanaged_fields) {
        let _ = writeln!(text, "{sentence}");
    }
    let _ = writeln!(text, "{}", import.last_line());
    text
}

/// Only reasons that a person may want to act on are listed one by one.
fn why(left_out: &LeftOutDocument) -> Option<&str> {
    match left_out.reason {
        LeftOutReason::Declared | LeftOutReason::OwnedElsewhere | LeftOutReason::NotSelected => None,
        LeftOutReason::Operator => Some("duoctl uses its key; `--include operator` imports it, too"),
        LeftOutReason::IdentityIntelligence => Some(
            "it looks like part of a connection to Identity Intelligence, which `identity_intelligence` describes; \
             `--include identity-intelligence` imports it as a plain application",
        ),
        LeftOutReason::Impossible => Some(left_out.detail.as_deref().unwrap_or_default()),
    }
}
