//! Console sheets: the values that a person has to enter.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::language::address::Place;
use crate::language::attestation::Attestation;
use crate::output::document::{ConsoleFieldDocument, HandoffDocument, HandoffsDocument};
use crate::output::paint::Paint;
use crate::reconcile::handoff::Purpose;
use crate::secret::Secret;
use crate::text::safe;

/// The fields to enter now: those that are not attested with their current values.
pub(super) fn outstanding(handoff: &HandoffDocument, paint: Paint) -> String {
    let mut text = head("* handoff", handoff, paint);
    let fields: Vec<_> = handoff.fields.iter().filter(|field| field.outstanding).collect();
    form(&mut text, handoff, &fields, &HashMap::new(), paint);
    text
}

/// The whole forms, field by field in order, with a mark at fields that have to be entered again. `secrets` are shown in
/// plain text, by the address of their application.
pub(crate) fn sheets(document: &HandoffsDocument, secrets: &HashMap<String, Secret>, paint: Paint) -> String {
    if document.handoffs.is_empty() {
        let none = "The YAML has no entry under `identity_intelligence`, so there is nothing to hand over.\n";
        return none.to_owned();
    }
    let sheet = |handoff: &HandoffDocument| {
        let mut text = head("handoff", handoff, paint);
        form(&mut text, handoff, &handoff.fields.iter().collect::<Vec<_>>(), secrets, paint);
        text
    };
    document.handoffs.iter().map(sheet).collect::<Vec<_>>().join("\n")
}

fn head(title: &str, handoff: &HandoffDocument, paint: Paint) -> String {
    let (title, address) = (paint.calm(title), paint.strong(&safe(&handoff.address)));
    let mut text = format!("{title} {address}\n    {}; {}\n", safe(&handoff.place), state(handoff));
    let names: Vec<String> = handoff.changed().iter().map(|field| safe(&field.label)).collect();
    let left = handoff.fields.len() - names.len();
    if !names.is_empty() {
        let stay = if left == 1 { "field stays as it is" } else { "fields stay as they are" };
        let _ = writeln!(text, "    enter again: {}; the other {left} {stay}", names.join(", "));
    }
    text
}

/// The state of the attestation, in words.
pub(crate) fn state(handoff: &HandoffDocument) -> String {
    let removed = handoff.purpose == Purpose::Remove;
    if let Some(lapsed) = &handoff.lapsed {
        return safe(lapsed);
    }
    let Some(attested) = &handoff.attested else {
        let words = match handoff.fingerprint {
            _ if removed => "it left the YAML, and its removal in the console is not attested yet",
            Some(_) => "these values are not attested yet",
            None if handoff.fields.iter().any(|field| field.withheld.is_some()) => {
                "some values are not shown, because it is not proven which application they belong to"
            }
            None => "some values are known after the apply",
        };
        return words.to_owned();
    };
    let when = Attestation::parse(attested).and_then(|attestation| {
        let at = attestation.at?;
        let by = attestation.by.map(|by| format!(" by {}", safe(&by)));
        let forced =
            attestation.forced.map(|why| format!(", without confirmation by the public API: {}", safe(&why)));
        Some(format!(", on {at:.0}{}{}", by.unwrap_or_default(), forced.unwrap_or_default()))
    });
    let when = when.unwrap_or_default();
    if handoff.is_attested() {
        return format!("{}attested{when}", if removed { "its removal is " } else { "" });
    }
    let fingerprint = attested.split(' ').next().unwrap_or_default();
    format!("attested for older values{when} ({})", safe(fingerprint))
}

fn form(
    text: &mut String,
    handoff: &HandoffDocument,
    fields: &[&ConsoleFieldDocument],
    secrets: &HashMap<String, Secret>,
    paint: Paint,
) {
    let width = fields.iter().map(|field| field.label.chars().count()).max().unwrap_or_default();
    // If only outstanding fields are listed, a mark adds nothing.
    let marked = !handoff.changed().is_empty() && fields.len() == handoff.fields.len();
    let mut tab = "";
    for field in fields {
        if field.tab != tab {
            tab = &field.tab;
            let _ = writeln!(text, "    {}", safe(tab));
        }
        let revealed = field.application.as_ref().filter(|_| field.secret).and_then(|it| secrets.get(it));
        let value = match (revealed, &field.value) {
            (Some(secret), _) => safe(secret.expose()),
            (None, None) => paint.faint(&value(field, handoff)),
            (None, Some(_)) => value(field, handoff),
        };
        let mark = if marked && field.outstanding { "* " } else { "  " };
        let _ = writeln!(text, "    {mark}{:width$}  {value}", safe(&field.label));
    }
    for (number, (step, command)) in steps(handoff).iter().enumerate() {
        let step = if *command { format!("`{}`", safe(step)) } else { safe(step) };
        let _ = writeln!(text, "    {}. {step}", number + 1);
    }
}

/// The steps after the form is filled in, and the attestation if there is something to attest. The flag says whether
/// the step is a command.
pub(crate) fn steps(handoff: &HandoffDocument) -> Vec<(String, bool)> {
    let mut steps: Vec<(String, bool)> = handoff.then.iter().map(|step| (step.clone(), false)).collect();
    if handoff.fingerprint.is_some() && !handoff.is_attested() {
        steps.push((format!("duoctl attest {}", Place::entry(&handoff.address)), true));
    }
    if handoff.purpose == Purpose::Remove {
        steps.push(("duoctl apply --prune".to_owned(), true));
    }
    steps
}

/// What to enter in a field, or where to find it.
pub(crate) fn value(field: &ConsoleFieldDocument, handoff: &HandoffDocument) -> String {
    match &field.value {
        None => format!("({})", unknown(field)),
        Some(end) if field.secret => where_it_is(field, handoff, &safe(end), safe),
        Some(value) => safe(value),
    }
}

/// Why a field has no value.
pub(crate) fn unknown(field: &ConsoleFieldDocument) -> String {
    match &field.withheld {
        Some(ikey) => format!("not shown: {} is not proven to be the right application", safe(ikey)),
        None => "known after the apply".to_owned(),
    }
}

/// Where to find a secret key that ends in `end`. `plain` formats text from outside.
pub(crate) fn where_it_is(
    field: &ConsoleFieldDocument,
    handoff: &HandoffDocument,
    end: &str,
    plain: impl Fn(&str) -> String,
) -> String {
    let from = match &field.delivered_to {
        Some(place) => format!("it is delivered to {}", plain(place)),
        None => format!(
            "copy it from the Duo Admin Panel, or from `duoctl handoff {} --reveal`",
            safe(Place::entry(&handoff.address))
        ),
    };
    if end.is_empty() { from } else { format!("{from}; it ends in {end}") }
}
