//! Duo's wire: signing, requests, transport, paging, limits, errors, types. Knows nothing of YAML.

pub mod api;
pub mod call;
pub mod catalogue;
pub mod error;
pub mod sign;
pub mod types;
