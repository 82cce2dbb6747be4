//! Console sheets: what a person has to enter, for people and for tickets.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::reconcile::address::Address;
use crate::reconcile::handoff::{ConsoleField, Handoff, Purpose};
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
    again(&mut text, handoff);
    form(&mut text, handoff, &fields, &HashMap::new(), paint);
    text
}

/// Which fields have to be entered again, where some of them stay.
fn again(text: &mut String, handoff: &Handoff) {
    let names: Vec<&str> = handoff.changed().map(|field| field.label).collect();
    let left = handoff.fields.len() - names.len();
    if !names.is_empty() {
        let stay = if left == 1 { "field stays as it is" } else { "fields stay as they are" };
        let _ = writeln!(text, "    enter again: {}; the other {left} {stay}", names.join(", "));
    }
}

/// The whole form, field by field in its order, with a mark at those that have to be entered again. `secrets` are shown in clear, by the address of their application.
pub fn sheet(handoff: &Handoff, secrets: &HashMap<Address, Secret>, paint: Paint) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} {}", paint.calm("handoff"), paint.strong(handoff.address.as_str()));
    let _ = writeln!(text, "    {}; {}", handoff.place, state(handoff));
    again(&mut text, handoff);
    let fields: Vec<&ConsoleField> = handoff.fields.iter().collect();
    form(&mut text, handoff, &fields, secrets, paint);
    text
}

/// Where the attestation stands, in words.
pub fn state(handoff: &Handoff) -> String {
    let removed = handoff.purpose == Purpose::Remove;
    let Some(attested) = &handoff.attested else {
        if removed {
            return "it left the YAML, and nobody has attested yet that it is removed there".to_owned();
        }
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
        let forced = attestation.forced.map(|why| format!(", against the public API: {}", safe(&why)));
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
    handoff: &Handoff,
    fields: &[&ConsoleField],
    secrets: &HashMap<Address, Secret>,
    paint: Paint,
) {
    let width = fields.iter().map(|field| field.label.chars().count()).max().unwrap_or_default();
    // Where only such fields are listed, a mark would say nothing.
    let marked = handoff.changed().count() > 0 && fields.len() == handoff.fields.len();
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
        let mark = if marked && field.outstanding { "* " } else { "  " };
        let _ = writeln!(text, "    {mark}{:width$}  {value}", field.label);
    }
    for (number, (step, _)) in steps(handoff).iter().enumerate() {
        let _ = writeln!(text, "    {}. {step}", number + 1);
    }
}

/// What to press after the form is filled in, and the attestation where there is something to attest. The second says
/// whether it is a command.
fn steps(handoff: &Handoff) -> Vec<(String, bool)> {
    let mut steps: Vec<(String, bool)> =
        handoff.then.iter().map(|step| ((*step).to_owned(), false)).collect();
    if handoff.fingerprint.is_some() && !handoff.is_attested() {
        steps.push((format!("duoctl attest {}", safe(short_name(&handoff.address))), true));
    }
    if handoff.purpose == Purpose::Remove {
        steps.push(("duoctl apply --prune".to_owned(), true));
    }
    steps
}

fn shown(field: &ConsoleField, entry: &Address) -> String {
    let value = safe(field.value.as_deref().unwrap_or_default());
    if field.secret { where_it_is(field, entry, &value, safe) } else { value }
}

/// Where a person finds a secret key that ends in `end`. `plain` writes text from outside.
fn where_it_is(field: &ConsoleField, entry: &Address, end: &str, plain: impl Fn(&str) -> String) -> String {
    let from = match &field.delivered_to {
        Some(place) => format!("it is delivered to {}", plain(place)),
        None => format!(
            "copy it from the Duo Admin Panel, or from `duoctl handoff {} --reveal`",
            safe(short_name(entry))
        ),
    };
    if end.is_empty() { from } else { format!("{from}; it ends in {end}") }
}

/// The whole form as Markdown, for a ticket.
pub fn markdown(handoff: &Handoff) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "## {}\n", cell(handoff.address.as_str()));
    let _ = writeln!(text, "{}; {}.\n", cell(handoff.place), cell(&state(handoff)));
    let wanted = if handoff.purpose == Purpose::Remove { "to look for" } else { "to enter" };
    let _ = writeln!(text, "| tab | field | value | {wanted} |\n|---|---|---|---|");
    for field in &handoff.fields {
        let value = match &field.value {
            None => "known after the apply".to_owned(),
            Some(value) if field.secret => where_it_is(field, &handoff.address, &code(value), cell),
            Some(value) => code(value),
        };
        let enter = if field.outstanding { "yes" } else { "as it is" };
        let _ = writeln!(text, "| {} | {} | {value} | {enter} |", field.tab, field.label);
    }
    text.push('\n');
    for (number, (step, is_command)) in steps(handoff).iter().enumerate() {
        let step = if *is_command { code(step) } else { cell(step) };
        let _ = writeln!(text, "{}. {step}", number + 1);
    }
    text
}

/// Text that Markdown neither takes for markup nor for the end of a cell.
fn cell(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in safe(text).chars() {
        if matches!(c, '\\' | '|' | '*' | '_' | '[' | ']' | '<' | '`' | '#' | '~' | '&') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Text that is to be copied as it is; empty for an empty one.
fn code(text: &str) -> String {
    let text = safe(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    // A space on both sides is not part of the code, and keeps its backticks apart from the fence.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    match text.as_str() {
        "" => text,
        text => format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_no_markup() {
        assert_eq!(cell("a|b_c <x> `d`"), "a\\|b\\_c \\<x> \\`d\\`");
        assert_eq!(code("Duo|EMEA"), "`Duo\\|EMEA`");
        assert_eq!(code("a``b`"), "``` a``b` ```");
        assert_eq!(code("a\nb"), "`a\\u{a}b`");
    }
}
