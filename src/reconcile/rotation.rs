//! Overlap rotations: for a while, an address has two applications, the one whose key will be removed and its successor.
//! Both markers record the stage of a rotation (`pairing`); observed uses of both keys show what it waits for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duo::catalogue::{Creation, Family, lookup};
use crate::duo::object::Ikey;

use super::observed::Observed;
use crate::kinds::address::Address;
use crate::kinds::marker::MarkerState;

/// How long the old key has to be unused, unless the run says otherwise.
pub const SILENCE: SignedDuration = SignedDuration::from_hours(24);

/// What a run was asked to do about rotations.
#[derive(Clone, Debug)]
pub struct Orders {
    /// Rotations to start, unless one is in progress.
    pub begin: BTreeSet<Address>,
    /// Rotations for which a person confirms that the new key is in use.
    pub confirmed: BTreeSet<Address>,
    /// Rotations to abort.
    pub abort: BTreeSet<Address>,
    /// How long the old key has to be unused.
    pub silence: SignedDuration,
}

impl Default for Orders {
    fn default() -> Self {
        let (begin, confirmed, abort) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Self { begin, confirmed, abort, silence: SILENCE }
    }
}

/// The stage of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The successor was created; its keys are not delivered yet.
    Made,
    /// Its keys are delivered, and both work.
    Delivered,
    /// It was aborted, and the successor will be removed.
    Aborted,
}

impl Stage {
    /// The stage that a successor's marker records; `None` if the application is not a successor.
    pub fn of(state: &MarkerState) -> Option<Self> {
        match state {
            MarkerState::Successor { .. } => Some(Self::Made),
            MarkerState::Delivered { .. } => Some(Self::Delivered),
            MarkerState::Abandoned { .. } => Some(Self::Aborted),
            MarkerState::Owned
            | MarkerState::Creating { .. }
            | MarkerState::Replaced
            | MarkerState::Quarantined(_)
            | MarkerState::Rotating(_)
            | MarkerState::Renewing
            | MarkerState::Retired(_)
            | MarkerState::Untested(_) => None,
        }
    }

    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Made => "not delivered yet",
            Self::Delivered => "delivered",
            Self::Aborted => "aborted",
        }
    }
}

/// A rotation in progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rotation {
    /// The address.
    pub address: Address,
    /// Its stage.
    pub stage: Stage,
    /// When it began; unknown after an abort.
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// When the new keys were delivered.
    #[schemars(with = "Option<String>")]
    pub delivered_at: Option<Timestamp>,
    /// The application whose key will be removed.
    pub old: Ikey,
    /// The application that replaces it.
    pub successor: Ikey,
    /// What was observed, and what the rotation waits for.
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// When keys were last seen in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// The last attempt to use each key; keys that were not used are absent.
    pub last: BTreeMap<Ikey, Timestamp>,
    /// The last successful use: anyone can be denied with a new key that no one has read.
    pub succeeded: BTreeMap<Ikey, Timestamp>,
    /// Start of the part of the logs that was read; earlier uses may be missing.
    pub read_from: Timestamp,
}

/// What was observed for both keys of a rotation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What was observed.
    pub seen: Vec<String>,
    /// What the rotation still waits for.
    pub waits_for: Vec<String>,
    /// The last attempt to use the old key; absent if the logs show none, or were not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub old_used_at: Option<Timestamp>,
    /// The last successful use of the new key; absent if the logs show none, or were not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub new_used_at: Option<Timestamp>,
}

impl Evidence {
    /// Only when the keys were used.
    fn of_uses(keys: Keys<'_>, uses: &Observed<Uses>) -> Self {
        let Observed::Present(uses) = uses else { return Self::default() };
        Self {
            old_used_at: uses.last.get(keys.old).copied(),
            new_used_at: uses.succeeded.get(keys.successor).copied(),
            ..Self::default()
        }
    }

    /// Whether the old key may be removed.
    pub fn suffices(&self) -> bool {
        self.waits_for.is_empty()
    }
}

