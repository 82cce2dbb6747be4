//! Finds the files of a path and reads their text, within limits.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::WalkBuilder;

use super::untrusted::{Folder, Trust, way_out};
use crate::diagnostic::{Code, Diagnostic, Sources, Span};
use crate::reading::{self, Encoding, ReadError};
use crate::text::{is_harmful, safe};

/// The maximum size of a file.
pub const MAX_FILE_BYTES: u64 = 32 * 1024 * 1024;

/// The maximum total size of the files of a workspace.
pub const MAX_TOTAL_BYTES: u64 = 64 * 1024 * 1024;

/// The maximum number of folder entries that are searched for files of other workspaces.
pub(super) const MAX_ENTRIES: usize = 200_000;

/// The files of a path.
#[derive(Debug, Default)]
pub struct Found {
    /// The base folder for relative paths in the YAML.
    pub root: PathBuf,
    /// The files, the folder's own `duo.yaml` first, then by name.
    pub files: Vec<PathBuf>,
}

/// Finds the files of a path: the path itself, or the files in a folder. Without trust, links that lead outside of the
/// folder are not followed, and messages show nothing about their targets.
pub fn find(path: &Path, trust: Trust, diagnostics: &mut Vec<Diagnostic>) -> Found {
    if trust.is_full() {
        return find_within(path, None, diagnostics);
    }
    if let Some(link) = way_out(path) {
        let link = shown(&link);
        let message = format!(
            "{} leads outside of the checkout through the link {link}, which --untrusted forbids",
            shown(path)
        );
        let finding = Diagnostic::error(Code::Untrusted, None, message);
        diagnostics.push(finding.help("replace the link with the folder itself, or pass its real path"));
        return Found::default();
    }
    let root = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let folder = Folder::of(root);
    let mut found = find_within(path, Some(&folder), diagnostics);
    found.files.retain(|file| folder.holds(file) || !file.exists());
    if !path.is_dir() && path.exists() && found.files.is_empty() {
        diagnostics.push(leads_out(path));
    }
    found
}

fn leads_out(path: &Path) -> Diagnostic {
    let message = format!("{} leads outside of its folder, which --untrusted forbids", shown(path));
    Diagnostic::error(Code::Untrusted, None, message).help("replace the link with the file itself")
}

fn find_within(path: &Path, within: Option<&Folder>, diagnostics: &mut Vec<Diagnostic>) -> Found {
    match std::fs::metadata(path) {
        Err(error) => {
            let error = ReadError::from(error);
            let finding =
                Diagnostic::error(Code::Unreadable, None, format!("cannot read {}: {error}", shown(path)));
            diagnostics.push(finding.help("pass the path of a YAML file, or of a folder with a `duo.yaml`"));
            Found::default()
        }
        Ok(metadata) if !metadata.is_dir() => {
            let root = path.parent().unwrap_or(Path::new("")).to_owned();
            Found { root, files: vec![path.to_owned()] }
        }
        Ok(_) => {
            let files = in_folder(path, within, diagnostics);
            if files.is_empty() && diagnostics.is_empty() {
                diagnostics.push(no_yaml(path));
            }
            Found { root: path.to_owned(), files }
        }
    }
}

fn in_folder(folder: &Path, within: Option<&Folder>, diagnostics: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let (mut files, mut nearly) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let left = Arc::new(Mutex::new(Vec::new()));
    let stays = within.cloned().map(|within| {
        let left = Arc::clone(&left);
        move |path: &Path| {
            let stays = within.holds(path);
            if !stays && (path.is_dir() || is_near(path)) {
                left.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_owned());
            }
            stays
        }
    });
    for found in walk(folder, usize::MAX, stays) {
        match found {
            Ok(Seen { path, near: Some(near) }) => nearly.push((path, near)),
            Ok(Seen { path, near: None }) if seen.insert(real(&path)) => files.push(path),
            Ok(_) => {}
            Err(error) => diagnostics.push(
                Diagnostic::error(
                    Code::Unreadable,
                    None,
                    format!("cannot read part of {}: {error}", shown(folder)),
                )
                .help("fix this first: the unreadable part may contain applications"),
            ),
        }
    }
    let mut left = std::mem::take(&mut *left.lock().unwrap_or_else(PoisonError::into_inner));
    left.sort();
    diagnostics.extend(left.iter().map(|path| leads_out(path.strip_prefix(".").unwrap_or(path))));
    // Another name for a file that is read is harmless.
    nearly.retain(|(path, _)| !seen.contains(&real(path)));
    nearly.sort_by(|a, b| a.0.cmp(&b.0));
    diagnostics.extend(nearly.iter().map(|(path, near)| near.finding(path)));
    let main = folder.join("duo.yaml");
    let main = main.strip_prefix(".").unwrap_or(&main).to_owned();
    files.sort_by(|a, b| (*a != main, a).cmp(&(*b != main, b)));
    files
}

