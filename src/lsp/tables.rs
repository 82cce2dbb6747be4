//! From a place in the YAML to its row in the tables of the language.

use crate::config::language::FILE;
use crate::language::places::SOURCE;
use crate::language::shape::{Key, Object, Shape};

/// One step from the top of a file to a place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The value of a key.
    Key(String),
    /// An item of a list.
    Item,
}

/// What the language says about a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The shape of the value there.
    pub(super) shape: Shape,
    /// The innermost key of the language that leads there.
    pub(super) key: Option<&'static Key>,
    /// The mapping that has this key.
    pub(super) table: Option<&'static Object>,
}

impl Row {
    /// The top of a file.
    pub(super) const TOP: Self = Self { shape: Shape::Object(&FILE), key: None, table: None };

    /// The row after a path.
    pub(super) fn at(path: &[Step]) -> Option<Self> {
        path.iter().try_fold(Self::TOP, |row, step| row.step(step))
    }

    /// The row after one more step.
    pub(super) fn step(self, step: &Step) -> Option<Self> {
        match step {
            Step::Key(name) => self.key(name),
            Step::Item => self.item(),
        }
    }

    /// The row of a key of the mapping.
    pub(super) fn key(self, name: &str) -> Option<Self> {
        if let Some(table) = self.object()
            && let Some(key) = table.keys.iter().find(|key| key.name == name)
        {
            return Some(Self { shape: key.shape, key: Some(key), table: Some(table) });
        }
        let (_, item) = self.entries()?;
        Some(Self { shape: *item, ..self })
    }

    /// The row of an item of the list.
    pub(super) fn item(self) -> Option<Self> {
        let item = self.alternatives().iter().find_map(|shape| match shape {
            Shape::List(item, ..) => Some(**item),
            _ => None,
        });
        item.map(|shape| Self { shape, ..self })
    }

    /// The table of a mapping with fixed keys.
    pub(super) fn object(self) -> Option<&'static Object> {
        self.alternatives().iter().find_map(|shape| match shape {
            Shape::Object(table) => Some(*table),
            Shape::Source { .. } => Some(&SOURCE),
            _ => None,
        })
    }

    /// The rule and the values of a mapping whose keys the user chooses.
    pub(super) fn entries(self) -> Option<(&'static crate::language::shape::TextRule, &'static Shape)> {
        self.alternatives().iter().find_map(|shape| match shape {
            Shape::Entries(rule, item) => Some((*rule, *item)),
            _ => None,
        })
    }

    /// The shapes that the value may have.
    pub(super) fn alternatives(&self) -> Vec<Shape> {
        match self.shape {
            Shape::Either(shapes) => shapes.to_vec(),
            shape => vec![shape],
        }
    }

    /// Whether the innermost key is this key of this mapping.
    pub(super) fn is(self, table: &'static Object, key: &str) -> bool {
        self.table.is_some_and(|found| std::ptr::eq(found, table))
            && self.key.is_some_and(|found| found.name == key)
    }

    /// Whether the innermost key is this one of the top level.
    pub(super) fn is_top(self, key: &str) -> bool {
        self.is(&FILE, key)
    }
}
