//! The inventory of `duoctl list`: every object in the account and in the YAML.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duo::object::{Ikey, Kind, Object};
use crate::kinds::address::Address;

use super::age::{KeyAge, key_age};
use super::desired::{Desired, Wanted};
use super::observation::Observation;
use super::observed::Observed;
use super::plan::{Action, Plan};
use super::rotation::{Stage, Uses};
use super::selection::Selection;

/// How an object compares with the YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It matches the YAML.
    InSync,
    /// It differs from the YAML.
    Differs,
    /// It exists and is not managed yet.
    ToAdopt,
    /// The YAML declares it, but the account does not have it.
    Missing,
    /// Its key is being rotated.
    Rotating,
    /// An error stops the address.
    Stopped,
    /// It is owned, but no longer in the YAML.
    Orphan,
    /// It is no longer in the YAML, and no one may log in.
    Quarantined,
    /// Nothing in the YAML declares it.
    Unmanaged,
}

impl State {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::InSync => "in_sync",
            Self::Differs => "differs",
            Self::ToAdopt => "to_adopt",
            Self::Missing => "missing",
            Self::Rotating => "rotating",
            Self::Stopped => "stopped",
            Self::Orphan => "orphan",
            Self::Quarantined => "quarantined",
            Self::Unmanaged => "unmanaged",
        }
    }
}

/// One object. Holds no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Listed {
    /// Its address; null if nothing declares it.
    pub address: Option<Address>,
    /// `application`.
    pub kind: String,
    /// Its ID in Duo, which is the integration key; null if it does not exist.
    pub id: Option<Ikey>,
    /// Its type.
    #[serde(rename = "type")]
    pub variant: String,
    /// Its name in Duo, or in the YAML if it does not exist.
    pub name: String,
    /// Who may log in: `all_users`, `permitted_groups` or `no_users`.
    pub access: Option<String>,
    /// The name of its policy, or the ID if the name is not known.
    pub policy: Option<String>,
    /// How old its key is.
    pub key_age: Option<KeyAge>,
    /// The age in days.
    pub key_age_days: Option<i64>,
    /// When it was last used, as far as the logs show.
    #[schemars(with = "Option<String>")]
    pub last_use: Option<Timestamp>,
    /// How it compares with the YAML.
    pub state: State,
    /// The IDs of its keys: the integration key, and the clients of OAuth and OpenID Connect.
    pub key_ids: Vec<String>,
    /// What a service provider or client needs for single sign-on: `metadata_url`, `discovery_url`, `issuer` and so on.
    pub sso: BTreeMap<String, String>,
}

/// The public values of single sign-on (duo-api.md, section 3.5).
const SSO: [&str; 12] = [
    "authorize_endpoint_url",
    "cert",
    "client_id",
    "discovery_url",
    "entity_id",
    "issuer",
    "jwks_endpoint_url",
    "metadata_url",
    "slo_url",
    "sso_url",
    "token_endpoint_url",
    "userinfo_endpoint_url",
];

/// The input of the list.
pub struct Listing<'a> {
    /// The YAML.
    pub desired: &'a Desired,
    /// The account.
    pub observation: &'a Observation,
    /// How they differ.
    pub plan: &'a Plan,
    /// The addresses that are covered.
    pub selection: &'a Selection,
    /// When each application was last used.
    pub uses: &'a Observed<Uses>,
    /// Whether unmanaged applications are listed.
    pub all: bool,
    /// The time.
    pub now: Timestamp,
}

