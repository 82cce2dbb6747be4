//! `duoctl man`: the manual pages, generated from the arguments and tables that also generate the documentation.

use std::fs;
use std::io;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use crate::language::similar::did_you_mean;
use crate::output::explain::plain;
use crate::output::printer::Printer;

use super::args::{Args, Man};
use super::environment;
use super::exit::{Exit, Failure};

/// The files that duoctl reads and writes.
const FILES: [(&str, &str); 5] = [
    ("duo.yaml", "the workspace, or its first file"),
    ("*.duo.yaml", "further files of the workspace, in the same folder and its subfolders"),
    (".duoctl/sandbox", "the simulated account, next to the YAML; see --sandbox and duoctl-sandbox(1)"),
    (".duoctl-*", "temporary files; those of a killed run are removed by the next run"),
    (".vscode/settings.json", "registers the schema of the YAML; see --install in duoctl-schema(1)"),
];

/// Related commands: their pages refer to each other.
const RELATED: [&[&str]; 10] = [
    &["init", "validate", "fmt", "schema", "lsp"],
    &["import", "adopt", "list"],
    &["graph", "list", "plan"],
    &["plan", "apply", "show", "verify"],
    &["drift", "accept", "ignore", "plan"],
    &["handoff", "attest"],
    &["keys", "verify", "list"],
    &["doctor", "verify", "explain"],
    &["sandbox", "init", "plan"],
    &["completions", "man"],
];

/// Runs the command.
pub fn run(args: &Man, printer: Printer) -> Result<Exit, Failure> {
    let mut root = Args::command();
    root.build();
    let failure = |path: &Path| {
        let path = path.to_owned();
        move |error| Failure::File { path, what: "cannot be written", error }
    };
    let Some(folder) = &args.dir else {
        let mut command = &root;
        for name in &args.command {
            let unknown = || {
                let help = did_you_mean(name, command.get_subcommands().map(clap::Command::get_name));
                let help = help.map(|help| format!("; {help}")).unwrap_or_default();
                Failure::Usage(format!("`{}` is not a duoctl command{help}", args.command.join(" ")))
            };
            command = command.find_subcommand(name).ok_or_else(unknown)?;
        }
        printer.data(&page(command).map_err(failure(Path::new("the page")))?);
        return Ok(Exit::Done);
    };
    fs::create_dir_all(folder).map_err(failure(folder))?;
    let mut pages = Vec::new();
    collect(&root, &mut pages);
    for command in &pages {
        let path = folder.join(format!("{}.1", name(command)));
        let text = page(command).map_err(failure(&path))?;
        fs::write(&path, text).map_err(failure(&path))?;
    }
    printer.show(&format!("Wrote {} pages into {}.\n", pages.len(), folder.display()));
    Ok(Exit::Done)
}

/// Every command that help shows.
fn collect<'c>(command: &'c Command, pages: &mut Vec<&'c Command>) {
    pages.push(command);
    for child in children(command) {
        collect(child, pages);
    }
}

fn children(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|child| child.get_name() != "help" && !child.is_hide_set())
}

/// The name of a page: `duoctl-sandbox-serve`.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &Command) -> io::Result<String> {
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(command.clone());
    man.render_name_section(&mut page)?;
    synopsis(command).to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let owned = |(name, meaning): (&str, &str)| (name.to_owned(), meaning.to_owned());
    let exits = Exit::ALL.map(|exit| (exit.code().to_string(), plain(exit.explained().title)));
    listed("EXIT STATUS", exits).to_writer(&mut page)?;
    listed("ENVIRONMENT", environment::EVERY.map(owned)).to_writer(&mut page)?;
    listed("FILES", FILES.map(owned)).to_writer(&mut page)?;
    examples(command).to_writer(&mut page)?;
    see_also(command).to_writer(&mut page)?;
    let page = String::from_utf8_lossy(&page);
    // Each section begins with the same definitions. Formatters warn about the two `.br` between an option's help and its
    // values.
    let begin = Roff::new().render();
    let page = page.replace(&begin, "").replace("\n.br\n\n.br\n", "\n.sp\n");
    // clap would omit the date, so the next field would take its place. The date is empty, for reproducible builds.
    Ok(format!(
        "{begin}.TH {} 1 \"\" \"duoctl {}\" \"duoctl\"\n{page}",
        name(command),
        env!("CARGO_PKG_VERSION")
    ))
}

/// The synopsis: all options with their values.
fn synopsis(command: &Command) -> Roff {
    let mut line = vec![bold(command.get_bin_name().unwrap_or_else(|| command.get_name()))];
    let (positional, options): (Vec<&Arg>, Vec<&Arg>) =
        command.get_arguments().filter(|arg| !arg.is_hide_set()).partition(|arg| arg.is_positional());
    for arg in options.iter().chain(&positional) {
        line.push(roman(" "));
        let word = word(arg);
        if arg.is_required_set() {
            line.extend(word);
        } else {
            line.push(roman("["));
            line.extend(word);
            line.push(roman("]"));
        }
        if matches!(arg.get_action(), ArgAction::Append | ArgAction::Count) {
            line.push(roman("..."));
        }
    }
    if children(command).next().is_some() {
        line.extend([roman(" "), italic("COMMAND")]);
    }
    let mut section = Roff::new();
    section.control("SH", ["SYNOPSIS"]);
    // The names of options are hard to read across two lines.
    section.control("nh", []).control("ad", ["l"]).text(line).control("ad", ["b"]).control("hy", []);
    section
}