/// A path in a folder that is named like a workspace file, or almost.
#[derive(Debug)]
pub(super) struct Seen {
    /// Relative to the current folder, as users write it and as CI systems find it in their checkout.
    pub(super) path: PathBuf,
    /// Why it is not read, if it is not.
    pub(super) near: Option<Near>,
}

/// Finds these paths in a folder, recursively. Parts that cannot be read are errors. Of links, only those that `follow`
/// accepts count, or all.
pub(super) fn walk(
    folder: &Path,
    most: usize,
    follow: Option<impl Fn(&Path) -> bool + Send + Sync + 'static>,
) -> impl Iterator<Item = Result<Seen, ignore::Error>> {
    // Files count even if git ignores them. Links are followed, because mounted volumes consist of links.
    let mut walk = WalkBuilder::new(folder);
    walk.standard_filters(false).hidden(true).follow_links(true);
    if let Some(follow) = follow {
        walk.filter_entry(move |entry| !entry.path_is_symlink() || follow(entry.path()));
    }
    walk.build().take(most).filter_map(|entry| match entry {
        Ok(entry) => {
            let near = named(&entry.file_name().to_string_lossy())?;
            // A pipe or device with such a name is reported when it is read.
            let path = entry.path().strip_prefix(".").unwrap_or(entry.path());
            (!entry.path().is_dir()).then(|| Ok(Seen { path: path.to_owned(), near: near.err() }))
        }
        // A link to one of its own parent folders has nothing new to read.
        Err(error) if is_loop(&error) || is_foreign_link(&error) => None,
        Err(error) => Some(Err(error)),
    })
}

/// Why a file that may be intended as a workspace file is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Near {
    /// `vpn.duo.yml`.
    Extension,
    /// `Duo.yaml`, or a name with blanks or invisible characters.
    Spelling,
    /// A name that is not UTF-8.
    Encoding,
}

impl Near {
    fn finding(self, path: &Path) -> Diagnostic {
        let why = match self {
            Self::Extension => "its name ends in `.yml`",
            Self::Spelling => "its name differs in case, blanks or invisible characters",
            Self::Encoding => "its name is not UTF-8",
        };
        let message = format!("{} is not read: {why}", shown(path));
        Diagnostic::error(Code::MisnamedFile, None, message)
            .help("rename it to `duo.yaml` or `NAME.duo.yaml`, or to a name that does not look similar")
    }
}

/// Whether a name is that of a workspace file, or almost; `None` if it is neither.
fn named(name: &str) -> Option<Result<(), Near>> {
    let is = |name: &str| name == "duo.yaml" || name.ends_with(".duo.yaml");
    if name.contains('\u{fffd}') {
        return is(&plain(name)).then_some(Err(Near::Encoding));
    }
    if is(name) {
        return Some(Ok(()));
    }
    let plain = plain(name);
    match plain.strip_suffix(".yml") {
        Some(stem) => is(&format!("{stem}.yaml")).then_some(Err(Near::Extension)),
        None => is(&plain).then_some(Err(Near::Spelling)),
    }
}

/// Whether a path is named like a workspace file, or almost.
pub(crate) fn is_near(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        let name = name.to_string_lossy();
        !name.starts_with('.') && named(&name).is_some()
    })
}

/// Whether a path in a folder has the name of a workspace file, and no hidden folder in between.
pub(crate) fn is_workspace_file(folder: &Path, path: &Path) -> bool {
    let hidden = |part: std::path::Component<'_>| part.as_os_str().to_string_lossy().starts_with('.');
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    named(&name) == Some(Ok(())) && path.strip_prefix(folder).is_ok_and(|rest| !rest.components().any(hidden))
}

/// The workspace files in a folder, recursively, within the first folder entries.
pub(crate) fn workspace_files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let seen = walk(folder, MAX_ENTRIES, None::<fn(&Path) -> bool>).filter_map(Result::ok);
    seen.filter(|seen| seen.near.is_none()).map(|seen| seen.path)
}

/// A name in lower case, without blanks and invisible characters.
fn plain(name: &str) -> String {
    let seen: String = name.chars().filter(|c| !is_harmful(*c)).collect();
    seen.trim().trim_end_matches('.').to_lowercase()
}

