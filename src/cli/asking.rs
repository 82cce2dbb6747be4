//! Consent at the terminal.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use crate::output::printer::Printer;

use super::exit::Failure;

/// Asks; anything but the answer that is wanted is a no. `instead` is what to do where there is nobody to ask.
pub(super) fn asked(question: &str, wanted: &str, instead: &str, printer: Printer) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        printer.problem(&format!(
            "refused: there is no terminal to ask for consent, so nothing was changed; {instead}\n"
        ));
        return Ok(false);
    }
    let failure =
        |error| Failure::File { path: PathBuf::from("the terminal"), what: "cannot be used", error };
    let mut terminal = std::io::stderr();
    terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush()).map_err(failure)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(failure)?;
    let approved = answer.trim() == wanted;
    if !approved {
        printer.problem("not approved; nothing was changed\n");
    }
    Ok(approved)
}
