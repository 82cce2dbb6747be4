//! The age of keys, from the activity log (when an application was created) and the secret store (since when it holds
//! the current key). Duo itself does not show the age of a key.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duo::object::{Ikey, Object};

use super::delivery::{Held, Standing, standing};
use super::observed::Observed;

/// How far back Duo's logs are read. How long Duo keeps them is unconfirmed, and expired entries must not look as if
/// nothing had happened.
pub const LOG_REACH: SignedDuration = SignedDuration::from_hours(180 * 24);

/// Who created an application, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// When.
    pub at: Timestamp,
    /// The administrator, or the name of the key.
    pub who: String,
}

/// The creations recorded in the activity log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Creations {
    /// By integration key.
    pub by: BTreeMap<Ikey, Creation>,
    /// Start of the part of the log that was read; earlier creations may be missing.
    pub read_from: Timestamp,
}

/// What is known about the age of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "known", rename_all = "snake_case")]
pub enum KeyAge {
    /// It was created at this time.
    Since {
        /// The time.
        #[schemars(with = "String")]
        at: Timestamp,
        /// How this is known.
        from: String,
    },
    /// It was created before this time.
    Before {
        /// The time.
        #[schemars(with = "String")]
        at: Timestamp,
        /// How this is known.
        from: String,
    },
    /// The age is unknown.
    Unknown {
        /// Why.
        reason: String,
    },
}

impl KeyAge {
    /// Whether the key is older; `None` if that is unknown.
    pub fn is_over(&self, most: SignedDuration, now: Timestamp) -> Option<bool> {
        let limit = now.checked_sub(most).unwrap_or(Timestamp::MIN);
        match self {
            Self::Since { at, .. } => Some(*at < limit),
            Self::Before { at, .. } if *at <= limit => Some(true),
            Self::Before { .. } | Self::Unknown { .. } => None,
        }
    }

    /// When the key becomes older; `None` if its age is not known.
    pub fn due(&self, most: SignedDuration) -> Option<Timestamp> {
        match self {
            Self::Since { at, .. } => at.checked_add(most).ok(),
            Self::Before { .. } | Self::Unknown { .. } => None,
        }
    }

    /// In words: `created 2026-08-01T… (created by Ada)`.
    pub fn words(&self) -> String {
        match self {
            Self::Since { at, from } => format!("created {at} ({from})"),
            Self::Before { at, from } => format!("created before {at} ({from})"),
            Self::Unknown { reason } => format!("of unknown age: {reason}"),
        }
    }
}

/// The age of a key. The latest evidence counts: an application is created once, but its key may have been replaced
/// since.
pub fn key_age(
    live: &Object,
    held: Option<&Held>,
    creations: &Observed<Creations>,
    host: &str,
    previous: Option<&Ikey>,
) -> KeyAge {
    let delivered = match held {
        // The date in the store is only valid for the key in the store.
        Some(held @ Held::Keys(keys)) if standing(held, live, host, previous) == Standing::Current => {
            keys.delivered_at.parse::<Timestamp>().ok()
        }
        _ => None,
    };
    let creation = match creations {
        Observed::Present(creations) => creations.by.get(&live.id),
        Observed::Absent | Observed::NotRead | Observed::Unreadable(_) => None,
    };
    let store = || "according to the secret store".to_owned();
    match (creation, delivered, creations) {
        // duoctl delivers keys right after a creation.
        (Some(creation), Some(at), _) if at > creation.at + SignedDuration::from_hours(1) => {
            KeyAge::Since { at, from: store() }
        }
        (Some(creation), _, _) => {
            KeyAge::Since { at: creation.at, from: format!("created by {}", creation.who) }
        }
        (None, Some(at), _) => KeyAge::Since { at, from: store() },
        (None, None, Observed::Present(creations)) => KeyAge::Before {
            at: creations.read_from,
            from: "the activity log since then does not show its creation".to_owned(),
        },
        (None, None, Observed::Unreadable(reason)) => KeyAge::Unknown {
            reason: format!("the store does not record it, and the activity log cannot be read: {reason}"),
        },
        (None, None, Observed::Absent | Observed::NotRead) => KeyAge::Unknown {
            reason: "the store does not record it, and the activity log was not read".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duo::object::Kind;
    use crate::reconcile::delivery::HeldKeys;
    use serde_json::json;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn age(delivered: Option<&str>, created: Option<&str>, read: bool) -> KeyAge {
        let live =
            Object::decode(Kind::Application, json!({"integration_key": "DIA", "secret_key": "****9fQx"}))
                .unwrap();
        let held = delivered.map(|at| {
            Held::Keys(HeldKeys {
                ikey: "DIA".to_owned(),
                api_hostname: "h".to_owned(),
                secret_end: Some("9fQx".to_owned()),
                delivered_at: at.to_owned(),
                ..HeldKeys::default()
            })
        });
        let by = created.map(|at| (Ikey::new("DIA"), Creation { at: time(at), who: "Ada".to_owned() }));
        let read_from = time("2026-06-01T00:00:00Z");
        let creations = if read {
            Observed::Present(Creations { by: by.into_iter().collect(), read_from })
        } else {
            Observed::Unreadable("no permission".to_owned())
        };
        key_age(&live, held.as_ref(), &creations, "h", None)
    }

    #[test]
    fn the_newest_sign_counts_and_what_nobody_knows_is_unknown() {
        let now = time("2026-11-25T00:00:00Z");
        let days = |days: i64| SignedDuration::from_hours(24 * days);
        let old = age(None, Some("2026-07-01T00:00:00Z"), true);
        assert_eq!(old.words(), "created 2026-07-01T00:00:00Z (created by Ada)");
        assert_eq!((old.is_over(days(90), now), old.is_over(days(180), now)), (Some(true), Some(false)));
        let rotated = age(Some("2026-11-01T00:00:00Z"), Some("2026-07-01T00:00:00Z"), true);
        assert_eq!(rotated.is_over(days(90), now), Some(false));
        let new = age(Some("2026-07-01T00:00:05Z"), Some("2026-07-01T00:00:00Z"), true);
        assert!(new.words().contains("created by Ada"));
        let forgotten = age(None, None, true);
        assert_eq!((forgotten.is_over(days(90), now), forgotten.is_over(days(365), now)), (Some(true), None));
        let stored = age(Some("2026-07-01T00:00:00Z"), None, false);
        assert_eq!(stored.is_over(days(90), now), Some(true));
        let unknown = age(None, None, false);
        assert_eq!(unknown.is_over(days(1), now), None);
        assert!(unknown.words().contains("no permission"));
        assert_eq!(age(Some("yesterday"), None, false).is_over(days(1), now), None);
    }
}
