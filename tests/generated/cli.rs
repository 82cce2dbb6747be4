//! `docs/reference/cli.md`: the long help of every command, at a fixed width.

use std::fmt::Write as _;

use clap::{Command, CommandFactory as _};
use duoctl::cli::args::Args;

/// Help is wrapped for a terminal of this width.
const WIDTH: usize = 100;

pub(crate) fn page() -> String {
    let mut root = Args::command().term_width(WIDTH).max_term_width(WIDTH);
    root.build();
    let mut text = format!(
        "# Command line\n\n{}\n\nThe output of `duoctl COMMAND --help`. Global options are listed only at the top. See also [exit codes](exit-codes.md).\n",
        super::NOTICE
    );
    section(&mut text, &mut root);
    text
}

fn section(text: &mut String, command: &mut Command) {
    let name = command.get_bin_name().unwrap_or("duoctl").to_owned();
    let help = command.render_long_help().to_string();
    // Global options are listed once.
    let own = if name.contains(' ') { help.split("Global options:").next() } else { None };
    let lines: Vec<&str> = own.unwrap_or(&help).lines().map(str::trim_end).collect();
    let _ = write!(text, "\n## {name}\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
    // `help` only repeats the others.
    for child in command.get_subcommands_mut().filter(|child| child.get_name() != "help") {
        section(text, child);
    }
}
