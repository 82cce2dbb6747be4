//! `duoctl completions`: the completion script of a shell.

use clap::CommandFactory as _;

use crate::output::printer::Printer;

use super::args::{Args, Completions};
use super::exit::Exit;

/// Runs the command.
pub fn run(args: &Completions, printer: Printer) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "duoctl", &mut script);
    printer.data(&String::from_utf8_lossy(&script));
    Exit::Done
}
