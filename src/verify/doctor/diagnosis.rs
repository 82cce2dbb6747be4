//! The checks that were made, and their results.

use std::collections::BTreeMap;

use crate::duo::error::DuoError;
use crate::duo::explain::causes;
use crate::verify::report::{Check, Verdict};

/// Why a check failed, for the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A call to Duo.
    Duo(DuoError),
    /// Another service did not answer; retrying may help.
    Unavailable,
    /// Anything else.
    Other,
}

/// The checks that were made.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// The checks, in order.
    pub checks: Vec<Check>,
    /// The reason for each failed check, in order.
    pub troubles: Vec<Trouble>,
    /// Causes that were already named, with the check that named them.
    named: BTreeMap<String, String>,
}

impl Diagnosis {
    /// Whether nothing keeps duoctl from working.
    pub fn healthy(&self) -> bool {
        self.troubles.is_empty()
    }

    /// An observation that does not keep duoctl from working.
    pub fn note(&mut self, check: Check) {
        self.checks.push(check);
    }

    /// A check that a live call proved.
    pub fn verified(&mut self, name: impl Into<String>, detail: impl Into<String>) {
        self.note(Check::new(name, Verdict::Verified, detail));
    }

    /// A check that failed.
    pub fn failed(&mut self, name: impl Into<String>, detail: impl Into<String>, fix: impl Into<String>) {
        self.failed_with(Trouble::Other, Check::new(name, Verdict::Failed, detail).fix(fix));
    }

    /// The same, with the reason for the exit code.
    pub fn failed_with(&mut self, trouble: Trouble, check: Check) {
        self.checks.push(check);
        self.troubles.push(trouble);
    }

    /// A call to Duo failed. Each possible cause is named once, by the first check that meets it.
    pub fn refused(&mut self, name: &str, error: DuoError) {
        let causes = causes(&error);
        let several = causes.len() > 1;
        let mut fixes = Vec::new();
        for cause in &causes {
            if self.named.contains_key(&cause.what) {
                continue;
            }
            self.named.insert(cause.what.clone(), name.to_owned());
            fixes.push(if several {
                format!("if {}: {}", cause.what, cause.fix)
            } else {
                format!("{}: {}", cause.what, cause.fix)
            });
        }
        let before = causes.first().and_then(|cause| self.named.get(&cause.what));
        let fix = match before {
            Some(before) if fixes.is_empty() => format!("the same as for `{before}`"),
            _ if causes.is_empty() => {
                "run `duoctl doctor` again, and correct what the message names".to_owned()
            }
            _ => fixes.join("\n"),
        };
        let check = Check::new(name, Verdict::Failed, error.to_string()).fix(fix);
        self.failed_with(Trouble::Duo(error), check);
    }

    /// A check that was not made because something it depends on failed.
    pub fn skipped(&mut self, name: impl Into<String>, reason: &str) {
        self.note(Check::new(name, Verdict::Skipped, reason));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duo::error::Refusal;

    #[test]
    fn each_cause_is_named_once() {
        let forbidden = |call: &str| {
            DuoError::Refused(Refusal {
                call: call.to_owned(),
                status: 403,
                code: Some(40301),
                message: "Access forbidden".to_owned(),
                detail: None,
            })
        };
        let mut found = Diagnosis::default();
        found.refused("a", forbidden("GET /admin/v1/groups"));
        found.refused("b", forbidden("GET /admin/v1/info/summary"));
        found.refused("c", forbidden("GET /admin/v1/groups"));
        let lines: Vec<&str> =
            found.checks.iter().flat_map(|check| check.fix.as_deref().unwrap().lines()).collect();
        let mut once = lines.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), lines.len(), "{lines:?}");
        assert!(lines.last().unwrap().contains("`a`") && !found.healthy());
        assert_eq!(found.troubles.len(), 3);
    }
}
