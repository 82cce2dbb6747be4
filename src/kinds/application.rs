//! Applications: integrations of the Admin API.

pub mod access;
pub mod entry;
pub mod fields;
pub mod leaf;
pub mod leaves;
mod left_out;
mod risks;
pub mod sso;

/// Who may log in at all.
pub const ACCESS: &str = "user_access";
/// Which groups may log in, where the access is `permitted_groups`.
pub const GROUPS: &str = "groups_allowed";
/// The attached policy.
pub const POLICY: &str = "policy";
/// Where an `sso` document has groups, as a JSON pointer.
pub const ROLE_ATTRS: &str = "/saml_config/role_attrs";
/// What an Admin API key may do.
pub const PERMISSION_LIST: &str = "permissions";
/// From where an Admin API key works.
pub const NETWORKS: &str = "networks_for_api_access";

/// `PERMITTED_GROUPS`: the only access with which Duo takes a list of groups (trap 2).
pub const PERMITTED_GROUPS: &str = "PERMITTED_GROUPS";
/// `NO_USERS`: nobody may log in.
pub const NO_USERS: &str = "NO_USERS";
/// What the wire puts before the name of a permission.
pub const PERMISSION_PREFIX: &str = "adminapi_";
/// The permission of which it is not certain that Duo changes it after the creation: of two official clients one says so,
/// the other leaves it out (duo-api.md, corrections to section 3).
pub const UNCERTAIN_PERMISSION: &str = "allow_to_set_permissions";
