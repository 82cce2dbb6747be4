//! `duoctl lsp`: the language server, on standard input and output.

use lsp_server::Connection;

use crate::config::untrusted::Trust;
use crate::lsp::{Ended, serve};

use super::args::Lsp;
use super::exit::{Exit, Failure};

/// Runs the command.
pub fn run(args: &Lsp) -> Result<Exit, Failure> {
    let (connection, threads) = Connection::stdio();
    let ended = serve(&connection, args.vars.terms(Trust::Full));
    drop(connection);
    match ended {
        Ok(ended) => {
            // Writes what is left, and says which message could not be read. A client that has closed the connection
            // does not get it.
            match (ended, threads.join()) {
                (Ended::Orderly, _) => Ok(Exit::Done),
                (Ended::Abruptly, Ok(())) => Ok(Exit::Error),
                (Ended::Abruptly, Err(error)) => Err(Failure::Usage(format!(
                    "the client does not speak the language server protocol: {error}"
                ))),
            }
        }
        Err(message) => {
            Err(Failure::Usage(format!("the client does not speak the language server protocol: {message}")))
        }
    }
}
