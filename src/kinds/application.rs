//! Applications: integrations of the Admin API.

pub mod access;
pub mod bindings;
pub mod entry;
pub mod fields;
pub mod leaf;
pub mod leaves;
mod left_out;
mod risks;
pub mod sso;

/// Who may log in.
pub const ACCESS: &str = "user_access";
/// Which groups may log in, if the access is `permitted_groups`.
pub const GROUPS: &str = "groups_allowed";
/// The attached policy.
pub const POLICY: &str = "policy";
/// Where an `sso` document has groups, as a JSON pointer.
pub const ROLE_ATTRS: &str = "/saml_config/role_attrs";
/// What an Admin API key may do.
pub const PERMISSION_LIST: &str = "permissions";
/// The addresses from which an Admin API key works.
pub const NETWORKS: &str = "networks_for_api_access";

/// The maximum number of groups that Duo accepts (duo-api.md, section 3.3).
pub const MOST_GROUPS: usize = 100;

/// `PERMITTED_GROUPS`: the only access with which Duo accepts a list of groups (trap 2).
pub const PERMITTED_GROUPS: &str = "PERMITTED_GROUPS";
/// `NO_USERS`: no user may log in.
pub const NO_USERS: &str = "NO_USERS";
/// The prefix of permission names in Duo's API.
pub const PERMISSION_PREFIX: &str = "adminapi_";
/// A permission that Duo may not change after creation: one official client documents the change, the other omits it
/// (duo-api.md, corrections to section 3).
pub const UNCERTAIN_PERMISSION: &str = "allow_to_set_permissions";
