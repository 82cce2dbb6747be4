//! Tables of keys and the shapes of their values.
//!
//! Both [`super::check`], which reports every value that does not fit, and the schema for editors use the tables, so the
//! parser and the schema cannot disagree.

use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic, Fix, Help, Span};
use crate::yaml::Entry;

/// One key of a mapping.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The name of the key.
    pub name: &'static str,
    /// The shape of its value.
    pub shape: Shape,
    /// Whether the mapping needs it.
    pub required: bool,
    /// Whether `null` is allowed, which clears the value in Duo.
    pub nullable: bool,
    /// Its description; the first sentence is its title.
    pub description: &'static str,
    /// An example of its value, in YAML.
    pub example: &'static str,
    /// The value if the key is left out, in YAML; `None` if there is no default.
    pub default: Option<&'static str>,
    /// What to write if it is missing or empty, if that is more than an example.
    pub hint: Option<&'static str>,
    /// A link to further documentation.
    pub link: Option<Link>,
    /// Whether its value is literal: variables are not replaced in it.
    pub literal: bool,
}

/// The text of a link, and its URL.
pub type Link = (&'static str, &'static str);

/// No limit on a list.
pub const MANY: usize = usize::MAX;

/// Collected findings.
pub type Findings = Vec<Diagnostic>;

impl Key {
    /// An optional key.
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

    /// A required key.
    pub const fn required(
        name: &'static str,
        shape: Shape,
        description: &'static str,
        example: &'static str,
    ) -> Self {
        Self { required: true, ..Self::optional(name, shape, description, example) }
    }

    /// Allows `null`.
    #[must_use]
    pub const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    /// Adds a hint for a missing or empty value.
    #[must_use]
    pub const fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// Adds a link to further documentation.
    #[must_use]
    pub const fn link(self, link: Link) -> Self {
        Self { link: Some(link), ..self }
    }

    /// Makes the value literal.
    #[must_use]
    pub const fn literal(self) -> Self {
        Self { literal: true, ..self }
    }

    /// Adds a default.
    #[must_use]
    pub const fn default(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }
}

/// The shape of a value.
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
    /// One of a closed set of whole numbers.
    Numbers(&'static [u32]),
    /// Any value. The other side decides.
    Any,
    /// A list of values of one shape, with minimum and maximum length.
    List(&'static Shape, usize, usize),
    /// A mapping with fixed keys.
    Object(&'static Object),
    /// A mapping whose keys are chosen by the user.
    Entries(&'static TextRule, &'static Shape),
    /// A value or its source; a secret must name a source.
    Source {
        /// The rule for a value that is written in the YAML itself; `None` for a secret, which must not be.
        plain: Option<&'static TextRule>,
    },
    /// The first of several shapes that accepts the type of the value.
    Either(&'static [Shape]),
}

/// A rule for text: `check` decides, `pattern` is its approximation for editors.
#[derive(Clone, Copy, Debug)]
pub struct TextRule {
    /// A regular expression (ECMA 262) that every accepted text matches.
    pub pattern: &'static str,
    /// The decision.
    pub check: fn(&str) -> Result<(), Problem>,
    /// Whether a number in YAML is also accepted as text.
    pub numeric: bool,
}

/// Why a text is rejected. The message never contains the text itself, which may be a secret in the wrong place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The kind of finding.
    pub code: Code,
    /// What is wrong, as a predicate for the key's name: `must not be empty`.
    pub message: String,
    /// What to write instead.
    pub help: Help,
}

impl Problem {
    /// A value that is not allowed.
    pub fn invalid(message: impl Into<String>, help: impl Into<Help>) -> Self {
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
    /// What the mapping is, with an article, for messages: `a tenant`.
    pub what: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// The keys that it does not have, but that are known from elsewhere, each with what to write instead.
    pub foreign: fn() -> Vec<(String, Problem)>,
    /// A key that replaces the required ones.
    pub unless: Option<&'static str>,
    /// Which keys it has, if that depends on one of them.
    pub variants: Option<&'static Variants>,
    /// The name of its definition in the schema, if it is used in several places.
    pub definition: Option<&'static str>,
    /// The prefix of extra keys that may have any value and are not read. They hold anchors that are used elsewhere.
    pub free: Option<&'static str>,
    /// A rule that involves several keys.
    pub whole: Option<Whole>,
}

/// The variants of a mapping, selected by the value of one of its keys.
#[derive(Clone, Copy, Debug)]
pub struct Variants {
    /// The key that decides.
    pub by: &'static str,
    /// What the mapping is, with an article, for messages: `a store`.
    pub what: &'static str,
    /// For a variant that does not have a key: how to fix it. `None` if the variant has the key or is unknown.
    pub lacks: fn(&str, &str) -> Option<String>,
    /// The keys that a variant requires in addition to the common ones.
    pub needs: fn(&str) -> &'static [&'static str],
}

/// A rule that involves several keys of a mapping, for the parser and for the schema.
#[derive(Clone, Copy, Debug)]
pub struct Whole {
    /// Reports what is wrong, at the place of the mapping's own key.
    pub check: fn(&[Entry], Span, &mut Findings),
    /// Adds the rule to the schema of the mapping.
    pub schema: fn(&mut Map<String, Value>),
}

impl Object {
    /// A mapping without additional rules.
    pub const fn new(what: &'static str, keys: &'static [Key]) -> Self {
        Self {
            what,
            keys,
            foreign: Vec::new,
            unless: None,
            variants: None,
            definition: None,
            free: None,
            whole: None,
        }
    }
}

/// A key that is known from elsewhere, and what to write instead.
pub fn foreign(key: &str, message: &str, help: impl Into<Help>) -> (String, Problem) {
    let problem = Problem { code: Code::UnknownKey, message: message.to_owned(), help: help.into() };
    (key.to_owned(), problem)
}

/// A key that has another name here.
pub fn renamed(key: &str, message: &str, name: &str) -> (String, Problem) {
    foreign(key, message, Help::from(format!("write `{name}`")).by(Fix::Write(name.to_owned())))
}

/// Schema rules for a mapping that needs exactly one of several keys. Unlike a count of properties, they say which.
pub fn one_of(names: &[&str], message: &str) -> Vec<Value> {
    let first = names.first().map_or(json!([]), |first| json!([first]));
    let any: Vec<Value> = names.iter().map(|name| json!({"required": [name]})).collect();
    let none = json!({"if": {"not": {"anyOf": any}}, "then": {"required": first, "errorMessage": message}});
    let later = names.iter().enumerate().filter_map(|(index, name)| {
        let others: Map<String, Value> =
            names.iter().skip(index + 1).map(|other| ((*other).to_owned(), json!(false))).collect();
        let then = json!({"properties": others, "errorMessage": message});
        (!others.is_empty()).then(|| json!({"if": {"required": [name]}, "then": then}))
    });
    std::iter::once(none).chain(later).collect()
}

/// The finding about a missing key.
pub fn missing_key(key: &Key, what: &str, at: Span) -> Diagnostic {
    let example = if key.example.contains('\n') {
        String::new()
    } else {
        format!(", e.g. `{}: {}`", key.name, key.example)
    };
    let help = key.hint.map_or_else(|| format!("add `{}`{example}", key.name), str::to_owned);
    Diagnostic::error(Code::MissingKey, at, format!("{what} needs `{}`", key.name))
        .help(Help::from(help).by(Fix::Set(key.name, key.example.to_owned())))
}
