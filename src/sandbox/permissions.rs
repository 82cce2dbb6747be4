//! The `adminapi_*` flags (duo-api.md, section 3.4).

use super::switches::Switches;

/// Lets an Admin API application set the flags of Admin API applications.
pub(super) const SET_PERMISSIONS: &str = "adminapi_allow_to_set_permissions";

/// Flags that allow reading users, groups, devices and policies.
pub(super) const READ_RESOURCE: &[&str] = &["adminapi_read_resource"];
/// Flags that allow writing them.
pub(super) const WRITE_RESOURCE: &[&str] = &["adminapi_write_resource"];
/// Flags that allow reading administrators and their units.
pub(super) const READ_ADMINS: &[&str] = &["adminapi_admins_read", "adminapi_admins"];
/// Flags that allow writing them.
pub(super) const WRITE_ADMINS: &[&str] = &["adminapi_admins"];

/// Every flag, and whether it is a newer one that older tenants lack.
const FLAGS: &[(&str, bool)] = &[
    ("adminapi_admins", false),
    ("adminapi_admins_read", true),
    (SET_PERMISSIONS, true),
    ("adminapi_info", false),
    ("adminapi_integrations", false),
    ("adminapi_integrations_read", true),
    ("adminapi_read_log", false),
    ("adminapi_read_resource", false),
    ("adminapi_settings", false),
    ("adminapi_settings_read", true),
    ("adminapi_write_resource", false),
];

/// The flags that the tenant knows.
pub(super) fn known(switches: &Switches) -> impl Iterator<Item = &'static str> {
    let new_flags = switches.new_flags;
    FLAGS.iter().filter(move |(_, is_new)| new_flags || !is_new).map(|(flag, _)| *flag)
}

/// Every flag.
pub(super) fn every() -> impl Iterator<Item = &'static str> {
    FLAGS.iter().map(|(flag, _)| *flag)
}
