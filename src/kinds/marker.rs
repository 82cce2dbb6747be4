//! The marker: who owns an application, written at the end of its notes (design: "Duo is the only state").
//!
//! `[duoctl WORKSPACE/ADDRESS HASH]`, with words before the bracket while a change of several calls is under way
//! (`creating`, `replaced`, `quarantined:DATE` with the time, `at:HHMMSS`, and what it took away, `had:` and `could:`;
//! of what was given back and a console has to be told of, `shut:TIME`;
//! and those of a rotation: `rotating:IKEY` on the application whose key is to go, `successor:TIME`, `delivered:TIME,TIME`
//! and `abandoned`, each with `of:IKEY`, on the one that takes its place, and `retired:DATE`; and on the operator's
//! own application `untested:PERMISSIONS;NETWORKS`, what let its key in before) and where the YAML
//! protects the application (`protected`), so that the
//! protection outlives the entry in the YAML. HASH is a row of small hashes, one for each managed field, so that a later plan can tell for every field
//! whether the YAML or the account moved since it was last applied:
//!
//! * `nQ4T`: field `n`, three characters of the hash of the value that the YAML asked for and Duo held;
//! * `NQ4TA7B`: the same, and Duo keeps another form of the value, whose hash follows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::address::Address;
use super::value::FieldValue;
use crate::duo::types::Ikey;

/// Notes and marker together stay within this many characters; Duo's own limit is unconfirmed (duo-api.md, 3.3).
pub const NOTES_LIMIT: usize = 512;

const OPEN: &str = "[duoctl ";
const WAS_SHUT: &str = "shut:";
const OF: &str = "of:";
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Three characters that stand for a value.
pub type ShortHash = [char; 3];

/// What was last applied to one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The hash of what the YAML asked for.
    pub asked: ShortHash,
    /// The hash of what Duo holds instead, where Duo keeps another form of it (duo-api.md, trap 35).
    pub kept: Option<ShortHash>,
}

/// Hashes of the managed fields by the field's one-letter code.
pub type AppliedFields = BTreeMap<char, Applied>;

/// Where a change of several calls stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkerState {
    /// Nothing is under way.
    Owned,
    /// Created with nobody allowed in; policy and access follow.
    Creating,
    /// Its successor of another type is being created; this one goes.
    Replaced,
    /// It left the YAML: nobody may log in since that day, and later it is deleted.
    Quarantined(Date),
    /// Its key is being rotated: the application that is to take its place.
    Rotating(Ikey),
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
    /// A rotation put a successor in its place: nobody may log in since that day, and later it is deleted.
    Retired(Date),
    /// A second operator changed it, and the operator whose application it is has not proven yet that it still works.
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

