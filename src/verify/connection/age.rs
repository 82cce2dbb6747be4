//! Whether evidence is about the current values. Only newer evidence proves anything (design, section 6): newer than the
//! last change of the key if Duo's activity log or the marker shows it, otherwise newer than the attestation.

use jiff::Timestamp;

/// When the values that a console should hold were created, as far as that is known.
#[derive(Clone, Debug)]
pub(super) struct Values {
    /// Whether a person attested that the console holds them.
    pub(super) entered: Entered,
    /// When the key last changed in Duo.
    pub(super) change: Change,
    /// When the key was delivered, while the key that it replaces still works: a connection may use either.
    pub(super) rotating: Option<Timestamp>,
    /// The current time by Duo's clock.
    pub(super) now: Timestamp,
}

/// What a person attested about the values that a collection depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entered {
    /// Nothing.
    Never,
    /// That the console held other values, at that time.
    Before(Option<Timestamp>),
    /// That the console holds them, at that time.
    At(Option<Timestamp>),
}

/// When a key last changed in Duo. The times limit the period that the log is known to cover completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// At that time; until `until` the log shows no other change.
    At {
        /// The newest change.
        at: Timestamp,
        /// Later changes may not be in the log yet.
        until: Timestamp,
    },
    /// Between these times the log shows no change.
    None {
        /// Earlier changes were not read.
        from: Timestamp,
        /// Later changes may not be in the log yet.
        until: Timestamp,
    },
    /// The log could not be read.
    Unknown,
}

/// What evidence proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// It is newer than the values.
    Newer,
    /// It is not newer than an event that affected the values.
    Older {
        /// What happened, e.g. `the key was last changed in Duo`.
        than: &'static str,
        /// When.
        at: Timestamp,
    },
    /// The values are not attested, so it is about other values.
    NotEntered,
    /// The attestation has no date, and there is no other source.
    Undated,
}

/// The event for values whose age is known only from the attestation.
pub(super) const ATTESTED: &str = "the values were attested";

/// Whether one time is later than another. Some times are whole seconds, so a difference below a second proves nothing.
pub(super) fn is_later(time: Timestamp, than: Timestamp) -> bool {
    time.as_second() > than.as_second()
}

impl Values {
    /// What evidence from that time proves.
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
        // The attested values have not changed since, or the key would end differently. So the log is complete unless the
        // attestation is later than the period that the log covers.
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
