//! Single sign-on settings as a set of leaves: only what the YAML declares is compared, after the shapes that Duo
//! sends back have been evened out (duo-api.md, section 3.5 and trap 24).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::diagnostic::{Diagnostic, Span};
use crate::text::member;

use crate::kinds::Kind;
use crate::kinds::field::{Document, Leaves, Names};
use crate::kinds::managed::named;
use crate::kinds::value::{Written, flag};

/// How the `sso` document is compared and sent.
pub(super) static SSO: Document = Document { resolve: resolve_groups, leaves, outgoing, again, shown };

/// A live document without what Duo makes itself, and without what it shows as `null` and need not take.
fn again(live: &Value) -> Value {
    let mut document = live.clone();
    if let Value::Object(sections) = &mut document {
        sections.remove("idp_metadata");
    }
    without_nulls(&mut document);
    document
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Attributes by group hold ids.
fn shown(path: &str, value: Value, names: &dyn Names) -> Value {
    match value {
        Value::Array(_) if path.contains("role_attrs") => named(Kind::Group, value, names),
        value => value,
    }
}

/// A live document in the one shape that the YAML has: OIDC scopes are a list of objects with names, though one shape of
/// the reply is an object by name (duo-api.md, section 3.5).
pub fn in_one_shape(live: &Value) -> Cow<'_, Value> {
    const SCOPES: &str = "/oidc_config/scopes";
    let Some(Value::Object(scopes)) = live.pointer(SCOPES) else { return Cow::Borrowed(live) };
    let is_on = |(_, value): &(&String, &Value)| flag(value) != Some(false) && !value.is_null();
    let named = scopes.iter().filter(is_on).map(|(name, value)| {
        let mut scope = value.as_object().cloned().unwrap_or_default();
        scope.insert("name".to_owned(), json!(name));
        Value::Object(scope)
    });
    let listed: Value = named.collect();
    let mut shaped = live.clone();
    if let Some(place) = shaped.pointer_mut(SCOPES) {
        *place = listed;
    }
    Cow::Owned(shaped)
}

/// The declared leaves, and what a live document holds at the same places (`null` where it holds nothing).
fn leaves(declared: &Value, live: Option<&Value>) -> (Leaves, Leaves) {
    let live = live.map(in_one_shape);
    let live = live.as_deref();
    let mut walk = Walk { declared: Leaves::new(), live: Leaves::new() };
    walk.visit("", declared, live);
    (walk.declared, walk.live)
}

/// What an update sends of the declared document: the settings that change, each with what the account holds beside it.
///
/// Duo merges a partial document setting by setting, and replaces lists as a whole; whether it merges what stands deeper
/// is not known (duo-api.md, section 3.5). What the YAML does not mention would be lost otherwise.
fn outgoing(declared: &Value, live: &Value) -> Value {
    let live = in_one_shape(live);
    let Value::Object(sections) = declared else { return declared.clone() };
    let changed = sections.iter().filter_map(|(section, settings)| {
        let held = live.get(section);
        let Value::Object(settings) = settings else { return Some((section.clone(), settings.clone())) };
        let kept = settings.iter().filter_map(|(name, setting)| {
            let path = format!("{section}.{name}");
            let alone = Value::Object(Map::from_iter([(name.clone(), setting.clone())]));
            let mut walk = Walk { declared: Leaves::new(), live: Leaves::new() };
            walk.visit(section, &alone, held);
            let beside = held.and_then(|held| held.get(name)).filter(|_| name != "grant_types");
            (walk.declared != walk.live).then(|| (name.clone(), completed(&path, setting, beside)))
        });
        let kept: Map<String, Value> = kept.collect();
        (!kept.is_empty()).then(|| (section.clone(), Value::Object(kept)))
    });
    Value::Object(changed.collect())
}

