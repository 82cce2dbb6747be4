//! What a command about keys is asked to do, and for which addresses.

use clap::ValueEnum as _;
use jiff::SignedDuration;

use super::super::again::word;
use super::super::args::{Selected, Strategy};

/// How long an old key has to be unused by default.
pub(super) const SILENCE: SignedDuration = SignedDuration::from_hours(24);

/// What is asked for, and for which addresses.
pub(super) struct Order {
    /// What is asked for.
    pub(super) verb: Verb,
    /// How long an old key has to be unused before it is removed.
    pub(super) silence: SignedDuration,
    /// For which addresses.
    pub(super) selected: Selected,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Rotate { strategy: Option<Strategy>, older_than: Option<SignedDuration> },
    Confirm,
    Abort,
}

impl Verb {
    /// The command.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Rotate { .. } => "keys rotate",
            Self::Confirm => "keys confirm",
            Self::Abort => "keys abort",
        }
    }
}

impl Order {
    /// The age from which keys are rotated.
    pub(super) fn older_than(&self) -> Option<SignedDuration> {
        match self.verb {
            Verb::Rotate { older_than, .. } => older_than,
            Verb::Confirm | Verb::Abort => None,
        }
    }

    /// The command with its arguments.
    pub(super) fn command(&self) -> String {
        let strategy = match self.verb {
            Verb::Rotate { strategy, .. } => strategy,
            Verb::Confirm | Verb::Abort => None,
        };
        let strategy = strategy.and_then(|strategy| strategy.to_possible_value());
        let strategy = strategy.map(|value| format!("--strategy {}", value.get_name()));
        let older_than = self.older_than().map(|age| format!("--older-than {}h", age.as_hours()));
        let silence = (self.silence != SILENCE).then(|| format!("--silence {}h", self.silence.as_hours()));
        let addresses = self.selected.only.iter().map(|address| word(address));
        let exclude = self.selected.exclude.iter().map(|glob| format!("--exclude {}", word(glob)));
        let options = [strategy, older_than, silence].into_iter().flatten().chain(exclude);
        std::iter::once(self.verb.command().to_owned())
            .chain(addresses)
            .chain(options)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Whether the key is to be replaced in the same application.
    pub(super) fn in_place(&self) -> bool {
        matches!(self.verb, Verb::Rotate { strategy: Some(Strategy::InPlace), .. })
    }
}
