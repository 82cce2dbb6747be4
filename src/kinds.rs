//! What a workspace can declare: the fields of each kind, and what all kinds have in common.
//!
//! A field is one row of its kind's table ([`application::fields`]): how it is written, compared and sent, what its
//! absence means, and what a change of it risks.

pub mod address;
pub mod application;
pub mod field;
mod flags;
pub mod group;
pub mod managed;
pub mod marker;
pub mod networks;
pub mod policy;
pub mod reference;
pub mod risk;
pub mod seal;
mod table;
pub mod value;

pub use crate::duo::object::Kind;