fn is_loop(error: &ignore::Error) -> bool {
    match error {
        ignore::Error::Loop { .. } => true,
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithPath { err, .. } => is_loop(err),
        _ => false,
    }
}

/// A dangling link whose name is neither that of a workspace file nor of a folder with such files.
fn is_foreign_link(error: &ignore::Error) -> bool {
    match error {
        ignore::Error::WithDepth { err, .. } => is_foreign_link(err),
        ignore::Error::WithPath { path, err } => {
            let missing = err.io_error().is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound);
            let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
            let hidden = name.starts_with('.');
            missing && (hidden || path.extension().is_some() && named(&name).is_none())
        }
        _ => false,
    }
}

fn no_yaml(folder: &Path) -> Diagnostic {
    let other = std::fs::read_dir(folder).ok().and_then(|entries| {
        entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name.ends_with(".yaml") || name.ends_with(".yml"))
            .min()
    });
    let help = match other {
        Some(name) => format!(
            "{} is not read: rename it to `duo.yaml` or `NAME.duo.yaml`, or pass its path",
            shown(Path::new(&name))
        ),
        None => "run `duoctl init` to create one".to_owned(),
    };
    Diagnostic::error(Code::NoYaml, None, format!("{} has no `duo.yaml` and no `*.duo.yaml`", shown(folder)))
        .help(help)
}

/// Reads the files into the sources and returns the indices of those that could be read completely.
pub fn read(files: &[PathBuf], sources: &mut Sources, diagnostics: &mut Vec<Diagnostic>) -> Vec<usize> {
    read_by(reading::bytes, files, sources, diagnostics)
}

/// The same with another way to get the bytes of a file within a limit: an editor has newer ones than the disk.
pub(crate) fn read_by(
    mut bytes_of: impl FnMut(&Path, u64) -> Result<Vec<u8>, ReadError>,
    files: &[PathBuf],
    sources: &mut Sources,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<usize> {
    let mut readable = Vec::with_capacity(files.len());
    let mut total = 0_u64;
    for path in files {
        let limit = MAX_FILE_BYTES.min(MAX_TOTAL_BYTES.saturating_sub(total));
        let bytes = match bytes_of(path, limit) {
            Ok(bytes) => bytes,
            Err(ReadError::TooLarge(_)) => {
                diagnostics.push(too_large(path));
                continue;
            }
            Err(error) => {
                let message = format!("cannot read {}: {error}", shown(path));
                let finding = Diagnostic::error(Code::Unreadable, None, message);
                diagnostics.push(finding.help("check the path and its permissions"));
                continue;
            }
        };
        total += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if let Some(encoding) = reading::encoding(&bytes) {
            diagnostics.push(not_utf8(&bytes, encoding, sources, path));
        } else if let Ok(text) = String::from_utf8(bytes) {
            // Columns count from the first visible character.
            readable.push(sources.add(path.clone(), reading::unmarked(text)));
        }
    }
    readable
}

/// The finding about a file that is too large, alone or together with the others.
pub fn too_large(path: &Path) -> Diagnostic {
    let megabytes = |bytes: u64| bytes / (1024 * 1024);
    Diagnostic::error(
        Code::TooLarge,
        None,
        format!(
            "{} is too large: the limit is {} MB per file and {} MB in total",
            shown(path),
            megabytes(MAX_FILE_BYTES),
            megabytes(MAX_TOTAL_BYTES)
        ),
    )
    .help("split it into several `*.duo.yaml` files, or workspaces")
}

/// Keeps the text up to the invalid byte, so that the finding can show its place.
fn not_utf8(bytes: &[u8], encoding: Encoding, sources: &mut Sources, path: &Path) -> Diagnostic {
    let (start, message) = match encoding {
        Encoding::Wide(name) => (0, format!("the file is {name}, not UTF-8")),
        Encoding::NotUtf8 { at, byte } => (at, format!("byte {at} (0x{byte:02x}) is not valid UTF-8")),
    };
    let before = bytes.get(..start).unwrap_or_default();
    let line = String::from_utf8_lossy(before).into_owned() + "\u{fffd}";
    let end = line.len();
    let file = sources.add(path.to_owned(), line);
    Diagnostic::error(Code::NotUtf8, Span { file, start, end }, message).help("save the file as UTF-8")
}

fn shown(path: &Path) -> String {
    format!("`{}`", safe(&path.display().to_string()))
}
