//! Looks up declared objects by address: entries of the sections of kinds, and the applications of
//! `identity_intelligence` entries, which are treated alike.

use super::model::{Ignore, IntelligenceEntry, Part, Workspace};
use crate::diagnostic::{Span, Spanned};
use crate::kinds::application::{ACCESS, NETWORKS, PERMISSION_LIST};
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
    /// The YAML keys of the fields that are set.
    pub fields: Vec<&'w str>,
    /// Whether fields that are left out count as unset.
    pub authoritative: bool,
    /// Whether its key has a maximum age.
    pub has_max_age: bool,
    /// Whether its key is delivered to a secret store.
    pub has_secret: bool,
}

impl Workspace {
    /// The object at an address. `None` for an `identity_intelligence` entry itself, which has up to two.
    pub fn declared(&self, place: Place<'_>) -> Option<Declared<'_>> {
        match place {
            Place::Object(kind, key) => {
                let (key, application) = self.of(kind).get_key_value(key)?;
                let named = application.name.as_ref().map(|_| "name");
                Some(Declared {
                    place: Place::Object(kind, key),
                    span: application.span,
                    kind: application.variant.as_ref().map(|kind| kind.value.as_str()),
                    pin: application.pin.as_ref(),
                    ignore: &application.ignore,
                    own_ignore: application.own_ignore,
                    fields: application.settings.keys().map(String::as_str).chain(named).collect(),
                    authoritative: application.authoritative,
                    has_max_age: application.max_age.is_some(),
                    has_secret: application.secret.is_some(),
                })
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
        let objects = self.entries().filter_map(|(kind, key, _)| self.declared(Place::Object(kind, key)));
        let entries = self.identity_intelligence.iter();
        let parts =
            entries.flat_map(|(key, entry)| std::iter::once(entry.admin_api(key)).chain(entry.auth_api(key)));
        objects.chain(parts)
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
        let fields = ["name", ACCESS, PERMISSION_LIST].into_iter().chain(networks).collect();
        self.part(key, ADMIN_API, "adminapi", &self.admin_api, fields)
    }

    fn auth_api<'w>(&'w self, key: &'w str) -> Option<Declared<'w>> {
        let named = self.push_application_name.as_ref().map(|_| "name");
        let fields = [ACCESS].into_iter().chain(named).collect();
        self.has_auth_api().then(|| self.part(key, AUTH_API, "authapi", &self.auth_api, fields))
    }

    fn part<'w>(
        &self,
        entry: &'w str,
        part: &'static str,
        kind: &'static str,
        managed: &'w Part,
        fields: Vec<&'static str>,
    ) -> Declared<'w> {
        Declared {
            place: Place::Part { entry, part },
            span: self.span,
            kind: Some(kind),
            pin: managed.integration_key.as_ref(),
            ignore: &managed.ignore,
            own_ignore: true,
            fields,
            authoritative: managed.authoritative,
            has_max_age: self.max_age.is_some(),
            has_secret: self.secret.is_some(),
        }
    }
}
