//! The results of checks, with verdicts that are never used interchangeably (design: "Say what was seen").

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duo::error::DuoError;
use crate::duo::object::Ikey;
use crate::kinds::address::Address;

/// The outcome of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A live call proved it.
    Verified,
    /// Duo shows it; no call by duoctl proved it.
    Shown,
    /// A person attested it.
    Attested,
    /// No read-only call can show it, or duoctl has no probe for it.
    NotTestable,
    /// No API shows it.
    NotVerifiable,
    /// The API of this tenant does not have the query.
    Unsupported,
    /// Not checked, because something it depends on failed.
    Skipped,
    /// Not possible yet: a person has to act, or data needs up to a day.
    Pending,
    /// The call returned no conclusive answer: try again.
    Inconclusive,
    /// A live call proved the opposite.
    Failed,
}

impl Verdict {
    /// Whether it needs attention.
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

/// The advice for a difference from the YAML; callers that know the plan complete it with [`Subject::advise`].
pub const APPLY: &str = "run `duoctl apply`";

/// The prefix of the names of permission checks.
pub const PERMISSION: &str = "permission ";

/// The prefix of the detail of such a check if only Duo shows it; the reason follows.
pub const SHOWN: [&str; 2] = ["Duo shows it as granted; ", "Duo shows it as not granted; "];

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// The name, e.g. `secret key`, `permission read_log`.
    pub name: String,
    /// The outcome.
    pub verdict: Verdict,
    /// What was seen.
    pub detail: String,
    /// What to do, if something is wrong.
    pub fix: Option<String>,
}

impl Check {
    /// A check without a fix.
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

/// A call without a conclusive answer.
pub(super) fn unproven(name: &str, error: &DuoError) -> Check {
    Check::new(name, Verdict::Inconclusive, error.to_string()).fix("try again: `duoctl verify`")
}

/// One application and its checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its address.
    pub address: Address,
    /// Its integration key; `None` if it is not in the account.
    pub ikey: Option<Ikey>,
    /// Its type.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The checks, in order.
    pub checks: Vec<Check>,
    /// How long they took.
    pub took: Duration,
}

impl Subject {
    /// Replaces [`APPLY`] with a command that works, e.g. with the consents that an apply requires.
    pub fn advise(&mut self, remedy: &str) {
        for fix in self.checks.iter_mut().filter_map(|check| check.fix.as_mut()) {
            if let Some(rest) = fix.strip_prefix(APPLY) {
                *fix = format!("{remedy}{rest}");
            }
        }
    }

    /// The worst outcome; `NotTestable` only if nothing was proven.
    pub fn verdict(&self) -> Verdict {
        let worst = self.checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::NotTestable);
        let proven = self.checks.iter().any(|check| check.verdict == Verdict::Verified);
        if worst == Verdict::NotTestable && proven { Verdict::Verified } else { worst }
    }
}

/// How far data flows for one Identity Intelligence entry, check by check (design, section 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionReport {
    /// The address of the entry.
    pub address: Address,
    /// The display name in the console.
    pub name: String,
    /// The checks, in order.
    pub checks: Vec<Check>,
}

impl ConnectionReport {
    /// The last check that a live call proved, with none before it pending, inconclusive or failed.
    pub fn reached(&self) -> Option<&Check> {
        let stands = |check: &&Check| {
            !matches!(check.verdict, Verdict::Pending | Verdict::Inconclusive | Verdict::Failed)
        };
        let reached = self.checks.iter().take_while(stands);
        reached.filter(|check| check.verdict == Verdict::Verified).last()
    }

    /// The worst outcome.
    pub fn verdict(&self) -> Verdict {
        self.checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::NotTestable)
    }
}

/// All results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The applications, sorted by address.
    pub subjects: Vec<Subject>,
    /// The connections to Identity Intelligence, sorted by address.
    pub connections: Vec<ConnectionReport>,
}

impl Report {
    /// How many applications have this outcome.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.subjects.iter().filter(|subject| subject.verdict() == verdict).count()
    }

    /// Whether nothing failed and nothing is still open.
    pub fn passed(&self) -> bool {
        self.count(Verdict::Inconclusive) == 0
            && !self.failed()
            && !self.connections.iter().any(|connection| connection.verdict() == Verdict::Inconclusive)
    }

    /// Whether something cannot be proven yet.
    pub fn pending(&self) -> bool {
        let checks = self.subjects.iter().flat_map(|subject| &subject.checks);
        let mut all = checks.chain(self.connections.iter().flat_map(|connection| &connection.checks));
        all.any(|check| check.verdict == Verdict::Pending)
    }

    /// Whether a live call proved that something is not as it should be.
    pub fn failed(&self) -> bool {
        self.count(Verdict::Failed) > 0
            || self.connections.iter().any(|connection| connection.verdict() == Verdict::Failed)
    }
}
