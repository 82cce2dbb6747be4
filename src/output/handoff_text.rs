//! Console sheets: what a person has to enter, for people and for tickets.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::reconcile::address::Address;
use crate::reconcile::handoff::{ConsoleField, Handoff};
use crate::secret::Secret;

use super::paint::{Paint, safe};

/// The name of an entry as people type it.
pub fn short_name(address: &Address) -> &str {
    address.as_str().rsplit('.').next().unwrap_or_default()
}

/// What has to be entered now: the fields that nobody attested with the values of now.
pub fn outstanding(handoff: &Handoff, paint: Paint) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} {}", paint.calm("* handoff"), paint.strong(handoff.address.as_str()));
    let _ = writeln!(text, "    {}; {}", handoff.place, state(handoff));
    let fields: Vec<&ConsoleField> = handoff.fields.iter().filter(|field| field.outstanding).collect();
    let left = handoff.fields.len() - fields.len();
    if left > 0 {
        let names: Vec<&str> = fields.iter().map(|field| field.label).collect();
        let stay = if left == 1 { "field stays as it is" } else { "fields stay as they are" };
        let _ = writeln!(text, "    enter again: {}; the other {left} {stay}", names.join(", "));
    }
    form(&mut text, handoff, &fields, &HashMap::new(), paint);
    text
}

/// The whole form, field by field in its order. `secrets` are shown in clear, by the address of their application.
pub fn sheet(handoff: &Handoff, secrets: &HashMap<Address, Secret>, paint: Paint) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} {}", paint.calm("handoff"), paint.strong(handoff.address.as_str()));
    let _ = writeln!(text, "    {}; {}", handoff.place, state(handoff));
    let fields: Vec<&ConsoleField> = handoff.fields.iter().collect();
    form(&mut text, handoff, &fields, secrets, paint);
    text
}

/// Where the attestation stands, in words.
pub fn state(handoff: &Handoff) -> String {
    let Some(attested) = &handoff.attested else {
        let known = handoff.fingerprint.is_some();
        let words = if known {
            "nobody has attested yet that the console holds these values"
        } else {
            "some values are known after the apply"
        };
        return words.to_owned();
    };
    let when = handoff.attestation().and_then(|attestation| {
        let at = attestation.at?;
        let by = attestation.by.map(|by| format!(" by {}", safe(&by)));
        Some(format!(", on {at:.0}{}", by.unwrap_or_default()))
    });
    let when = when.unwrap_or_default();
    if handoff.is_attested() {
        return format!("attested{when}");
    }
    let fingerprint = attested.split(' ').next().unwrap_or_default();
    format!("attested for older values{when} ({})", safe(fingerprint))
}

fn form(
    text: &mut String,
    handoff: &Handoff,
    fields: &[&ConsoleField],
    secrets: &HashMap<Address, Secret>,
    paint: Paint,
) {
    let width = fields.iter().map(|field| field.label.chars().count()).max().unwrap_or_default();
    let mut tab = "";
    for field in fields {
        if field.tab != tab {
            tab = field.tab;
            let _ = writeln!(text, "    {tab}");
        }
        let revealed =
            field.application.as_ref().filter(|_| field.secret).and_then(|address| secrets.get(address));
        let value = match revealed {
            Some(secret) => safe(secret.expose()),
            None => match &field.value {
                None => paint.faint("(known after the apply)"),
                Some(_) => shown(field, &handoff.address),
            },
        };
        let _ = writeln!(text, "      {:width$}  {value}", field.label);
    }
    for (number, step) in steps(handoff).iter().enumerate() {
        let _ = writeln!(text, "    {}. {step}", number + 1);
    }
}

/// What to press after the form is filled in, and the attestation where there is something to attest.
fn steps(handoff: &Handoff) -> Vec<String> {
    let mut steps: Vec<String> = handoff.then.iter().map(|step| (*step).to_owned()).collect();
    if handoff.fingerprint.is_some() && !handoff.is_attested() {
        steps.push(format!("duoctl attest {}", safe(short_name(&handoff.address))));
    }
    steps
}

fn shown(field: &ConsoleField, entry: &Address) -> String {
    let value = field.value.as_deref().unwrap_or_default();
    if !field.secret {
        return safe(value);
    }
    let from = match &field.delivered_to {
        Some(place) => format!("it is delivered to {}", safe(place)),
        None => format!(
            "copy it from the Duo Admin Panel, or from `duoctl handoff {} --reveal`",
            safe(short_name(entry))
        ),
    };
    if value.is_empty() { from } else { format!("{from}; it ends in {}", safe(value)) }
}

/// The whole form as Markdown, for a ticket.
pub fn markdown(handoff: &Handoff) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "## {}\n", cell(handoff.address.as_str()));
    let _ = writeln!(text, "{}; {}.\n", cell(handoff.place), cell(&state(handoff)));
    let _ = writeln!(text, "| tab | field | value | to enter |\n|---|---|---|---|");
    for field in &handoff.fields {
        let value = match &field.value {
            None => "known after the apply".to_owned(),
            Some(_) => shown(field, &handoff.address),
        };
        let enter = if field.outstanding { "yes" } else { "as it is" };
        let _ = writeln!(text, "| {} | {} | {} | {enter} |", field.tab, field.label, cell(&value));
    }
    text.push('\n');
    for (number, step) in steps(handoff).iter().enumerate() {
        let _ = writeln!(text, "{}. {}", number + 1, cell(step));
    }
    text
}

/// Text that Markdown neither takes for markup nor for the end of a cell.
fn cell(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '|' | '*' | '_' | '[' | ']' | '<' | '>' | '#') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
