//! Paths beside Duo's own.

/// Where the console of the simulated Identity Intelligence is.
pub(super) const CONSOLE_PATH: &str = "/console";
/// Where the simulated Identity Intelligence gives out tokens.
pub(super) const TOKEN_PATH: &str = "/identity-intelligence/oauth/token";
/// Where its public API is.
pub(super) const GRAPHQL_PATH: &str = "/identity-intelligence/graphql";
