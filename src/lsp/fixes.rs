//! The changes that fix a finding, as edits of the text. A change that cannot be made safely is not offered.

use std::ops::Range;

use serde_json::Value;

use crate::config::edit;
use crate::config::edit::writing;
use crate::diagnostic::{Fix, Span};
use crate::yaml::{self, Data, Entry, Node};

/// An edit of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

/// A change with its title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) title: String,
    pub(super) edit: Edit,
}

/// The change of a text that a fix makes; `None` if it cannot be made here.
pub(super) fn change(fix: &Fix, span: Span, text: &str, tree: Option<&Node>) -> Option<Change> {
    let place = span.start..span.end;
    let written = text.get(place.clone())?;
    let (title, edit) = match fix {
        Fix::Write(new) => (format!("Change to `{new}`"), Edit { range: place, text: new.clone() }),
        Fix::Enclose(before, after) => {
            let new = format!("{before}{written}{after}");
            (format!("Change to `{new}`"), Edit { range: place, text: new })
        }
        Fix::Replace(old, new) => {
            let at = span.start + written.find(old.as_str())?;
            (format!("Change to `{new}`"), Edit { range: at..at + old.len(), text: new.clone() })
        }
        Fix::Remove => {
            let found = find(tree?, span)?;
            let path = keys(&found.path)?;
            let name = path.last()?;
            (format!("Remove `{name}`"), difference(text, &edit::remove(text, &path).ok()?))
        }
        Fix::RemoveItem => ("Remove the item".to_owned(), without_item(text, tree?, span)?),
        Fix::Set(key, value) => (format!("Set `{key}: {value}`"), set(text, tree, span, key, value)?),
    };
    Some(Change { title, edit })
}

/// One step to a node.
#[derive(Clone, Debug)]
enum Step<'n> {
    Key(&'n str),
    Item,
}

/// A node, and the way to it.
struct Found<'n> {
    path: Vec<Step<'n>>,
    node: &'n Node,
}

/// The value of the key at a place, or the value at a place.
fn find(tree: &Node, span: Span) -> Option<Found<'_>> {
    let is = |other: Span| (other.start, other.end) == (span.start, span.end);
    let mut path = Vec::new();
    let mut node = tree;
    loop {
        let step = match &node.data {
            Data::Mapping(entries) => {
                let around = |entry: &&Entry| {
                    entry.key.span.start <= span.start
                        && span.end <= entry.value.span.end.max(entry.key.span.end)
                };
                let entry = entries.iter().find(around)?;
                path.push(Step::Key(&entry.key.value));
                node = &entry.value;
                is(entry.key.span) || is(entry.value.span)
            }
            Data::List(items) => {
                let item =
                    items.iter().find(|item| item.span.start <= span.start && span.end <= item.span.end)?;
                path.push(Step::Item);
                node = item;
                is(item.span)
            }
            Data::Null | Data::Flag(_) | Data::Number(..) | Data::Text(_) => return None,
        };
        if step {
            return Some(Found { path, node });
        }
    }
}

/// A way of keys only: others cannot be edited by it.
fn keys<'n>(path: &[Step<'n>]) -> Option<Vec<&'n str>> {
    path.iter().map(|step| if let Step::Key(key) = step { Some(*key) } else { None }).collect()
}

fn set(text: &str, tree: Option<&Node>, span: Span, key: &str, value: &str) -> Option<Edit> {
    let json = yaml::parse(0, value, &mut Vec::new())?.json();
    // A missing key of the file itself has the beginning of the file as its place.
    let at_top = span.start == span.end;
    let found = if at_top { None } else { Some(find(tree?, span)?) };
    let path = found.as_ref().map_or_else(|| Some(Vec::new()), |found| keys(&found.path));
    if let Some(mut path) = path {
        path.push(key);
        return Some(difference(text, &edit::set(text, &path, &json).ok()?));
    }
    in_item(text, found?.node, key, &json)
}

