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
pub mod value;

pub use crate::duo::object::Kind;

use crate::language::shape::Object;
use field::Field;

impl Kind {
    /// The fields of its objects.
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Group => group::FIELDS,
            Self::Policy => &[],
            Self::Application => application::fields::FIELDS,
        }
    }

    /// An entry of its section.
    pub const fn entry(self) -> &'static Object {
        match self {
            Self::Group => &group::GROUP,
            Self::Policy => &group::GROUP,
            Self::Application => &application::entry::APPLICATION,
        }
    }

    /// A field by its YAML key.
    pub fn field(self, key: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name() == key)
    }
}
