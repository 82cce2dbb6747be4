//! What can be written at the cursor.

use std::ops::Range;

use gen_lsp_types as lsp;

use crate::config::edit::writing;
use crate::language::shape::{Key, Shape};

use super::context::{At, Context, context};
use super::documents::Text;
use super::items::{World, about_key, chosen_keys, keys, values};
use super::names::Name;
use super::position::Encoding;
use super::tables::{Row, Step};

/// How many items are sent at once; the client asks again as the word grows.
const MAX_ITEMS: usize = 500;

/// What the client can do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Abilities {
    pub(super) encoding: Encoding,
    /// Whether it understands places to fill in.
    pub(super) snippets: bool,
}

/// The items at an offset, and whether there are more.
pub(super) fn complete(
    text: &Text,
    offset: usize,
    world: World<'_>,
    can: Abilities,
) -> (Vec<lsp::CompletionItem>, bool) {
    let Some(context) = context(text, offset) else { return (Vec::new(), false) };
    let mut list = List { text, world, can, range: context.word.clone(), items: Vec::new() };
    let typed = text.text.get(context.word.start..offset).unwrap_or_default();
    if let Some(begin) =
        typed.rfind("${").filter(|begin| !typed.get(*begin..).is_some_and(|rest| rest.contains('}')))
    {
        list.variables(context.word.start + begin..offset);
    } else {
        list.at(&context);
    }
    let typed = typed.trim_start_matches(['"', '\'', '[']).to_lowercase();
    let mut items = list.items;
    // Many names: only those that contain the word so far.
    if items.len() > MAX_ITEMS {
        items.retain(|item| item.label.to_lowercase().contains(&typed));
    }
    let more = items.len() > MAX_ITEMS;
    items.truncate(MAX_ITEMS);
    (items, more)
}

struct List<'l> {
    text: &'l Text,
    world: World<'l>,
    can: Abilities,
    /// What an item replaces.
    range: Range<usize>,
    items: Vec<lsp::CompletionItem>,
}

