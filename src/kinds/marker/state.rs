//! The words of a marker: where a change of several calls stands, and what it took away.

use std::collections::BTreeSet;
use std::fmt::{Display, Formatter};

use jiff::Timestamp;

use super::row::plain_ikey;
use crate::duo::types::Ikey;

/// Where a change of several calls stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkerState {
    /// Nothing is under way.
    Owned,
    /// Created with nobody allowed in; policy and access follow.
    Creating {
        /// When the creation was planned.
        since: Timestamp,
    },
    /// Its successor of another type is being created; this one goes.
    Replaced,
    /// It left the YAML: nobody may log in since then, and later it is deleted.
    Quarantined(Timestamp),
    /// Its key is being rotated: the application that is to take its place.
    Rotating(Ikey),
    /// Its key is being replaced in place: the secret store may hold the old one, which no longer works.
    Renewing,
    /// Made by a rotation, next to the application that is in use; its keys may not have arrived yet.
    Successor {
        /// The application whose place it takes.
        of: Ikey,
        /// When the rotation began.
        since: Timestamp,
    },
    /// The successor of a rotation, whose keys have been in the secret store since `at`; the old ones still work.
    Delivered {
        /// The application whose place it takes.
        of: Ikey,
        /// When the rotation began.
        since: Timestamp,
        /// When its keys had been delivered.
        at: Timestamp,
    },
    /// The successor of a rotation that was called off; it goes.
    Abandoned {
        /// The application whose place it was to take.
        of: Ikey,
    },
    /// A rotation put a successor in its place: nobody may log in since then, and later it is deleted.
    Retired(Timestamp),
    /// A recovery key changed it, and the operator whose application it is has not proven yet that it still works.
    /// What let it in before; `None` where that did not fit into the notes.
    Untested(Option<Before>),
}

/// What lets an operator in, as it was before a change that is not proven yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// What its key might do.
    pub permissions: BTreeSet<String>,
    /// From where its key worked; empty for everywhere.
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
    /// Whether the application was made by a rotation that is under way.
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

    /// The other application of a rotation, as the marker of either names it.
    pub fn partner(&self) -> Option<&Ikey> {
        match self {
            Self::Rotating(successor) => Some(successor),
            other => other.of(),
        }
    }

    /// Whether people use the application, as far as this workspace knows.
    pub fn is_in_use(&self) -> bool {
        matches!(
            self,
            Self::Owned | Self::Creating { .. } | Self::Untested(_) | Self::Rotating(_) | Self::Renewing
        )
    }

    /// Since when nobody may log in, because the application left the YAML or was put out of use by a rotation.
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

    /// When the rotation that made it began.
    pub fn rotating_since(&self) -> Option<Timestamp> {
        match self {
            Self::Successor { since, .. } | Self::Delivered { since, .. } => Some(*since),
            _ => None,
        }
    }

    /// When the call was planned that created it, where that call could not know its integration key yet.
    pub fn created_at(&self) -> Option<Timestamp> {
        match self {
            Self::Creating { since } | Self::Successor { since, .. } => Some(*since),
            _ => None,
        }
    }

    /// The word for it, as it begins in a marker; `plain` where nothing is under way.
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

    /// Reads the word of a state; `of` is the application that the marker names as the one whose place is taken.
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
    /// The word with a space before it; nothing where nothing is under way.
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

/// What a quarantine took away, so that it can be given back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shut {
    /// Who might log in; `None` where nobody might.
    pub access: Option<AccessBefore>,
    /// What the key might do.
    pub permissions: BTreeSet<String>,
    /// Whether it might do something that did not fit into the notes.
    pub permissions_lost: bool,
}

/// Who might log in before a quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessBefore {
    /// Everybody.
    Everybody,
    /// The users of these groups, by id.
    Groups(BTreeSet<String>),
    /// It did not fit into the notes, or nobody knew it.
    Lost,
}

impl Shut {
    /// Reads one of its words.
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
