//! What a changed section of a policy does to access (policies.md, section 6).
//!
//! Values are sections as Duo returns them. What duoctl does not know is never judged as harmless: it widens access.

mod countries;
mod differences;
mod fill;
mod lockout;
mod methods;
mod networks;
mod reasons;
mod rules;
mod value;
mod walk;

use serde_json::Value;

use crate::duo::policy;
use crate::kinds::risk::Assessment;

pub use differences::{Difference, differences, is_available, same_section as same};
pub use fill::{rewritten, whole};
pub use lockout::{is_lockout, lockout};

/// A changed field, and what the change does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Its path in the section, such as `os_restrictions.ios.block_policy`; empty if the section is judged as a whole.
    pub path: String,
    /// The value before; JSON `null` if it was absent.
    pub before: Value,
    /// The value after; JSON `null` if it is absent.
    pub after: Value,
    /// What the change does to access.
    pub assessment: Assessment,
    /// How many of the countries that a list names the change concerns, for a field about countries.
    pub countries: Option<usize>,
}

/// Compares two effective sections, field by field. `None` is a section that no policy has. Equal values give nothing.
pub fn compare(section: &str, before: Option<&Value>, after: Option<&Value>) -> Vec<Judged> {
    let as_whole = |assessment| {
        let value = |value: Option<&Value>| value.cloned().unwrap_or_default();
        vec![Judged {
            path: String::new(),
            before: value(before),
            after: value(after),
            assessment,
            countries: None,
        }]
    };
    if before == after {
        return Vec::new();
    }
    let (Some(before), Some(after)) = (before, after) else { return as_whole(reasons::NO_SECTION) };
    let Some(section) = policy::section(section) else { return as_whole(reasons::UNKNOWN_SECTION) };
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return as_whole(reasons::UNKNOWN_VALUE);
    };
    let (before, after) = (fill::complete(section, before, None), fill::complete(section, after, None));
    let mut judged = Vec::new();
    walk::walk(section.fields, (&before, &after), &mut |leaf| {
        if leaf.is_same() {
            return;
        }
        let (assessment, countries) = rules::assess(leaf, section.name, &before, &after);
        let value = |value: Option<&Value>| value.cloned().unwrap_or_default();
        judged.push(Judged {
            path: leaf.path(),
            before: value(leaf.one),
            after: value(leaf.other),
            assessment,
            countries,
        });
    });
    judged
}

#[cfg(test)]
mod tests;
