//! Possible duplicates: unowned applications that may belong to an address without a matching pin, marker or name. An
//! application that was renamed in Duo and lost its marker matches nothing and would be created a second time.
//!
//! A possible duplicate is never adopted. If it is almost certain, the address is blocked; if it is likely, the plan warns.
//! Values shared by many applications are ignored as evidence.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::duo::object::{Ikey, Object};
use crate::kinds::value::Setting;
use crate::names::alike_key;
use crate::text::shown;

use super::super::delivery::Held;
use super::super::desired::Wanted;
use super::super::live;
use super::by_hand;
use super::context::Context;
use super::step::Step;
use crate::kinds::address::Address;
use crate::kinds::field::Roles;
use crate::kinds::managed::{Live, Managed};
use crate::kinds::value::FieldValue;

/// Values that more applications than this share are ignored as evidence.
const FEW: usize = 5;

/// How many values besides who may log in must be equal if nothing identifies an application.
const TELLING: usize = 2;

/// Applications without an owner and without a matching address, indexed by their values.
#[derive(Debug, Default)]
pub(super) struct LookAlikes<'a> {
    by_kind: HashMap<&'a str, Vec<&'a Object>>,
    by_ikey: HashMap<&'a str, &'a Object>,
    /// By type and by the identifier that a service provider or client uses; built on first use.
    by_identity: Option<HashMap<(&'a str, String), Vec<&'a Object>>>,
    /// By type and field, then by value; each is built on first use.
    by_value: HashMap<(String, &'static str), HashMap<String, Vec<&'a Object>>>,
    /// By type, then by name as people distinguish names; each is built on first use.
    by_name: HashMap<String, HashMap<String, Vec<&'a Object>>>,
    /// Applications that almost certainly belong to an address.
    pub(super) certain: BTreeMap<Ikey, Address>,
    /// Owned applications whose address is no longer in the YAML.
    orphans: &'a [live::Live<'a>],
    /// Addresses that would be created, and the application with the same settings.
    likely: Vec<(Address, &'a Object, Box<Diagnostic>)>,
}

impl<'a> LookAlikes<'a> {
    pub(super) fn new(unowned: &[&'a Object], orphans: &'a [live::Live<'a>]) -> Self {
        let mut alike = Self { orphans, ..Self::default() };
        for integration in unowned {
            alike.by_kind.entry(integration.variant()).or_default().push(integration);
            alike.by_ikey.insert(integration.id.as_str(), integration);
        }
        alike
    }

    /// The application whose keys are in the address's store.
    fn keys_of(&self, kind: &str, host: &str, held: Option<&Held>) -> Option<&'a Object> {
        let Some(Held::Keys(keys)) = held else { return None };
        let found = self.by_ikey.get(keys.ikey.as_str()).filter(|live| live.variant() == kind)?;
        (keys.api_hostname.is_empty() || keys.api_hostname == host).then_some(found)
    }

    /// The few applications that have an identifier of the wanted one, and that identifier.
    fn identical(&mut self, kind: &str, wanted: &BTreeSet<String>) -> Option<(String, Vec<&'a Object>)> {
        if wanted.is_empty() {
            return None;
        }
        let by_kind = &self.by_kind;
        let index = self.by_identity.get_or_insert_with(|| {
            let mut index: HashMap<_, Vec<_>> = HashMap::new();
            for (kind, live) in
                by_kind.iter().flat_map(|(kind, lives)| lives.iter().map(move |live| (kind, live)))
            {
                for identity in identities(live.property("sso").unwrap_or(&Value::Null)) {
                    index.entry((*kind, identity)).or_default().push(*live);
                }
            }
            index
        });
        let kind = by_kind.get_key_value(kind).map(|(kind, _)| *kind)?;
        // All accounts of one cloud service may use the same entity id.
        let shared = wanted.iter().filter_map(|identity| {
            let lives = index.get(&(kind, identity.clone())).filter(|lives| lives.len() <= FEW)?;
            Some((identity.clone(), lives.clone()))
        });
        shared.min_by_key(|(_, lives)| lives.len())
    }

    /// The first few applications of a type whose names people cannot distinguish from the wanted one.
    fn named_alike(&mut self, kind: &str, wanted: &Wanted) -> Vec<&'a Object> {
        let (Some(name), by_kind) = (&wanted.name, &self.by_kind) else { return Vec::new() };
        let index = self.by_name.entry(kind.to_owned()).or_insert_with(|| {
            let mut index: HashMap<String, Vec<_>> = HashMap::new();
            for live in by_kind.get(kind).into_iter().flatten() {
                index.entry(alike_key(live.name())).or_default().push(*live);
            }
            index
        });
        index.get(&alike_key(&name.value)).into_iter().flatten().copied().take(FEW).collect()
    }

    /// The only application with the settings in the YAML, if few applications share them.
    fn set_alike(&mut self, kind: &str, managed: &[Managed]) -> Option<&'a Object> {
        let lives = self.by_kind.get(kind)?;
        let telling: Vec<&Managed> = managed.iter().filter(|managed| is_telling(managed)).collect();
        if telling.len() < TELLING {
            return None;
        }
        let mut rarest: Option<&Vec<&'a Object>> = None;
        for managed in telling {
            let key = (kind.to_owned(), managed.field.name());
            self.by_value.entry(key).or_insert_with(|| by_value(lives, managed));
        }
        for managed in managed.iter().filter(|managed| is_telling(managed)) {
            let values = self.by_value.get(&(kind.to_owned(), managed.field.name()));
            // The edit that removed the marker may have removed the rest of the notes as well.
            let found = values.and_then(|values| values.get(&managed.wanted.canonical()));
            if found.is_none() && !managed.field.is(Roles::REWRITTEN) {
                return None;
            }
            if let Some(found) = found {
                rarest = Some(rarest.filter(|rarest| rarest.len() <= found.len()).unwrap_or(found));
            }
        }
        let few = rarest.filter(|rarest| rarest.len() <= FEW)?;
        let same = |live: &&&Object| {
            let told = managed.iter().filter(|managed| is_telling(managed) && is_same(managed, live)).count();
            told >= TELLING && is_set_alike(managed, live)
        };
        let mut alike = few.iter().filter(same);
        let only = alike.next()?;
        alike.next().is_none().then_some(*only)
    }
}

