//! What a live `sso` document sets and a declared one leaves out, as far as the language knows it.

use serde_json::{Map, Value, json};

use super::leaf::{GRANTS, Pair, item_key, names, pairs, scalar, segment};
use super::sso::{DOCUMENT, cleared};
use crate::kinds::field::LeftOut;
use crate::kinds::value::flag;
use crate::language::shape::{Key, Object, Shape};

/// The grant in which one shape of the reply nests the refresh token that another one has beside it.
const CODE: &str = "authorization_code";
const REFRESH: &str = "refresh_token";

/// Every such setting, each as large as it can be cleared at once. What Duo makes itself, and what the language does not
/// know, is none of it.
pub(super) fn left_out(declared: &Value, live: &Value) -> Vec<LeftOut> {
    let mut search = Search { found: Vec::new() };
    search.object(&Place::default(), &DOCUMENT, Some(declared), live);
    search.found
}

/// Where a value is: its path for people, and as a JSON pointer into the document that is sent.
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
    /// The members of a mapping whose keys the language knows.
    fn object(&mut self, place: &Place, object: &Object, declared: Option<&Value>, live: &Value) {
        let item = item_key(place.path.split('[').next().unwrap_or_default());
        for key in object.keys {
            let Some(held) = live.get(key.name).filter(|held| shows(key.shape, held)) else { continue };
            let place = place.member(key.name);
            match declared.and_then(|declared| declared.get(key.name)) {
                // What is cleared is declared as well.
                Some(Value::Null) => {}
                Some(declared) => self.declared(&place, key.shape, declared, held),
                None if item == Some(key.name) => {}
                None => self.omitted(&place, key, held),
            }
        }
    }

    /// A setting that nothing is declared of.
    fn omitted(&mut self, place: &Place, key: &Key, live: &Value) {
        match key.shape {
            Shape::Object(object) => self.object(place, object, None, live),
            Shape::Entries(_, inner) if key.name == GRANTS => self.grants(place, *inner, &json!({}), live),
            _ => self.add(place, live, cleared(key)),
        }
    }

    /// What is left out inside of something that is declared.
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
            // It is compared as it is declared.
            (_, _, _) => {}
        }
    }

    /// Grant types: one shape of the reply nests the refresh token in the code grant, and one does not.
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
        // Of objects only what they are called: Duo may show secrets in them.
        let value = match (live, item_key(&path)) {
            (Value::Array(items), Some(key)) => names(items, key),
            (value, _) => scalar(value),
        };
        self.found.push(LeftOut { path, pointer, value, clear });
    }
}

/// What takes the place of one of several entries. Duo merges mappings, so that leaving it out would change nothing.
fn emptied(place: &Place) -> Value {
    if place.path.contains("role_attrs") { json!([]) } else { json!("") }
}

/// The grants, the refresh token among them.
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

/// The shape of a member of a mapping that is one of several shapes.
fn member(shape: Shape, name: &str) -> Option<Shape> {
    match shape {
        Shape::Either(shapes) => shapes.iter().find_map(|shape| member(*shape, name)),
        Shape::Object(object) => object.keys.iter().find(|key| key.name == name).map(|key| key.shape),
        _ => None,
    }
}

/// The same for a setting of a known shape: a switch comes in several spellings.
fn shows(shape: Shape, value: &Value) -> bool {
    match (shape, flag(value)) {
        (Shape::Flag, Some(on)) => on,
        (_, _) => is_set(value),
    }
}

/// Whether Duo shows anything: what is empty or off is as good as nothing.
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
