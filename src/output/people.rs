//! Text for people, adapted to the terminal: within its width, and with commands that can be pasted.

use std::borrow::Cow;

use textwrap::core::display_width;
use textwrap::{WordSeparator, WordSplitter, WrapAlgorithm};

/// The path and options of this call, so that a command in a message applies to the same workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The path of the workspace, quoted for a shell; `None` for the default.
    pub path: Option<String>,
    /// The values of `vars`, as options.
    pub vars: Vec<String>,
    /// The connection to the account, as options.
    pub connection: Vec<String>,
}

/// Commands whose argument is the workspace.
const WITH_PATH: [&str; 9] =
    ["plan", "apply", "drift", "verify", "doctor", "list", "import", "init", "validate"];
/// Commands that read a workspace but take other arguments.
const WITH_NAMES: [&str; 6] = ["accept", "adopt", "attest", "handoff", "ignore", "keys"];
/// Commands of both lists that do not connect to the account.
const OFFLINE: [&str; 4] = ["adopt", "ignore", "init", "validate"];

/// The beginning of a command in a message.
const COMMAND: &str = "`duoctl ";

impl Call {
    /// Adds the path and options of this call to the commands in a message.
    pub fn complete<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if *self == Self::default() || !text.contains(COMMAND) {
            return Cow::Borrowed(text);
        }
        let mut completed = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(COMMAND) {
            completed.push_str(before);
            completed.push_str(COMMAND);
            let (command, behind) = after.split_once('`').unwrap_or((after, ""));
            completed.push_str(&self.command(command));
            rest = after.get(command.len()..).unwrap_or(behind);
        }
        completed.push_str(rest);
        Cow::Owned(completed)
    }

    /// A command without the program's name.
    fn command(&self, command: &str) -> String {
        let mut words = command.split(' ');
        let verb = words.next().unwrap_or_default();
        let takes_path = WITH_PATH.contains(&verb);
        let given =
            |word: &&str| self.path.as_deref() == Some(*word) || self.connection.iter().any(|it| it == word);
        if !takes_path && !WITH_NAMES.contains(&verb) || words.clone().any(|word| given(&word)) {
            return command.to_owned();
        }
        let mut added = Vec::new();
        // The command has its own path, such as a saved plan.
        let elsewhere = takes_path && words.next().is_some_and(|word| !word.starts_with('-'));
        if let Some(path) = self.path.as_deref().filter(|_| !elsewhere) {
            added.push(if takes_path { path.to_owned() } else { format!("-w {path}") });
        }
        if !elsewhere && verb != "init" {
            added.extend(self.vars.iter().cloned());
        }
        if !OFFLINE.contains(&verb) {
            added.extend(self.connection.iter().cloned());
        }
        if takes_path {
            let rest = command.strip_prefix(verb).unwrap_or_default();
            return [&[verb.to_owned()], added.as_slice()].concat().join(" ") + rest;
        }
        std::iter::once(command.to_owned()).chain(added).collect::<Vec<_>>().join(" ")
    }
}

/// Replaces a blank at which a line must not be broken.
const KEPT: char = '\u{1f}';

/// Wraps lines that are wider than `width` at blanks and indents the continuation. A wider word is not broken, and neither
/// is a command, because it would be pasted in parts.
pub fn fit(text: &str, width: usize) -> Cow<'_, str> {
    if text.lines().all(|line| display_width(line) <= width) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split_inclusive('\n').map(|line| fit_line(line, width)).collect())
}

fn fit_line(line: &str, width: usize) -> Cow<'_, str> {
    let bare = line.trim_end_matches('\n');
    let begin = bare.trim_start();
    if display_width(bare) <= width || begin.starts_with("duoctl ") {
        return Cow::Borrowed(line);
    }
    let indent = " ".repeat(hanging(bare, begin).min(width / 2));
    let leading = bare.strip_suffix(begin).unwrap_or_default();
    let options = textwrap::Options::new(width)
        .initial_indent(leading)
        .subsequent_indent(&indent)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .break_words(false);
    let mut fitted = textwrap::fill(&keep_commands(begin), options).replace(KEPT, " ");
    fitted.push_str(line.get(bare.len()..).unwrap_or_default());
    Cow::Owned(fitted)
}

/// How far the continuation of a line is indented: after its sign if it begins with one.
fn hanging(line: &str, begin: &str) -> usize {
    let leading = line.len() - begin.len();
    let first = begin.split(' ').next().unwrap_or_default();
    let sign = display_width(first);
    let numbered = first.strip_suffix('.').is_some_and(|number| number.chars().all(|c| c.is_ascii_digit()));
    let is_sign = sign <= 3 && (numbered || !first.chars().any(char::is_alphanumeric));
    leading + if is_sign { sign + 1 } else { 2 }
}

fn keep_commands(line: &str) -> String {
    let mut inside = false;
    let parts = line.split('`').map(|part| {
        let command = inside && part.starts_with("duoctl ");
        inside = !inside;
        if command { part.replace(' ', &KEPT.to_string()) } else { part.to_owned() }
    });
    parts.collect::<Vec<_>>().join("`")
}

/// The arrow before the place of a finding.
const ARROW: &str = "--> ";

