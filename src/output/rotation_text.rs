//! Rotations that are under way, for people.

use std::fmt::Write as _;

use crate::reconcile::rotation::Rotation;

use super::paint::{Paint, safe};

/// Each rotation with its stage, what was seen and what it waits for.
pub fn render(rotations: &[Rotation], paint: Paint) -> String {
    let mut text = String::new();
    for rotation in rotations {
        let address = paint.strong(&safe(rotation.address.as_str()));
        let _ = write!(
            text,
            "{} {address}  {} -> {}",
            paint.notice("@ rotation"),
            safe(rotation.old.as_str()),
            safe(rotation.successor.as_str()),
        );
        if let Some(since) = rotation.since {
            let _ = write!(text, ", under way since {since}");
        }
        match rotation.delivered_at {
            Some(at) => {
                let _ = writeln!(text, ", delivered {at}");
            }
            None => {
                let _ = writeln!(text, ", {}", rotation.stage.words());
            }
        }
        for seen in &rotation.evidence.seen {
            let _ = writeln!(text, "    {} {}", paint.good("seen:"), safe(seen));
        }
        for waits in &rotation.evidence.waits_for {
            let _ = writeln!(text, "    {} {}", paint.notice("waits for:"), safe(waits));
        }
    }
    text
}
