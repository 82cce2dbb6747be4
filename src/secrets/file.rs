//! A folder on this machine: one file per application, readable only by its owner.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::git;
use super::options;
use super::payload::{MAX_BYTES, Payload};
use super::store::{Contents, Place, Store, StoreError};
use crate::language::texts::no_file;
use crate::leftovers::{self, DELIVERY};

/// The mode bits that give other users access.
const OTHERS: u32 = 0o077;

/// A folder of secrets.
pub struct FileStore {
    inner: Arc<Inner>,
}

struct Inner {
    /// The path as written in the YAML.
    shown: PathBuf,
    folder: PathBuf,
}

impl FileStore {
    /// The store at `path`, relative to the workspace's folder.
    pub fn new(options: &Value, root: &Path) -> Self {
        let shown = PathBuf::from(options::text(options, "path"));
        let folder = root.join(&shown);
        Self { inner: Arc::new(Inner { shown, folder }) }
    }
}

impl Store for FileStore {
    /// Checks that the folder, or the nearest existing one above it, is writable.
    fn ready(&self) -> Result<(), StoreError> {
        let folder = &self.inner.folder;
        let found = folder.ancestors().find_map(|folder| Some((folder, fs::metadata(folder).ok()?)));
        let Some((existing, metadata)) = found else { return Ok(()) };
        if metadata.is_dir() && metadata.permissions().readonly() {
            let message = format!("the folder {} cannot be written", existing.display());
            return Err(StoreError::new(message).help("make it writable for the user that runs duoctl"));
        }
        Ok(())
    }

    fn read<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Contents, StoreError>> {
        let (inner, place) = (Arc::clone(&self.inner), place.clone());
        Box::pin(blocking(move || {
            let payload = inner.read(&place)?;
            Ok(Contents { payload, revision: 0 })
        }))
    }

    fn write<'a>(
        &'a self,
        place: &'a Place,
        payload: &'a Payload,
        _revision: u64,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let (inner, place, payload) = (Arc::clone(&self.inner), place.clone(), payload.clone());
        Box::pin(blocking(move || inner.write(&place, &payload)))
    }

    fn describe(&self, path: &str) -> String {
        format!("file {}", self.inner.shown.join(path).display())
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(StoreError::new("the file store stopped before it finished")),
    }
}

