//! Write files atomically, with the right mode, and never through a symbolic link.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::leftovers::{self, EDIT};

/// Who may read a newly created file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Only the owner.
    Owner,
    /// Everyone the umask allows, as for any file a person creates.
    Umask,
}

/// Writes a file. An existing file keeps its mode. A pipe or a device is written to, never replaced.
///
/// # Errors
///
/// When the path is a symbolic link to a file or to nothing, or the folder is not writable. The previous content is
/// kept.
pub fn replace(path: &Path, text: &str, readers: Readers) -> io::Result<()> {
    let found = refuse_link(path)?;
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return fs::OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes());
    }
    let fresh = prepared(path, text, readers)?;
    if let Some(found) = found {
        keep_owner(fresh.as_file(), path)?;
        fresh.as_file().set_permissions(found)?;
    }
    fresh.persist(path).map(drop).map_err(|error| error.error)
}

/// Whether a file may be edited: a read-only file is meant to stay, and a hard link would keep the old text.
///
/// # Errors
///
/// When it may not.
pub fn editable(path: &Path) -> io::Result<()> {
    let Some(found) = refuse_link(path)? else { return Ok(()) };
    if found.readonly() {
        return Err(io::Error::other("it is read-only"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let found = fs::metadata(path)?;
        if found.is_file() && found.nlink() > 1 {
            return Err(io::Error::other("it has a hard link, which would keep the old text"));
        }
    }
    Ok(())
}

/// The lock of a file, held until it is dropped. An editor takes it, reads, and writes.
#[derive(Debug)]
pub struct Held {
    /// Closing it ends the lock.
    _file: Option<fs::File>,
}

/// Waits until no other run edits the file. Holds nothing if the file is missing or the platform has no locks.
///
/// # Errors
///
/// When the file cannot be opened.
#[cfg(unix)]
pub fn hold(path: &Path) -> io::Result<Held> {
    use std::os::unix::fs::MetadataExt as _;
    let number = |found: fs::Metadata| (found.dev(), found.ino());
    loop {
        // A pipe would make it wait.
        if !fs::metadata(path).is_ok_and(|found| found.is_file()) {
            return Ok(Held { _file: None });
        }
        let file = fs::File::open(path)?;
        if file.lock().is_err() {
            return Ok(Held { _file: None });
        }
        // Another run may have replaced the file in the meantime.
        let same =
            fs::metadata(path).is_ok_and(|now| file.metadata().is_ok_and(|own| number(now) == number(own)));
        if same {
            return Ok(Held { _file: Some(file) });
        }
    }
}

/// On this platform a lock would prevent the file from being replaced.
///
/// # Errors
///
/// None.
#[cfg(not(unix))]
pub fn hold(_: &Path) -> io::Result<Held> {
    Ok(Held { _file: None })
}

#[cfg(unix)]
fn keep_owner(fresh: &fs::File, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let (old, new) = (fs::metadata(path)?, fresh.metadata()?);
    if (old.uid(), old.gid()) == (new.uid(), new.gid()) {
        return Ok(());
    }
    std::os::unix::fs::fchown(fresh, Some(old.uid()), Some(old.gid())).map_err(|_| {
        io::Error::other("it belongs to another user or group, and that ownership could not be kept")
    })
}

#[cfg(not(unix))]
fn keep_owner(_: &fs::File, _: &Path) -> io::Result<()> {
    Ok(())
}

/// Writes a file that must not exist yet.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`] when something exists there, including a dangling link; else as for [`replace`].
pub fn create(path: &Path, text: &str, readers: Readers) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let fresh = prepared(path, text, readers)?;
    fresh.persist_noclobber(path).map(drop).map_err(|error| error.error)
}

/// Creates a folder, or uses the existing one, unless it is a symbolic link.
///
/// # Errors
///
/// When it is a link, or cannot be created.
pub fn folder(path: &Path) -> io::Result<()> {
    if !path.as_os_str().is_empty() {
        refuse_link(path)?;
        fs::create_dir_all(path)?;
    }
    Ok(())
}

/// Whether two paths lead to the same file, however they are spelled and whether or not the file exists.
pub fn same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| {
        path.canonicalize().ok().or_else(|| Some(parent(path).canonicalize().ok()?.join(path.file_name()?)))
    };
    let same = matches!((real(one), real(other)), (Some(one), Some(other)) if one == other);
    same || one == other || linked(one, other)
}

#[cfg(unix)]
fn linked(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let number = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    number(one).is_some_and(|one| number(other) == Some(one))
}

#[cfg(not(unix))]
fn linked(_: &Path, _: &Path) -> bool {
    false
}

/// The folder of a path.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Checks whether [`replace`] would refuse the path because it is a link.
///
/// # Errors
///
/// When it would.
pub fn check(path: &Path) -> io::Result<()> {
    refuse_link(path).map(drop)
}

/// Refuses a path that is a symbolic link, wherever it leads, before the file is opened.
///
/// # Errors
///
/// When it is one.
pub fn no_link(path: &Path) -> io::Result<()> {
    refuse_link(path).map(drop).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}

/// The mode of an existing file.
fn refuse_link(path: &Path) -> io::Result<Option<Permissions>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => match fs::metadata(path) {
            // `/dev/stdout` is a link to whatever the caller opened.
            Ok(target) if !target.is_file() && !target.is_dir() => Ok(None),
            _ => Err(io::Error::other("it is a symbolic link; use the path that it points to")),
        },
        Ok(found) => Ok(Some(found.permissions())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The text in a temporary file next to its target.
fn prepared(path: &Path, text: &str, readers: Readers) -> io::Result<tempfile::NamedTempFile> {
    let folder = parent(path);
    tidy(folder);
    let mut fresh = leftovers::fresh(EDIT, folder, readers == Readers::Umask)?;
    fresh.write_all(text.as_bytes())?;
    fresh.as_file().sync_all()?;
    Ok(fresh)
}

/// Removes what killed runs left in a folder, once per process: thousands of files may be written to one folder.
fn tidy(folder: &Path) {
    static TIDY: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if TIDY.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.clone()) {
        leftovers::remove(EDIT, &folder);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o777)
    }

    #[test]
    fn a_link_is_never_written_through_and_what_it_leads_to_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "mine").unwrap();
        for target in [file.as_path(), Path::new("nowhere"), folder.path()] {
            let _ = fs::remove_file(&link);
            symlink(target, &link).unwrap();
            let error = replace(&link, "yours", Readers::Umask).unwrap_err().to_string();
            assert_eq!(error, "it is a symbolic link; use the path that it points to");
            assert_eq!(
                create(&link, "yours", Readers::Umask).unwrap_err().kind(),
                io::ErrorKind::AlreadyExists
            );
            assert!(super::folder(&link).is_err());
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
        assert!(!folder.path().join("nowhere").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left behind");
    }

    #[test]
    fn a_file_keeps_its_mode_and_a_new_one_gets_the_right_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        replace(&path("plan"), "1", Readers::Owner).unwrap();
        create(&path("yaml"), "1", Readers::Umask).unwrap();
        let umask = !mode(&path("yaml")) & 0o666;
        assert_eq!((mode(&path("plan")), umask & 0o400), (0o600, 0));
        fs::set_permissions(path("yaml"), Permissions::from_mode(0o640)).unwrap();
        replace(&path("yaml"), "2", Readers::Owner).unwrap();
        assert_eq!((mode(&path("yaml")), fs::read_to_string(path("yaml")).unwrap()), (0o640, "2".to_owned()));
    }
}
