//! Which files a path means, and their text, within limits.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::diagnostic::{Code, Diagnostic, Sources, Span};

/// The largest file that is read.
pub const MAX_FILE_BYTES: u64 = 32 * 1024 * 1024;

/// The most that all files of a workspace may hold together.
pub const MAX_TOTAL_BYTES: u64 = 64 * 1024 * 1024;

/// The files that a path means.
#[derive(Debug, Default)]
pub struct Found {
    /// The folder that relative paths in the YAML start from.
    pub root: PathBuf,
    /// The files, the folder's own `duo.yaml` first, then by name.
    pub files: Vec<PathBuf>,
}

/// Finds the files of a path: the path itself, or what a folder holds.
pub fn find(path: &Path, diagnostics: &mut Vec<Diagnostic>) -> Found {
    let unreadable = |error: std::io::Error| {
        Diagnostic::error(Code::Unreadable, None, format!("cannot read {}: {}", shown(path), reason(&error)))
            .help("give the path of a YAML file, or of a folder with a `duo.yaml`")
    };
    match std::fs::metadata(path) {
        Err(error) => {
            diagnostics.push(unreadable(error));
            Found::default()
        }
        Ok(metadata) if !metadata.is_dir() => {
            let root = path.parent().unwrap_or(Path::new("")).to_owned();
            Found { root, files: vec![path.to_owned()] }
        }
        Ok(_) => {
            let files = in_folder(path, diagnostics);
            if files.is_empty() && diagnostics.is_empty() {
                diagnostics.push(no_yaml(path));
            }
            Found { root: path.to_owned(), files }
        }
    }
}

fn in_folder(folder: &Path, diagnostics: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    // Files count whether git ignores them or not; links are followed, as mounted volumes consist of them.
    let walk = WalkBuilder::new(folder).standard_filters(false).hidden(true).follow_links(true).build();
    for entry in walk {
        match entry {
            Ok(entry) => {
                let named = entry.file_name().to_str().is_some_and(is_named);
                if named && entry.path().is_file() {
                    let real = entry.path().canonicalize().unwrap_or_else(|_| entry.path().to_owned());
                    if seen.insert(real) {
                        // As a person writes it, and as a CI system finds it in its checkout.
                        let path = entry.path().strip_prefix(".").unwrap_or(entry.path());
                        files.push(path.to_owned());
                    }
                }
            }
            // A link that leads back to where it stands, or nowhere, holds nothing to read.
            Err(error) if is_loop(&error) || is_broken_link(&error) => {}
            Err(error) => diagnostics.push(
                Diagnostic::error(
                    Code::Unreadable,
                    None,
                    format!("cannot read a part of {}: {error}", shown(folder)),
                )
                .help("what cannot be read may hold applications, so nothing goes on without it"),
            ),
        }
    }
    let main = folder.join("duo.yaml");
    let main = main.strip_prefix(".").unwrap_or(&main).to_owned();
    files.sort_by(|a, b| (*a != main, a).cmp(&(*b != main, b)));
    files
}

fn is_named(name: &str) -> bool {
    name == "duo.yaml" || name.ends_with(".duo.yaml")
}

fn is_loop(error: &ignore::Error) -> bool {
    match error {
        ignore::Error::Loop { .. } => true,
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithPath { err, .. } => is_loop(err),
        _ => false,
    }
}

/// A link that leads nowhere is no file of ours unless it is named like one.
fn is_broken_link(error: &ignore::Error) -> bool {
    match error {
        ignore::Error::WithDepth { err, .. } => is_broken_link(err),
        ignore::Error::WithPath { path, err } => {
            let missing = err.io_error().is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound);
            missing && !path.file_name().and_then(|name| name.to_str()).is_some_and(is_named)
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
            "{} is not read: name it `duo.yaml` or `NAME.duo.yaml`, or give its path",
            shown(Path::new(&name))
        ),
        None => "`duoctl init` writes a first one".to_owned(),
    };
    Diagnostic::error(
        Code::NoYaml,
        None,
        format!("{} holds no `duo.yaml` and no `*.duo.yaml`", shown(folder)),
    )
    .help(help)
}

/// Reads the files into the sources and returns the indices of those that could be read whole.
pub fn read(files: &[PathBuf], sources: &mut Sources, diagnostics: &mut Vec<Diagnostic>) -> Vec<usize> {
    let mut readable = Vec::with_capacity(files.len());
    let mut total = 0_u64;
    for path in files {
        let bytes = match read_limited(path, MAX_FILE_BYTES.min(MAX_TOTAL_BYTES.saturating_sub(total))) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                diagnostics.push(too_large(path));
                continue;
            }
            Err(error) => {
                diagnostics.push(
                    Diagnostic::error(
                        Code::Unreadable,
                        None,
                        format!("cannot read {}: {}", shown(path), reason(&error)),
                    )
                    .help("check the path and its permissions"),
                );
                continue;
            }
        };
        total += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        match String::from_utf8(bytes) {
            Ok(text) => {
                // A byte-order mark is no content; columns count from what people see.
                let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
                readable.push(sources.add(path.clone(), text));
            }
            Err(error) => {
                let start = error.utf8_error().valid_up_to();
                diagnostics.push(not_utf8(error.as_bytes(), start, sources, path));
            }
        }
    }
    readable
}

/// `None` where there is more than the limit; never reads much more than that.
fn read_limited(path: &Path, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    if file.metadata()?.len() > limit {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((u64::try_from(read).unwrap_or(u64::MAX) <= limit).then_some(bytes))
}

/// The finding about a file that is larger than it may be, or does not fit beside the others.
pub fn too_large(path: &Path) -> Diagnostic {
    let megabytes = |bytes: u64| bytes / (1024 * 1024);
    Diagnostic::error(
        Code::TooLarge,
        None,
        format!(
            "{} is too large: at most {} MB per file and {} MB in all",
            shown(path),
            megabytes(MAX_FILE_BYTES),
            megabytes(MAX_TOTAL_BYTES)
        ),
    )
    .help("split it into several `*.duo.yaml` files, or workspaces")
}

/// The text up to the bad byte is shown, so that it can be found; nothing after it is read.
fn not_utf8(bytes: &[u8], start: usize, sources: &mut Sources, path: &Path) -> Diagnostic {
    let utf16 = matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
    let message = if utf16 {
        "the file is UTF-16, not UTF-8".to_owned()
    } else {
        let byte = bytes.get(start).copied().unwrap_or_default();
        format!("byte {start} (0x{byte:02x}) is not UTF-8")
    };
    let before = bytes.get(..start).unwrap_or_default();
    let line = String::from_utf8_lossy(before).into_owned() + "\u{fffd}";
    let end = line.len();
    let file = sources.add(path.to_owned(), line);
    Diagnostic::error(Code::NotUtf8, Span { file, start, end }, message).help("save the file as UTF-8")
}

fn shown(path: &Path) -> String {
    crate::text::shown(&path.display().to_string())
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}
