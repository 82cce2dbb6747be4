//! The typed value of an application, with the defaults merged in.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::diagnostic::{Span, Spanned};
use crate::duo::catalogue::{Family, lookup};
use crate::kinds::Kind;
use crate::kinds::application::entry::known_type;
use crate::kinds::application::fields::field;
use crate::kinds::application::{ACCESS, GROUPS};
use crate::kinds::field::{Field, Roles};
use crate::kinds::reference::Reference;
use crate::kinds::value::{Setting, Written};
use crate::text::member;
use crate::yaml::{Data, Entry, Node};

use super::model::{Application, Ignore};
use super::read::{flag, ignores, mapping, max_age, secret_target};

/// `defaults`, ready to be merged.
#[derive(Debug, Default)]
pub struct Defaults {
    /// The workspace's own `authoritative`.
    authoritative: bool,
    general: Layer,
    types: BTreeMap<String, Layer>,
}

/// Values for keys that an application leaves out.
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

    /// Fills in keys that an application leaves out; defaults of its type win over those of all applications. If the
    /// application has no `type`, no settings are filled in; if the type is unknown, only settings that every type with
    /// users has.
    fn merge(&self, application: &mut Application, own: Layer) {
        let kind = application.kind.as_ref().map(|kind| kind.value.as_str());
        let of_type = kind.and_then(|kind| self.types.get(kind));
        let layers = || of_type.into_iter().chain([&self.general]);
        application.protect =
            first(own.protect, layers().map(|layer| layer.protect.as_ref())).unwrap_or_default();
        application.authoritative =
            first(own.authoritative, layers().map(|layer| layer.authoritative.as_ref()))
                .unwrap_or(self.authoritative);
        application.max_age = first(own.max_age, layers().map(|layer| layer.max_age.as_ref()));
        application.own_ignore = own.ignore.is_some();
        application.ignore =
            first(own.ignore, layers().map(|layer| layer.ignore.as_ref())).unwrap_or_default();
        let Some(kind) = kind else { return };
        let family = lookup(kind).map_or(Family::AuthApi, |kind| kind.family);
        for (name, value) in layers().flat_map(|layer| &layer.settings) {
            if field(name).is_some_and(|field| (field.applies)(family)) {
                application.settings.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
    }
}

/// The application's own value, or the first one from a layer.
fn first<'l, T: Clone + 'l>(own: Option<T>, mut found: impl Iterator<Item = Option<&'l T>>) -> Option<T> {
    own.or_else(|| found.find_map(|value| value.cloned()))
}

/// The typed value of an entry of `applications`. Invalid values are left out: they are reported already.
pub fn decode(key: Span, node: Node, defaults: &Defaults) -> Application {
    let entries = match node.data {
        Data::Mapping(entries) => entries,
        _ => Vec::new(),
    };
    let kind = known_type(&entries);
    let mut application = Application {
        span: key,
        kind: None,
        name: None,
        integration_key: None,
        settings: BTreeMap::new(),
        secret: None,
        protect: false,
        authoritative: false,
        ignore: Vec::new(),
        own_ignore: false,
        max_age: None,
    };
    let mut own = Layer::default();
    for Entry { key, value } in entries {
        match key.value.as_str() {
            "type" => application.kind = into_text(value),
            "name" => application.name = into_text(value),
            "integration_key" => application.integration_key = into_text(value),
            "secret" => application.secret = secret_target(&value),
            "max_age" => own.max_age = max_age(&value),
            "protect" => own.protect = flag(&value),
            "authoritative" => own.authoritative = flag(&value),
            "ignore" => own.ignore = Some(ignores(&value)),
            name => {
                let field = field(name).filter(|field| field.is_setting() && field.applies_to(kind));
                if let Some(field) = field
                    && let Some(setting) = decode_setting(field, value)
                {
                    application.settings.insert(key.value, setting);
                }
            }
        }
    }
    drop_cleared_groups(&mut application);
    defaults.merge(&mut application, own);
    application
}

/// Drops `groups_allowed: null` if the access is not `permitted_groups`. Duo accepts a list only with that access, so
/// the key has no effect (duo-api.md, trap 3).
fn drop_cleared_groups(application: &mut Application) {
    let cleared = application.settings.get(GROUPS).is_some_and(|groups| groups.value == Setting::Clear);
    let permitted = |access: &Spanned<Setting>| access.value == Setting::Text("permitted_groups".to_owned());
    if cleared && !application.settings.get(ACCESS).is_some_and(permitted) {
        application.settings.remove(GROUPS);
    }
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
