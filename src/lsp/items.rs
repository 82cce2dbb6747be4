//! What can be written at a place, each with its explanation: for completion, and for the explanation of a value.

use crate::config::language::{ALLOWANCE, SUPPRESSION};
use crate::diagnostic::Code;
use crate::duo::catalogue::{kinds, lookup};
use crate::kinds::Kind;
use crate::kinds::application::entry::APPLICATION;
use crate::kinds::application::fields::{FIELDS, IGNORE, field};
use crate::language::address::Place;
use crate::language::places::SECRET_TARGET;
use crate::language::shape::{Key, Shape};
use crate::output::explain;

use super::names::{Name, Names, refers_to};
use super::snapshot::{Object, Snapshot};
use super::tables::Row;

/// What is known about the workspace and the account.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct World<'w> {
    pub(super) names: Option<&'w Names>,
    pub(super) snapshot: Option<&'w Snapshot>,
}

/// A value that can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    /// The value as YAML, or a text that is quoted when it is written.
    pub(super) value: String,
    /// Whether the value is a text and not YAML.
    pub(super) is_text: bool,
    /// A few words about it.
    pub(super) detail: String,
    /// What it means, in Markdown.
    pub(super) meaning: String,
    /// Whether it is one of a closed set, or refers to something; otherwise it is only an example.
    pub(super) sure: bool,
}

impl Offer {
    fn text(value: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { value: value.to_owned(), is_text: true, meaning: detail.clone(), detail, sure: true }
    }

    fn yaml(value: &str, detail: impl Into<String>) -> Self {
        Self { is_text: false, ..Self::text(value, detail) }
    }
}

/// The values that can be written at a place. `kind` is the type of the application that the place belongs to.
pub(super) fn values(row: Row, world: World<'_>) -> Vec<Offer> {
    let mut offers = by_meaning(row, world);
    if offers.is_empty() {
        row.alternatives().iter().for_each(|shape| by_shape(*shape, &mut offers));
        offers.extend(row.key.and_then(|key| by_example(row, key)));
    }
    offers
}

/// The values of places that name something.
fn by_meaning(row: Row, world: World<'_>) -> Vec<Offer> {
    let names = |wanted: fn(&Name) -> Option<&str>| -> Vec<Offer> {
        let all = world.names.into_iter().flat_map(Names::all);
        let declared = all.filter(|(name, _)| world.names.is_some_and(|names| names.declares(name)));
        declared.filter_map(|(name, detail)| Some(Offer::text(wanted(name)?, detail))).collect()
    };
    if row.is(&APPLICATION, "type") {
        return kinds().iter().map(|kind| Offer::text(kind.name, kind.product)).collect();
    }
    if row.is(&SECRET_TARGET, "store") {
        return names(|name| if let Name::Store(name) = name { Some(name) } else { None });
    }
    if row.is(&ALLOWANCE, "address") || row.is(&SUPPRESSION, "address") {
        return names(|name| if let Name::Address(name) = name { Some(name) } else { None });
    }
    if row.is(&IGNORE, "field") {
        let compared = FIELDS.iter().filter(|field| field.is_compared());
        return compared.map(|field| Offer::text(field.name(), field.key.description)).collect();
    }
    refers_to(row).map(|kind| objects(kind, world)).unwrap_or_default()
}

/// The objects that the workspace declares, by address, and those that it uses or that exist in Duo, by name.
fn objects(kind: Kind, world: World<'_>) -> Vec<Offer> {
    let name = |name: &Name| match (kind, name) {
        (Kind::Group, Name::Group(name)) | (Kind::Policy, Name::Policy(name)) => Some(name.clone()),
        _ => None,
    };
    let live = world.snapshot.map(|snapshot| live(kind, snapshot)).unwrap_or_default();
    let mut offers: Vec<Offer> =
        live.iter().map(|object| Offer::text(&object.name, object.id.as_str())).collect();
    for (found, detail) in world.names.into_iter().flat_map(Names::all) {
        if let Name::Address(address) = found
            && matches!(Place::parse(address), Some(Place::Object(of, _)) if of == kind)
            && world.names.is_some_and(|names| names.declares(found))
        {
            offers.push(Offer::text(address, detail));
        }
        let Some(used) = name(found) else { continue };
        if live.iter().all(|object| object.name != used) {
            let detail =
                if world.snapshot.is_some() { "used here, but not in the snapshot" } else { "used here" };
            offers.push(Offer::text(&used, detail));
        }
    }
    offers
}

fn live(kind: Kind, snapshot: &Snapshot) -> &[Object] {
    match kind {
        Kind::Group => &snapshot.groups,
        Kind::Policy => &snapshot.policies,
        Kind::Application => &snapshot.applications,
    }
}

