//! YAML of somebody who is not trusted, such as the author of a pull request: it may neither run a command, nor read a
//! file outside of its own folder, nor send a variable of the environment that is not meant for Duo.

use std::path::{Path, PathBuf};

use super::model::{Credentials, ValueSource, Workspace};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::text::shown;

/// What the names of variables begin with that such YAML may use.
pub const VARIABLES: &str = "DUO_";

/// Everything that such YAML asks for and may not have.
pub fn check(workspace: &Workspace) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let folder = Folder::of(&workspace.root);
    let first = workspace.tenant.credentials.as_ref();
    let second = first.and_then(|credentials| credentials.second.as_deref());
    for Credentials { integration_key, secret_key, .. } in [first, second].into_iter().flatten() {
        for source in [integration_key, secret_key] {
            findings.extend(refused(&source.value, &folder).map(|what| finding(source.span, what)));
        }
    }
    if let Some(file) = workspace.tenant.ca_file.as_ref().filter(|file| !folder.holds(&file.value)) {
        findings.push(finding(file.span, outside(&file.value)));
    }
    findings
}

fn refused(source: &ValueSource, folder: &Folder) -> Option<String> {
    match source {
        ValueSource::Command { words, .. } => {
            let program = words.first().map_or("", String::as_str);
            Some(format!("would run the command {}", shown(program)))
        }
        ValueSource::File(path) => (!folder.holds(path)).then(|| outside(path)),
        ValueSource::Env(name) => (!name.starts_with(VARIABLES)).then(|| {
            format!("would read the variable {}, whose name does not begin with {VARIABLES}", shown(name))
        }),
        ValueSource::Plain(_) => None,
    }
}

fn outside(path: &Path) -> String {
    format!("would read {}, which is not in the folder of the YAML", shown(&path.display().to_string()))
}

fn finding(span: Span, what: String) -> Diagnostic {
    Diagnostic::error(Code::Untrusted, span, format!("this {what}, and --untrusted forbids that"))
        .help("look at it first; then run without --untrusted, or give Duo's keys as `{env: DUO_...}`")
}

/// A folder by its real name, so that no link leads out of it.
#[derive(Debug)]
pub struct Folder(Option<PathBuf>);

impl Folder {
    /// The folder of a path, itself one or not.
    pub fn of(root: &Path) -> Self {
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        Self(root.canonicalize().ok())
    }

    /// Whether a file is in it, wherever links lead. One that cannot be found is not.
    pub fn holds(&self, path: &Path) -> bool {
        let real = path.canonicalize().ok();
        self.0.as_ref().zip(real).is_some_and(|(folder, real)| real.starts_with(folder))
    }
}
