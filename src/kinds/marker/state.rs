//! The words of a marker: the state of a change that takes several calls, and the access that it took away.

use std::collections::BTreeSet;
use std::fmt::{Display, Formatter};

use jiff::Timestamp;

use super::row::plain_ikey;
use crate::duo::object::Ikey;

/// The state of a change that takes several calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkerState {
    /// No change is in progress.
    Owned,
    /// Created without access for users; policy and access follow.
    Creating {
        /// When the creation was planned.
        since: Timestamp,
    },
    /// A replacement of another type is being created; this application will be removed.
    Replaced,
    /// It left the YAML at this time: users cannot log in, and it will be deleted later.
    Quarantined(Timestamp),
    /// Its key is being rotated: the application that will take its place.
    Rotating(Ikey),
    /// Its key is being replaced in place. The secret store may still hold the old key, which no longer works.
    Renewing,
    /// Created by a rotation next to the application in use. Its keys may not have been delivered yet.
    Successor {
        /// The application whose place it takes.
        of: Ikey,
        /// When the rotation began.
        since: Timestamp,
    },
    /// The successor of a rotation. Its keys have been in the secret store since `at`; the old ones still work.
    Delivered {
        /// The application whose place it takes.
        of: Ikey,
        /// When the rotation began.
        since: Timestamp,
        /// When its keys were delivered.
        at: Timestamp,
    },
    /// The successor of a canceled rotation; it will be removed.
    Abandoned {
        /// The application whose place it should have taken.
        of: Ikey,
    },
    /// A rotation replaced it with a successor at this time: users cannot log in, and it will be deleted later.
    Retired(Timestamp),
    /// The operator's application after a change by the recovery key; the operator has not proven yet that it still works.
    /// Holds what its key was allowed before; `None` if that did not fit into the notes.
    Untested(Option<Before>),
}

/// What the operator's key was allowed before a change that is not proven yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// The permissions of its key.
    pub permissions: BTreeSet<String>,
    /// The networks from which its key worked; empty for any network.
    pub networks: BTreeSet<String>,
}

impl Before {
    fn parse(text: &str) -> Option<Self> {
        let (permissions, networks) = text.split_once(';')?;
        let items = |text: &str, allowed: fn(char) -> bool| -> Option<BTreeSet<String>> {
            let items = text.split(',').filter(|_| !text.is_empty());
            let plain = |item: &str| !item.is_empty() && item.chars().all(allowed);
            items.map(|item| plain(item).then(|| item.to_owned())).collect()
        };
        Some(Self {
            permissions: items(permissions, |c| c.is_ascii_lowercase() || c == '_')?,
            networks: items(networks, |c| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '/' | '-'))?,
        })
    }
}

impl Display for Before {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{};{}", joined(&self.permissions), joined(&self.networks))
    }
}

impl MarkerState {
    /// Whether the application was created by a rotation in progress.
    pub fn is_successor(&self) -> bool {
        self.of().is_some()
    }

    /// The application whose place a successor takes.
    pub fn of(&self) -> Option<&Ikey> {
        match self {
            Self::Successor { of, .. } | Self::Delivered { of, .. } | Self::Abandoned { of } => Some(of),
            Self::Owned
            | Self::Creating { .. }
            | Self::Replaced
            | Self::Quarantined(_)
            | Self::Rotating(_)
            | Self::Renewing
            | Self::Retired(_)
            | Self::Untested(_) => None,
        }
    }

    /// The other application of a rotation, as named by either marker.
    pub fn partner(&self) -> Option<&Ikey> {
        match self {
            Self::Rotating(successor) => Some(successor),
            other => other.of(),
        }
    }

    /// Whether users use the application, as far as this workspace knows.
    pub fn is_in_use(&self) -> bool {
        matches!(
            self,
            Self::Owned | Self::Creating { .. } | Self::Untested(_) | Self::Rotating(_) | Self::Renewing
        )
    }

    /// When users lost access because the application left the YAML or was retired by a rotation.
    pub fn shut_since(&self) -> Option<Timestamp> {
        match self {
            Self::Quarantined(since) | Self::Retired(since) => Some(*since),
            Self::Owned
            | Self::Creating { .. }
            | Self::Replaced
            | Self::Rotating(_)
            | Self::Renewing
            | Self::Successor { .. }
            | Self::Delivered { .. }
            | Self::Abandoned { .. }
            | Self::Untested(_) => None,
        }
    }

    /// When the rotation that created it began.
    pub fn rotating_since(&self) -> Option<Timestamp> {
        match self {
            Self::Successor { since, .. } | Self::Delivered { since, .. } => Some(*since),
            _ => None,
        }
    }

