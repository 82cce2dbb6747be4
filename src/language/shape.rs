//! What the language is made of: tables of keys and the shapes of their values.
//!
//! The tables are read by [`super::check`], which reports every value that does not fit, and by the schema, which
//! writes them down for editors. So the parser and the schema cannot drift apart.

use serde_json::{Map, Value};

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::yaml::Entry;

/// One key of a mapping.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The key as it is written.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// Whether the mapping needs it.
    pub required: bool,
    /// Whether `null` may be written, which clears what Duo holds.
    pub nullable: bool,
    /// What it is for; the first sentence is its title.
    pub description: &'static str,
    /// An example of its value, in YAML.
    pub example: &'static str,
    /// What holds where the key is left out, in YAML; `None` where that is simply nothing.
    pub default: Option<&'static str>,
    /// What to write where it is missing or empty, if that is more than an example.
    pub hint: Option<&'static str>,
    /// Who explains what it describes.
    pub link: Option<Link>,
    /// Whether its value is taken as it is written: no variable is replaced in it.
    pub literal: bool,
}

/// The words of a link, and where it leads.
pub type Link = (&'static str, &'static str);

/// No limit on a list.
pub const MANY: usize = usize::MAX;

/// Where findings go.
pub type Findings = Vec<Diagnostic>;

impl Key {
    /// A key that may be left out.
    pub const fn optional(
        name: &'static str,
        shape: Shape,
        description: &'static str,
        example: &'static str,
    ) -> Self {
        Self {
            name,
            shape,
            required: false,
            nullable: false,
            description,
            example,
            default: None,
            hint: None,
            link: None,
            literal: false,
        }
    }

    /// A key that its mapping needs.
    pub const fn required(
        name: &'static str,
        shape: Shape,
        description: &'static str,
        example: &'static str,
    ) -> Self {
        Self { required: true, ..Self::optional(name, shape, description, example) }
    }

    /// The same key, where `null` may be written.
    #[must_use]
    pub const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    /// The same key, with what to write where it is missing or empty.
    #[must_use]
    pub const fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// The same key, with a link to who explains it.
    #[must_use]
    pub const fn link(self, link: Link) -> Self {
        Self { link: Some(link), ..self }
    }

    /// The same key, whose value is taken as it is written.
    #[must_use]
    pub const fn literal(self) -> Self {
        Self { literal: true, ..self }
    }

    /// The same key, with what holds where it is left out.
    #[must_use]
    pub const fn default(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }
}

/// What a value looks like.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Text that a rule accepts.
    Text(&'static TextRule),
    /// One of a closed set of words.
    Choice(&'static [Choice]),
    /// `true` or `false`.
    Flag,
    /// A whole number within bounds, both included.
    Whole(u32, u32),
    /// A list of values of one shape, with the least and the greatest length.
    List(&'static Shape, usize, usize),
    /// A mapping with fixed keys.
    Object(&'static Object),
    /// A mapping whose keys are chosen by the user.
    Entries(&'static TextRule, &'static Shape),
    /// A value or the place it comes from; a secret must name a place.
    Source {
        /// Whether the value is a secret.
        secret: bool,
    },
    /// The first of several shapes that takes the kind of value at hand.
    Either(&'static [Shape]),
}

/// A rule for text: `check` decides, `pattern` tells editors the same as far as a pattern can.
#[derive(Clone, Copy, Debug)]
pub struct TextRule {
    /// A regular expression (ECMA 262) that every accepted text matches.
    pub pattern: &'static str,
    /// The decision.
    pub check: fn(&str) -> Result<(), Problem>,
    /// Whether a text that YAML takes for a number is meant as text too.
    pub numeric: bool,
}

/// Why a text is not accepted. The message never holds the text itself, which may be a secret in the wrong place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The kind of finding.
    pub code: Code,
    /// What is wrong, as the rest of a sentence that begins with the key's name: `must not be empty`.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Problem {
    /// A value that is not allowed.
    pub fn invalid(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code: Code::InvalidValue, message: message.into(), help: help.into() }
    }
}

/// One word of a closed set.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The word.
    pub value: &'static str,
    /// What it means.
    pub description: &'static str,
}

impl Choice {
    /// A word and its meaning.
    pub const fn new(value: &'static str, description: &'static str) -> Self {
        Self { value, description }
    }
}

/// A mapping with fixed keys.
#[derive(Clone, Copy, Debug)]
pub struct Object {
    /// What the mapping is, with its article, for messages: `a tenant`.
    pub what: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// What to say of a key that is not there but well known from elsewhere.
    pub foreign: fn(&str) -> Option<Problem>,
    /// A key that makes up for required ones.
    pub unless: Option<&'static str>,
    /// Which keys it has, where that depends on one of them.
    pub variants: Option<&'static Variants>,
    /// The name under which a schema says once what it is, where it stands in several places.
    pub definition: Option<&'static str>,
    /// How keys begin that may be there as well, with any value, and mean nothing: their anchors are used elsewhere.
    pub free: Option<&'static str>,
    /// What goes beyond single keys.
    pub whole: Option<Whole>,
}

/// The forms that a mapping has, by the value of one of its keys.
#[derive(Clone, Copy, Debug)]
pub struct Variants {
    /// The key that decides.
    pub by: &'static str,
    /// What the mapping is, with its article, for messages: `a store`.
    pub what: &'static str,
    /// For a variant that lacks a key: what to do about that key. `None` for one that has it, and for unknown ones.
    pub lacks: fn(&str, &str) -> Option<String>,
    /// The keys that a variant needs beyond those that all need.
    pub needs: fn(&str) -> &'static [&'static str],
}

/// A rule over several keys of a mapping, for the parser and for the schema.
#[derive(Clone, Copy, Debug)]
pub struct Whole {
    /// Reports what is wrong; the place is that of the mapping's own key.
    pub check: fn(&[Entry], Span, &mut Findings),
    /// Adds the same to the schema of the mapping.
    pub schema: fn(&mut Map<String, Value>),
}

impl Object {
    /// A mapping without further rules.
    pub const fn new(what: &'static str, keys: &'static [Key]) -> Self {
        Self {
            what,
            keys,
            foreign: no_foreign,
            unless: None,
            variants: None,
            definition: None,
            free: None,
            whole: None,
        }
    }
}

/// For mappings that know no foreign keys.
pub fn no_foreign(_: &str) -> Option<Problem> {
    None
}

/// A key that a mapping lacks.
pub fn missing_key(key: &Key, what: &str, at: Span) -> Diagnostic {
    let example = if key.example.contains('\n') {
        String::new()
    } else {
        format!(", e.g. `{}: {}`", key.name, key.example)
    };
    Diagnostic::error(Code::MissingKey, at, format!("{what} needs `{}`", key.name))
        .help(key.hint.map_or_else(|| format!("add `{}`{example}", key.name), str::to_owned))
}
