//! Whether git would commit a file. Asks git itself: only git knows all of its rules.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::git::git;
use crate::text::printable;

use super::store::StoreError;

/// The work tree that contains a folder; `None` if the folder is not in one.
///
/// # Errors
///
/// When git fails.
pub(super) fn work_tree(folder: &Path) -> Result<Option<PathBuf>, StoreError> {
    let output = match git(folder, &["rev-parse", "--show-toplevel"], None) {
        Ok(output) => output,
        Err(error) => {
            let inside = folder.ancestors().any(|folder| folder.join(".git").exists());
            return if inside { Err(cannot_ask(folder, &error.to_string())) } else { Ok(None) };
        }
    };
    if output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        return Ok(Some(PathBuf::from(text.trim_end_matches(['\n', '\r']))));
    }
    let reason = said(&output);
    let outside = ["not a git repository", "must be run in a work tree"];
    if outside.iter().any(|words| reason.contains(words)) {
        Ok(None)
    } else {
        Err(cannot_ask(folder, &reason))
    }
}

/// Refuses a file that git could commit. All paths are absolute; `folder` is the store's folder.
///
/// # Errors
///
/// With the line to add to `.gitignore`, or when git fails.
pub(super) fn refuse_committable(tree: &Path, folder: &Path, file: &Path) -> Result<(), StoreError> {
    let ask = |arguments: &[&str]| {
        git(tree, arguments, Some(file)).map_err(|error| cannot_ask(tree, &error.to_string()))
    };
    let ignored = ask(&["check-ignore", "--quiet", "--"])?;
    match ignored.status.code() {
        Some(0) => return Ok(()),
        Some(1) => {}
        _ => return Err(cannot_ask(tree, &said(&ignored))),
    }
    let relative = |path: &Path| path.strip_prefix(tree).unwrap_or(path).display().to_string();
    if ask(&["ls-files", "--error-unmatch", "--"])?.status.success() {
        let shown = relative(file);
        return Err(StoreError::new(format!("git tracks {shown}, so a secret in it could be committed"))
            .help(format!(
                "run `git rm --cached {shown}`, ignore it, and rotate every secret it ever held"
            )));
    }
    let line = match relative(folder) {
        folder if folder.is_empty() => format!("/{}", relative(file)),
        folder => format!("/{folder}/"),
    };
    let message =
        format!("{} is in the git work tree {}, and git does not ignore it", relative(file), tree.display());
    Err(StoreError::new(message)
        .help(format!("add this line to {}: {line}", tree.join(".gitignore").display())))
}

fn said(output: &Output) -> String {
    printable(&String::from_utf8_lossy(&output.stderr))
}

fn cannot_ask(folder: &Path, reason: &str) -> StoreError {
    StoreError::new(format!(
        "cannot check whether git ignores files in {}, so no secret is written there: {reason}",
        folder.display()
    ))
    .help("install git, fix the problem it reports, or keep secrets outside the repository")
}