/// A declared value with the members that the account holds and the YAML does not mention.
fn completed(path: &str, declared: &Value, live: Option<&Value>) -> Value {
    match (declared, live) {
        (Value::Object(map), Some(Value::Object(held))) => {
            let mut map: Map<String, Value> = map
                .iter()
                .map(|(name, value)| {
                    (name.clone(), completed(&format!("{path}.{name}"), value, held.get(name)))
                })
                .collect();
            for (name, value) in held.iter().filter(|(_, value)| !value.is_null()) {
                map.entry(name).or_insert_with(|| value.clone());
            }
            Value::Object(map)
        }
        (Value::Array(items), Some(Value::Array(held))) => {
            let Some(key) = item_key(path) else { return declared.clone() };
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            let items = items.iter().map(|item| {
                let name = item.get(key).map(Value::to_string).unwrap_or_default();
                let nth = seen.entry(name).or_default();
                let found = held.iter().filter(|held| held.get(key) == item.get(key)).nth(*nth);
                *nth += 1;
                completed(path, item, found)
            });
            Value::Array(items.collect())
        }
        (_, _) => declared.clone(),
    }
}

/// The document with the group names inside role attributes replaced by ids (trap 25).
fn resolve_groups(document: &Written, names: &dyn Names, span: Span) -> Result<Value, Vec<Diagnostic>> {
    const ROLES: &str = "/saml_config/role_attrs";
    let mut resolved = Value::clone(document);
    let mut groups = Groups { document, names, span, problems: Vec::new() };
    let attributes = resolved.pointer_mut(ROLES).and_then(Value::as_object_mut);
    for (name, attribute) in attributes.into_iter().flatten() {
        let at = member(ROLES, name);
        match attribute {
            Value::Object(roles) => {
                roles.iter_mut().for_each(|(role, value)| groups.resolve(&member(&at, role), value));
            }
            Value::Array(_) => groups.resolve(&at, attribute),
            // One shape of the reply is flat (duo-api.md, section 3.5): what it maps to is no group.
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    if groups.problems.is_empty() { Ok(resolved) } else { Err(groups.problems) }
}

/// Resolves the groups of a document.
struct Groups<'a> {
    document: &'a Written,
    names: &'a dyn Names,
    /// Where the document is.
    span: Span,
    problems: Vec<Diagnostic>,
}

impl Groups<'_> {
    /// One group, or a list of them, at a JSON pointer.
    fn resolve(&mut self, at: &str, groups: &mut Value) {
        match groups {
            Value::String(name) => {
                let span = self.document.place(at).unwrap_or(self.span);
                match self.names.id(Kind::Group, name, span) {
                    Ok(id) => *name = id,
                    Err(problem) => self.problems.push(problem),
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.resolve(&member(at, &index.to_string()), item);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
        }
    }
}

/// The member that identifies an item of a list of objects.
fn item_key(path: &str) -> Option<&'static str> {
    match path.rsplit('.').next()? {
        "acs_urls" => Some("url"),
        "scopes" if path.starts_with("oauth_config") => Some("id"),
        "scopes" => Some("name"),
        "clients" => Some("client_id"),
        "idp_attribute_claim_mapping" => Some("oidc_claim"),
        _ => None,
    }
}

struct Walk {
    declared: Leaves,
    live: Leaves,
}

impl Walk {
    fn visit(&mut self, path: &str, declared: &Value, live: Option<&Value>) {
        match declared {
            // Members that Duo fills in itself are none of the YAML's business, so an empty document declares nothing.
            Value::Object(map) => self.members(path, map, live),
            Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
                match item_key(path) {
                    Some(key) => self.items(path, key, items, live),
                    None => self.leaf(path, declared.clone(), live.cloned().unwrap_or_default()),
                }
            }
            Value::Array(_) => self.leaf(path, sorted(declared), live.map(as_list).unwrap_or_default()),
            Value::Bool(_) => self.leaf(path, declared.clone(), live.map(as_flag).unwrap_or_default()),
            Value::Null | Value::Number(_) | Value::String(_) => {
                self.leaf(path, scalar(declared), live.map(as_scalar).unwrap_or_default());
            }
        }
    }

    fn leaf(&mut self, path: &str, declared: Value, live: Value) {
        // A switch that Duo leaves out is off, and one that the YAML clears is too.
        let (off, unset) = (json!(false), Value::Null);
        let same = (declared == off && live == unset) || (declared == unset && live == off);
        self.live.insert(path.to_owned(), if same { declared.clone() } else { live });
        self.declared.insert(path.to_owned(), declared);
    }

    fn members(&mut self, path: &str, map: &Map<String, Value>, live: Option<&Value>) {
        for (name, value) in map {
            let child = if path.is_empty() { segment(name) } else { format!("{path}.{}", segment(name)) };
            let mut found = live.and_then(|live| live.get(name));
            if found.is_none() && name == "refresh_token" && path.ends_with("grant_types") {
                // One shape of the reply nests the refresh token's lifetimes in the code grant.
                found = live.and_then(|live| live.pointer("/authorization_code/refresh_token"));
            }
            self.visit(&child, value, found);
        }
    }

    fn items(&mut self, path: &str, key: &str, items: &[Value], live: Option<&Value>) {
        let live_items = live.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        self.leaf(path, names(items, key), names(live_items, key));
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for item in items {
            let name = item.get(key);
            let text = name.and_then(Value::as_str).unwrap_or_default();
            // Two items may share their key, e.g. one URL with two bindings: they are compared in their order.
            let nth = seen.entry(text).or_default();
            let found = live_items.iter().filter(|live| live.get(key) == name).nth(*nth);
            let place = if *nth == 0 { segment(text) } else { format!("{} #{}", segment(text), *nth + 1) };
            *nth += 1;
            let members = item.as_object().into_iter().flatten();
            for (member, value) in members.filter(|(member, _)| *member != key) {
                let found = found.and_then(|found| found.get(member));
                self.visit(&format!("{path}[{place}].{}", segment(member)), value, found);
            }
        }
    }
}

