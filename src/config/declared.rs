//! Looks up declared objects by address: entries of the sections of kinds, and the applications of
//! `identity_intelligence` entries, which are treated alike.

use std::collections::BTreeMap;

use super::model::{Declaration, Ignore, IntelligenceEntry, Part, Workspace};
use crate::diagnostic::{Span, Spanned};
use crate::kinds::Kind;
use crate::kinds::application::{ACCESS, NETWORKS, PERMISSION_LIST};
use crate::kinds::value::Setting;
use crate::language::address::{ADMIN_API, AUTH_API, Place};

/// A declared object.
#[derive(Clone, Debug)]
pub struct Declared<'w> {
    /// Its parsed address.
    pub place: Place<'w>,
    /// The place of the key of its entry.
    pub span: Span,
    /// Its type, if the YAML sets it.
    pub kind: Option<&'w str>,
    /// The live application that it is pinned to.
    pub pin: Option<&'w Spanned<String>>,
    /// The fields whose differences are ignored.
    pub ignore: &'w [Spanned<Ignore>],
    /// Whether they are set on the application itself and not in `defaults`.
    pub own_ignore: bool,
    /// Whether fields that are left out count as unset.
    pub authoritative: bool,
    /// Whether its key has a maximum age.
    pub has_max_age: bool,
    /// Whether its key is delivered to a secret store.
    pub has_secret: bool,
    settings: Option<&'w BTreeMap<String, Spanned<Setting>>>,
    /// YAML keys of other fields that are set.
    others: [Option<&'static str>; 4],
}

impl Declared<'_> {
    /// Whether a field is set, by its YAML key.
    pub(crate) fn sets(&self, field: &str) -> bool {
        self.settings.is_some_and(|settings| settings.contains_key(field))
            || self.others.contains(&Some(field))
    }
}

impl Workspace {
    /// The object at an address. `None` for an `identity_intelligence` entry itself, which has up to two.
    pub fn declared(&self, place: Place<'_>) -> Option<Declared<'_>> {
        match place {
            Place::Object(kind, key) => {
                let (key, declaration) = self.of(kind).get_key_value(key)?;
                Some(declaration.declared(kind, key))
            }
            Place::Entry(_) => None,
            Place::Part { entry, part } => {
                let (key, entry) = self.identity_intelligence.get_key_value(entry)?;
                match part {
                    ADMIN_API => Some(entry.admin_api(key)),
                    _ => entry.auth_api(key),
                }
            }
        }
    }

    /// Every declared object, including the applications of entries.
    pub fn every_declared(&self) -> impl Iterator<Item = Declared<'_>> {
        let objects = self.entries().map(|(kind, key, declaration)| declaration.declared(kind, key));
        let entries = self.identity_intelligence.iter();
        let parts =
            entries.flat_map(|(key, entry)| std::iter::once(entry.admin_api(key)).chain(entry.auth_api(key)));
        objects.chain(parts)
    }
}

impl Declaration {
    fn declared<'w>(&'w self, kind: Kind, key: &'w str) -> Declared<'w> {
        Declared {
            place: Place::Object(kind, key),
            span: self.span,
            kind: self.variant.as_ref().map(|variant| variant.value.as_str()),
            pin: self.pin.as_ref(),
            ignore: &self.ignore,
            own_ignore: self.own_ignore,
            authoritative: self.authoritative,
            has_max_age: self.max_age.is_some(),
            has_secret: self.secret.is_some(),
            settings: Some(&self.settings),
            others: [self.name.as_ref().map(|_| "name"), None, None, None],
        }
    }
}

impl IntelligenceEntry {
    /// Whether the entry has an Auth API application: a named one, or a pinned live one.
    pub fn has_auth_api(&self) -> bool {
        let on = self.push_verification.as_ref().is_some_and(|push| push.value);
        self.push_application_name.is_some() || (on && self.auth_api.integration_key.is_some())
    }

    fn admin_api<'w>(&'w self, key: &'w str) -> Declared<'w> {
        let networks = self.networks.first().map(|_| NETWORKS);
        let fields = [Some("name"), Some(ACCESS), Some(PERMISSION_LIST), networks];
        self.part(key, ADMIN_API, "adminapi", &self.admin_api, fields)
    }

    fn auth_api<'w>(&'w self, key: &'w str) -> Option<Declared<'w>> {
        let named = self.push_application_name.as_ref().map(|_| "name");
        let fields = [Some(ACCESS), named, None, None];
        self.has_auth_api().then(|| self.part(key, AUTH_API, "authapi", &self.auth_api, fields))
    }

    fn part<'w>(
        &self,
        entry: &'w str,
        part: &'static str,
        kind: &'static str,
        managed: &'w Part,
        others: [Option<&'static str>; 4],
    ) -> Declared<'w> {
        Declared {
            place: Place::Part { entry, part },
            span: self.span,
            kind: Some(kind),
            pin: managed.integration_key.as_ref(),
            ignore: &managed.ignore,
            own_ignore: true,
            authoritative: managed.authoritative,
            has_max_age: self.max_age.is_some(),
            has_secret: self.secret.is_some(),
            settings: None,
            others,
        }
    }
}
