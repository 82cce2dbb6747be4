//! What the key or the value at the cursor means.

use gen_lsp_types as lsp;

use super::completion::markdown;
use super::context::{At, context, unquoted};
use super::documents::Text;
use super::items::{World, about_key, about_value};
use super::names::{Name, Occurrence};
use super::position::Encoding;
use super::tables::{Row, Step};

/// The explanation at an offset. `name` is the name there, if there is one.
pub(super) fn hover(
    text: &Text,
    offset: usize,
    name: Option<&Occurrence>,
    world: World<'_>,
    encoding: Encoding,
) -> Option<lsp::Hover> {
    let named = name.and_then(|found| Some((about_name(&found.name, world)?, found.range.clone())));
    let (value, range) = match named {
        Some(found) => found,
        None => by_context(text, offset, world)?,
    };
    let range = Some(text.lines.range(&text.text, range, encoding));
    Some(lsp::Hover { contents: lsp::Contents::MarkupContent(markdown(&value)), range })
}

fn by_context(text: &Text, offset: usize, world: World<'_>) -> Option<(String, std::ops::Range<usize>)> {
    let context = context(text, offset)?;
    let word = unquoted(text.text.get(context.word.clone())?);
    let row = Row::at(&context.full(&text.text))?;
    let key = row.key?;
    // The key of an entry that the user chose has no row of its own.
    let is_row = context.path.last() != Some(&Step::Item) || context.at != At::Item;
    let about = match &context.at {
        At::Key if word == key.name => about_key(key),
        At::Key => return None,
        At::Value(_) | At::Item => {
            let value = about_value(row, word, world);
            value.or_else(|| is_row.then(|| about_key(key)))?
        }
    };
    Some((about, context.word))
}

/// What is known about a name.
fn about_name(name: &Name, world: World<'_>) -> Option<String> {
    let names = world.names?;
    let detail = names.detail(name).filter(|detail| !detail.is_empty());
    let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
    let (what, text) = match name {
        Name::Store(text) => ("secret store", text),
        Name::Variable(text) => ("variable", text),
        Name::Address(text) => ("address", text),
        Name::Group(_) | Name::Policy(_) => return None,
    };
    let missing = if names.declares(name) { "" } else { "\n\nNot declared in this workspace." };
    Some(format!("{what} **`{text}`**{detail}{missing}"))
}
