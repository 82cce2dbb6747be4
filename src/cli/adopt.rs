//! `duoctl adopt`: writes into the YAML which live application an address is.

use serde_json::Value;

use crate::config::edit::set;
use crate::config::load::Trust;
use crate::diagnostic::has_errors;
use crate::language::texts::INTEGRATION_KEY;
use crate::output::printer::Printer;

use super::args;
use super::edit::{application_key, edited};
use super::exit::{Exit, Failure};
use super::session::{load_whole, show_problems};

/// Runs the command.
pub fn run(args: &args::Adopt, printer: Printer) -> Result<Exit, Failure> {
    let key = application_key(&args.address)?;
    if let Err(problem) = (INTEGRATION_KEY.check)(&args.integration_key) {
        return Err(Failure::Usage(format!("the integration key {}: {}", problem.message, problem.help)));
    }
    let loaded = load_whole(&args.source.path, Trust::Full)?;
    let Some(workspace) = &loaded.workspace else {
        return Err(Failure::Config(Box::new((loaded.diagnostics, loaded.sources))));
    };
    // A name that two entries have is an error that a pin mends, so errors do not stop this command.
    let file = workspace.applications.get(key).map_or(workspace.name.span.file, |found| found.span.file);
    let path = ["applications", key, "integration_key"];
    let edited = edited(&workspace.root, &loaded.sources, file, |text| {
        set(text, &path, &Value::from(args.integration_key.as_str()))
    })?;
    let wrong = has_errors(&edited.loaded.diagnostics);
    show_problems(&edited.loaded.diagnostics, &edited.loaded.sources, printer);
    let file = edited.save_anyway()?;
    printer.data(&format!(
        "applications.{key} is {} now, as {} says. Next: `duoctl plan {}` shows what that means.\n",
        args.integration_key,
        file.display(),
        args.source.path.display()
    ));
    Ok(if wrong { Exit::Error } else { Exit::Done })
}
