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
use super::read::{flag, ignores, max_age, secret_target};

/// `defaults.applications`, ready to be merged.
#[derive(Debug, Default)]
pub struct Defaults {
    settings: BTreeMap<String, Spanned<Setting>>,
    protect: bool,
    authoritative: bool,
    ignore: Vec<Spanned<Ignore>>,
    max_age: Option<Spanned<SignedDuration>>,
}

impl Defaults {
    /// Reads the mapping; `authoritative` is what the workspace says.
    pub fn decode(entries: &[Entry], authoritative: bool) -> Self {
        let defaultable =
            |entry: &&Entry| field(&entry.key.value).is_some_and(|field| field.is(Roles::DEFAULTABLE));
        let mut defaults = Self { authoritative, ..Self::default() };
        for entry in entries.iter().filter(defaultable) {
            match entry.key.value.as_str() {
                "protect" => defaults.protect = flag(&entry.value).unwrap_or_default(),
                "authoritative" => defaults.authoritative = flag(&entry.value).unwrap_or(authoritative),
                "ignore" => defaults.ignore = ignores(&entry.value),
                "max_age" => defaults.max_age = max_age(&entry.value),
                name => {
                    let value = field(name).and_then(|field| decode_setting(field, entry.value.clone()));
                    if let Some(value) = value {
                        defaults.settings.insert(name.to_owned(), value);
                    }
                }
            }
        }
        defaults
    }

    /// Fills in what an application leaves out. Where the type is not written down, no setting is filled in; where
    /// it is not known, only what every type of application for users has.
    fn merge(
        &self,
        application: &mut Application,
        protect: Option<bool>,
        ignore: Option<Vec<Spanned<Ignore>>>,
    ) {
        application.protect = protect.unwrap_or(self.protect);
        application.max_age = application.max_age.take().or_else(|| self.max_age.clone());
        application.ignore = ignore.unwrap_or_else(|| self.ignore.clone());
        let Some(kind) = application.kind.as_ref().filter(|_| !self.settings.is_empty()) else { return };
        let family = lookup(&kind.value).map_or(Family::AuthApi, |kind| kind.family);
        for (name, value) in &self.settings {
            let applies = field(name).is_some_and(|field| (field.applies)(family));
            if applies && !application.settings.contains_key(name) {
                application.settings.insert(name.clone(), value.clone());
            }
        }
    }
}

/// The typed value of an entry of `applications`. Values that do not fit are left out: they are reported already.
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
        authoritative: defaults.authoritative,
        ignore: Vec::new(),
        max_age: None,
    };
    let (mut protect, mut ignore) = (None, None);
    for Entry { key, value } in entries {
        match key.value.as_str() {
            "type" => application.kind = into_text(value),
            "name" => application.name = into_text(value),
            "integration_key" => application.integration_key = into_text(value),
            "secret" => application.secret = secret_target(&value),
            "max_age" => application.max_age = max_age(&value),
            "protect" => protect = flag(&value),
            "authoritative" => {
                application.authoritative = flag(&value).unwrap_or(defaults.authoritative);
            }
            "ignore" => ignore = Some(ignores(&value)),
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
    defaults.merge(&mut application, protect, ignore);
    application
}

/// `groups_allowed: null` says nothing that `all_users` or `no_users` does not say: Duo takes a list only together
/// with `permitted_groups` (duo-api.md, trap 3).
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

/// One object, or several.
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
