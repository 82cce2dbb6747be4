//! Which names of Duo the YAML shortens.

use crate::duo::policy::{self, Field};

/// Sections as Duo writes them.
pub const RAW: &str = "raw";
/// The users whose effective policy is read after an apply.
pub const VERIFY_USERS: &str = "verify_users";
/// A length of time: a number and a unit in Duo.
pub(super) const MAX_TIME: &str = "max_time";
/// The word for a branch that is switched off.
pub(super) const OFF: &str = "off";
/// What is wrong with a key that has its name in Duo.
pub(super) const DUO_NAME: &str = "is the name in Duo's API";

/// The YAML name of a field of Duo's.
pub fn written(field: &Field) -> &'static str {
    match field.name {
        "default_action" => "default",
        "browser_apps" => "browser",
        name => {
            ["_auth_list", "_countries_list"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
        }
    }
}

/// The field of a section that the YAML may write in place of the section: the only one, or the one that decides.
pub(super) fn short(section: &policy::Section) -> Option<&'static Field> {
    let mut usable = section.fields.iter().filter(|field| is_usable(field));
    match (section.name, usable.next(), usable.next()) {
        ("trusted_endpoints", first, _) | (_, first @ Some(_), None) => first,
        _ => None,
    }
}

/// Whether the YAML can set a field.
pub(super) fn is_usable(field: &Field) -> bool {
    field.replaced_by.is_none() && field.risk != policy::Risk::ReadOnly
}