/// The keys of a list's items, in the one order that both sides share.
fn names(items: &[Value], key: &str) -> Value {
    let mut names: Vec<Value> = items.iter().map(|item| item.get(key).cloned().unwrap_or_default()).collect();
    names.sort_by_cached_key(Value::to_string);
    if names.is_empty() { Value::Null } else { Value::Array(names) }
}

/// A name in a path, quoted where it could be taken for two: no two leaves may share a path.
fn segment(name: &str) -> String {
    let plain = !name.is_empty() && !name.contains(['.', '[', ']', '"', '#']);
    if plain { name.to_owned() } else { format!("{name:?}") }
}

/// One text and a list of it are the same setting.
fn as_scalar(value: &Value) -> Value {
    match value {
        Value::Array(items) => match items.as_slice() {
            [item] => scalar(item),
            _ => sorted(value),
        },
        other => scalar(other),
    }
}

/// The reverse of [`as_scalar`].
fn as_list(value: &Value) -> Value {
    match value {
        Value::String(text) if !text.is_empty() => sorted(&json!([text])),
        other => sorted(other),
    }
}

/// Absent, `null`, `""`, `[]` and `{}` are one value; a number in a string is a number (traps 6 and 34).
fn scalar(value: &Value) -> Value {
    match value {
        Value::String(text) if text.is_empty() => Value::Null,
        Value::String(text) => match text.parse::<i64>() {
            Ok(number) if number.to_string() == *text => json!(number),
            _ => value.clone(),
        },
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 => {
                float.to_string().parse::<i64>().map_or_else(|_| value.clone(), |number| json!(number))
            }
            _ => value.clone(),
        },
        Value::Array(items) if items.is_empty() => Value::Null,
        Value::Object(map) if map.is_empty() => Value::Null,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.clone(),
    }
}

/// A switch; Duo may answer with the settings of what was switched on.
fn as_flag(value: &Value) -> Value {
    match value {
        Value::Object(_) => json!(true),
        other => flag(other).map_or_else(|| other.clone(), Value::Bool),
    }
}