impl std::fmt::Display for Before {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let joined =
            |items: &BTreeSet<String>| items.iter().map(String::as_str).collect::<Vec<_>>().join(",");
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
            | Self::Creating
            | Self::Replaced
            | Self::Quarantined(_)
            | Self::Rotating(_)
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
        matches!(self, Self::Owned | Self::Creating | Self::Untested(_) | Self::Rotating(_))
    }

    /// Whether nobody may log in: what was taken away stands behind the state, and nothing is applied any more.
    fn is_shut(&self) -> bool {
        match self {
            Self::Quarantined(_) | Self::Retired(_) => true,
            Self::Owned
            | Self::Creating
            | Self::Replaced
            | Self::Rotating(_)
            | Self::Successor { .. }
            | Self::Delivered { .. }
            | Self::Abandoned { .. }
            | Self::Untested(_) => false,
        }
    }

    /// When the rotation that made it began.
    pub fn rotating_since(&self) -> Option<Timestamp> {
        match self {
            Self::Successor { since, .. } | Self::Delivered { since, .. } => Some(*since),
            _ => None,
        }
    }

    /// Reads the word of a state; `of` is the application that the marker names as the one whose place is taken.
    fn parse(word: &str, of: Option<&Ikey>) -> Option<Self> {
        match word.split_once(':') {
            None => match word {
                "creating" => Some(Self::Creating),
                "replaced" => Some(Self::Replaced),
                "abandoned" => Some(Self::Abandoned { of: of?.clone() }),
                _ => None,
            },
            Some(("quarantined", date)) => Some(Self::Quarantined(date.parse().ok()?)),
            Some(("retired", date)) => Some(Self::Retired(date.parse().ok()?)),
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

/// A parsed marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The workspace that owns the application.
    pub workspace: String,
    /// The address in that workspace.
    pub address: Address,
    /// What was last applied.
    pub applied: AppliedFields,
    /// Whether a change is under way.
    pub state: MarkerState,
    /// Whether the application refuses to be removed.
    pub protected: bool,
    /// What a quarantine took away; nothing where there is none.
    pub shut: Shut,
    /// When it was quarantined before it was given back, where a console holds its keys: what was attested until then
    /// says nothing about now.
    pub was_shut: Option<Timestamp>,
}

/// What a quarantine took away, so that it can be given back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shut {
    /// The time of the day, UTC.
    pub at: Option<Time>,
    /// Who might log in; `None` where nobody might.
    pub access: Option<AccessBefore>,
    /// What the key might do.
    pub permissions: BTreeSet<String>,
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

impl Marker {
    /// When it was last quarantined, whether or not it was given back since.
    pub fn last_shut(&self) -> Option<Timestamp> {
        let MarkerState::Quarantined(date) = self.state else { return self.was_shut };
        // Without a time it was some time that day.
        let at = self.shut.at.unwrap_or(jiff::civil::time(23, 59, 59, 0));
        TimeZone::UTC.to_timestamp(date.to_datetime(at)).ok()
    }
}

impl Shut {
    fn read(&mut self, word: &str) -> Option<()> {
        let (key, value) = word.split_once(':')?;
        let items = || {
            let items: Vec<&str> = value.split(',').collect();
            let plain =
                |item: &&str| !item.is_empty() && item.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            items.iter().all(plain).then(|| items.into_iter().map(str::to_owned).collect())
        };
        match (key, value) {
            ("at", time) => self.at = Some(Time::strptime("%H%M%S", time).ok()?),
            ("had", "all_users") => self.access = Some(AccessBefore::Everybody),
            ("had", "?") => self.access = Some(AccessBefore::Lost),
            ("had", _) => self.access = Some(AccessBefore::Groups(items()?)),
            ("could", _) => self.permissions = items()?,
            _ => return None,
        }
        Some(())
    }
}

impl std::fmt::Display for Shut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let joined =
            |items: &BTreeSet<String>| items.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        if let Some(at) = self.at {
            write!(f, " at:{:02}{:02}{:02}", at.hour(), at.minute(), at.second())?;
        }
        match &self.access {
            None => {}
            Some(AccessBefore::Everybody) => f.write_str(" had:all_users")?,
            Some(AccessBefore::Groups(groups)) => write!(f, " had:{}", joined(groups))?,
            Some(AccessBefore::Lost) => f.write_str(" had:?")?,
        }
        if self.permissions.is_empty() { Ok(()) } else { write!(f, " could:{}", joined(&self.permissions)) }
    }
}

/// Notes as read from Duo: the user's own text, and the marker if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notes<'a> {
    /// The user's text, byte for byte.
    pub text: &'a str,
    /// The marker.
    pub marker: Option<Marker>,
}

impl<'a> Notes<'a> {
    /// Splits notes. Anything that does not end in a well-formed marker is text.
    pub fn parse(notes: &'a str) -> Self {
        Self::split(notes).unwrap_or(Self { text: notes, marker: None })
    }

    fn split(notes: &'a str) -> Option<Self> {
        let body = notes.trim_end().strip_suffix(']')?;
        let (text, body) = body.rsplit_once(OPEN)?;
        let mut words = body.split(' ');
        let (workspace, address) = words.next()?.split_once('/')?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let well_formed = |part: &str| !part.is_empty() && part.chars().all(allowed);
        if !well_formed(workspace) || !well_formed(address) {
            return None;
        }
        let applied = parse_applied(words.next()?)?;
        let words: Vec<&str> = words.collect();
        let of = words.iter().find_map(|word| word.strip_prefix(OF)).map(plain_ikey);
        let of = if let Some(named) = of { Some(named?) } else { None };
        let mut state = MarkerState::Owned;
        let mut protected = false;
        let mut shut = Shut::default();
        let mut was_shut = None;
        for word in words.into_iter().filter(|word| !word.starts_with(OF)) {
            match (word, MarkerState::parse(word, of.as_ref())) {
                ("protected", _) => protected = true,
                (word, _) if word.starts_with(WAS_SHUT) => {
                    was_shut = Some(word.strip_prefix(WAS_SHUT)?.parse().ok()?)
                }
                (_, Some(parsed)) => state = parsed,
                (word, None) => shut.read(word)?,
            }
        }
        if state.of() != of.as_ref() {
            return None;
        }
        let (workspace, address) = (workspace.to_owned(), Address::new(address));
        let marker = Marker { workspace, address, applied, state, protected, shut, was_shut };
        Some(Self { text: text.strip_suffix('\n').unwrap_or(text), marker: Some(marker) })
    }
}

