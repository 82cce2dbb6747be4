//! The grammar of addresses. All keys of the YAML and all commands that accept addresses parse them here, so that they
//! accept the same ones.

use std::fmt;

use globset::{Glob, GlobMatcher};

use super::shape::{Problem, TextRule};
use super::texts::ADDRESS_KEY;
use crate::duo::object::Kind;

/// The section of applications, and the first part of their addresses.
pub const APPLICATIONS: &str = Kind::Application.endpoint().section;
/// The section of connections to Identity Intelligence.
pub const INTELLIGENCE: &str = "identity_intelligence";
/// The part of an `identity_intelligence` entry that reads data and, with `read_write`, acts.
pub const ADMIN_API: &str = "admin_api";
/// The part that sends pushes.
pub const AUTH_API: &str = "auth_api";

/// A full address: of an object, of an Identity Intelligence entry, or of a part of one.
pub static ADDRESS: TextRule = TextRule {
    pattern: r"^((applications|policies|groups)\.[a-z0-9][a-z0-9_-]{0,63}|identity_intelligence\.[a-z0-9][a-z0-9_-]{0,63}(\.(admin_api|auth_api))?)$",
    check: |text| match Place::parse(text) {
        Some(_) => Ok(()),
        None => Err(Problem::invalid("is not an address", "write the full address, e.g. `applications.vpn`")),
    },
    numeric: false,
};

/// What an address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'t> {
    /// An object of a kind, by its key in the section of the kind.
    Object(Kind, &'t str),
    /// An entry of `identity_intelligence`; it includes its parts.
    Entry(&'t str),
    /// An application of such an entry.
    Part {
        /// The key of the entry.
        entry: &'t str,
        /// `admin_api` or `auth_api`.
        part: &'t str,
    },
}

impl<'t> Place<'t> {
    /// Parses a full address.
    pub fn parse(text: &'t str) -> Option<Self> {
        let (family, rest) = text.split_once('.')?;
        let (key, part) = rest.split_once('.').map_or((rest, None), |(key, part)| (key, Some(part)));
        let kind = Kind::ALL.into_iter().find(|kind| kind.endpoint().section == family);
        let place = match (kind, part) {
            (Some(kind), None) => Self::Object(kind, key),
            (None, None) if family == INTELLIGENCE => Self::Entry(key),
            (None, Some(part)) if family == INTELLIGENCE && is_part(part) => Self::Part { entry: key, part },
            _ => return None,
        };
        (ADDRESS_KEY.check)(key).is_ok().then_some(place)
    }

    /// Parses a full address, or one without the section: `vpn`, `emea.admin_api`.
    pub fn shortened(text: &'t str) -> Option<Self> {
        let valid = |key: &str| (ADDRESS_KEY.check)(key).is_ok();
        Self::parse(text).or_else(|| match text.split_once('.') {
            None => valid(text).then_some(Self::application(text)),
            Some((entry, part)) => (valid(entry) && is_part(part)).then_some(Self::Part { entry, part }),
        })
    }

    /// An entry of `applications`.
    pub fn application(key: &'t str) -> Self {
        Self::Object(Kind::Application, key)
    }

    /// The part of an entry that reads data.
    pub fn admin_api(entry: &'t str) -> Self {
        Self::Part { entry, part: ADMIN_API }
    }

    /// The key of an entry of `identity_intelligence`, given with or without its section.
    pub fn entry(name: &'t str) -> &'t str {
        match name.split_once('.') {
            Some((INTELLIGENCE, key)) => key,
            _ => name,
        }
    }

    /// The keys that lead to it in the YAML.
    pub fn keys(self) -> Vec<&'t str> {
        match self {
            Self::Object(kind, key) => vec![kind.endpoint().section, key],
            Self::Entry(key) => vec![INTELLIGENCE, key],
            Self::Part { entry, part } => vec![INTELLIGENCE, entry, part],
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.keys().join("."))
    }
}

/// An address or glob as written: in full, or without the section.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    full: GlobMatcher,
    /// Matches the part after the section; absent if the text names a section.
    short: Option<GlobMatcher>,
}

