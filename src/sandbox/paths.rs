//! Paths that Duo does not have.

/// The console of the simulated Identity Intelligence.
pub(super) const CONSOLE_PATH: &str = "/console";
/// The token endpoint of the simulated Identity Intelligence.
pub(super) const TOKEN_PATH: &str = "/identity-intelligence/oauth/token";
/// The public API of the simulated Identity Intelligence.
pub(super) const GRAPHQL_PATH: &str = "/identity-intelligence/graphql";
