//! An entry of the YAML before it is written as text, while settings can still be removed.

use std::cell::OnceCell;

use crate::config::edit::writing;
use crate::config::variables::escaped;
use crate::duo::catalogue::lookup;
use crate::duo::object::Id;
use crate::kinds::Kind;
use crate::kinds::address::Address;
use crate::kinds::application::{ACCESS, GROUPS};
use crate::kinds::field::Field;
use crate::language::address::GLOBAL_POLICY;
use crate::text::bounded;

use serde_json::{Map, Value, json};

/// The indentation of the parts of an entry.
const STEP: usize = 2;

/// The maximum length of a comment.
const COMMENT: usize = 160;

/// An object of the account as an entry of the YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its address.
    pub address: Address,
    /// Its kind.
    pub kind: Kind,
    /// Its key in the section of its kind; that of the global policy at the top level.
    pub key: String,
    /// Its type; empty for kinds without types.
    pub variant: String,
    /// Its name in Duo.
    pub name: String,
    /// Its ID, which is the integration key of an application.
    pub id: Id,
    /// A block mapping with the one key, without indentation.
    pub text: String,
    /// The value that the text represents, below the key.
    pub value: Value,
    /// How many of its values are not managed because the language cannot express them.
    pub unsaid: usize,
}

/// An object that is being written as YAML.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) kind: Kind,
    /// The last part of its address; empty for the global policy.
    pub(super) key: String,
    pub(super) id: Id,
    /// Its type and name, for people.
    pub(super) variant: String,
    pub(super) name: String,
    pub(super) pinned: bool,
    pub(super) parts: Vec<Part>,
    /// The values that could not be expressed, one comment each.
    pub(super) comments: Vec<String>,
    pub(super) fullness: Fullness,
    /// Fields that are ignored because they could not be expressed, each with the reason.
    pub(super) ignored: Vec<(String, String)>,
    /// The entry as last written, until another setting is removed.
    pub(super) written: OnceCell<String>,
}

/// Whether the fields that an entry leaves out count as unset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fullness {
    /// The entry itself sets this, and also writes unset fields.
    pub(super) written: bool,
    /// The workspace sets this for every object.
    pub(super) inherited: bool,
}

impl Fullness {
    /// Whether they count as unset, for either reason.
    pub(super) fn is_whole(self) -> bool {
        self.written || self.inherited
    }
}

/// One setting.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) key: &'static str,
    pub(super) value: Value,
    /// The name behind each id.
    pub(super) meant: Vec<(String, String)>,
}

impl Part {
    pub(super) fn new(key: &'static str, value: impl Into<Value>) -> Self {
        Self { key, value: value.into(), meant: Vec::new() }
    }
}

/// The value of one setting; omitted if it is the default, unless the workspace's own defaults differ.
pub(super) struct Found {
    pub(super) value: Value,
    pub(super) is_default: bool,
    pub(super) meant: Vec<(String, String)>,
}

impl Found {
    pub(super) fn new(value: impl Into<Value>, is_default: bool) -> Self {
        Self { value: value.into(), is_default, meant: Vec::new() }
    }

    /// A document, with the names of the ids in it.
    pub(super) fn document(value: Value, meant: Vec<(String, String)>) -> Self {
        Self { value, is_default: false, meant }
    }

    /// A text that may be cleared.
    pub(super) fn text(text: &str) -> Self {
        if text.is_empty() { Self::new(Value::Null, true) } else { Self::new(text, false) }
    }
}

impl Draft {
    pub(super) fn address(&self) -> Address {
        Address::object(self.kind, &self.key)
    }

    /// Its key in the YAML.
    fn written_key(&self) -> &str {
        if self.is_global_policy() { GLOBAL_POLICY } else { &self.key }
    }

    pub(super) fn is_global_policy(&self) -> bool {
        self.address().is_global_policy()
    }