impl Pattern {
    /// Compiles a pattern. `vpn` means `applications.vpn`, `emea` both parts of `identity_intelligence.emea`.
    ///
    /// # Errors
    ///
    /// A description of what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("an empty pattern matches no address".to_owned());
        }
        let in_full = without_section(text).is_some() && is_section(section(text));
        let short = if in_full { None } else { Some(glob_matcher(&with_parts(text))?) };
        Ok(Self { text: text.to_owned(), full: glob_matcher(text)?, short })
    }

    /// Whether it matches an address.
    pub fn matches(&self, address: &str) -> bool {
        let rest = without_section(address);
        let short = || self.short.as_ref().zip(rest).is_some_and(|(short, rest)| short.is_match(rest));
        self.full.is_match(address) || short()
    }

    /// Whether it is a glob, or could be the address of something.
    pub fn is_address_or_glob(&self) -> bool {
        self.is_glob() || Place::shortened(&self.text).is_some()
    }

    /// Whether it has wildcards.
    pub fn is_glob(&self) -> bool {
        is_glob(&self.text)
    }

    /// Two of the addresses that it could mean, if it is short for addresses in two sections.
    pub fn ambiguous<'a>(&self, known: impl IntoIterator<Item = &'a str>) -> Option<(&'a str, &'a str)> {
        if self.is_glob() {
            return None;
        }
        let mut meant = known.into_iter().filter(|address| self.matches(address));
        let first = meant.next()?;
        Some((first, meant.find(|other| section(other) != section(first))?))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether addresses begin with a word.
fn is_section(word: &str) -> bool {
    word == INTELLIGENCE || Kind::ALL.iter().any(|kind| kind.endpoint().section == word)
}

/// The section of an address.
pub fn section(address: &str) -> &str {
    address.split_once('.').map_or(address, |(section, _)| section)
}

/// An address without its section; `None` if it has none.
pub fn without_section(address: &str) -> Option<&str> {
    address.split_once('.').map(|(_, rest)| rest)
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// Extends the name of an entry to its parts.
fn with_parts(short: &str) -> String {
    if is_glob(short) { short.to_owned() } else { format!("{{{short},{short}.*}}") }
}

/// Compiles a glob, e.g. `applications.vpn-*`; `*` matches dots, too. An `identity_intelligence` entry includes its parts.
pub fn glob_matcher(glob: &str) -> Result<GlobMatcher, String> {
    let with_parts = match Place::parse(glob) {
        Some(Place::Entry(_)) => format!("{{{glob},{glob}.*}}"),
        _ => glob.to_owned(),
    };
    Glob::new(&with_parts)
        .map(|glob| glob.compile_matcher())
        .map_err(|error| format!("`{glob}` is not a valid glob: {}", error.kind()))
}

fn is_part(text: &str) -> bool {
    matches!(text, ADMIN_API | AUTH_API)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_written_alike_and_the_pattern_agrees() {
        let long = format!("applications.{}", "a".repeat(65));
        for (text, valid) in [
            ("applications.vpn", true),
            ("applications.0-a_b", true),
            ("identity_intelligence.emea", true),
            ("identity_intelligence.emea.admin_api", true),
            ("identity_intelligence.emea.auth_api", true),
            ("identity_intelligence.admin_api.admin_api", true),
            ("identity_intelligence", false),
            ("identity_intelligence.", false),
            ("identity_intelligence.emea.", false),
            ("identity_intelligence.emea.admin", false),
            ("identity_intelligence.emea.admin_api.x", false),
            ("identity_intelligence.EMEA.admin_api", false),
            ("applications.vpn.admin_api", false),
            ("applications.*", false),
            ("applications. vpn", false),
            ("Applications.vpn", false),
            ("policies.strict", true),
            ("groups.staff", true),
            ("groups.staff.x", false),
            ("policy.strict", false),
            ("vpn", false),
            ("", false),
            (&long, false),
        ] {
            let place = Place::parse(text);
            assert_eq!(place.is_some(), valid, "{text}");
            assert!(place.is_none_or(|place| place.to_string() == text), "{text}");
            let schema = serde_json::json!({"pattern": ADDRESS.pattern});
            assert_eq!(jsonschema::is_valid(&schema, &serde_json::json!(text)), valid, "{text}");
        }
    }

    #[test]
    fn what_is_clear_without_the_family_may_leave_it_out() {
        let part = Place::Part { entry: "emea", part: ADMIN_API };
        for (text, place) in [
            ("vpn", Some(Place::application("vpn"))),
            ("applications.vpn", Some(Place::application("vpn"))),
            ("emea.admin_api", Some(part)),
            ("identity_intelligence.emea.admin_api", Some(part)),
            ("emea.admin", None),
            ("emea.admin_api.x", None),
            ("VPN", None),
            ("", None),
        ] {
            assert_eq!(Place::shortened(text), place, "{text}");
        }
    }
}