/// Makes each place of a finding (`--> FILE:LINE:COLUMN`) a link to the file, for terminals that show links (OSC 8).
pub fn linked(text: &str) -> Cow<'_, str> {
    if !text.contains(ARROW) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split_inclusive('\n').map(|line| link(line).unwrap_or(Cow::Borrowed(line))).collect())
}

fn link(line: &str) -> Option<Cow<'_, str>> {
    let (before, after) = line.split_once(ARROW)?;
    let is_colour = |c: char| c.is_ascii_digit() || matches!(c, '\u{1b}' | '[' | ';' | 'm' | ' ');
    let begin = before.trim_start();
    let is_arrow = begin.is_empty() || begin.starts_with('\u{1b}') && begin.chars().all(is_colour);
    // The colour ends after the arrow.
    let start = if after.starts_with('\u{1b}') { after.find('m')? + 1 } else { 0 };
    let place = after.get(start..)?;
    let place = place.get(..place.find(['\u{1b}', '\n']).unwrap_or(place.len()))?;
    let mut parts = place.rsplitn(3, ':');
    let (_column, _line, file) = (parts.next()?, parts.next()?, parts.next()?);
    let path = std::path::absolute(file).ok().filter(|path| is_arrow && path.is_file())?;
    let url = url::Url::from_file_path(path).ok()?;
    let behind = after.get(start + place.len()..)?;
    let colour = after.get(..start)?;
    Some(Cow::Owned(format!(
        "{before}{ARROW}{colour}\u{1b}]8;;{url}\u{1b}\\{place}\u{1b}]8;;\u{1b}\\{behind}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call {
        Call {
            path: Some("duo/prod".to_owned()),
            vars: vec!["--var".to_owned(), "host=a".to_owned()],
            connection: vec!["--sandbox".to_owned()],
        }
    }

    #[test]
    fn commands_in_messages_name_the_workspace_of_the_call() {
        let all = "-w duo/prod --var host=a --sandbox";
        for (text, expected) in [
            (
                "run `duoctl apply` first",
                "run `duoctl apply duo/prod --var host=a --sandbox` first".to_owned(),
            ),
            ("`duoctl apply --prune`", "`duoctl apply duo/prod --var host=a --sandbox --prune`".to_owned()),
            ("`duoctl init`", "`duoctl init duo/prod`".to_owned()),
            ("`duoctl attest emea`, `x`", format!("`duoctl attest emea {all}`, `x`")),
            ("`duoctl keys abort a.b`", format!("`duoctl keys abort a.b {all}`")),
            ("`duoctl adopt a DI1`", "`duoctl adopt a DI1 -w duo/prod --var host=a`".to_owned()),
            ("`duoctl apply plan.json`", "`duoctl apply --sandbox plan.json`".to_owned()),
        ] {
            assert_eq!(call().complete(text), expected);
            assert_eq!(call().complete(&expected), expected, "once is enough");
        }
        for text in ["`duoctl explain x`", "`duoctl`", "duoctl apply", "`duoctl show FILE`"] {
            assert_eq!(call().complete(text), text);
        }
        let bare = Call::default();
        assert_eq!(bare.complete("run `duoctl apply` first"), "run `duoctl apply` first");
    }

    #[test]
    fn lines_are_broken_at_blanks_and_indented() {
        let text =
            "  ! widens_access: all users may log in\n    short\nduoctl apply --allow one --allow two\n";
        assert_eq!(
            fit(text, 24),
            "  ! widens_access: all\n    users may log in\n    short\nduoctl apply --allow one --allow two\n"
        );
        assert_eq!(
            fit("run `duoctl keys abort applications.a` and look", 20),
            "run\n  `duoctl keys abort applications.a`\n  and look"
        );
        let id = "DI0123456789ABCDEFGH0123456789";
        assert!(fit(&format!("an application {id} of someone"), 20).lines().any(|line| line.trim() == id));
    }

    #[test]
    fn what_fits_is_left_alone_and_no_word_is_lost() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let text = "~ update applications.vpn  \"VPN\" (radius) DI1\n    name\n      - \"a  long   name with blanks\"\n";
        for width in 10..90 {
            assert_eq!(words(&fit(text, width)), words(text), "{width}");
        }
        assert_eq!(fit(text, 90), text);
    }

    #[test]
    fn places_of_findings_become_links() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("duo [x].yaml");
        std::fs::write(&file, "").unwrap();
        let shown = file.display();
        let url = url::Url::from_file_path(&file).unwrap();
        assert!(url.as_str().ends_with("duo%20[x].yaml"), "{url}");
        let link = format!("\u{1b}]8;;{url}\u{1b}\\{shown}:7:3\u{1b}]8;;\u{1b}\\");
        for (text, expected) in [
            (format!("error[x]: y\n --> {shown}:7:3\n  |\n"), format!("error[x]: y\n --> {link}\n  |\n")),
            (
                format!(" \u{1b}[1m\u{1b}[94m--> \u{1b}[0m{shown}:7:3\n"),
                format!(" \u{1b}[1m\u{1b}[94m--> \u{1b}[0m{link}\n"),
            ),
        ] {
            assert_eq!(linked(&text), expected);
        }
        let others = [
            format!("them --> {shown}:7:3\n"),
            format!(" --> {shown}.gone:7:3\n"),
            format!(" --> {shown}\n"),
            "no place\n".to_owned(),
        ];
        for text in others {
            assert_eq!(linked(&text), text);
        }
    }
}
