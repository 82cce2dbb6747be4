//! YAML from an untrusted author, such as that of a pull request. It must not run commands, read files outside of its
//! folder, or send environment variables that are not intended for Duo.

use std::path::{Component, Path, PathBuf};

use super::model::{Credentials, ValueSource, Workspace};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::text::shown;

/// Whether the author of the YAML is trusted with this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The YAML may run commands and read files.
    Full,
    /// The YAML must not run commands, read files outside of its folder, or choose certificate authorities: see [`check`].
    None {
        /// Whether the caller names a file of certificate authorities, which replaces the one in the YAML.
        ca_given: bool,
    },
}

impl Trust {
    /// Whether the author is trusted.
    pub fn is_full(self) -> bool {
        self == Self::Full
    }

    /// The same, with whether the caller names the certificate authorities.
    #[must_use]
    pub fn with_authorities(self, given: bool) -> Self {
        match self {
            Self::Full => Self::Full,
            Self::None { ca_given } => Self::None { ca_given: ca_given || given },
        }
    }
}

/// The prefix of environment variables that such YAML may use.
pub const VARIABLES: &str = "DUO_";

/// Reports everything that such YAML must not do; `ca_given` as in [`Trust::None`].
pub fn check(workspace: &Workspace, ca_given: bool) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let folder = Folder::of(&workspace.root);
    let first = workspace.tenant.credentials.as_ref();
    let recovery = first.and_then(|credentials| credentials.recovery.as_deref());
    for Credentials { integration_key, secret_key, .. } in [first, recovery].into_iter().flatten() {
        for source in [integration_key, secret_key] {
            findings.extend(refused(&source.value, &folder).map(|what| finding(source.span, what)));
        }
    }
    // An author who chooses the authorities can impersonate Duo, so even a file in the folder is forbidden.
    if let Some(file) = workspace.tenant.ca_file.as_ref().filter(|_| !ca_given) {
        let what = format!(
            "would trust the certificate authorities in {}",
            shown(&file.value.display().to_string())
        );
        findings
            .push(finding(file.span, what).help("pass the file with --ca-file or DUOCTL_CA_FILE instead"));
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
            format!(
                "would read the environment variable {}, whose name does not start with {VARIABLES}",
                shown(name)
            )
        }),
        ValueSource::Plain(_) => None,
    }
}

fn outside(path: &Path) -> String {
    format!("would read {} outside of the YAML's folder", shown(&path.display().to_string()))
}

fn finding(span: Span, what: String) -> Diagnostic {
    Diagnostic::error(Code::Untrusted, span, format!("this {what}, which --untrusted forbids"))
        .help("review it, then run without --untrusted, or set Duo's keys as `{env: DUO_...}`")
}

/// The canonical path of a folder, so that links cannot lead outside.
#[derive(Clone, Debug)]
pub struct Folder(Option<PathBuf>);

impl Folder {
    /// The folder of a path, or the path itself if it is a folder.
    pub fn of(root: &Path) -> Self {
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        Self(root.canonicalize().ok())
    }

    /// Whether a file is in it after resolving links. A file that does not exist is not.
    pub fn holds(&self, path: &Path) -> bool {
        let real = path.canonicalize().ok();
        self.0.as_ref().zip(real).is_some_and(|(folder, real)| real.starts_with(folder))
    }
}

/// The link through which a path leaves its checkout, if any. The checkout is the git work tree, or else the current
/// folder. `..` in the path is intended by the caller; if no checkout is known, every link leads outside.
pub fn way_out(path: &Path) -> Option<PathBuf> {
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
    let begin = checkout(&here);
    let (mut at, mut inside) = (here, Some(begin.clone()));
    for part in path.components() {
        match part {
            Component::Prefix(_) | Component::RootDir => {
                at.push(part);
                inside = None;
            }
            Component::CurDir => {}
            Component::ParentDir => {
                at.pop();
                inside = inside.filter(|inside| at.starts_with(inside)).or_else(|| Some(checkout(&at)));
            }
            Component::Normal(name) => {
                at.push(name);
                if at.is_symlink() {
                    // A dangling link is reported when it is read.
                    let real = at.canonicalize().ok()?;
                    if !inside.as_ref().is_some_and(|inside| real.starts_with(inside)) {
                        return Some(at);
                    }
                    at = real;
                }
                if at == begin || at.join(".git").exists() {
                    inside = Some(at.clone());
                }
            }
        }
    }
    None
}

fn checkout(folder: &Path) -> PathBuf {
    folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(folder).to_owned()
}
