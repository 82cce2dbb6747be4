//! The typed value of a declared object, with the defaults merged in.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::diagnostic::{Span, Spanned};
use crate::duo::catalogue::{Family, lookup};
use crate::kinds::Kind;
use crate::kinds::application::bindings::{GROUP_POLICIES, GroupPolicy};
use crate::kinds::application::entry::known_type;
use crate::kinds::application::{ACCESS, GROUPS};
use crate::kinds::field::{Field, Roles};
use crate::kinds::policy::language::{self, RAW, VERIFY_USERS};
use crate::kinds::reference::Reference;
use crate::kinds::value::{Setting, Written};
use crate::text::member;
use crate::yaml::{Data, Entry, Node};

use super::model::{Declaration, Ignore};
use super::read::{flag, ignores, items, mapping, max_age, secret_target};

/// `defaults`, ready to be merged.
#[derive(Debug, Default)]
pub struct Defaults {
    /// The workspace's own `authoritative`.
    authoritative: bool,
    general: Layer,
    types: BTreeMap<String, Layer>,
}

/// Values for keys that an object leaves out.
#[derive(Debug, Default)]
struct Layer {
    settings: BTreeMap<String, Spanned<Setting>>,
    protect: Option<bool>,
    authoritative: Option<bool>,
    ignore: Option<Vec<Spanned<Ignore>>>,
    max_age: Option<Spanned<SignedDuration>>,
}

impl Layer {
    fn decode(entries: &[Entry]) -> Self {
        let field = |name: &str| Kind::Application.field(name);
        let defaultable =
            |entry: &&Entry| field(&entry.key.value).is_some_and(|field| field.is(Roles::DEFAULTABLE));
        let mut layer = Self::default();
        for entry in entries.iter().filter(defaultable) {
            match entry.key.value.as_str() {
                "protect" => layer.protect = flag(&entry.value),
                "authoritative" => layer.authoritative = flag(&entry.value),
                "ignore" => layer.ignore = Some(ignores(&entry.value)),
                "max_age" => layer.max_age = max_age(&entry.value),
                name => {
                    let value = field(name).and_then(|field| decode_setting(field, entry.value.clone()));
                    if let Some(value) = value {
                        layer.settings.insert(name.to_owned(), value);
                    }
                }
            }
        }
        layer
    }
}

impl Defaults {
    /// Reads the entries of `defaults`; `authoritative` is the workspace's own.
    pub fn decode(entries: &[Entry], authoritative: bool) -> Self {
        let layer = |entry: &Entry| match &entry.value.data {
            Data::Mapping(entries) => Layer::decode(entries),
            _ => Layer::default(),
        };
        let types = mapping(entries, "types").iter().map(|entry| (entry.key.value.clone(), layer(entry)));
        Self {
            authoritative,
            general: Layer::decode(mapping(entries, "applications")),
            types: types.collect(),
        }
    }

