//! What was seen, in words that are never used for one another (design: "Say what was seen").

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duo::error::DuoError;
use crate::duo::types::Ikey;
use crate::kinds::address::Address;

/// The outcome of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A live call proved it.
    Verified,
    /// Duo says so of itself; no call of duoctl's proved it.
    Shown,
    /// A person said so.
    Attested,
    /// No call can show it without an effect, or duoctl has no probe for it.
    NotTestable,
    /// Nothing can show it: no API tells.
    NotVerifiable,
    /// The API of this tenant does not have the query.
    Unsupported,
    /// Not looked at: what it depends on failed.
    Skipped,
    /// It cannot be there yet: a person has to act, or data needs up to a day.
    Pending,
    /// The call brought no answer that proves anything: try again.
    Inconclusive,
    /// A live call proved the opposite.
    Failed,
}

impl Verdict {
    /// Whether somebody has to look at it.
    pub fn is_amiss(self) -> bool {
        match self {
            Self::Pending | Self::Inconclusive | Self::Failed => true,
            Self::Verified
            | Self::Shown
            | Self::Attested
            | Self::NotTestable
            | Self::NotVerifiable
            | Self::Unsupported
            | Self::Skipped => false,
        }
    }

    /// The words in reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Shown => "shown by Duo",
            Self::Attested => "attested",
            Self::NotTestable => "not testable",
            Self::NotVerifiable => "not verifiable",
            Self::Unsupported => "unsupported",
            Self::Skipped => "skipped",
            Self::Pending => "pending",
            Self::Inconclusive => "inconclusive",
            Self::Failed => "failed",
        }
    }
}

/// What brings the account to what the YAML declares, as advice; who knows the plan completes it with [`Subject::advise`].
pub const APPLY: &str = "run `duoctl apply`";

/// What the name of a check begins with that is about one permission.
pub const PERMISSION: &str = "permission ";

/// What the detail of such a check begins with where Duo's word is all there is; the reason why follows.
pub const SHOWN: [&str; 2] = ["Duo shows it as granted; ", "Duo shows it as not granted; "];

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// What: `secret key`, `permission read_log`.
    pub name: String,
    /// The outcome.
    pub verdict: Verdict,
    /// What was seen.
    pub detail: String,
    /// What to do, where something is wrong.
    pub fix: Option<String>,
}

impl Check {
    /// A check without anything to do.
    pub fn new(name: impl Into<String>, verdict: Verdict, detail: impl Into<String>) -> Self {
        Self { name: name.into(), verdict, detail: detail.into(), fix: None }
    }

    /// Adds what to do.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// A call without an answer that proves anything.
pub(super) fn unproven(name: &str, error: &DuoError) -> Check {
    Check::new(name, Verdict::Inconclusive, error.to_string()).fix("try again: `duoctl verify`")
}

/// One application and what was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its address.
    pub address: Address,
    /// Its key; `None` where it is not in the account.
    pub ikey: Option<Ikey>,
    /// Its type.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The checks, in the order in which they were made.
    pub checks: Vec<Check>,
    /// How long they took.
    pub took: Duration,
}

impl Subject {
    /// Puts a way that works in the place of [`APPLY`], e.g. with the consents that an apply asks for.
    pub fn advise(&mut self, remedy: &str) {
        for fix in self.checks.iter_mut().filter_map(|check| check.fix.as_mut()) {
            if let Some(rest) = fix.strip_prefix(APPLY) {
                *fix = format!("{remedy}{rest}");
            }
        }
    }

    /// The worst outcome; `NotTestable` only where nothing at all was proven.
    pub fn verdict(&self) -> Verdict {
        let worst = self.checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::NotTestable);
        let proven = self.checks.iter().any(|check| check.verdict == Verdict::Verified);
        if worst == Verdict::NotTestable && proven { Verdict::Verified } else { worst }
    }
}

/// How far the data of one Identity Intelligence entry really flows, rung by rung (design, section 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// The address of the entry.
    pub address: Address,
    /// The display name in the console.
    pub name: String,
    /// The rungs from the lowest on.
    pub rungs: Vec<Check>,
}

impl Ladder {
    /// The highest rung that a live call proved, with nothing below it missing.
    pub fn highest(&self) -> Option<&Check> {
        let stands = |rung: &&Check| {
            !matches!(rung.verdict, Verdict::Pending | Verdict::Inconclusive | Verdict::Failed)
        };
        let reached = self.rungs.iter().take_while(stands);
        reached.filter(|rung| rung.verdict == Verdict::Verified).last()
    }

    /// The worst outcome.
    pub fn verdict(&self) -> Verdict {
        self.rungs.iter().map(|rung| rung.verdict).max().unwrap_or(Verdict::NotTestable)
    }
}

/// Everything that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The applications in the order of their addresses.
    pub subjects: Vec<Subject>,
    /// The ladders of Identity Intelligence, in the order of their addresses.
    pub ladders: Vec<Ladder>,
}

impl Report {
    /// How many applications have this outcome.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.subjects.iter().filter(|subject| subject.verdict() == verdict).count()
    }

    /// Whether nothing failed and nothing stayed open.
    pub fn passed(&self) -> bool {
        self.count(Verdict::Inconclusive) == 0
            && !self.failed()
            && !self.ladders.iter().any(|ladder| ladder.verdict() == Verdict::Inconclusive)
    }

    /// Whether something cannot be proven yet.
    pub fn pending(&self) -> bool {
        let checks = self.subjects.iter().flat_map(|subject| &subject.checks);
        let mut all = checks.chain(self.ladders.iter().flat_map(|ladder| &ladder.rungs));
        all.any(|check| check.verdict == Verdict::Pending)
    }

    /// Whether a live call proved that something is not as it should be.
    pub fn failed(&self) -> bool {
        self.count(Verdict::Failed) > 0
            || self.ladders.iter().any(|ladder| ladder.verdict() == Verdict::Failed)
    }
}