/// How many characters the user's text leaves to a marker, at most: in the longest state that has no shorter form.
/// `letters` are those of the managed fields, `permissions` what a quarantine may take away.
pub fn longest(
    workspace: &str,
    address: Address,
    letters: impl Iterator<Item = char>,
    permissions: BTreeSet<String>,
) -> usize {
    let (hash, date, time) = (['0'; 3], Date::MAX, Timestamp::MAX);
    let applied = Applied { asked: hash, kept: Some(hash) };
    let shut = Shut { at: Some(Time::MAX), access: Some(AccessBefore::Lost), permissions };
    let open = Marker {
        workspace: workspace.to_owned(),
        address,
        applied: letters.map(|letter| (letter, applied)).collect(),
        state: MarkerState::Owned,
        protected: true,
        shut: Shut::default(),
        was_shut: None,
    };
    let closed = Marker { applied: AppliedFields::new(), shut, ..open.clone() };
    let ikey = || Ikey::new("DIXXXXXXXXXXXXXXXXXX");
    let states = [
        MarkerState::Owned,
        MarkerState::Creating,
        MarkerState::Replaced,
        MarkerState::Quarantined(date),
        MarkerState::Rotating(ikey()),
        MarkerState::Successor { of: ikey(), since: time },
        MarkerState::Delivered { of: ikey(), since: time, at: time },
        MarkerState::Abandoned { of: ikey() },
        MarkerState::Retired(date),
        MarkerState::Untested(None),
    ];
    let length = |state: MarkerState| {
        let marker = if state.is_shut() { &closed } else { &open };
        Marker { state, ..marker.clone() }.to_string().len()
    };
    // A line break parts it from the text.
    states.into_iter().map(length).max().unwrap_or_default() + 1
}

impl Marker {
    /// The notes to send: the user's text, one line break unless it is empty, the marker.
    pub fn notes(&self, text: &str) -> String {
        if text.is_empty() { self.to_string() } else { format!("{text}\n{self}") }
    }
}

impl std::fmt::Display for Marker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{OPEN}{}/{} ", self.workspace, self.address)?;
        if self.applied.is_empty() {
            f.write_str("-")?;
        }
        for (code, applied) in &self.applied {
            let asked: String = applied.asked.iter().collect();
            match applied.kept {
                None => write!(f, "{code}{asked}")?,
                Some(kept) => {
                    write!(f, "{}{asked}{}", code.to_ascii_uppercase(), kept.iter().collect::<String>())?;
                }
            }
        }
        match &self.state {
            MarkerState::Owned => {}
            MarkerState::Creating => f.write_str(" creating")?,
            MarkerState::Replaced => f.write_str(" replaced")?,
            MarkerState::Quarantined(date) => write!(f, " quarantined:{date}{}", self.shut)?,
            MarkerState::Rotating(successor) => write!(f, " rotating:{successor}")?,
            MarkerState::Successor { since, .. } => write!(f, " successor:{since}")?,
            MarkerState::Delivered { since, at, .. } => write!(f, " delivered:{since},{at}")?,
            MarkerState::Abandoned { .. } => f.write_str(" abandoned")?,
            MarkerState::Retired(date) => write!(f, " retired:{date}{}", self.shut)?,
            MarkerState::Untested(None) => f.write_str(" untested:?")?,
            MarkerState::Untested(Some(before)) => write!(f, " untested:{before}")?,
        }
        if let Some(of) = self.state.of() {
            write!(f, " {OF}{of}")?;
        }
        if let Some(time) = self.was_shut {
            write!(f, " {WAS_SHUT}{time}")?;
        }
        f.write_str(if self.protected { " protected]" } else { "]" })
    }
}

/// An integration key as it stands in a marker.
fn plain_ikey(text: &str) -> Option<Ikey> {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
    plain.then(|| Ikey::new(text))
}

fn parse_applied(text: &str) -> Option<AppliedFields> {
    let mut applied = AppliedFields::new();
    if text == "-" {
        return Some(applied);
    }
    let mut rest = text.chars();
    while let Some(code) = rest.next() {
        if !code.is_ascii_alphabetic() {
            return None;
        }
        let asked = take_hash(&mut rest)?;
        let kept = if code.is_ascii_uppercase() { Some(take_hash(&mut rest)?) } else { None };
        applied.insert(code.to_ascii_lowercase(), Applied { asked, kept });
    }
    Some(applied)
}

fn take_hash(rest: &mut std::str::Chars<'_>) -> Option<ShortHash> {
    let hash = [rest.next()?, rest.next()?, rest.next()?];
    hash.iter().all(|c| c.is_ascii() && ALPHABET.iter().any(|a| char::from(*a) == *c)).then_some(hash)
}

/// The hash of a field's normalised value. Short: it tells only who moved, never what to do.
pub fn short_hash(code: char, value: &FieldValue) -> ShortHash {
    let digest = Sha256::digest(format!("{code}\0{}", value.canonical()));
    let mut characters =
        digest.iter().map(|byte| ALPHABET.get(usize::from(byte % 32)).map_or('0', |byte| char::from(*byte)));
    [(); 3].map(|()| characters.next().unwrap_or('0'))
}

#[cfg(test)]
mod tests;