/// A list whose order means nothing.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.is_empty() => Value::Null,
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(scalar).collect();
            items.sort_by_cached_key(Value::to_string);
            items.dedup();
            Value::Array(items)
        }
        other => scalar(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_what_changes_with_what_stands_beside_it() {
        let declared = json!({"saml_config": {
            "entity_id": "https://new", "nameid_attribute": "mail",
            "acs_urls": [{"url": "https://b"}, {"url": "https://a", "index": 7}],
            "mapped_attrs": {"<Email Address>": "email"}}});
        let live = json!({"idp_metadata": {"cert": "x"}, "saml_config": {
            "entity_id": "https://old", "nameid_attribute": "mail", "relaystate": "start",
            "acs_urls": [{"url": "https://a", "binding": "POST", "index": 1, "isDefault": null}, {"url": "https://gone"}],
            "mapped_attrs": {"<Email Address>": "mail", "<Last Name>": "sn"}}});
        assert_eq!(
            outgoing(&declared, &live),
            json!({"saml_config": {
                "entity_id": "https://new",
                "acs_urls": [{"url": "https://b"}, {"url": "https://a", "index": 7, "binding": "POST"}],
                "mapped_attrs": {"<Email Address>": "email", "<Last Name>": "sn"}}})
        );
        // What stays as it is stays out of it, lists as well.
        let mut live = live;
        live["saml_config"]["acs_urls"] =
            json!([{"url": "https://a", "index": "7"}, {"url": "https://b", "binding": "POST"}]);
        live["saml_config"]["mapped_attrs"]["<Email Address>"] = json!("email");
        assert_eq!(outgoing(&declared, &live), json!({"saml_config": {"entity_id": "https://new"}}));
    }

    fn same(declared: &Value, live: &Value) -> bool {
        let (declared, live) = leaves(declared, Some(live));
        declared == live
    }

    #[test]
    fn only_declared_leaves_count_in_any_order_and_spelling() {
        let declared = json!({"saml_config": {
            "entity_id": "https://wiki.example.com/meta", "sign_assertion": true, "relaystate": null,
            "acs_urls": [{"url": "https://b"}, {"url": "https://a", "isDefault": true}]}});
        let live = json!({"idp_metadata": {"cert": "x"}, "saml_config": {
            "entity_id": "https://wiki.example.com/meta", "sign_assertion": "True", "sign_response": false, "relaystate": "",
            "acs_urls": [{"url": "https://a", "isDefault": 1, "index": 0}, {"url": "https://b", "binding": null}]}});
        assert!(same(&declared, &live));
        let live = json!({"saml_config": {"acs_urls": [{"url": "https://a"}]}});
        let (declared, live) = leaves(&declared, Some(&live));
        assert_eq!(declared["saml_config.acs_urls"], json!(["https://a", "https://b"]));
        assert_eq!(live["saml_config.acs_urls"], json!(["https://a"]));
        assert_eq!(live["saml_config.acs_urls[https://a].isDefault"], Value::Null);
    }

    #[test]
    fn grant_types_are_equal_in_both_known_shapes() {
        let declared =
            json!({"oidc_config": {"grant_types": {"authorization_code": true, "refresh_token": true}}});
        let nested = json!({"oidc_config": {"grant_types": {"authorization_code":
            {"access_token_lifespan": 3600, "refresh_token": {"refresh_token_chain_lifespan": 2592000}}}}});
        assert!(same(&declared, &nested) && same(&declared, &declared));
        let off = json!({"oidc_config": {"grant_types": {"authorization_code": false}}});
        assert!(same(&off, &json!({"oidc_config": {"grant_types": {}}})));
        assert!(!same(&off, &nested));
    }

    #[test]
    fn numbers_come_as_text_and_as_floats() {
        let declared =
            json!({"oidc_config": {"lifespan": 3600, "redirect_uris": ["https://b", "https://a"]}});
        assert!(same(
            &declared,
            &json!({"oidc_config": {"lifespan": "3600", "redirect_uris": ["https://a", "https://b"]}})
        ));
        assert!(same(
            &declared,
            &json!({"oidc_config": {"lifespan": 3600.0, "redirect_uris": ["https://a", "https://b"]}})
        ));
        assert!(!same(&declared, &json!({"oidc_config": {"lifespan": 60, "redirect_uris": ["https://a"]}})));
    }
}
