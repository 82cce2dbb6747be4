//! The simulator: a faithful local Duo over real HTTPS (duo-api.md, section 11). It is not Duo.
//!
//! [`account::Account`] is the state and the rules, without HTTP; [`direct`] reaches it in this process, [`serve`]
//! over HTTPS.
//! One file per family of the API; [`switches`] and [`faults`] turn what is unknown and what goes wrong.

pub mod account;
mod accounts;
mod admins;
mod auth;
mod authenticate;
mod authority;
pub mod call;
mod devices;
pub mod direct;
mod documents;
pub mod faults;
mod groups;
mod ids;
mod info;
mod integrations;
pub mod intelligence;
mod logs;
pub mod message;
mod networks;
mod oauth;
mod panel;
mod policies;
mod seed;
pub mod serve;
mod settings;
pub mod store;
pub mod switches;
mod units;
mod users;