impl List<'_> {
    fn at(&mut self, context: &Context) {
        let Some(row) = Row::at(&context.path) else { return };
        match &context.at {
            At::Key => {
                for key in keys(row, &context.siblings) {
                    self.key(key, context);
                }
                for offer in chosen_keys(row) {
                    self.item(&offer.value, format!("{}: ", offer.value), &offer.detail, &offer.meaning, "2");
                }
                self.whole_entries(row, context);
                if row.object().is_none() && row.entries().is_none() {
                    // The value of the key above, on its own line.
                    let item = row.item();
                    let before = if item.is_some() { "- " } else { "" };
                    self.values(item.unwrap_or(row), before, "");
                }
            }
            At::Value(key) => {
                let Some(row) = row.step(&Step::Key(key.clone())) else { return };
                match row.item() {
                    Some(item) if !matches!(row.shape, Shape::Either(_)) => self.values(item, "[", "]"),
                    _ => self.values(row, "", ""),
                }
            }
            At::Item => {
                if let Some(item) = row.item() {
                    self.values(item, "", "");
                    // In brackets, a mapping needs its own.
                    let is_mapping = matches!(item.shape, Shape::Object(_)) && !context.flow;
                    for key in keys(item, &[]).into_iter().filter(|_| is_mapping) {
                        self.key(key, context);
                    }
                }
            }
        }
    }

    fn values(&mut self, row: Row, before: &str, after: &str) {
        for offer in values(row, self.world) {
            let written = if offer.is_text { writing::text(&offer.value) } else { offer.value.clone() };
            let order = if offer.sure { "1" } else { "3" };
            self.item(
                &offer.value,
                format!("{before}{written}{after}"),
                &offer.detail,
                &offer.meaning,
                order,
            );
        }
    }

    fn key(&mut self, key: &Key, context: &Context) {
        let has_value = self.text.text.get(self.range.end..).is_some_and(|rest| rest.starts_with(':'));
        let order = if key.required { "0" } else { "1" };
        let plain = if has_value { key.name.to_owned() } else { format!("{}: ", key.name) };
        let index = self.items.len();
        self.item(key.name, plain, key.description, &about_key(key), order);
        let Some(item) = self.items.get_mut(index).filter(|_| self.can.snippets && !has_value) else {
            return;
        };
        let rest = match key.shape {
            Shape::Object(_) | Shape::Entries(..) if context.flow => "{$1}",
            Shape::Object(_) | Shape::Entries(..) => "\n  $1",
            Shape::List(Shape::Object(_), ..) if !context.flow => "\n  - $1",
            Shape::List(..) => "[$1]",
            _ => return,
        };
        let gap = if rest.starts_with('\n') { "" } else { " " };
        item.insert_text_format = Some(lsp::InsertTextFormat::Snippet);
        // The client adds the indentation of the line.
        item.insert_text_mode = Some(lsp::InsertTextMode::AdjustIndentation);
        if let Some(lsp::CompletionItemTextEdit::TextEdit(edit)) = &mut item.text_edit {
            edit.new_text = format!("{}:{gap}{rest}", key.name);
        }
    }

    /// Whole entries to fill in.
    fn whole_entries(&mut self, row: Row, context: &Context) {
        if !self.can.snippets || context.flow || row.object().is_some() || row.entries().is_none() {
            return;
        }
        let snippets: &[(&str, &str, &str)] = match row.key.map(|key| key.name) {
            Some("applications") if row.is_top("applications") => &[
                (
                    "application",
                    "an application that users log in to",
                    "${1:vpn}:\n  type: ${2:radius}\n  name: ${3:VPN}\n  user_access: ${4|permitted_groups,all_users,no_users|}\n  groups_allowed: [${5:VPN Users}]",
                ),
                (
                    "admin api application",
                    "an Admin API key with exactly these permissions",
                    "${1:siem}:\n  type: adminapi\n  name: ${2:SIEM export}\n  user_access: no_users\n  permissions: [${3:read_log}]",
                ),
            ],
            Some("groups") if row.is_top("groups") => {
                &[("group", "a group of users", "${1:contractors}:\n  name: ${2:Contractors}")]
            }
            Some("identity_intelligence") if row.is_top("identity_intelligence") => &[(
                "identity intelligence entry",
                "a connection to Cisco Identity Intelligence",
                "${1:emea}:\n  display_name: ${2:Duo EMEA}\n  access: ${3|read_only,read_write|}\n  push_verification: {application_name: ${4:Acme IT Support}}",
            )],
            _ => &[],
        };
        for (label, detail, body) in snippets {
            let index = self.items.len();
            self.item(label, (*body).to_owned(), detail, detail, "0");
            if let Some(item) = self.items.get_mut(index) {
                item.kind = Some(lsp::CompletionItemKind::Snippet);
                item.insert_text_format = Some(lsp::InsertTextFormat::Snippet);
                item.insert_text_mode = Some(lsp::InsertTextMode::AdjustIndentation);
            }
        }
    }

    fn variables(&mut self, range: Range<usize>) {
        let closed = self.text.text.get(range.end..).is_some_and(|rest| rest.starts_with('}'));
        self.range = range;
        let Some(names) = self.world.names else { return };
        for (name, detail) in names.all() {
            let Name::Variable(variable) = name else { continue };
            if names.declares(name) {
                let text = format!("${{vars.{variable}{}", if closed { "" } else { "}" });
                self.item(&format!("${{vars.{variable}}}"), text, detail, detail, "1");
            }
        }
    }

    fn item(&mut self, label: &str, text: String, detail: &str, meaning: &str, order: &str) {
        let range = self.text.lines.range(&self.text.text, self.range.clone(), self.can.encoding);
        let is_key = text.ends_with(": ");
        let short = detail.split(". ").next().unwrap_or_default();
        self.items.push(lsp::CompletionItem {
            label: label.to_owned(),
            kind: Some(if is_key {
                lsp::CompletionItemKind::Property
            } else {
                lsp::CompletionItemKind::Value
            }),
            detail: (!short.is_empty()).then(|| short.to_owned()),
            documentation: (!meaning.is_empty())
                .then(|| lsp::Documentation::MarkupContent(markdown(meaning))),
            sort_text: Some(format!("{order}{:04}", self.items.len())),
            filter_text: Some(if order == "1" || order == "3" {
                text.trim_end_matches(": ").to_owned()
            } else {
                label.to_owned()
            }),
            text_edit: Some(lsp::CompletionItemTextEdit::TextEdit(lsp::TextEdit { range, new_text: text })),
            ..lsp::CompletionItem::default()
        });
    }
}

/// A text in Markdown.
pub(super) fn markdown(text: &str) -> lsp::MarkupContent {
    lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value: text.to_owned() }
}