/// The two keys of a rotation whose new key was delivered.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    /// The address.
    pub address: &'a Address,
    /// The type of both applications.
    pub kind: &'a str,
    /// The old application.
    pub old: &'a Ikey,
    /// Its successor.
    pub successor: &'a Ikey,
    /// When the successor's keys were delivered.
    pub delivered_at: Timestamp,
}

/// Decides whether the old key may be removed. `attested` applies to an application whose key a console holds: whether a
/// person has attested that the console holds the new key. No other evidence counts for it.
pub fn evidence(
    keys: Keys<'_>,
    uses: &Observed<Uses>,
    orders: &Orders,
    attested: Option<bool>,
    now: Timestamp,
) -> Evidence {
    let mut evidence = Evidence::of_uses(keys, uses);
    if let Some(attested) = attested {
        match attested {
            true => evidence.seen.push("a person has attested that the console holds the new key".to_owned()),
            false => {
                let entry = keys.address.composite().map(|(entry, _)| entry);
                let name =
                    entry.as_ref().and_then(|entry| entry.as_str().rsplit('.').next()).unwrap_or_default();
                evidence.waits_for.push(format!(
                    "the new key in the console: `duoctl handoff {name}` shows the fields, `duoctl attest {name}` records \
                     that they are entered"
                ));
            }
        }
        return evidence;
    }
    if orders.confirmed.contains(keys.address) {
        evidence.seen.push("a person has confirmed that the new key is in use".to_owned());
        return evidence;
    }
    match uses {
        Observed::Present(uses) => logged(keys, uses, orders.silence, now, &mut evidence),
        Observed::Unreadable(reason) => evidence.waits_for.push(format!(
            "the logs, which cannot be read ({reason}); `duoctl keys confirm {}` continues without them",
            keys.address
        )),
        Observed::Absent | Observed::NotRead => evidence.waits_for.push("the logs to be read".to_owned()),
    }
    evidence
}

fn logged(keys: Keys<'_>, uses: &Uses, silence: SignedDuration, now: Timestamp, evidence: &mut Evidence) {
    let Keys { address, old, successor, delivered_at, .. } = keys;
    match uses.succeeded.get(successor).filter(|last| **last >= delivered_at) {
        Some(last) => evidence.seen.push(format!("the new key {successor} was last used at {last}")),
        None => {
            let why = if matches!(lookup(keys.kind).map(|kind| kind.family), Some(Family::AdminApi)) {
                " (Duo logs only its changes, not its reads)"
            } else {
                ""
            };
            evidence.waits_for.push(format!(
                "a use of the new key {successor} in the logs{why}; or `duoctl keys confirm {address}`"
            ));
        }
    }
    let quiet_since = now.checked_sub(silence).unwrap_or(now);
    let hours = silence.as_hours();
    match uses.last.get(old) {
        Some(last) if *last > quiet_since => evidence
            .waits_for
            .push(format!("{hours} hours without a use of the old key {old}, which was last used at {last}")),
        _ if delivered_at > quiet_since => evidence.waits_for.push(format!(
            "{hours} hours since the delivery at {delivered_at} without a use of the old key {old}"
        )),
        _ if uses.read_from > quiet_since => evidence.waits_for.push(format!(
            "the old key {old}: the logs are too long to check whether it was used before {}; `duoctl keys confirm {address}` continues without them",
            uses.read_from
        )),
        Some(last) => evidence.seen.push(format!("the old key {old} was last used at {last}")),
        None => evidence.seen.push(format!("the old key {old} has not been used since the delivery")),
    }
}