    /// Fills in keys that an object leaves out. Only applications have defaults: those of the type win over those of all
    /// applications. If an application has no `type`, no settings are filled in; if the type is unknown, only settings that
    /// every type with users has.
    fn merge(&self, kind: Kind, declared: &mut Declaration, own: Layer) {
        let variant = declared.variant.as_ref().map(|variant| variant.value.as_str());
        let of_type = variant.and_then(|variant| self.types.get(variant));
        let general = (kind == Kind::Application).then_some(&self.general);
        let layers = || of_type.into_iter().chain(general);
        declared.protect =
            first(own.protect, layers().map(|layer| layer.protect.as_ref())).unwrap_or_default();
        declared.authoritative = first(own.authoritative, layers().map(|layer| layer.authoritative.as_ref()))
            .unwrap_or(self.authoritative);
        declared.max_age = first(own.max_age, layers().map(|layer| layer.max_age.as_ref()));
        declared.own_ignore = own.ignore.is_some();
        declared.ignore = first(own.ignore, layers().map(|layer| layer.ignore.as_ref())).unwrap_or_default();
        let Some(variant) = variant else { return };
        let family = lookup(variant).map_or(Family::AuthApi, |variant| variant.family);
        for (name, value) in layers().flat_map(|layer| &layer.settings) {
            if kind.field(name).is_some_and(|field| (field.applies)(family)) {
                declared.settings.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
    }
}

/// The object's own value, or the first one from a layer.
fn first<'l, T: Clone + 'l>(own: Option<T>, mut found: impl Iterator<Item = Option<&'l T>>) -> Option<T> {
    own.or_else(|| found.find_map(|value| value.cloned()))
}

/// The typed value of an entry of the section of a kind. Invalid values are left out: they are reported already.
pub fn decode(kind: Kind, key: Span, node: Node, defaults: &Defaults) -> Declaration {
    let entries = match node.data {
        Data::Mapping(entries) => entries,
        _ => Vec::new(),
    };
    let variant = known_type(&entries).filter(|_| kind == Kind::Application);
    let mut declared = Declaration::new(key);
    let mut own = Layer::default();
    for Entry { key, value } in entries {
        let field = kind.field(&key.value);
        match key.value.as_str() {
            "type" => declared.variant = into_text(value),
            "name" => declared.name = into_text(value),
            pin if pin == kind.endpoint().pin => declared.pin = into_text(value),
            GROUP_POLICIES => declared.group_policies = GroupPolicy::read(&value),
            "secret" => declared.secret = secret_target(&value),
            "max_age" => own.max_age = max_age(&value),
            "protect" => own.protect = flag(&value),
            "authoritative" => own.authoritative = flag(&value),
            "ignore" => own.ignore = Some(ignores(&value)),
            VERIFY_USERS => {
                declared.verify_users =
                    items(&value).iter().filter_map(|user| into_text(user.clone())).collect();
            }
            RAW if kind == Kind::Policy => declared.settings.extend(raw(&value)),
            section if kind == Kind::Policy => {
                if let Some(setting) = section_of(section, &value) {
                    declared.settings.insert(key.value, setting);
                }
            }
            _ => {
                let field = field.filter(|field| field.is_setting() && field.applies_to(variant));
                if let Some(setting) = field.and_then(|field| decode_setting(field, value)) {
                    declared.settings.insert(key.value, setting);
                }
            }
        }
    }
    drop_cleared_groups(&mut declared);
    defaults.merge(kind, &mut declared, own);
    declared
}

/// Drops `groups_allowed: null` if the access is not `permitted_groups`. Duo accepts a list only with that access, so
/// the key has no effect (duo-api.md, trap 3).
fn drop_cleared_groups(declared: &mut Declaration) {
    let cleared = declared.settings.get(GROUPS).is_some_and(|groups| groups.value == Setting::Clear);
    let permitted = |access: &Spanned<Setting>| access.value == Setting::Text("permitted_groups".to_owned());
    if cleared && !declared.settings.get(ACCESS).is_some_and(permitted) {
        declared.settings.remove(GROUPS);
    }
}

/// A section of a policy, as Duo writes it.
fn section_of(name: &str, node: &Node) -> Option<Spanned<Setting>> {
    let setting = match node.data {
        Data::Null => Setting::Clear,
        _ => Setting::Document(language::read(name, node)?),
    };
    Some(Spanned::new(setting, node.span))
}

/// Sections that the YAML declares as Duo writes them.
fn raw(node: &Node) -> impl Iterator<Item = (String, Spanned<Setting>)> {
    let entries: &[Entry] = if let Data::Mapping(entries) = &node.data { entries } else { &[] };
    entries.iter().map(|Entry { key, value }| {
        (key.value.clone(), Spanned::new(Setting::Document(value.json().into()), value.span))
    })
}

fn into_text(node: Node) -> Option<Spanned<String>> {
    match node.data {
        Data::Text(text) => Some(Spanned::new(text, node.span)),
        _ => None,
    }
}

fn decode_setting(field: &Field, node: Node) -> Option<Spanned<Setting>> {
    let span = node.span;
    if let Some(kind) = field.refers_to {
        return references(kind, &node).map(|setting| Spanned::new(setting, span));
    }
    let setting = match node.data {
        Data::Null => Setting::Clear,
        Data::Flag(flag) => Setting::Flag(flag),
        Data::Text(text) => Setting::Text(text),
        Data::List(items) => Setting::List(items.into_iter().filter_map(into_text).collect()),
        Data::Mapping(_) => {
            let mut places = BTreeMap::new();
            places_of_texts(&node, "", &mut places);
            Setting::Document(Written::new(node.json(), places))
        }
        Data::Number(..) => return None,
    };
    Some(Spanned::new(setting, span))
}

/// Decodes one reference, or several.
fn references(kind: Kind, node: &Node) -> Option<Setting> {
    match &node.data {
        Data::Null => Some(Setting::Clear),
        Data::List(items) => {
            let read = |item: &Node| Some(Spanned::new(Reference::read(kind, item)?, item.span));
            Some(Setting::References(items.iter().filter_map(read).collect()))
        }
        _ => Reference::read(kind, node).map(Setting::Reference),
    }
}

fn places_of_texts(node: &Node, at: &str, places: &mut BTreeMap<String, Span>) {
    match &node.data {
        Data::Text(_) => {
            places.insert(at.to_owned(), node.span);
        }
        Data::List(items) => {
            for (index, item) in items.iter().enumerate() {
                places_of_texts(item, &member(at, &index.to_string()), places);
            }
        }
        Data::Mapping(entries) => {
            for entry in entries {
                places_of_texts(&entry.value, &member(at, &entry.key.value), places);
            }
        }
        Data::Null | Data::Flag(_) | Data::Number(..) => {}
    }
}
