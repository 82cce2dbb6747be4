//! `duoctl init`: a first duo.yaml. Never overwrites a file.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use crate::config::template;
use crate::output::printer::Printer;

use super::args::Init;
use super::exit::{Exit, Failure};

/// Runs the command.
pub fn run(args: &Init, printer: Printer) -> Result<Exit, Failure> {
    let path = args.dir.join("duo.yaml");
    let failure = |error| Failure::File { path: path.clone(), what: "cannot be written", error };
    fs::create_dir_all(&args.dir).map_err(failure)?;
    let folder = fs::canonicalize(&args.dir).map_err(failure)?;
    let name = workspace_name(folder.file_name().and_then(|name| name.to_str()).unwrap_or_default());
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failure)?;
    file.write_all(template::initial(&name).as_bytes()).map_err(failure)?;
    printer.data(&format!(
        "Wrote {}. Next: `duoctl plan {} --sandbox` shows what it would do, on a simulated account.\n",
        path.display(),
        args.dir.display()
    ));
    Ok(Exit::Done)
}

/// The folder's name as a workspace's name.
fn workspace_name(folder: &str) -> String {
    let name: String = folder
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .take(32)
        .collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "my-workspace".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_folder_name_becomes_a_workspace_name() {
        assert_eq!(workspace_name("Acme Prod"), "acme-prod");
        assert_eq!(workspace_name("…"), "my-workspace");
        assert_eq!(workspace_name(&"x".repeat(80)).len(), 32);
    }
}
