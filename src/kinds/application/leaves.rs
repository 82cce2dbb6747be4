//! Single sign-on settings as a set of leaves. Only settings that the YAML declares are compared, after the different
//! shapes of Duo's replies have been normalized (duo-api.md, section 3.5 and trap 24).

use serde_json::{Map, Value, json};
use std::borrow::Cow;

use crate::diagnostic::{Diagnostic, Span};
use crate::text::member;

use super::ROLE_ATTRS;
use super::leaf::{
    GRANTS, Pair, as_flag, as_list, as_scalar, item_key, names, pairs, scalar, segment, sorted,
};
use super::left_out::left_out;
use crate::kinds::Kind;
use crate::kinds::field::{Document, Extent, Leaves, LeftOut, Names};
use crate::kinds::managed::named;
use crate::kinds::reference::Reference;
use crate::kinds::value::{Written, flag};

/// How the `sso` document is compared and sent.
pub(super) static SSO: Document = Document {
    resolve: resolve_groups,
    leaves,
    outgoing,
    left_out: omitted,
    again,
    references: Some(ROLE_ATTRS),
    shown,
};

/// A leaf that only whole documents have, so that their hashes differ from those of documents where only the declared
/// settings count.
const NOTHING_ELSE: &str = "*";

/// A live document without what Duo generates itself and without `null` values, which Duo may not accept.
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

/// Shows group names in place of the ids in role attributes.
fn shown(path: &str, value: Value, names: &dyn Names) -> Value {
    match value {
        Value::Array(_) if path.contains("role_attrs") => named(Kind::Group, value, names),
        value => value,
    }
}

/// A live document in the shape that the YAML uses: OIDC scopes are a list of named objects, although in one shape of
/// the reply they are an object with the names as keys (duo-api.md, section 3.5).
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

/// The declared leaves, and the live values at the same paths (`null` if there is none). For a whole document, the live
/// leaves include those that the YAML leaves out and that can be cleared.
fn leaves(declared: &Value, live: Option<&Value>, extent: Extent) -> (Leaves, Leaves) {
    let live = live.map(in_one_shape);
    let live = live.as_deref();
    let mut walk = Walk { declared: Leaves::new(), live: Leaves::new() };
    walk.visit("", declared, live);
    if extent == Extent::Whole {
        let found = live.map(|live| left_out(declared, live)).unwrap_or_default();
        let found = found.into_iter().filter(|found| found.clear.is_some());
        walk.live.extend(found.map(|found| (found.path, sorted(&found.value))));
        for leaves in [&mut walk.declared, &mut walk.live] {
            leaves.insert(NOTHING_ELSE.to_owned(), Value::Null);
        }
    }
    (walk.declared, walk.live)
}

/// What a live document sets and the declared one leaves out.
fn omitted(declared: &Value, live: &Value) -> Vec<LeftOut> {
    left_out(declared, &in_one_shape(live))
}

/// What an update sends: the settings that change, each together with the live members that the YAML does not mention.
///
/// Duo merges a partial document setting by setting and replaces whole lists; whether it merges deeper levels is unknown
/// (duo-api.md, section 3.5). Without those members, an update could lose them.
fn outgoing(declared: &Value, live: &Value, extent: Extent) -> Value {
    let live = &in_one_shape(live);
    let mut sent = changed(declared, live);
    if extent == Extent::Whole {
        let found = left_out(declared, live);
        for LeftOut { pointer, clear, .. } in found {
            if let Some(clear) = clear {
                let mut names = pointer.split('/').skip(1);
                let (section, name) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
                let setting = declared.get(section).and_then(|settings| settings.get(name));
                whole_setting(&mut sent, section, name, setting, live);
                put(&mut sent, &pointer, clear);
            }
        }
    }
    sent
}

/// Makes sure that a declared setting is sent as a whole: sending only a part could remove the rest.
fn whole_setting(sent: &mut Value, section: &str, name: &str, declared: Option<&Value>, live: &Value) {
    if let (Some(declared), None) = (declared, sent.get(section).and_then(|settings| settings.get(name))) {
        let held = live.get(section).and_then(|held| held.get(name)).filter(|_| name != GRANTS);
        put(sent, &format!("/{section}/{name}"), completed(&format!("{section}.{name}"), declared, held));
    }
}