fn word(arg: &Arg) -> Vec<Inline> {
    let names = arg.get_value_names().unwrap_or_default();
    let value = italic(names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" "));
    let names = arg.get_short().map(|short| format!("-{short}")).into_iter();
    let names: Vec<String> = names.chain(arg.get_long().map(|long| format!("--{long}"))).collect();
    let mut word = vec![bold(names.join("|"))];
    let takes = arg.get_num_args().filter(|_| arg.get_action().takes_values());
    match takes {
        Some(_) if arg.is_positional() => word = vec![value],
        Some(takes) if takes.min_values() == 0 => word.extend([roman("[="), value, roman("]")]),
        Some(_) => word.extend([roman(" "), value]),
        None => {}
    }
    word
}

/// A section of terms, each with its meaning.
fn listed(title: &str, rows: impl IntoIterator<Item = (String, String)>) -> Roff {
    let mut section = Roff::new();
    section.control("SH", [title]);
    for (term, meaning) in rows {
        section.control("TP", []).text([bold(term)]).text([roman(meaning)]);
    }
    section
}

/// The examples from its help, or the first example of each subcommand.
fn examples(command: &Command) -> Roff {
    let own = lines(command);
    let below = || children(command).filter_map(|child| lines(child).into_iter().next()).collect();
    let shown: Vec<String> = if own.is_empty() { below() } else { own };
    let mut section = Roff::new();
    section.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in shown {
        section.text([bold(line)]);
    }
    section.control("fi", []);
    section
}

fn lines(command: &Command) -> Vec<String> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let Some((_, examples)) = help.split_once("Examples:\n") else { return Vec::new() };
    examples.lines().map(|line| line.trim().to_owned()).collect()
}

/// The parent page, the pages of subcommands, and those of related commands.
fn see_also(command: &Command) -> Roff {
    let own = name(command);
    let above = own.rsplit_once('-').map(|(above, _)| above.to_owned());
    let below = children(command).map(|child| name(child).to_owned());
    let related =
        RELATED.iter().filter(|group| group.contains(&command.get_name()) && own.matches('-').count() == 1);
    let related = related.flat_map(|group| group.iter()).map(|other| format!("duoctl-{other}"));
    let mut pages: Vec<String> = Vec::new();
    for page in above.into_iter().chain(below).chain(related) {
        if page != own && !pages.contains(&page) {
            pages.push(page);
        }
    }
    let mut line = Vec::new();
    for (index, page) in pages.iter().enumerate() {
        let end = if index + 1 == pages.len() { "(1)" } else { "(1), " };
        line.extend([bold(page.as_str()), roman(end)]);
    }
    let mut section = Roff::new();
    section.control("SH", ["SEE ALSO"]).control("ad", ["l"]).text(line);
    section.control("PP", []).text([roman(env!("CARGO_PKG_HOMEPAGE"))]).control("ad", ["b"]);
    section
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every page has each section once and a synopsis with all values, and refers only to existing pages.
    #[test]
    fn every_page_is_whole() {
        let mut root = Args::command();
        root.build();
        let mut pages = Vec::new();
        collect(&root, &mut pages);
        assert!(pages.len() > 25);
        let names: BTreeSet<&str> = pages.iter().map(|command| name(command)).collect();
        for command in &pages {
            let (own, page) = (name(command), page(command).unwrap());
            for section in [
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "OPTIONS",
                "\"EXIT STATUS\"",
                "ENVIRONMENT",
                "FILES",
                "EXAMPLES",
                "\"SEE ALSO\"",
            ] {
                assert_eq!(
                    page.lines().filter(|line| *line == format!(".SH {section}")).count(),
                    1,
                    "{own}: {section}"
                );
            }
            let text = page.replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "");
            let part = |title: &str| {
                text.split(&format!(".SH {title}\n")).nth(1).unwrap().split(".SH").next().unwrap()
            };
            for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
                let names = arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str());
                let value = names.collect::<Vec<_>>().join(" ");
                let shown = match arg.get_long() {
                    Some(long) => vec![format!("--{long} {value}"), format!("--{long}[={value}]")],
                    None => ["\n", "...", " "]
                        .map(|end| format!(" {value}{end}"))
                        .into_iter()
                        .chain([format!("[{value}]")])
                        .collect(),
                };
                assert!(
                    shown.iter().any(|word| part("SYNOPSIS").contains(word.as_str())),
                    "{own}: {shown:?}"
                );
            }
            assert!(part("EXAMPLES").contains("\nduoctl "), "{own}");
            for exit in Exit::ALL {
                assert!(part("\"EXIT STATUS\"").contains(&format!("\n{}\n", exit.code())), "{own}: {exit:?}");
            }
            let others: Vec<&str> = part("\"SEE ALSO\"").lines().nth(1).unwrap().split(", ").collect();
            for other in &others {
                assert!(names.contains(other.trim_end_matches("(1)")), "{own}: {other}");
            }
            assert!(
                own == "duoctl" || others.contains(&"duoctl(1)") || own.matches('-').count() > 1,
                "{own}: {others:?}"
            );
        }
    }

    #[test]
    fn every_command_has_related_ones() {
        let root = Args::command();
        let related: BTreeSet<&str> = RELATED.iter().flat_map(|group| group.iter().copied()).collect();
        assert_eq!(related, children(&root).map(Command::get_name).collect());
    }
}
