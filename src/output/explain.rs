//! Explanations of every printed name, in one place: for `duoctl explain`, the pages in docs/, and SARIF's rules.

mod codes;
mod entry;
mod guards;

use crate::diagnostic::Code;
use crate::kinds::risk::Risk;

pub use entry::Entry;
pub use guards::{GUARDS, risk};

/// What kind of name it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The code of a finding.
    Diagnostic,
    /// A risk of a change.
    Risk,
    /// A guard that is not a risk.
    Guard,
}

impl Subject {
    /// The words for it in a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Diagnostic => "a finding",
            Self::Risk => "a risk",
            Self::Guard => "a guard",
        }
    }
}

/// The explanation of a finding's code.
pub fn code(code: Code) -> Entry {
    codes::entry(code)
}

/// Every name explained here: findings, risks, guards. The command line explains the exit codes.
pub fn all() -> Vec<(&'static str, Subject, Entry)> {
    let codes = Code::ALL.iter().map(|known| (known.name(), Subject::Diagnostic, code(*known)));
    let risks = Risk::ALL.into_iter().map(|known| (known.name(), Subject::Risk, risk(known)));
    let guards = GUARDS.iter().map(|(name, entry)| (*name, Subject::Guard, *entry));
    codes.chain(risks).chain(guards).collect()
}

/// A text without the backticks of its code spans.
pub fn plain(text: &str) -> String {
    text.replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_explained_once_and_in_whole_sentences() {
        let all = all();
        let names: BTreeSet<&str> = all.iter().map(|(name, ..)| *name).collect();
        assert_eq!(names.len(), all.len());
        for (name, _, Entry { title, meaning, fix }) in all {
            for text in [meaning, fix] {
                assert!(
                    text.ends_with('.') && text.starts_with(|c: char| c.is_uppercase() || c == '`'),
                    "{name}: {text}"
                );
                assert_eq!(text.matches('`').count() % 2, 0, "{name}: {text}");
            }
            assert!(!title.is_empty() && !title.ends_with('.'), "{name}: {title}");
        }
    }
}
