//! Known settings that a live `sso` document has and the declared one leaves out.

use serde_json::{Map, Value, json};

use super::leaf::{GRANTS, Pair, item_key, names, pairs, scalar, segment};
use super::sso::{DOCUMENT, cleared};
use crate::kinds::field::LeftOut;
use crate::kinds::value::flag;
use crate::language::shape::{Key, Object, Shape};

/// The grant that contains the refresh token in one shape of the reply; in the other shape they are siblings.
const CODE: &str = "authorization_code";
const REFRESH: &str = "refresh_token";

/// Finds these settings, each as the largest part that can be cleared at once. Skips what Duo generates itself and what
/// the language does not know.
pub(super) fn left_out(declared: &Value, live: &Value) -> Vec<LeftOut> {
    let mut search = Search { found: Vec::new() };
    search.object(&Place::default(), &DOCUMENT, Some(declared), live);
    search.found
}

/// The location of a value: its path for messages, and a JSON pointer into the document that is sent.
#[derive(Clone, Default)]
struct Place {
    path: String,
    pointer: String,
}

impl Place {
    fn member(&self, name: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        let escaped = name.replace('~', "~0").replace('/', "~1");
        Self {
            path: format!("{}{dot}{}", self.path, segment(name)),
            pointer: format!("{}/{escaped}", self.pointer),
        }
    }

    fn item(&self, place: &str, index: usize) -> Self {
        Self { path: format!("{}[{place}]", self.path), pointer: format!("{}/{index}", self.pointer) }
    }
}

struct Search {
    found: Vec<LeftOut>,
}

impl Search {
    /// Searches the members of a mapping whose keys the language knows.
    fn object(&mut self, place: &Place, object: &Object, declared: Option<&Value>, live: &Value) {
        let item = item_key(place.path.split('[').next().unwrap_or_default());
        for key in object.keys {
            let Some(held) = live.get(key.name).filter(|held| shows(key.shape, held)) else { continue };
            let place = place.member(key.name);
            match declared.and_then(|declared| declared.get(key.name)) {
                // A cleared setting is declared, too.
                Some(Value::Null) => {}
                Some(declared) => self.declared(&place, key.shape, declared, held),
                None if item == Some(key.name) => {}
                None => self.omitted(&place, key, held),
            }
        }
    }

    /// A setting of which nothing is declared.
    fn omitted(&mut self, place: &Place, key: &Key, live: &Value) {
        match key.shape {
            Shape::Object(object) => self.object(place, object, None, live),
            Shape::Entries(_, inner) if key.name == GRANTS => self.grants(place, *inner, &json!({}), live),
            _ => self.add(place, live, cleared(key)),
        }
    }

    /// Parts left out of a declared setting.
    fn declared(&mut self, place: &Place, shape: Shape, declared: &Value, live: &Value) {
        match (shape, declared, live) {
            (Shape::Object(object), Value::Object(_), _) => self.object(place, object, Some(declared), live),
            (Shape::Entries(_, inner), Value::Object(_), _) if place.path.ends_with(GRANTS) => {
                self.grants(place, *inner, declared, live);
            }
            (Shape::Entries(_, inner), Value::Object(map), Value::Object(held)) => {
                for (name, value) in held.iter().filter(|(_, value)| is_set(value)) {
                    let place = place.member(name);
                    match map.get(name) {
                        Some(declared) => self.declared(&place, *inner, declared, value),
                        None => self.add(&place, value, Some(emptied(&place))),
                    }
                }
            }
            (Shape::Either(shapes), Value::Object(_), _) => {
                let takes = |shape: &&Shape| matches!(shape, Shape::Object(_) | Shape::Entries(..));
                if let Some(shape) = shapes.iter().find(takes) {
                    self.declared(place, *shape, declared, live);
                }
            }
            (Shape::List(Shape::Object(object), ..), Value::Array(items), Value::Array(held)) => {
                let Some(key) = item_key(&place.path) else { return };
                for (index, pair) in pairs(items, key, held).into_iter().enumerate() {
                    let Pair { place: name, item, live } = pair;
                    if let Some(live) = live {
                        self.object(&place.item(&name, index), object, Some(item), live);
                    }
                }
            }
            // The declared value is compared as a whole.
            (_, _, _) => {}
        }
    }

    /// Grant types. One shape of the reply nests the refresh token in the code grant.
    fn grants(&mut self, place: &Place, shape: Shape, declared: &Value, live: &Value) {
        let code_is_sent = declared.get(CODE).is_some_and(Value::is_object);
        let nested = code_is_sent && live.pointer("/authorization_code/refresh_token").is_some();
        let (declared, held) = (in_a_row(declared), in_a_row(live));
        for (name, value) in held.iter().filter(|(_, value)| is_set(value)) {
            let refresh = name == REFRESH;
            let place = match refresh && nested {
                true => place.member(CODE).member(REFRESH),
                false => place.member(name),
            };
            match (declared.get(name), if refresh { member(shape, REFRESH) } else { Some(shape) }) {
                (Some(declared), Some(shape)) => self.declared(&place, shape, declared, value),
                (Some(_), None) => {}
                (None, _) => self.add(&place, value, Some(json!(false))),
            }
        }
    }

    fn add(&mut self, place: &Place, live: &Value, clear: Option<Value>) {
        let Place { path, pointer } = place.clone();
        // Objects are shown by name only: they may contain secrets.
        let value = match (live, item_key(&path)) {
            (Value::Array(items), Some(key)) => names(items, key),
            (value, _) => scalar(value),
        };
        self.found.push(LeftOut { path, pointer, value, clear });
    }
}

/// The value that clears one of several entries. Duo merges mappings, so leaving the entry out would change nothing.
fn emptied(place: &Place) -> Value {
    if place.path.contains("role_attrs") { json!([]) } else { json!("") }
}

/// The grants with the refresh token moved next to them.
fn in_a_row(grants: &Value) -> Map<String, Value> {
    let mut grants = grants.as_object().cloned().unwrap_or_default();
    let nested = match grants.get_mut(CODE) {
        Some(Value::Object(code)) => code.remove(REFRESH),
        _ => None,
    };
    if let Some(nested) = nested.filter(is_set) {
        grants.entry(REFRESH).or_insert(nested);
    }
    grants
}

/// The shape of a member of a mapping, if one of several shapes is a mapping.
fn member(shape: Shape, name: &str) -> Option<Shape> {
    match shape {
        Shape::Either(shapes) => shapes.iter().find_map(|shape| member(*shape, name)),
        Shape::Object(object) => object.keys.iter().find(|key| key.name == name).map(|key| key.shape),
        _ => None,
    }
}

/// Whether a setting of a known shape is set; switches have several spellings.
fn shows(shape: Shape, value: &Value) -> bool {
    match (shape, flag(value)) {
        (Shape::Flag, Some(on)) => on,
        (_, _) => is_set(value),
    }
}

/// Whether a value is set: empty and off count as unset.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::String(text) => !text.is_empty(),
        Value::Bool(on) => *on,
        Value::Number(_) => true,
        Value::Null => false,
    }
}