    /// When its creation was planned, if the creating call could not know its integration key yet.
    pub fn created_at(&self) -> Option<Timestamp> {
        match self {
            Self::Creating { since } | Self::Successor { since, .. } => Some(*since),
            _ => None,
        }
    }

    /// The word for it in a marker; `plain` if no change is in progress.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Owned => "plain",
            Self::Creating { .. } => "creating",
            Self::Replaced => "replaced",
            Self::Quarantined(_) => "quarantined",
            Self::Rotating(_) => "rotating",
            Self::Renewing => "renewing",
            Self::Successor { .. } => "successor",
            Self::Delivered { .. } => "delivered",
            Self::Abandoned { .. } => "abandoned",
            Self::Retired(_) => "retired",
            Self::Untested(_) => "untested",
        }
    }

    /// Parses the word of a state; `of` is the application whose place is taken, as named by the marker.
    pub(super) fn parse(word: &str, of: Option<&Ikey>) -> Option<Self> {
        match word.split_once(':') {
            None => match word {
                "replaced" => Some(Self::Replaced),
                "renewing" => Some(Self::Renewing),
                "abandoned" => Some(Self::Abandoned { of: of?.clone() }),
                _ => None,
            },
            Some(("creating", since)) => Some(Self::Creating { since: since.parse().ok()? }),
            Some(("quarantined", since)) => Some(Self::Quarantined(since.parse().ok()?)),
            Some(("retired", since)) => Some(Self::Retired(since.parse().ok()?)),
            Some(("untested", "?")) => Some(Self::Untested(None)),
            Some(("untested", before)) => Some(Self::Untested(Some(Before::parse(before)?))),
            Some(("rotating", successor)) => Some(Self::Rotating(plain_ikey(successor)?)),
            Some(("successor", since)) => {
                Some(Self::Successor { of: of?.clone(), since: since.parse().ok()? })
            }
            Some(("delivered", times)) => {
                let (since, at) = times.split_once(',')?;
                Some(Self::Delivered { of: of?.clone(), since: since.parse().ok()?, at: at.parse().ok()? })
            }
            Some(_) => None,
        }
    }
}

impl Display for MarkerState {
    /// Writes the word with a leading space, or nothing if no change is in progress.
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Owned => Ok(()),
            Self::Creating { since } | Self::Successor { since, .. } => write!(f, " {}:{since}", self.word()),
            Self::Quarantined(since) | Self::Retired(since) => write!(f, " {}:{since}", self.word()),
            Self::Replaced | Self::Renewing | Self::Abandoned { .. } => write!(f, " {}", self.word()),
            Self::Rotating(successor) => write!(f, " rotating:{successor}"),
            Self::Delivered { since, at, .. } => write!(f, " delivered:{since},{at}"),
            Self::Untested(None) => f.write_str(" untested:?"),
            Self::Untested(Some(before)) => write!(f, " untested:{before}"),
        }
    }
}

/// What a quarantine took away, so that it can be restored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shut {
    /// Who could log in; `None` if no user could.
    pub access: Option<AccessBefore>,
    /// The permissions of the key.
    pub permissions: BTreeSet<String>,
    /// Whether it had permissions that did not fit into the notes.
    pub permissions_lost: bool,
}

/// Who could log in before a quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessBefore {
    /// All users.
    Everybody,
    /// The users of these groups, by id.
    Groups(BTreeSet<String>),
    /// Unknown, or it did not fit into the notes.
    Lost,
}

impl Shut {
    /// Parses one of its words.
    pub(super) fn read(&mut self, word: &str) -> Option<()> {
        let (key, value) = word.split_once(':')?;
        let items = || {
            let items: Vec<&str> = value.split(',').collect();
            let plain =
                |item: &&str| !item.is_empty() && item.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            items.iter().all(plain).then(|| items.into_iter().map(str::to_owned).collect())
        };
        match (key, value) {
            ("had", "all_users") => self.access = Some(AccessBefore::Everybody),
            ("had", "?") => self.access = Some(AccessBefore::Lost),
            ("had", _) => self.access = Some(AccessBefore::Groups(items()?)),
            ("could", "?") => self.permissions_lost = true,
            ("could", _) => self.permissions = items()?,
            _ => return None,
        }
        Some(())
    }
}

impl Display for Shut {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match &self.access {
            None => {}
            Some(AccessBefore::Everybody) => f.write_str(" had:all_users")?,
            Some(AccessBefore::Groups(groups)) => write!(f, " had:{}", joined(groups))?,
            Some(AccessBefore::Lost) => f.write_str(" had:?")?,
        }
        if self.permissions_lost {
            f.write_str(" could:?")
        } else if self.permissions.is_empty() {
            Ok(())
        } else {
            write!(f, " could:{}", joined(&self.permissions))
        }
    }
}

fn joined(items: &BTreeSet<String>) -> String {
    items.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}
