//! The simulator: a faithful local Duo over real HTTPS (duo-api.md, section 11). It is not Duo itself.
//!
//! [`account::Account`] is the state and the rules, without HTTP. [`direct`] reaches it in this process, [`serve`] over
//! HTTPS. [`switches`] control behaviour that is unknown, and [`faults`] inject errors.
//!
//! From the bottom up: what is stored (`store`, `application`, `collections`), the shared state (`state`), one file per
//! family of the API, the routes to them (`router`), Identity Intelligence and the Admin Panel, and the account as a
//! whole (`account`). No file imports one above it.

pub mod account;
mod accounts;
mod admins;
mod admission;
mod application;
mod auth;
mod authenticate;
mod authority;
mod branding;
pub mod call;
mod choices;
mod collections;
mod devices;
pub mod direct;
mod documents;
pub mod faults;
mod groups;
mod hosts;
mod ids;
mod info;
mod integrations;
pub mod intelligence;
mod kinds;
mod logs;
pub mod message;
mod networks;
mod oauth;
mod panel;
mod paths;
mod permissions;
mod policies;
mod recorded;
mod router;
mod seed;
pub mod serve;
mod setting;
mod settings;
mod state;
pub mod store;
pub mod switches;
mod units;
pub mod unsimulated;
mod users;