fn by_value<'a>(lives: &[&'a Object], managed: &Managed) -> HashMap<String, Vec<&'a Object>> {
    let mut values: HashMap<String, Vec<_>> = HashMap::new();
    for live in lives {
        if let Live::Value(value) = managed.live(live)
            && value != FieldValue::Unset
        {
            values.entry(value.canonical()).or_default().push(*live);
        }
    }
    values
}

/// Whether a value distinguishes applications.
fn is_telling(managed: &Managed) -> bool {
    managed.field.is(Roles::TELLING) && managed.wanted != FieldValue::Unset
}

fn is_same(managed: &Managed, live: &Object) -> bool {
    match managed.live(live) {
        Live::Value(value) => value == managed.wanted,
        Live::NotOffered => true,
    }
}

/// Whether an application has all settings in the YAML, except for names and notes, which people rewrite.
fn is_set_alike(managed: &[Managed], live: &Object) -> bool {
    let counts = |managed: &&Managed| !managed.field.is(Roles::REWRITTEN);
    managed.iter().filter(counts).all(|managed| is_same(managed, live))
}

/// The identifiers that a service provider or client uses for a single sign-on application, in words.
fn identities(sso: &Value) -> BTreeSet<String> {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let list = |pointer: &str| sso.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let entity = sso.pointer("/saml_config/entity_id").and_then(text);
    let entity = entity.map(|id| format!("the entity id {}", shown(&id)));
    let uris = list("/oidc_config/redirect_uris").filter_map(text);
    let uris = uris.map(|uri| format!("the redirect URI {}", shown(&uri)));
    let clients = list("/oauth_config/clients").filter_map(|client| client.get("client_id").and_then(text));
    let clients = clients.map(|id| format!("the client {}", shown(&id)));
    entity.into_iter().chain(uris).chain(clients).collect()
}

