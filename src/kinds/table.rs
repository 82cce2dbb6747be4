//! What each kind is: its fields, and how the YAML writes an entry of it. Nothing imports this file: it only adds to
//! [`Kind`].

use crate::language::shape::Object;

use super::field::Field;
use super::{Kind, application, group, policy};

impl Kind {
    /// The fields of its objects.
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Group => group::FIELDS,
            Self::Policy => policy::language::FIELDS,
            Self::Application => application::fields::FIELDS,
        }
    }

    /// An entry of its section.
    pub const fn entry(self) -> &'static Object {
        match self {
            Self::Group => &group::GROUP,
            Self::Policy => &policy::language::POLICY,
            Self::Application => &application::entry::APPLICATION,
        }
    }

    /// A field by its YAML key.
    pub fn field(self, key: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name() == key)
    }
}
