//! One reading of the account, as far as it could be read.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::duo::types::{Account, Group, Ikey, Integration, Policy};

use super::age::Creations;
use super::delivery::Held;
use super::observed::Observed;
use super::rotation::Uses;
use crate::kinds::address::Address;

/// The newest login, or attempt at one, that the authentication log shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// When, as Duo writes it.
    pub when: String,
    /// Who: a username.
    pub who: String,
    /// What came of it, e.g. `denied`.
    pub result: String,
}

/// One reading of the account.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The API hostname.
    pub host: String,
    /// The operator: the application whose key duoctl uses.
    pub operator: Ikey,
    /// Every application.
    pub integrations: Observed<Vec<Integration>>,
    /// How many applications the account's summary counts; read only where something is to be deleted.
    pub counted: Observed<usize>,
    /// Every group, where the YAML names one.
    pub groups: Observed<Vec<Group>>,
    /// Every policy, where the YAML names one.
    pub policies: Observed<Vec<Policy>>,
    /// The account's name and plan.
    pub account: Account,
    /// What secret stores hold; an address that nobody looked up is not in it.
    pub held: BTreeMap<Address, Held>,
    /// When it was read.
    pub observed_at: Timestamp,
    /// The newest use since its quarantine of each application that is to be deleted; an application that nobody looked
    /// up is not in it.
    pub uses: BTreeMap<Ikey, Observed<Option<LastUse>>>,
    /// When the keys of rotations under way were last used; read only where there is one.
    pub rotation_uses: Observed<Uses>,
    /// When applications were created; read only where the age of a key matters.
    pub creations: Observed<Creations>,
}

impl Observation {
    /// A reading that has not begun: nothing was read yet.
    pub fn new(host: impl Into<String>, operator: Ikey, observed_at: Timestamp) -> Self {
        Self {
            host: host.into(),
            operator,
            integrations: Observed::NotRead,
            counted: Observed::NotRead,
            groups: Observed::NotRead,
            policies: Observed::NotRead,
            account: Account::default(),
            held: BTreeMap::new(),
            observed_at,
            uses: BTreeMap::new(),
            rotation_uses: Observed::NotRead,
            creations: Observed::NotRead,
        }
    }
}
