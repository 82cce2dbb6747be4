//! The simulator: a faithful local Duo over real HTTPS (duo-api.md, section 11). It is not Duo.

pub mod call;
pub mod store;