impl Inner {
    fn read(&self, place: &Place) -> Result<Option<Payload>, StoreError> {
        let file = self.locate(&place.path)?;
        let found = self.check_folders(&file, false)?;
        self.check_git(&file)?;
        if !found {
            return Ok(None);
        }
        let before = match fs::symlink_metadata(&file) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&file, "cannot be read", &error)),
        };
        check_file(&file, &before)?;
        let unreadable = |error: std::io::Error| failed(&file, "cannot be read", &error);
        let opened = File::open(&file).map_err(unreadable)?;
        if !same_file(&before, &opened.metadata().map_err(unreadable)?) {
            return Err(StoreError::new(format!(
                "{} was replaced while it was being opened",
                file.display()
            )));
        }
        let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        opened.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
        let foreign = |why: &str| StoreError::foreign(&file.display().to_string(), why);
        if bytes.len() > MAX_BYTES {
            return Err(foreign("it is too long"));
        }
        let text = String::from_utf8(bytes).map_err(|_| foreign("it is not text"))?;
        Payload::parse(&text, place.format).map_err(foreign)
    }

    /// Atomic: a temporary file next to the old one takes its name once every byte is on disk.
    fn write(&self, place: &Place, payload: &Payload) -> Result<(), StoreError> {
        let file = self.locate(&place.path)?;
        self.check_git(&file)?;
        self.check_folders(&file, true)?;
        match fs::symlink_metadata(&file) {
            Ok(metadata) => check_file(&file, &metadata)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&file, "cannot be written", &error)),
        }
        let folder = file.parent().unwrap_or(&self.folder);
        let unwritten = |error: std::io::Error| failed(&file, "cannot be written", &error);
        leftovers::remove(DELIVERY, folder);
        let mut fresh = leftovers::fresh(DELIVERY, folder, false).map_err(unwritten)?;
        fresh.write_all(payload.render(place.format).expose().as_bytes()).map_err(unwritten)?;
        fresh.as_file().sync_all().map_err(unwritten)?;
        fresh.persist(&file).map_err(|error| unwritten(error.error))?;
        // The file name must survive a power loss, too.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(unwritten)
    }

    fn locate(&self, path: &str) -> Result<PathBuf, StoreError> {
        match no_file(path) {
            None => Ok(self.folder.join(path)),
            Some(why) => {
                let folder = self.folder.display();
                Err(StoreError::new(format!("{path:?} is not a path inside {folder}: it {why}")))
            }
        }
    }

    /// Checks the store's folder and every folder on the way to the file. Missing folders are created or reported.
    fn check_folders(&self, file: &Path, make: bool) -> Result<bool, StoreError> {
        let below = file.parent().and_then(|folder| folder.strip_prefix(&self.folder).ok());
        let mut folder = self.folder.clone();
        let mut parts = below.unwrap_or(Path::new("")).components();
        let mut first = true;
        loop {
            // The store's own folder may be a link: the YAML names it.
            let looked = if first { fs::metadata(&folder) } else { fs::symlink_metadata(&folder) };
            match looked {
                Ok(metadata) => check_folder(&folder, &metadata)?,
                Err(error) if error.kind() == ErrorKind::NotFound && !make => return Ok(false),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    make_folder(&folder).map_err(|error| failed(&folder, "cannot be created", &error))?;
                }
                Err(error) => return Err(failed(&folder, "cannot be used", &error)),
            }
            first = false;
            match parts.next() {
                Some(part) => folder.push(part),
                None => return Ok(true),
            }
        }
    }

    fn check_git(&self, file: &Path) -> Result<(), StoreError> {
        // git only knows the real paths of folders that exist.
        let here = std::path::absolute(&self.folder)
            .map_err(|error| failed(&self.folder, "cannot be used", &error))?;
        let Some((real, existing)) =
            here.ancestors().find_map(|folder| Some((folder.canonicalize().ok()?, folder)))
        else {
            return Ok(());
        };
        let asked = if real.is_dir() { real.as_path() } else { real.parent().unwrap_or(&real) };
        let Some(tree) = git::work_tree(asked)? else { return Ok(()) };
        let rest = here.strip_prefix(existing).unwrap_or(Path::new(""));
        let folder = if rest.as_os_str().is_empty() { real.clone() } else { real.join(rest) };
        let name = file.strip_prefix(&self.folder).unwrap_or(file);
        git::refuse_committable(&tree, &folder, &folder.join(name))
    }
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn check_folder(folder: &Path, metadata: &Metadata) -> Result<(), StoreError> {
    let shown = folder.display();
    if metadata.is_symlink() {
        return Err(link(folder));
    }
    if !metadata.is_dir() {
        return Err(StoreError::new(format!("{shown} is not a folder"))
            .help("move it, or use another `path` for the secret"));
    }
    if mode(metadata) & OTHERS != 0 {
        return Err(StoreError::new(format!("other users have access to the folder {shown}"))
            .help(format!("run `chmod 700 {shown}`")));
    }
    Ok(())
}

fn check_file(file: &Path, metadata: &Metadata) -> Result<(), StoreError> {
    let shown = file.display();
    if metadata.is_symlink() {
        return Err(link(file));
    }
    if !metadata.is_file() {
        return Err(StoreError::new(format!("{shown} is not a file"))
            .help("move it, or use another `path` for the secret"));
    }
    if mode(metadata) & OTHERS != 0 {
        return Err(StoreError::new(format!("other users have access to {shown}"))
            .help(format!("run `chmod 600 {shown}`, and rotate the secret if others may have read it")));
    }
    Ok(())
}

fn link(path: &Path) -> StoreError {
    StoreError::new(format!("{} is a symbolic link, which the file store does not follow", path.display()))
        .help("find out who created it, then remove it")
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(metadata)
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> u32 {
    0
}

#[cfg(unix)]
fn same_file(before: &Metadata, after: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (before.dev(), before.ino()) == (after.dev(), after.ino())
}

#[cfg(not(unix))]
fn same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}

fn failed(path: &Path, what: &str, error: &std::io::Error) -> StoreError {
    let help = match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "make it writable for the user that runs duoctl"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free up disk space, then apply again",
        _ => "fix the cause, then apply again",
    };
    StoreError::new(format!("{} {what}: {error}", path.display())).help(help)
}