fn by_shape(shape: Shape, offers: &mut Vec<Offer>) {
    match shape {
        Shape::Choice(choices) => {
            offers.extend(choices.iter().map(|choice| Offer::text(choice.value, choice.description)));
        }
        Shape::Flag => offers.extend(["true", "false"].map(|flag| Offer::yaml(flag, ""))),
        Shape::Whole(least, most) if least == most => offers.push(Offer::yaml(&least.to_string(), "")),
        Shape::Numbers(numbers) => {
            offers.extend(numbers.iter().map(|number| Offer::yaml(&number.to_string(), "")));
        }
        Shape::Source { .. } => offers.extend([
            Offer::yaml("{env: NAME}", "an environment variable"),
            Offer::yaml("{file: PATH}", "a file"),
            Offer::yaml("{command: [PROGRAM, ARGUMENT]}", "the output of a command"),
        ]),
        Shape::Whole(..)
        | Shape::Any
        | Shape::Text(_)
        | Shape::List(..)
        | Shape::Object(_)
        | Shape::Entries(..)
        | Shape::Either(_) => {}
    }
}

/// The default, or the example of a single value.
fn by_example(row: Row, key: &Key) -> Option<Offer> {
    let single = row.alternatives().iter().any(|shape| matches!(shape, Shape::Text(_) | Shape::Whole(..)));
    let (value, detail) = match key.default {
        Some(default) => (default, "the default"),
        None => (key.example, "an example"),
    };
    let fits = single && !value.starts_with(['[', '{']) && !value.contains('\n');
    fits.then(|| Offer { sure: false, ..Offer::yaml(value, detail) })
}

/// The keys that a mapping can have in addition to those that it has. A type decides which.
pub(super) fn keys(row: Row, has: &[(String, String)]) -> Vec<&'static Key> {
    let Some(table) = row.object() else { return Vec::new() };
    let variant = table.variants.and_then(|variants| {
        let (_, value) = has.iter().find(|(key, _)| key == variants.by)?;
        Some((variants, value.as_str()))
    });
    let lacks =
        |key: &Key| variant.is_some_and(|(variants, value)| (variants.lacks)(value, key.name).is_some());
    let free = |key: &&Key| !has.iter().any(|(name, _)| name == key.name) && !lacks(key);
    table.keys.iter().filter(free).collect()
}

/// The keys that a mapping with keys of the user's choice can have, if they are names of something.
pub(super) fn chosen_keys(row: Row) -> Vec<Offer> {
    let of_types = row.key.is_some_and(|key| key.name == "types") && row.object().is_none();
    if of_types {
        kinds().iter().map(|kind| Offer::text(kind.name, kind.product)).collect()
    } else {
        Vec::new()
    }
}

/// What a key is for, in Markdown.
pub(super) fn about_key(key: &Key) -> String {
    let mut text =
        format!("**`{}`**{}\n\n{}", key.name, if key.required { " (required)" } else { "" }, key.description);
    if let Some(default) = key.default {
        text.push_str(&format!("\n\nDefault: `{default}`"));
    }
    if !key.example.contains('\n') {
        text.push_str(&format!("\n\nExample: `{}: {}`", key.name, key.example));
    }
    let own = [key.shape];
    let shapes: &[Shape] = if let Shape::Either(shapes) = key.shape { shapes } else { &own };
    let choices = shapes.iter().find_map(|shape| match shape {
        Shape::Choice(choices) | Shape::List(Shape::Choice(choices), ..) => Some(*choices),
        _ => None,
    });
    let choices = choices.unwrap_or_default();
    if !choices.is_empty() {
        let lines = choices.iter().map(|choice| format!("- `{}`: {}", choice.value, choice.description));
        text.push_str(&format!("\n\n{}", lines.collect::<Vec<_>>().join("\n")));
    }
    if let Some((words, target)) = key.link {
        text.push_str(&format!("\n\n[{words}]({target})"));
    }
    text
}

/// What a value means, in Markdown; `None` if nothing is known about it.
pub(super) fn about_value(row: Row, value: &str, world: World<'_>) -> Option<String> {
    if row.is(&APPLICATION, "type") {
        let kind = lookup(value)?;
        let end = kind.end_of_life.map(|since| format!("\n\nOut of support: {since}.")).unwrap_or_default();
        return Some(format!("**`{}`**: {}{end}", kind.name, kind.product));
    }
    if row.is(&SUPPRESSION, "code") {
        let code = Code::ALL.iter().find(|code| code.name() == value)?;
        let entry = explain::code(*code);
        return Some(format!("**`{value}`**: {}\n\n{}\n\n{}", entry.title, entry.meaning, entry.fix));
    }
    if row.is(&IGNORE, "field") {
        return field(value).map(|field| about_key(&field.key));
    }
    let offer = values(row, world).into_iter().find(|offer| offer.sure && offer.value == value)?;
    (!offer.meaning.is_empty()).then(|| format!("**`{value}`**: {}", offer.meaning))
}
