//! What the checks depend on in addition to the entry itself.

use std::time::Duration;

use jiff::Timestamp;

use crate::intelligence::api::Client;
use crate::kinds::address::Address;
use crate::reconcile::plan::Plan;
use crate::verify::report::Report;

/// The public API, as far as the YAML lets duoctl use it.
pub enum Api {
    /// The YAML names no credentials.
    NotDeclared,
    /// The credentials are unavailable or unusable, with the reason.
    Unusable(String),
    /// A client.
    Usable(Box<Client>),
}

/// The public APIs of the entries; entries with the same keys share a client.
#[derive(Default)]
pub struct Apis(Vec<(Vec<Address>, Api)>);

impl Apis {
    /// Each with the entries that name it.
    pub fn new(apis: Vec<(Vec<Address>, Api)>) -> Self {
        Self(apis.into_iter().filter(|(entries, _)| !entries.is_empty()).collect())
    }

    /// Each with the entries that name it.
    pub fn iter(&self) -> impl Iterator<Item = &(Vec<Address>, Api)> {
        self.0.iter()
    }

    /// The API of an entry. For an entry that is no longer in the YAML, a single remaining API is used, because it most
    /// likely belongs to the same tenant.
    pub fn of(&self, entry: &Address, left: bool) -> &Api {
        let own = self.0.iter().find(|(entries, _)| entries.contains(entry));
        let only = match self.0.as_slice() {
            [only] if left => Some(only),
            _ => None,
        };
        own.or(only).map_or(&Api::NotDeclared, |(_, api)| api)
    }
}

/// What the checks depend on in addition to the entry itself.
pub struct World<'a> {
    /// The API hostname.
    pub host: &'a str,
    /// The difference between this machine's clock and Duo's, if it is worth reporting.
    pub clock_offset: Option<i64>,
    /// The probes of the applications.
    pub report: &'a Report,
    /// The plan, with the differences from the YAML.
    pub plan: &'a Plan,
    /// The public APIs.
    pub apis: &'a Apis,
    /// The current time by Duo's clock.
    pub now: Timestamp,
    /// How long it takes until events appear in Duo's logs.
    pub log_delay: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_its_own_api_and_one_that_left_the_only_one() {
        let [emea, apac, gone] = ["emea", "apac", "gone"].map(Address::intelligence);
        let api = |reason: &str| Api::Unusable(reason.to_owned());
        let reason = |api: &Api| match api {
            Api::Unusable(reason) => reason.clone(),
            Api::NotDeclared | Api::Usable(_) => String::new(),
        };
        let one = Apis::new(vec![(vec![emea.clone()], api("one")), (Vec::new(), api("of nothing"))]);
        assert_eq!(reason(one.of(&emea, false)), "one");
        assert_eq!(
            (reason(one.of(&apac, false)), reason(one.of(&gone, true))),
            (String::new(), "one".into())
        );
        let two = Apis::new(vec![(vec![emea], api("one")), (vec![apac.clone()], api("two"))]);
        assert_eq!(
            (reason(two.of(&apac, false)), reason(two.of(&gone, true))),
            ("two".into(), String::new())
        );
    }
}
