//! The names of the store's collections.

pub(super) const ACCOUNTS: &str = "accounts";
pub(super) const ADMINS: &str = "admins";
pub(super) const GROUPS: &str = "groups";
pub(super) const INTEGRATIONS: &str = "integrations";
/// The integration of Trusted Endpoints with a device management, if there is one.
pub(super) const INTEGRATION_OF_DEVICES: &str = "device_management";
pub(super) const POLICIES: &str = "policies";
pub(super) const SETTINGS: &str = "settings";
/// The results of logins through the Auth API, by transaction.
pub(super) const TRANSACTIONS: &str = "transactions";
pub(super) const UNITS: &str = "administrative_units";
pub(super) const USERS: &str = "users";