impl LookAlikes<'_> {
    /// Looks for a possible duplicate before an address is created. An error blocks the creation; a warning does not.
    pub(super) fn look_for(
        &mut self,
        cx: &Context<'_>,
        wanted: &Wanted,
        managed: &[Managed],
    ) -> Result<Option<Diagnostic>, Vec<Diagnostic>> {
        let Some(kind) = wanted.variant.as_deref() else { return Ok(None) };
        if let Some(live) = self.keys_of(kind, &cx.observation.host, cx.held(wanted)) {
            let message =
                format!("its secret store holds the keys of {}, which is unmanaged", described(live));
            return Err(self.certainly(wanted, &[live], &message));
        }
        let document = wanted.settings.get("sso").map(|setting| &setting.value);
        let known_by = match document {
            Some(Setting::Document(document)) => identities(document),
            _ => BTreeSet::new(),
        };
        if let Some((identity, lives)) = self.identical(kind, &known_by) {
            let copies: Vec<_> = lives.iter().copied().filter(|live| is_set_alike(managed, live)).collect();
            if copies.is_empty() {
                let message =
                    format!("an unmanaged application also has {identity}: {}", all_described(&lives));
                return Ok(Some(alike(wanted, &lives, &message, Severity::Warning)));
            }
            let message = format!(
                "an unmanaged application has {identity} and all other settings of this entry: {}",
                all_described(&copies)
            );
            return Err(self.certainly(wanted, &copies, &message));
        }
        if let Some(found) = by_hand::renamed(cx, wanted, self.orphans) {
            return Ok(Some(found));
        }
        let unowned = self.by_kind.get(kind).map(Vec::as_slice).unwrap_or_default();
        let by_hand = by_hand::fitting(cx, wanted, unowned, FEW).filter(|_| wanted.address.is_intelligence());
        if let Some((lives, fits)) = by_hand {
            let message = format!("an unmanaged application {fits}: {}", all_described(&lives));
            return Ok(Some(alike(wanted, &lives, &message, Severity::Warning)));
        }
        let named = self.named_alike(kind, wanted);
        if !named.is_empty() {
            let message = format!(
                "an unmanaged application has a name that differs only in case, spaces or invisible characters: {}",
                all_described(&named)
            );
            return Ok(Some(alike(wanted, &named, &message, Severity::Warning)));
        }
        if let Some(live) = self.set_alike(kind, managed) {
            let message =
                format!("an unmanaged application has all settings of this entry: {}", described(live));
            let warning = Box::new(alike(wanted, &[live], &message, Severity::Warning));
            self.likely.push((wanted.address.clone(), live, warning));
        }
        Ok(None)
    }

    fn certainly(&mut self, wanted: &Wanted, lives: &[&Object], what: &str) -> Vec<Diagnostic> {
        let certain = lives.iter().map(|live| (live.id.clone(), wanted.address.clone()));
        self.certain.extend(certain);
        vec![alike(wanted, lives, what, Severity::Error)]
    }

    /// The warnings about created addresses that likely exist already. An application that fits several addresses is ignored.
    pub(super) fn likely(&self, steps: &[Step]) -> Vec<Diagnostic> {
        let mut claims: BTreeMap<&Ikey, usize> = BTreeMap::new();
        for (_, live, _) in &self.likely {
            *claims.entry(&live.id).or_default() += 1;
        }
        let created: HashSet<&Address> = steps.iter().map(|step| &step.address).collect();
        let told = self
            .likely
            .iter()
            .filter(|(address, live, _)| created.contains(address) && claims.get(&live.id) == Some(&1));
        told.map(|(_, _, warning)| warning.as_ref().clone()).collect()
    }
}

fn described(live: &Object) -> String {
    format!("{} {}", live.id, shown(live.name()))
}

fn all_described(lives: &[&Object]) -> String {
    let mut described: Vec<String> = lives.iter().map(|live| self::described(live)).collect();
    described.sort_unstable();
    described.join(", ")
}

/// A possible duplicate of an address that would be created, and what to do about it.
fn alike(wanted: &Wanted, lives: &[&Object], what: &str, severity: Severity) -> Diagnostic {
    let address = &wanted.address;
    let origin = if address.is_intelligence() { "set up by hand" } else { "renamed in Duo" };
    let message = format!("{address}: it would be created, but {what}; perhaps it is the same, {origin}");
    let mut ikeys: Vec<&str> = lives.iter().map(|live| live.id.as_str()).collect();
    ikeys.sort_unstable();
    let is_it = match ikeys.as_slice() {
        [ikey] => format!("if so, run `duoctl adopt {address} {ikey}`"),
        _ => format!("if so, run `duoctl adopt {address} IKEY` with its integration key"),
    };
    // Errors cannot be suppressed.
    let silence = if severity == Severity::Error { "" } else { ", or `suppress` the warning" };
    let help = format!("{is_it}; if not, declare it at its own address with `integration_key`{silence}");
    let place = wanted.name.as_ref().map(|name| name.span).or(wanted.span);
    let found = Diagnostic::warning(Code::PossibleDuplicate, place, message).help(help).about(address);
    Diagnostic { severity, ..found }
}
