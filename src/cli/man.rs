//! `duoctl man`: the manual pages, written from the arguments.

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory as _};

use crate::language::similar::did_you_mean;
use crate::output::printer::Printer;

use super::args::{Args, Man};
use super::exit::{Exit, Failure};

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
                Failure::Usage(format!("`{}` is no command of duoctl{help}", args.command.join(" ")))
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
        let name = command.get_display_name().unwrap_or_else(|| command.get_name());
        let path = folder.join(format!("{name}.1"));
        let text = page(command).map_err(failure(&path))?;
        fs::write(&path, text).map_err(failure(&path))?;
    }
    printer.show(&format!("Wrote {} pages into {}.\n", pages.len(), folder.display()));
    Ok(Exit::Done)
}

/// Every command that is shown in a help.
fn collect<'c>(command: &'c Command, pages: &mut Vec<&'c Command>) {
    pages.push(command);
    for child in command.get_subcommands().filter(|child| child.get_name() != "help" && !child.is_hide_set())
    {
        collect(child, pages);
    }
}

fn page(command: &Command) -> std::io::Result<String> {
    let mut page = Vec::new();
    // A command's own name would stand before the version otherwise.
    let source = concat!("duoctl ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command.clone()).source(source).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
