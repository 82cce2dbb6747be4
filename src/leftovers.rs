//! Temporary files that a killed run leaves in a folder.
//!
//! The writing process locks such a file, and a lock ends with its process: an unlocked file is a leftover.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// A kind of temporary file. Only these files have names that start with its prefix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    prefix: &'static str,
    /// Whether only the owner may ever read them.
    private: bool,
}

/// Keys on their way into a folder.
pub(crate) const DELIVERY: Kind = Kind { prefix: ".duoctl-delivery-", private: true };

/// Every other file that is written atomically.
pub(crate) const EDIT: Kind = Kind { prefix: ".duoctl-edit-", private: false };

/// How many random characters follow the prefix.
const RANDOM: usize = 6;

/// How often another run may mistake a new file for a leftover. The window is microseconds.
const TRIES: u8 = 100;

/// A new, locked file in a folder, readable by its owner only or, with `umask`, by everyone the umask allows.
pub(crate) fn fresh(kind: Kind, folder: &Path, umask: bool) -> io::Result<NamedTempFile> {
    for _ in 0..TRIES {
        let fresh = made(kind, folder, umask)?;
        if is_there(&fresh) {
            return Ok(fresh);
        }
    }
    Err(io::Error::other("another run keeps removing new files in this folder"))
}

fn made(kind: Kind, folder: &Path, umask: bool) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(kind.prefix).rand_bytes(RANDOM);
    // By default a temporary file gets mode 0600.
    #[cfg(unix)]
    if umask {
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = umask;
    let fresh = builder.tempfile_in(folder)?;
    // On platforms without locks, no run removes files either.
    let _ = fresh.as_file().lock();
    Ok(fresh)
}

/// Whether the file still exists: another run could remove it before it was locked.
fn is_there(fresh: &NamedTempFile) -> bool {
    let found = fs::symlink_metadata(fresh.path());
    found.is_ok_and(|found| fresh.as_file().metadata().is_ok_and(|own| same(&found, &own)))
}

/// Removes what killed runs left in a folder. The next run retries what cannot be removed now.
pub(crate) fn remove(kind: Kind, folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(|name| kind.names(name)) {
            let _ = remove_one(kind, &entry.path());
        }
    }
}

impl Kind {
    fn names(self, name: &str) -> bool {
        let random = name.strip_prefix(self.prefix);
        random
            .is_some_and(|random| random.len() == RANDOM && random.chars().all(|c| c.is_ascii_alphanumeric()))
    }
}

fn remove_one(kind: Kind, path: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if !found.is_file() || !is_ours(kind, &found) {
        return Ok(());
    }
    let file = File::open(path)?;
    // A lock means that the writer is still running.
    if same(&found, &file.metadata()?) && file.try_lock().is_ok() {
        fs::remove_file(path)?;
    }
    Ok(())
}

#[cfg(unix)]
fn is_ours(kind: Kind, found: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    // duoctl never writes executable files.
    let mode = if kind.private { found.mode() & 0o7777 == 0o600 } else { found.mode() & 0o7111 == 0 };
    found.uid() == rustix::process::geteuid().as_raw() && mode && found.nlink() == 1
}

#[cfg(not(unix))]
fn is_ours(_: Kind, _: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::PathBuf;

    use super::*;

    fn put(folder: &Path, name: &str, mode: u32) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, "hunter2").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let left = [
            put(folder, ".duoctl-delivery-abcdef", 0o600),
            put(folder, ".duoctl-edit-Abc123", 0o644),
            put(folder, ".duoctl-edit-abcdef", 0o600),
        ];
        let mut kept = vec![
            put(folder, "vpn", 0o600),
            put(folder, "duoctl-delivery-abcdef", 0o600),
            put(folder, ".duoctl-delivery-opened", 0o644),
            put(folder, ".duoctl-delivery-open12", 0o644),
            put(folder, ".duoctl-edit-notes.yaml", 0o644),
            put(folder, ".duoctl-edit-abc", 0o644),
            put(folder, ".duoctl-edit-runme1", 0o755),
            put(folder, ".duoctl-abcdef", 0o644),
        ];
        let link = folder.join(".duoctl-edit-linked");
        symlink(folder.join("vpn"), &link).unwrap();
        let twice = folder.join(".duoctl-edit-twice2");
        fs::hard_link(folder.join("vpn"), &twice).unwrap();
        let inside = folder.join(".duoctl-edit-folder");
        fs::create_dir(&inside).unwrap();
        kept.extend([link, twice, inside]);
        remove(DELIVERY, folder);
        assert!(left[1].exists(), "each kind removes its own");
        remove(EDIT, folder);
        for path in left {
            assert!(!path.exists(), "{} is removed", path.display());
        }
        for path in kept {
            assert!(fs::symlink_metadata(&path).is_ok(), "{} stays", path.display());
        }
    }

    #[test]
    fn what_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let fresh = fresh(DELIVERY, folder.path(), false).unwrap();
        remove(DELIVERY, folder.path());
        assert!(fresh.path().exists());
        // As after a kill: the lock is released, and the file remains.
        let (file, path) = fresh.keep().unwrap();
        drop(file);
        assert!(path.exists());
        remove(DELIVERY, folder.path());
        assert!(!path.exists());
    }

    #[test]
    fn two_deliveries_at_once_never_lose_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    remove(DELIVERY, folder.path());
                }
            });
            let lost =
                (0..3000).filter(|_| !is_there(&fresh(DELIVERY, folder.path(), false).unwrap())).count();
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(lost, 0);
        });
    }

    #[test]
    fn a_file_that_was_taken_for_a_leftover_is_seen_to_be_gone() {
        let folder = tempfile::tempdir().unwrap();
        let fresh = fresh(DELIVERY, folder.path(), false).unwrap();
        assert!(is_there(&fresh));
        fs::remove_file(fresh.path()).unwrap();
        assert!(!is_there(&fresh));
        put(folder.path(), &fresh.path().file_name().unwrap().to_string_lossy(), 0o600);
        assert!(!is_there(&fresh), "another file of its name is not it");
    }
}
