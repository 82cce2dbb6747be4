//! Which policies apply to which applications, and what applies to an application in the end (policies.md, section 3).
//!
//! A plan makes one [`World`] of the account as it is and one as it will be, and [`judge`] says what the difference does.

mod bindings;
mod judge;
mod model;
mod read;

pub use judge::{Change, judge};
pub use model::{How, Reach, Section, World};
