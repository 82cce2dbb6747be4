//! `duoctl completions`, and the answers to its scripts at each TAB.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::builder::OsStringValueParser;
use clap::{ArgMatches, Command, CommandFactory as _};
use clap_complete::engine::complete;
use clap_complete::env::{Elvish, EnvCompleter, Fish, Powershell, Shells};
use clap_complete::{CompleteEnv, CompletionCandidate};

use crate::output::printer::Printer;

use super::args::{self, Args, Shell};
use super::completing::{self, Typed};
use super::exit::Exit;

/// The environment variable that the scripts set to the name of the shell.
const VARIABLE: &str = "COMPLETE";

/// Scripts call duoctl by its name, because they are also installed on other machines.
const PROGRAM: &str = "duoctl";

/// Comes between the program and the words, so that a command still runs if only the variable is set.
const ASKED: &str = "--";

/// clap's own scripts ignore that bash splits words at `=` and `:`, complete nothing at the first TAB if zsh autoloads them,
/// and do not support Nushell.
const SHELLS: Shells<'static> = Shells(&[
    &Asking { name: "bash", script: Script::Own(include_str!("completions/duoctl.bash")), help: false },
    &Asking { name: "elvish", script: Script::Of(&Elvish), help: false },
    &Asking { name: "fish", script: Script::Of(&Fish), help: true },
    &Asking { name: "nushell", script: Script::Own(include_str!("completions/duoctl.nu")), help: true },
    &Asking { name: "powershell", script: Script::Of(&Powershell), help: true },
    &Asking { name: "zsh", script: Script::Own(include_str!("completions/duoctl.zsh")), help: true },
]);

/// A shell whose script sends the words up to the cursor, and reads one value per line, with its help after a tab.
struct Asking {
    name: &'static str,
    script: Script,
    /// Whether it shows help.
    help: bool,
}

enum Script {
    Own(&'static str),
    Of(&'static dyn EnvCompleter),
}

impl EnvCompleter for Asking {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is(&self, name: &str) -> bool {
        self.name == name
    }

    fn write_registration(
        &self,
        variable: &str,
        name: &str,
        program: &str,
        completer: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match self.script {
            Script::Own(script) => out.write_all(script.as_bytes()),
            Script::Of(shell) => shell.write_registration(variable, name, program, completer, out),
        }
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        here: Option<&Path>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let last = words.len().saturating_sub(1);
        let begun = words.last().is_some_and(|word| !word.is_empty());
        let mut found = complete(command, words, last, here)?;
        // Thirty options would hide three addresses; they are offered after a `-`.
        let is_option = |found: &CompletionCandidate| found.get_value().as_encoded_bytes().starts_with(b"-");
        if !begun && !found.iter().all(is_option) {
            found.retain(|found| !is_option(found));
        }
        for found in found {
            write!(out, "{}", found.get_value().to_string_lossy())?;
            let help = found.get_help().filter(|_| self.help).map(ToString::to_string).unwrap_or_default();
            match help.lines().next() {
                Some(line) => writeln!(out, "\t{line}")?,
                None => writeln!(out)?,
            }
        }
        Ok(())
    }
}

/// Runs the command.
pub fn run(args: &args::Completions, printer: Printer) -> Exit {
    let mut script = Vec::new();
    let written = SHELLS
        .completer(args.shell.name())
        .map(|shell| shell.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script));
    printer.data(&String::from_utf8_lossy(&script));
    if matches!(written, Some(Ok(()))) { Exit::Done } else { Exit::Error }
}

/// Answers a shell that asks for candidates; returns whether one did. Errors are not printed, because they would appear in
/// the middle of the line that is being typed.
pub fn answer() -> bool {
    let words: Vec<OsString> = std::env::args_os().collect();
    let [_, asked, typed @ ..] = words.as_slice() else { return false };
    let shell = std::env::var_os(VARIABLE).filter(|shell| !shell.is_empty());
    let (true, Some(_)) = (asked == ASKED, shell) else { return false };
    let before = typed.split_last().map_or(typed, |(_, before)| before);
    completing::begin(understood(before));
    let here = std::env::current_dir().ok();
    let completer = CompleteEnv::with_factory(Args::command).var(VARIABLE).shells(SHELLS);
    let _ = completer.try_complete(words.iter().cloned(), here.as_deref());
    true
}

/// What the words before the cursor mean, as far as they can be parsed.
fn understood(words: &[OsString]) -> Typed {
    let command = lenient(Args::command());
    let Ok(matches) = command.clone().try_get_matches_from(words) else { return Typed::default() };
    let (mut inner, mut command) = (&matches, &command);
    while let Some((name, next)) = inner.subcommand() {
        inner = next;
        command = command.find_subcommand(name).unwrap_or(command);
    }
    let first = |id: &str| values(inner, id).into_iter().next();
    let path = first("path").or_else(|| first("paths")).map(|path| at_home(&path));
    let option = first("workspace").map(|path| at_home(&path));
    let text = |word: OsString| word.into_string().ok();
    let addresses = ["address", "addresses", "arguments"].into_iter().flat_map(|id| values(inner, id));
    let named = if command.get_name() == "man" { values(inner, "command") } else { Vec::new() };
    let commands = named.into_iter().filter_map(text);
    Typed {
        workspace: args::workspace(path.as_ref(), option.as_ref()).ok(),
        addresses: addresses.filter_map(text).collect(),
        commands: below(commands),
    }
}

/// The subcommands of the command that the words name.
fn below(words: impl IntoIterator<Item = String>) -> Vec<(String, String)> {
    let root = Args::command();
    let named = words.into_iter().try_fold(&root, |command, word| command.find_subcommand(word));
    let children = named.into_iter().flat_map(Command::get_subcommands);
    let about = |command: &Command| command.get_about().map(ToString::to_string).unwrap_or_default();
    children.map(|child| (child.get_name().to_owned(), about(child))).collect()
}

/// Makes every value plain text and ignores errors and missing arguments.
fn lenient(command: Command) -> Command {
    let word = |arg: clap::Arg| {
        if arg.get_action().takes_values() { arg.value_parser(OsStringValueParser::new()) } else { arg }
    };
    command.mut_args(word).mut_subcommands(lenient).ignore_errors(true)
}

fn values(matches: &ArgMatches, id: &str) -> Vec<OsString> {
    let found = matches.try_get_many::<OsString>(id).ok().flatten();
    found.into_iter().flatten().cloned().collect()
}

/// Expands `~`, which the shell has not done yet.
fn at_home(path: &OsString) -> PathBuf {
    let path = Path::new(path);
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

impl Shell {
    /// Its name on the command line and in the variable.
    fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Elvish => "elvish",
            Self::Fish => "fish",
            Self::Nushell => "nushell",
            Self::Powershell => "powershell",
            Self::Zsh => "zsh",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_of_the_command_line_has_a_script() {
        let named: Vec<&str> = Shell::value_variants().iter().map(|shell| shell.name()).collect();
        assert_eq!(named, SHELLS.names().collect::<Vec<_>>());
        for shell in Shell::value_variants() {
            assert_eq!(shell.to_possible_value().unwrap().get_name(), shell.name());
        }
    }
}