impl Listing<'_> {
    /// Every object: declared ones by address, then those no longer in the YAML, then unmanaged ones by name.
    pub fn objects(&self) -> Vec<Listed> {
        let none = Vec::new();
        let lives = match self.observation.objects.of(Kind::Application) {
            Observed::Present(lives) => lives,
            Observed::Absent | Observed::NotRead | Observed::Unreadable(_) => &none,
        };
        let by_id: BTreeMap<&Ikey, &Object> = lives.iter().map(|live| (&live.id, live)).collect();
        let mut shown: BTreeSet<&Ikey> = BTreeSet::new();
        let mut listed = Vec::new();
        for wanted in self.desired.of(Kind::Application) {
            let ikey = self.plan.matched().get(&wanted.address);
            shown.extend(ikey);
            if self.selection.covers(&wanted.address) {
                listed.push(self.declared(wanted, ikey.and_then(|ikey| by_id.get(ikey)).copied()));
            }
        }
        for orphan in self.plan.orphans().iter().chain(self.plan.retired()) {
            let Some((ikey, live)) = by_id.get_key_value(&orphan.ikey) else { continue };
            shown.insert(ikey);
            let quarantined = orphan.quarantined_since.is_some();
            let state = if quarantined { State::Quarantined } else { State::Orphan };
            if self.selection.covers(&orphan.address) {
                listed.push(self.live(Some(&orphan.address), live, None, state));
            }
        }
        if self.all && self.selection.is_everything() {
            let mut others: Vec<&Object> = lives.iter().filter(|live| !shown.contains(&live.id)).collect();
            others.sort_by_key(|live| (live.name(), &live.id));
            listed.extend(others.into_iter().map(|live| self.live(None, live, None, State::Unmanaged)));
        }
        listed
    }

    fn declared(&self, wanted: &Wanted, live: Option<&Object>) -> Listed {
        let address = &wanted.address;
        let steps = || self.plan.steps().iter().filter(|step| step.address == *address);
        let rotating = self.plan.rotations().iter().any(|rotation| rotation.address == *address);
        let state = if self.plan.blocked().contains(address) {
            State::Stopped
        } else if live.is_none() {
            State::Missing
        } else if steps().any(|step| step.action == Action::Adopt) {
            State::ToAdopt
        } else if steps().next().is_some() {
            State::Differs
        } else if rotating {
            State::Rotating
        } else {
            State::InSync
        };
        match live {
            Some(live) => self.live(Some(address), live, Some(wanted), state),
            None => Listed {
                address: Some(address.clone()),
                kind: APPLICATION.to_owned(),
                id: None,
                variant: wanted.variant.clone().unwrap_or_default(),
                name: wanted.name.as_ref().map(|name| name.value.clone()).unwrap_or_default(),
                access: None,
                policy: None,
                key_age: None,
                key_age_days: None,
                last_use: None,
                state,
                key_ids: Vec::new(),
                sso: BTreeMap::new(),
            },
        }
    }

    fn live(
        &self,
        address: Option<&Address>,
        live: &Object,
        wanted: Option<&Wanted>,
        state: State,
    ) -> Listed {
        let rotation = self.plan.rotations().iter().find(|rotation| Some(&rotation.address) == address);
        let previous = rotation.filter(|rotation| rotation.stage == Stage::Delivered);
        let held = wanted.filter(|wanted| wanted.secret.is_some());
        let held = held.and_then(|wanted| self.observation.held.get(&wanted.address));
        let (creations, host) = (&self.observation.creations, &self.observation.host);
        let age = key_age(live, held, creations, host, previous.map(|rotation| &rotation.old));
        let text = |wire: &str| Some(live.text(wire).to_owned()).filter(|text| !text.is_empty());
        let metadata = live.property("sso").and_then(|sso| sso.get("idp_metadata"));
        let sso = SSO.iter().filter_map(|key| Some((*key, metadata?.get(*key)?.as_str()?)));
        let ids = std::iter::once(live.id.as_str()).chain(live.client_ids());
        Listed {
            address: address.cloned(),
            kind: APPLICATION.to_owned(),
            id: Some(live.id.clone()),
            variant: live.variant().to_owned(),
            name: live.name().to_owned(),
            access: text("user_access").map(|access| access.to_lowercase()),
            policy: text("policy_key").map(|key| self.policy(&key)),
            key_age_days: match &age {
                KeyAge::Since { at, .. } => Some(self.now.duration_since(*at).as_hours() / 24),
                KeyAge::Before { .. } | KeyAge::Unknown { .. } => None,
            },
            key_age: Some(age),
            last_use: match self.uses {
                Observed::Present(uses) => uses.last.get(&live.id).copied(),
                Observed::Absent | Observed::NotRead | Observed::Unreadable(_) => None,
            },
            state,
            key_ids: ids.collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect(),
            sso: sso.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        }
    }

    fn policy(&self, key: &str) -> String {
        let policies = match self.observation.objects.of(Kind::Policy) {
            Observed::Present(policies) => policies.as_slice(),
            Observed::Absent | Observed::NotRead | Observed::Unreadable(_) => &[],
        };
        let named = policies.iter().find(|policy| policy.id.as_str() == key);
        named.map_or_else(|| key.to_owned(), |policy| policy.name().to_owned())
    }
}

const APPLICATION: &str = "application";
