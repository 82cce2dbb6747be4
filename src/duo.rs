//! The Duo API: signing, requests, transport, paging, limits, errors, types. Independent of the YAML.

pub mod activity;
pub mod api;
pub mod assertion;
pub mod authentications;
pub mod backoff;
pub mod call;
pub mod catalogue;
pub mod channel;
pub mod client;
pub mod clock;
pub mod documents;
pub mod error;
pub mod explain;
pub mod host;
pub mod https;
pub mod limiter;
pub(crate) mod logs;
pub mod page;
pub mod people;
pub mod probe;
pub mod reply;
pub mod request;
pub mod sign;
pub mod types;
pub mod usage;
pub mod waits;
