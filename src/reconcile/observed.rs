//! The result of a read: a failed read is neither presence nor absence.

use std::collections::BTreeMap;

use crate::duo::object::{Kind, Object};

/// The result of a read from the account. A failed read is neither presence nor absence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed<T> {
    /// It exists.
    Present(T),
    /// Duo reports that it does not exist.
    Absent,
    /// It was not needed.
    NotRead,
    /// It could not be read, so nothing can be concluded. The reason in one line.
    Unreadable(String),
}

/// The objects of an account, by kind.
#[derive(Clone, Debug, Default)]
pub struct Objects(BTreeMap<Kind, Observed<Vec<Object>>>);

impl Objects {
    /// Every object of a kind.
    pub fn of(&self, kind: Kind) -> &Observed<Vec<Object>> {
        self.0.get(&kind).unwrap_or(&Observed::NotRead)
    }

    /// Every object of a kind; none if the list could not be read.
    pub fn present(&self, kind: Kind) -> &[Object] {
        match self.of(kind) {
            Observed::Present(objects) => objects,
            Observed::Absent | Observed::NotRead | Observed::Unreadable(_) => &[],
        }
    }

    /// Sets what is known about a kind.
    pub fn set(&mut self, kind: Kind, objects: Observed<Vec<Object>>) {
        self.0.insert(kind, objects);
    }
}

impl<const N: usize> From<[(Kind, Observed<Vec<Object>>); N]> for Objects {
    fn from(objects: [(Kind, Observed<Vec<Object>>); N]) -> Self {
        Self(objects.into())
    }
}