/// Why a type does not support overlap rotations; `None` if it does.
pub fn without_twin(kind: &str) -> Option<String> {
    let known = lookup(kind)?;
    match (known.creation, known.family) {
        (Creation::Refused(reason), _) => {
            Some(format!("Duo's API cannot create a `{kind}` application: {reason}"))
        }
        (Creation::Ok, Family::Oidc | Family::OAuth) => Some(format!(
            "the URLs that the clients of a `{kind}` application use contain its integration key, so a second one would \
             be another issuer"
        )),
        (Creation::Ok, Family::Saml) => Some(format!(
            "service providers trust the metadata and certificate of a `{kind}` application and do not use its key"
        )),
        (Creation::Ok, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn judged(last: &[(&str, &str)], read_from: &str, now: &str, orders: &Orders) -> Evidence {
        let address = Address::application("vpn");
        let (old, successor) = (Ikey::new("DIOLD"), Ikey::new("DINEW"));
        let keys = Keys {
            address: &address,
            kind: "radius",
            old: &old,
            successor: &successor,
            delivered_at: time("2026-11-24T10:00:00Z"),
        };
        let last: BTreeMap<_, _> = last.iter().map(|(ikey, at)| (Ikey::new(*ikey), time(at))).collect();
        let uses = Observed::Present(Uses { succeeded: last.clone(), last, read_from: time(read_from) });
        evidence(keys, &uses, orders, None, time(now))
    }

    #[test]
    fn the_old_key_goes_once_the_new_one_is_used_and_the_old_one_is_silent() {
        let orders = Orders::default();
        let begin = "2026-11-24T10:00:00Z";
        let used = [("DINEW", "2026-11-24T12:00:00Z"), ("DIOLD", "2026-11-24T11:00:00Z")];
        let seen = judged(&used, begin, "2026-11-25T11:00:00Z", &orders);
        assert!(seen.suffices());
        assert_eq!((seen.new_used_at, seen.old_used_at), (Some(time(used[0].1)), Some(time(used[1].1))));
        for (what, last, read_from, now) in [
            ("a use of the new key", &used[1..], begin, "2026-11-25T11:00:00Z"),
            ("was last used at 2026-11-24T11:00:00Z", &used[..], begin, "2026-11-25T10:59:59Z"),
            ("since the delivery", &used[..1], begin, "2026-11-25T09:59:59Z"),
            ("too long to check", &used[..1], "2026-11-25T00:00:00Z", "2026-11-25T11:00:00Z"),
            ("a use of the new key", &[("DINEW", "2026-11-24T09:59:59Z")], begin, "2026-11-25T11:00:00Z"),
        ] {
            let evidence = judged(last, read_from, now, &orders);
            assert!(!evidence.suffices());
            assert!(evidence.waits_for.join(" ").contains(what), "{what}: {evidence:?}");
        }
        let at_once = Orders { silence: SignedDuration::ZERO, ..Orders::default() };
        assert!(judged(&used[..1], begin, "2026-11-24T12:00:01Z", &at_once).suffices());
    }

    #[test]
    fn a_person_counts_for_the_logs_and_only_an_attestation_for_a_console() {
        let address = Address::application("vpn");
        let confirmed = Orders { confirmed: BTreeSet::from([address.clone()]), ..Orders::default() };
        let now = "2026-11-24T10:00:01Z";
        assert!(judged(&[], "2026-11-24T10:00:00Z", now, &confirmed).suffices());
        let (old, successor) = (Ikey::new("DIOLD"), Ikey::new("DINEW"));
        let keys = Keys {
            address: &address,
            kind: "adminapi",
            old: &old,
            successor: &successor,
            delivered_at: time(now),
        };
        let of = |uses, attested| evidence(keys, &uses, &confirmed, attested, time(now)).suffices();
        assert!(!of(Observed::NotRead, Some(false)));
        assert!(of(Observed::NotRead, Some(true)));
        let no_one = Orders::default();
        let unreadable = Observed::Unreadable("no permission".to_owned());
        let evidence = evidence(keys, &unreadable, &no_one, None, time(now));
        assert!(evidence.waits_for[0].contains("no permission") && !evidence.suffices());
    }

    #[test]
    fn a_twin_needs_a_type_whose_consumers_only_hold_a_key() {
        for kind in ["radius", "adminapi", "authapi", "websdk", "rdp", "brand-new"] {
            assert_eq!(without_twin(kind), None, "{kind}");
        }
        for kind in
            ["accountsapi", "azure-ca", "sso-generic", "sso-oidc-generic", "sso-oauth-client-credentials"]
        {
            assert!(without_twin(kind).is_some(), "{kind}");
        }
    }
}
