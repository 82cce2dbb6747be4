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

/// Whether consents lift all of what guards refuse.
pub(super) fn liftable(refusals: &[Refusal]) -> bool {
    !refusals.is_empty() && refusals.iter().all(|refusal| is_consent(refusal.guard))
}

/// Asks for each consent by its name. Where a number is asked for that says how much is deleted, that is the consent.
pub(super) fn consented(refusals: &[Refusal], numbered: bool, printer: Printer) -> Result<bool, Failure> {
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for refusal in refusals.iter().filter(|refusal| !numbered || refusal.guard != Risk::Destroys.name()) {
        let address = refusal.address.as_ref().map(|address| safe(address.as_str()));
        places.entry(refusal.guard).or_default().extend(address);
    }
    for (name, addresses) in places {
        let at = if addresses.is_empty() { String::new() } else { format!(" at {}", addresses.join(", ")) };
        let question = format!("Type `{name}` to consent to it{at}: ");
        if !asked(&question, name, "pass --allow", printer)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Asks at the terminal; `None` where the input ends.
pub(super) fn answer(question: &str) -> Result<Option<String>, Failure> {
    let failure =
        |error| Failure::File { path: PathBuf::from("the terminal"), what: "cannot be used", error };
    let mut terminal = std::io::stderr();
    terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush()).map_err(failure)?;
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer).map_err(failure)?;
    Ok((read > 0).then_some(answer))
}

/// Asks; anything but the answer that is wanted is a no. `instead` is what to do where there is nobody to ask.
pub(super) fn asked(question: &str, wanted: &str, instead: &str, printer: Printer) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        printer.problem(&format!(
            "refused: there is no terminal to ask for consent, so nothing was changed; {instead}\n"
        ));
        return Ok(false);
    }
    let approved = answer(question)?.is_some_and(|answer| answer.trim() == wanted);
    if !approved {
        printer.problem("not approved; nothing was changed\n");
    }
    Ok(approved)
}
