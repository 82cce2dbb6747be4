//! Shared by the commands that edit the YAML: the file of an address, and the check before anything is written.

use std::path::{Path, PathBuf};

use crate::atomic::{self, Held};
use crate::config::declared::Declared;
use crate::config::edit::{self, EditError};
use crate::config::files::MAX_FILE_BYTES;
use crate::config::load::{InMemory, Loaded, load_files};
use crate::config::model::Workspace;
use crate::diagnostic::{Sources, has_errors};
use crate::kinds::Kind;
use crate::language::address::{ADMIN_API, AUTH_API, Place};
use crate::output::printer::Printer;
use crate::reading::{self, ReadError};
use crate::reconcile::selection::meant;
use crate::text::quoted;

use super::exit::Failure;
use super::session::show_problems;

/// Waits until no other run edits a file, and holds it: what is read from now on is what will be replaced.
pub fn hold(path: &Path) -> Result<Held, Failure> {
    atomic::hold(path).map_err(|error| Failure::File { path: path.to_owned(), what: "cannot be read", error })
}

/// The path of a file of a workspace.
pub fn file_path(sources: &Sources, file: usize) -> PathBuf {
    sources.file(file).map(|file| file.path.clone()).unwrap_or_default()
}

/// An edit of one file of a workspace.
pub struct Edited {
    /// The file.
    pub path: PathBuf,
    /// Its new text, with the byte-order mark where it had one.
    pub text: String,
    /// The workspace with the new text.
    pub loaded: Loaded,
    /// Keeps other runs from editing the file meanwhile.
    held: Held,
}

/// The failure of an edit that would have done harm.
pub fn unchanged(path: &Path, error: &EditError) -> Failure {
    Failure::Edit { path: path.to_owned(), error: error.to_string(), line: None }
}

/// The text of a file that is to be edited, as it is.
pub fn read(path: &Path) -> Result<String, Failure> {
    let failure = |error: ReadError| Failure::File {
        path: path.to_owned(),
        what: "cannot be read",
        error: error.into(),
    };
    reading::exact(path, MAX_FILE_BYTES).map_err(failure)
}

/// Edits the text of a file and loads the whole workspace with it.
pub fn edited(
    workspace: &Workspace,
    sources: &Sources,
    file: usize,
    change: impl FnOnce(&str) -> Result<String, EditError>,
) -> Result<Edited, Failure> {
    let path = file_path(sources, file);
    let held = hold(&path)?;
    let before = read(&path)?;
    let text = change(&before).map_err(|error| unchanged(&path, &error))?;
    let files = sources.files().iter().enumerate().map(|(index, source)| {
        let text = if index == file { text.clone() } else { source.text.clone() };
        InMemory { path: source.path.clone(), text, tree: None }
    });
    let loaded = load_files(&workspace.root, &workspace.assigned, files);
    Ok(Edited { path, text, loaded, held })
}

impl Edited {
    /// Shows the findings of the edited workspace; [`Self::save`] shows them if there are errors.
    pub fn shown(self, printer: Printer) -> Self {
        if !has_errors(&self.loaded.diagnostics) {
            show_problems(&self.loaded.diagnostics, &self.loaded.sources, printer);
        }
        self
    }

    /// Writes the file, unless the workspace would then have errors.
    pub fn save(self) -> Result<PathBuf, Failure> {
        if has_errors(&self.loaded.diagnostics) {
            return Err(Failure::Config(Box::new((self.loaded.diagnostics, self.loaded.sources))));
        }
        self.save_anyway()
    }

    /// Writes the file, even if the workspace has errors.
    pub fn save_anyway(self) -> Result<PathBuf, Failure> {
        let failure = |error| Failure::File { path: self.path.clone(), what: "cannot be written", error };
        edit::save(&self.path, &self.text).map_err(failure)?;
        drop(self.held);
        Ok(self.path)
    }
}

/// The application that an address names, including one of an entry of `identity_intelligence`.
pub fn application(address: &str) -> Result<Place<'_>, Failure> {
    match Place::shortened(address) {
        Some(Place::Entry(_)) => Err(Failure::Usage(several(address))),
        Some(place) => Ok(place),
        None => Err(Failure::Usage(format!(
            "{} is not the address of an application; an address looks like `applications.vpn` or \
             `identity_intelligence.emea.{ADMIN_API}`",
            quoted(address)
        ))),
    }
}

/// The same, with the workspace to resolve a short address.
pub fn application_of<'a>(workspace: &Workspace, address: &'a str) -> Result<Place<'a>, Failure> {
    let place = application(address)?;
    let is_short = Place::parse(address).is_none();
    match place {
        Place::Object(Kind::Application, key)
            if is_short && workspace.identity_intelligence.contains_key(key) =>
        {
            Err(Failure::Usage(match workspace.of(Kind::Application).contains_key(key) {
                true => format!(
                    "`{address}` can be applications.{key} or identity_intelligence.{key}; write the full address"
                ),
                false => several(&Place::Entry(key).to_string()),
            }))
        }
        place => Ok(place),
    }
}

fn several(entry: &str) -> String {
    format!(
        "`{entry}` has several applications; name one of them: `{entry}.{ADMIN_API}` or `{entry}.{AUTH_API}`"
    )
}

/// The application that the YAML declares at an address.
pub fn declared<'w>(workspace: &'w Workspace, address: &str) -> Result<Declared<'w>, Failure> {
    let place = application_of(workspace, address)?;
    workspace.declared(place).ok_or_else(|| not_declared(workspace, place))
}

/// The failure if the YAML declares no application at an address, with the address that was probably meant.
pub fn not_declared(workspace: &Workspace, place: Place<'_>) -> Failure {
    let known: Vec<String> = workspace.every_declared().map(|declared| declared.place.to_string()).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    Failure::Usage(format!("the YAML has no `{place}`; {}", meant(&place.to_string(), &known)))
}
