//! Duo's wire: signing, requests, transport, paging, limits, errors, types. Knows nothing of YAML.

pub mod sign;
pub mod types;
