//! Walks through two values of one section, field by field.

use serde_json::{Map, Value};

use super::value::{hours, same};
use crate::duo::policy::{Edition, Field, Shape, defaults};

/// A field whose two values are not equal as JSON.
#[derive(Debug)]
pub(super) struct Leaf<'v> {
    /// Its row, if duoctl knows the field and the shape of its values.
    pub(super) field: Option<&'static Field>,
    prefix: &'v str,
    name: &'v str,
    /// Its values; `None` if it is absent and its default is not known.
    pub(super) one: Option<&'v Value>,
    pub(super) other: Option<&'v Value>,
    /// The objects that it is in.
    pub(super) siblings: (&'v Map<String, Value>, &'v Map<String, Value>),
    /// Whether it has an effect in each of them.
    pub(super) applies: (bool, bool),
    /// Whether Duo hides it while it has no effect.
    pub(super) hidden: bool,
}

impl Leaf<'_> {
    /// Its path in the section.
    pub(super) fn path(&self) -> String {
        format!("{}{}", self.prefix, self.name)
    }

    /// Whether its two values mean the same, although they are written differently.
    pub(super) fn is_same(&self) -> bool {
        let (one, other) = self.siblings;
        match (self.field.map(|field| field.shape), self.one, self.other) {
            (Some(Shape::Unit | Shape::Amount), ..) if hours(one).is_some() => hours(one) == hours(other),
            (Some(shape), Some(one), Some(other)) => same(shape, one, other),
            _ => false,
        }
    }
}

/// Visits each field that differs, at any depth. Both values are complete.
pub(super) fn walk<'v>(
    fields: &'static [Field],
    (one, other): (&'v Map<String, Value>, &'v Map<String, Value>),
    visit: &mut dyn FnMut(&Leaf<'_>),
) {
    Walk { prefix: String::new(), applies: (true, true), hidden: false }.object(fields, (one, other), visit);
}

struct Walk {
    prefix: String,
    applies: (bool, bool),
    hidden: bool,
}

impl Walk {
    fn object(
        &self,
        fields: &'static [Field],
        (one, other): (&Map<String, Value>, &Map<String, Value>),
        visit: &mut dyn FnMut(&Leaf<'_>),
    ) {
        let known = |name: &str| fields.iter().find(|field| field.name == name);
        let others = other.keys().filter(|name| !one.contains_key(*name));
        for name in one.keys().chain(others) {
            let values = (one.get(name), other.get(name));
            if values.0 == values.1 {
                continue;
            }
            let field = known(name);
            let applies = field.map_or(self.applies, |field| {
                (self.applies.0 && field.applies(one), self.applies.1 && field.applies(other))
            });
            let inner = field.and_then(Field::inner);
            let are_objects = [values.0, values.1].iter().flatten().all(|value| value.is_object());
            if let Some(inner) = inner.filter(|_| are_objects) {
                let walk = Self {
                    prefix: format!("{}{name}.", self.prefix),
                    applies,
                    hidden: self.hidden
                        || field.is_some_and(|field| matches!(field.shape, Shape::Branches(_))),
                };
                // An absent object has no effect, which is what the defaults of its fields say.
                let absent = defaults(inner, Edition::Advantage);
                let one = values.0.and_then(Value::as_object).unwrap_or(&absent);
                let other = values.1.and_then(Value::as_object).unwrap_or(&absent);
                walk.object(inner, (one, other), visit);
                continue;
            }
            visit(&Leaf {
                field: field.filter(|_| inner.is_none()),
                prefix: &self.prefix,
                name,
                one: values.0,
                other: values.1,
                siblings: (one, other),
                applies,
                hidden: self.hidden,
            });
        }
    }
}