    /// Leaves out a setting and records why. An application without type, name or access has to be pinned.
    pub(super) fn give_up(&mut self, key: &str, why: &str) {
        self.parts.retain(|part| part.key != key);
        self.written.take();
        // If it were left out, it would count as unset.
        if self.fullness.is_whole() && self.kind.field(key).is_some_and(Field::is_compared) {
            self.ignored.push((key.to_owned(), format!("import: {}", one_line(why))));
            let has_groups =
                self.kind.field(GROUPS).is_some_and(|field| field.applies_to(lookup(&self.variant)));
            if key == ACCESS && has_groups {
                self.ignored.push((GROUPS.to_owned(), format!("import: it belongs to `{ACCESS}`")));
            }
        } else {
            self.comments.push(format!("`{key}` {why}"));
        }
        if matches!(key, "type" | "name" | "user_access") {
            self.pinned = true;
        }
    }

    /// The entry as a block mapping with one key.
    pub(super) fn text(&self) -> &str {
        self.written.get_or_init(|| self.write())
    }

    /// The finished entry.
    pub(super) fn finish(mut self) -> Entry {
        let text = self.written.take().unwrap_or_else(|| self.write());
        let pin = self.pinned.then(|| (self.kind.endpoint().pin.to_owned(), self.id.as_str().into()));
        let last = self.last();
        let (address, key) = (self.address(), self.written_key().to_owned());
        let unsaid = self.comments.len() + self.ignored.len();
        let parts =
            self.parts.into_iter().chain(last).map(|part| (part.key.to_owned(), escaped(&part.value)));
        Entry {
            text,
            value: parts.chain(pin).collect::<Map<_, _>>().into(),
            unsaid,
            address,
            key,
            kind: self.kind,
            variant: self.variant,
            name: self.name,
            id: self.id,
        }
    }

    /// The parts after the settings.
    fn last(&self) -> Vec<Part> {
        let Fullness { written, inherited } = self.fullness;
        let authoritative = (written && !inherited).then(|| Part::new("authoritative", true));
        let items = self.ignored.iter().map(|(field, reason)| json!({"field": field, "reason": reason}));
        let ignore = (!self.ignored.is_empty()).then(|| Part::new("ignore", items.collect::<Value>()));
        authoritative.into_iter().chain(ignore).collect()
    }

    fn write(&self) -> String {
        let mut lines = vec![format!("{}:", writing::text(self.written_key()))];
        let pad = " ".repeat(STEP);
        let early = |key: &str| matches!(key, "type" | "name");
        for part in self.parts.iter().filter(|part| early(part.key)) {
            lines.extend(part.lines());
        }
        if self.pinned {
            let pin = self.kind.endpoint().pin;
            lines.push(format!("{pad}{pin}: {}", writing::text(self.id.as_str())));
        }
        for part in self.parts.iter().filter(|part| !early(part.key)).chain(&self.last()) {
            lines.extend(part.lines());
        }
        lines.extend(self.comments.iter().map(|comment| format!("{pad}# {}", one_line(comment))));
        lines.push(String::new());
        lines.join("\n")
    }
}

impl Part {
    fn lines(&self) -> Vec<String> {
        let pad = " ".repeat(STEP);
        let meant = |value: &Value| {
            let id = value.get("id").and_then(Value::as_str)?;
            self.meant.iter().find(|(found, _)| found == id).map(|(_, meant)| one_line(meant))
        };
        match &self.value {
            Value::Array(items) if !self.meant.is_empty() => {
                let mut lines = vec![format!("{pad}{}:", self.key)];
                for item in items {
                    let comment = meant(item).map(|meant| format!(" # {meant}")).unwrap_or_default();
                    lines.push(format!("{pad}{pad}- {}{comment}", writing::inline(&escaped(item))));
                }
                lines
            }
            value if let Some(meant) = meant(value) => {
                vec![format!("{pad}{}: {} # {meant}", self.key, writing::inline(&escaped(value)))]
            }
            value => {
                let mut lines = writing::entry(self.key, &escaped(value), STEP, STEP, true);
                if let Some(first) = lines.first_mut() {
                    first.insert_str(0, &pad);
                }
                // Ids inside a document are explained above it.
                if value.is_object() {
                    let explained =
                        self.meant.iter().map(|(id, meant)| format!("{pad}# {id} is {}", one_line(meant)));
                    lines.splice(0..0, explained);
                }
                lines
            }
        }
    }
}

/// Text from outside as a comment: on one line, short, without direction characters.
fn one_line(text: &str) -> String {
    bounded(text, COMMENT).trim_end().to_owned()
}