/// Adds a key to a mapping within a list, which the way of keys cannot name.
fn in_item(text: &str, node: &Node, key: &str, value: &Value) -> Option<Edit> {
    let Data::Mapping(entries) = &node.data else { return None };
    let (first, last) = (entries.first()?, entries.last()?);
    let line = format!("{key}: {}", writing::inline(value));
    let at = last.value.span.end.max(last.key.span.end);
    let edit = if text.get(node.span.start..)?.starts_with('{') {
        Edit { range: at..at, text: format!(", {line}") }
    } else {
        let begin = text.get(..first.key.span.start)?.rfind('\n').map_or(0, |newline| newline + 1);
        let column = text.get(begin..first.key.span.start)?.chars().count();
        let end = at + text.get(at..)?.find('\n').unwrap_or(text.len() - at);
        Edit { range: end..end, text: format!("\n{}{line}", " ".repeat(column)) }
    };
    let after = apply(text, &edit);
    parses(&after).then_some(edit)
}

/// Removes the innermost item of a list that a place is in; the only item with its key.
fn without_item(text: &str, tree: &Node, span: Span) -> Option<Edit> {
    let mut node = tree;
    let mut found: Option<(usize, &[Node], Vec<Step<'_>>)> = None;
    let mut path = Vec::new();
    loop {
        let around = |other: Span| other.start <= span.start && span.end <= other.end;
        match &node.data {
            Data::Mapping(entries) => {
                let Some(entry) =
                    entries.iter().find(|entry| around(entry.key.span) || around(entry.value.span))
                else {
                    break;
                };
                path.push(Step::Key(&entry.key.value));
                node = &entry.value;
            }
            Data::List(items) => {
                let Some(index) = items.iter().position(|item| around(item.span)) else { break };
                found = Some((index, items, path.clone()));
                path.push(Step::Item);
                node = items.get(index)?;
            }
            Data::Null | Data::Flag(_) | Data::Number(..) | Data::Text(_) => break,
        }
    }
    let (index, items, path) = found?;
    if items.len() == 1 {
        return Some(difference(text, &edit::remove(text, &keys(&path)?).ok()?));
    }
    let item = items.get(index)?;
    let begin = text.get(..item.span.start)?.rfind('\n').map_or(0, |newline| newline + 1);
    let before = text.get(begin..item.span.start)?;
    let range = if before.trim() == "-" {
        let end =
            text.get(item.span.end..)?.find('\n').map_or(text.len(), |newline| item.span.end + newline + 1);
        begin..end
    } else {
        match items.get(index + 1) {
            Some(next) => item.span.start..next.span.start,
            None => items.get(index.checked_sub(1)?)?.span.end..item.span.end,
        }
    };
    let edit = Edit { range, text: String::new() };
    let after = apply(text, &edit);
    let shorter = |node: &Node| yaml::size(node) + yaml::size(item);
    let parsed = yaml::parse(0, &after, &mut Vec::new())?;
    (shorter(&parsed) == yaml::size(tree)).then_some(edit)
}

fn parses(text: &str) -> bool {
    let mut findings = Vec::new();
    yaml::parse(0, text, &mut findings).is_some() && findings.is_empty()
}

fn apply(text: &str, edit: &Edit) -> String {
    let mut text = text.to_owned();
    text.replace_range(edit.range.clone(), &edit.text);
    text
}

/// The smallest single edit that turns one text into another.
pub(super) fn difference(before: &str, after: &str) -> Edit {
    let same = |(one, other): &(char, char)| one == other;
    let length = |(c, _): (char, char)| c.len_utf8();
    let start: usize = before.chars().zip(after.chars()).take_while(same).map(length).sum();
    let rest = (before.get(start..).unwrap_or_default(), after.get(start..).unwrap_or_default());
    let end: usize = rest.0.chars().rev().zip(rest.1.chars().rev()).take_while(same).map(length).sum();
    let text = after.get(start..after.len() - end).unwrap_or_default().to_owned();
    Edit { range: start..before.len() - end, text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::load::load_text;

    const HEAD: &str = "version: 1\nworkspace: acme\ntenant: {api_hostname: api-1a2b3c4d.duosecurity.com}\n";

    /// What a text becomes by the first change of the first finding that has one.
    fn fixed(text: &str) -> String {
        let loaded = load_text("duo.yaml".into(), text.to_owned());
        let tree = yaml::parse(0, text, &mut Vec::new());
        let found = loaded.diagnostics.iter().filter_map(|it| Some((it.fixes.first()?, it.span?)));
        let change = found.map(|(fix, span)| change(fix, span, text, tree.as_ref())).next();
        let change = change.unwrap_or_else(|| panic!("no fix: {:?}", loaded.diagnostics));
        apply(text, &change.unwrap_or_else(|| panic!("not possible: {text}")).edit)
    }

    #[test]
    fn each_kind_of_fix_changes_only_what_it_says() {
        let application = |lines: &str| {
            format!("{HEAD}applications:\n  vpn:\n    type: radius\n    name: VPN\n{lines}    # the end\n")
        };
        let access = "    user_access: no_users # why\n";
        for (broken, good) in [
            ("    user_acces: no_users # why\n", access.to_owned()),
            ("    user_access: no-users # why\n", access.to_owned()),
            (
                "    user_access: no_users # why\n    self_service_allowed: yes\n",
                format!("{access}    self_service_allowed: true\n"),
            ),
            ("    user_access: no_users # why\n    notes: 12\n", format!("{access}    notes: \"12\"\n")),
            ("    user_access: no_users # why\n    permissions: [info]\n", access.to_owned()),
            (
                "    user_access: permitted_groups # why\n    groups_allowed: VPN Users\n",
                "    user_access: permitted_groups # why\n    groups_allowed: [VPN Users]\n".to_owned(),
            ),
        ] {
            assert_eq!(fixed(&application(broken)), application(&good), "{broken}");
        }
        let typo = application(access).replace("radius", "radus");
        assert_eq!(fixed(&typo), application(access));
        let missing = application(access).replace("    name: VPN\n", "");
        assert!(fixed(&missing).contains("\n    name: "), "{}", fixed(&missing));
        let store = application(&format!("{access}    secret: {{store: valt, path: vpn}}\n"));
        let stores = "secret_stores: {vault: {type: file, path: secrets}}\n";
        assert!(fixed(&format!("{store}{stores}")).contains("{store: vault, path: vpn}"));
        let variable = application(&format!("{access}    greeting: Hi ${{vars.hots}}!\n"));
        let vars = "vars: {host: {default: x}}\n";
        assert!(fixed(&format!("{variable}{vars}")).contains("Hi ${vars.host}!"));
    }

    #[test]
    fn a_secret_becomes_a_source_and_an_idle_item_goes() {
        let credentials = format!(
            "{}\n",
            HEAD.trim_end()
                .replace('}', ", credentials: {integration_key: {env: DUO_IKEY}, secret_key: hunter2}}")
        );
        assert!(fixed(&credentials).contains("secret_key: {env: NAME}}"), "{}", fixed(&credentials));
        let allow = |items: &str| {
            format!(
                "{HEAD}applications:\n  vpn: {{type: radius, name: VPN, user_access: no_users}}\nguards:\n  max_deletes: 1\n{items}"
            )
        };
        let one = "    - {risk: widens_access, address: applications.vpn, reason: r}\n";
        let other = "    - risk: widens_access\n      address: applications.nothing\n      reason: r\n";
        assert_eq!(fixed(&allow(&format!("  allow:\n{one}{other}"))), allow(&format!("  allow:\n{one}")));
        assert_eq!(fixed(&allow(&format!("  allow:\n{other}"))), allow(""));
        let flow = "  allow: [{risk: widens_access, address: applications.vpn, reason: r}, {risk: widens_access, address: applications.no, reason: r}]\n";
        assert_eq!(
            fixed(&allow(flow)),
            allow("  allow: [{risk: widens_access, address: applications.vpn, reason: r}]\n")
        );
        let missing = allow("  allow:\n    - risk: widens_access\n      address: applications.vpn\n");
        assert_eq!(fixed(&missing), format!("{missing}      reason: ticket 4711\n"));
    }

    proptest! {
        #[test]
        fn a_difference_turns_one_text_into_the_other(before in "[ab\u{e9}\u{1f511}\n]{0,12}", after in "[ab\u{e9}\u{1f511}\n]{0,12}") {
            let edit = difference(&before, &after);
            prop_assert_eq!(apply(&before, &edit), after);
        }
    }
}
