//! Whether evidence is about the values of now. Only what is newer than them proves anything (design, section 6): newer
//! than the last change of the key, where Duo's activity log or the marker tells it, and otherwise than the attestation.

use jiff::Timestamp;

/// When the values that a console is to hold came to be, as far as that is known.
#[derive(Clone, Debug)]
pub(super) struct Values {
    /// Whether a person has said that the console holds them.
    pub(super) entered: Entered,
    /// When the key last changed in Duo.
    pub(super) change: Change,
    /// When the key was delivered, while the key that it replaces still works: a connection may be using either.
    pub(super) rotating: Option<Timestamp>,
    /// The moment, by Duo's clock.
    pub(super) now: Timestamp,
}

/// What a person has said of the values that a collection goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entered {
    /// Nothing.
    Never,
    /// That the console holds others, at that time.
    Before(Option<Timestamp>),
    /// That the console holds them, at that time.
    At(Option<Timestamp>),
}

/// When a key last changed in Duo. The times are those that the log is known to show everything up to, or from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// At that time; until `until` the log shows no other change.
    At {
        /// The newest change.
        at: Timestamp,
        /// What is younger may not be in the log yet.
        until: Timestamp,
    },
    /// Between these times the log shows no change.
    None {
        /// What is older was not read.
        from: Timestamp,
        /// What is younger may not be in the log yet.
        until: Timestamp,
    },
    /// The log could not be read.
    Unknown,
}

/// What evidence is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// It is newer than the values.
    Newer,
    /// It is not newer than something that happened to the values at that time.
    Older {
        /// What happened, e.g. `the key was last changed in Duo`.
        than: &'static str,
        /// When.
        at: Timestamp,
    },
    /// No one has said that the console holds the values, so it is about others.
    NotEntered,
    /// The attestation has no date, and nothing else tells.
    Undated,
}

/// What happened to values whose age only the attestation tells.
pub(super) const ATTESTED: &str = "the values were attested";

/// Whether one time is later than another. Some of them are whole seconds, so less than a second proves nothing.
fn is_later(time: Timestamp, than: Timestamp) -> bool {
    time.as_second() > than.as_second()
}

impl Values {
    /// What evidence of that time is worth.
    pub(super) fn age(&self, evidence: Timestamp) -> Age {
        let Entered::At(attested) = self.entered else { return Age::NotEntered };
        let (told, until) = match self.change {
            Change::At { at, .. } if !is_later(evidence, at) => {
                return Age::Older { than: "the key was last changed in Duo", at };
            }
            Change::At { until, .. } => (true, until),
            Change::None { from, until } => (!is_later(from, evidence), until),
            Change::Unknown => (false, Timestamp::MIN),
        };
        // What was attested holds since then, or its key would have another end. So nothing is missing from the log
        // unless the attestation is younger than what the log shows.
        let whole = told && !is_later(attested.unwrap_or(self.now), until);
        if whole && self.rotating.is_none() {
            return Age::Newer;
        }
        let Some(attested) = attested else { return Age::Undated };
        let moments = [self.rotating.map(|at| ("the new key was delivered", at)), Some((ATTESTED, attested))];
        let newest = moments.into_iter().flatten().max_by_key(|(_, at)| *at);
        match newest.filter(|(_, at)| !is_later(evidence, *at)) {
            Some((than, at)) => Age::Older { than, at },
            None => Age::Newer,
        }
    }
}