/// Sets a value at a JSON pointer and creates missing mappings on the way.
fn put(document: &mut Value, pointer: &str, value: Value) {
    let mut names: Vec<String> =
        pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~")).collect();
    let Some(last) = names.pop() else { return };
    let mut place = document;
    for name in names {
        let next = match place {
            Value::Array(items) => name.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
            Value::Object(map) => Some(map.entry(name).or_insert_with(|| json!({}))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        };
        let Some(next) = next else { return };
        place = next;
    }
    if let Value::Object(map) = place {
        map.insert(last, value);
    }
}

fn changed(declared: &Value, live: &Value) -> Value {
    let Value::Object(sections) = declared else { return declared.clone() };
    let changed = sections.iter().filter_map(|(section, settings)| {
        let held = live.get(section);
        let Value::Object(settings) = settings else { return Some((section.clone(), settings.clone())) };
        let kept = settings.iter().filter_map(|(name, setting)| {
            let path = format!("{section}.{name}");
            let alone = Value::Object(Map::from_iter([(name.clone(), setting.clone())]));
            let mut walk = Walk { declared: Leaves::new(), live: Leaves::new() };
            walk.visit(section, &alone, held);
            let current = held.and_then(|held| held.get(name)).filter(|_| name != GRANTS);
            (walk.declared != walk.live).then(|| (name.clone(), completed(&path, setting, current)))
        });
        let kept: Map<String, Value> = kept.collect();
        (!kept.is_empty()).then(|| (section.clone(), Value::Object(kept)))
    });
    Value::Object(changed.collect())
}

/// A declared value plus the live members that the YAML does not mention.
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
            pairs(items, key, held).iter().map(|pair| completed(path, pair.item, pair.live)).collect()
        }
        (_, _) => declared.clone(),
    }
}

/// The document with the group names in role attributes replaced by ids (trap 25).
fn resolve_groups(document: &Written, names: &dyn Names, span: Span) -> Result<Value, Vec<Diagnostic>> {
    let mut resolved = Value::clone(document);
    let mut groups = Groups { document, names, span, problems: Vec::new() };
    let attributes = resolved.pointer_mut(ROLE_ATTRS).and_then(Value::as_object_mut);
    for (name, attribute) in attributes.into_iter().flatten() {
        let at = member(ROLE_ATTRS, name);
        match attribute {
            Value::Object(roles) => {
                roles.iter_mut().for_each(|(role, value)| groups.resolve(&member(&at, role), value));
            }
            Value::Array(_) => groups.resolve(&at, attribute),
            // One shape of the reply is flat (duo-api.md, section 3.5): its values are not groups.
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
        if let Some(wanted) = Reference::of(Kind::Group, groups) {
            let inside = groups.as_object().and_then(|explicit| explicit.keys().next());
            let at = inside.map_or_else(|| at.to_owned(), |key| member(at, key));
            let span = self.document.place(&at).unwrap_or(self.span);
            match self.names.id(Kind::Group, &wanted, span) {
                Ok(id) => *groups = Value::from(id),
                Err(problem) => self.problems.push(problem),
            }
            return;
        }
        match groups {
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.resolve(&member(at, &index.to_string()), item);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {}
        }
    }
}

struct Walk {
    declared: Leaves,
    live: Leaves,
}

impl Walk {
    fn visit(&mut self, path: &str, declared: &Value, live: Option<&Value>) {
        match declared {
            // Duo fills in members of its own, so an empty document declares nothing.
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
        // A switch that Duo omits is off; so is one that the YAML clears.
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
        for Pair { place, item, live } in pairs(items, key, live_items) {
            let members = item.as_object().into_iter().flatten();
            for (member, value) in members.filter(|(member, _)| *member != key) {
                let found = live.and_then(|live| live.get(member));
                self.visit(&format!("{path}[{place}].{}", segment(member)), value, found);
            }
        }
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
            outgoing(&declared, &live, Extent::Declared),
            json!({"saml_config": {
                "entity_id": "https://new",
                "acs_urls": [{"url": "https://b"}, {"url": "https://a", "index": 7, "binding": "POST"}],
                "mapped_attrs": {"<Email Address>": "email", "<Last Name>": "sn"}}})
        );
        // Unchanged settings are not sent, and neither are unchanged lists.
        let mut live = live;
        live["saml_config"]["acs_urls"] =
            json!([{"url": "https://a", "index": "7"}, {"url": "https://b", "binding": "POST"}]);
        live["saml_config"]["mapped_attrs"]["<Email Address>"] = json!("email");
        assert_eq!(
            outgoing(&declared, &live, Extent::Declared),
            json!({"saml_config": {"entity_id": "https://new"}})
        );
    }

    fn same(declared: &Value, live: &Value) -> bool {
        let (declared, live) = leaves(declared, Some(live), Extent::Declared);
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
        let (declared, live) = leaves(&declared, Some(&live), Extent::Declared);
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
