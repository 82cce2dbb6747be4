//! Consent at the terminal.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use crate::kinds::risk::Risk;
use crate::output::printer::Printer;

use crate::reconcile::consent::is_consent;
use crate::reconcile::guard::Refusal;
use crate::text::safe;

use super::exit::Failure;

/// What a run has changed by the time it asks or stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SoFar {
    /// Nothing.
    Nothing,
    /// The recovery key put back what the operator had lost.
    Repaired,
}

impl SoFar {
    /// The end of a message about a run that goes no further.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Nothing => "nothing was changed",
            Self::Repaired => "nothing else was changed",
        }
    }
}

/// Whether consents can lift all refusals.
pub(super) fn liftable(refusals: &[Refusal]) -> bool {
    !refusals.is_empty() && refusals.iter().all(|refusal| is_consent(refusal.guard))
}

/// Asks for each consent by its name. With `numbered`, typing the number of deletions is the consent to them.
pub(super) fn consented(
    refusals: &[Refusal],
    numbered: bool,
    so_far: SoFar,
    printer: Printer,
) -> Result<bool, Failure> {
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for refusal in refusals.iter().filter(|refusal| !numbered || refusal.guard != Risk::Destroys.name()) {
        let address = refusal.address.as_ref().map(|address| safe(address.as_str()));
        places.entry(refusal.guard).or_default().extend(address);
    }
    for (name, addresses) in places {
        let at = if addresses.is_empty() { String::new() } else { format!(" at {}", addresses.join(", ")) };
        let question = format!("Type `{name}` to consent to it{at}: ");
        if !asked(&question, name, "pass --allow", so_far, printer)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Asks at the terminal; `None` if the input ends.
pub(super) fn answer(question: &str) -> Result<Option<String>, Failure> {
    let failure =
        |error| Failure::File { path: PathBuf::from("the terminal"), what: "cannot be used", error };
    let mut terminal = std::io::stderr();
    terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush()).map_err(failure)?;
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer).map_err(failure)?;
    Ok((read > 0).then_some(answer))
}

/// Asks; any answer but `wanted` is a no. `instead` is what to do without a terminal.
pub(super) fn asked(
    question: &str,
    wanted: &str,
    instead: &str,
    so_far: SoFar,
    printer: Printer,
) -> Result<bool, Failure> {
    let so_far = so_far.words();
    if !std::io::stdin().is_terminal() {
        printer
            .problem(&format!("refused: there is no terminal to ask for consent, so {so_far}; {instead}\n"));
        return Ok(false);
    }
    let approved = answer(question)?.is_some_and(|answer| answer.trim() == wanted);
    if !approved {
        printer.problem(&format!("not approved; {so_far}\n"));
    }
    Ok(approved)
}
