//! What a delivery to a folder leaves there when it is killed: a file with a key, before it took its name.
//!
//! Such a file is locked by whoever writes it, and a lock ends with its process: what is not locked belongs to nobody.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// What the names of these files begin with, and nobody else's.
const PREFIX: &str = ".duoctl-delivery-";

/// How often a fresh file may be taken for a leftover by another run, which is a matter of microseconds.
const TRIES: u8 = 100;

/// A fresh file in a folder, for its owner alone, and locked.
pub(super) fn fresh(folder: &Path) -> io::Result<NamedTempFile> {
    for _ in 0..TRIES {
        let fresh = made(folder)?;
        if is_there(&fresh) {
            return Ok(fresh);
        }
    }
    Err(io::Error::other("another run removes every new file in the folder"))
}

fn made(folder: &Path) -> io::Result<NamedTempFile> {
    // A temporary file is made with mode 0600.
    let fresh = tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder)?;
    // Where there are no locks, nobody removes anything either.
    let _ = fresh.as_file().lock();
    Ok(fresh)
}

/// Whether nobody removed it between its making and its lock.
fn is_there(fresh: &NamedTempFile) -> bool {
    let found = fs::symlink_metadata(fresh.path());
    found.is_ok_and(|found| fresh.as_file().metadata().is_ok_and(|own| same(&found, &own)))
}

/// Removes what killed deliveries left in a folder. What cannot be removed now is tried again by the next delivery.
pub(super) fn remove(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)) {
            let _ = remove_one(&entry.path());
        }
    }
}

fn remove_one(path: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if !found.is_file() || !is_ours(&found) {
        return Ok(());
    }
    let file = File::open(path)?;
    // Its writer is alive while it is locked.
    if same(&found, &file.metadata()?) && file.try_lock().is_ok() {
        fs::remove_file(path)?;
    }
    Ok(())
}

#[cfg(unix)]
fn is_ours(found: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o7777 == 0o600 && found.nlink() == 1
}

#[cfg(not(unix))]
fn is_ours(_: &Metadata) -> bool {
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
    fn what_a_killed_delivery_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let left = put(folder, ".duoctl-delivery-abc", 0o600);
        let mut kept = vec![
            put(folder, "vpn", 0o600),
            put(folder, "duoctl-delivery-abc", 0o600),
            put(folder, ".duoctl-delivery-open", 0o644),
        ];
        let link = folder.join(".duoctl-delivery-link");
        symlink(folder.join("vpn"), &link).unwrap();
        let twice = folder.join(".duoctl-delivery-twice");
        fs::hard_link(folder.join("vpn"), &twice).unwrap();
        let inside = folder.join(".duoctl-delivery-folder");
        fs::create_dir(&inside).unwrap();
        kept.extend([link, twice, inside]);
        remove(folder);
        assert!(!left.exists(), "it is removed");
        for path in kept {
            assert!(fs::symlink_metadata(&path).is_ok(), "{} stays", path.display());
        }
    }

    #[test]
    fn what_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let fresh = fresh(folder.path()).unwrap();
        remove(folder.path());
        assert!(fresh.path().exists());
        // As by a kill: its lock ends, and its name stays.
        let (file, path) = fresh.keep().unwrap();
        drop(file);
        assert!(path.exists());
        remove(folder.path());
        assert!(!path.exists());
    }

    #[test]
    fn two_deliveries_at_once_never_lose_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    remove(folder.path());
                }
            });
            let lost = (0..3000).filter(|_| !is_there(&fresh(folder.path()).unwrap())).count();
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(lost, 0);
        });
    }

    #[test]
    fn a_file_that_was_taken_for_a_leftover_is_seen_to_be_gone() {
        let folder = tempfile::tempdir().unwrap();
        let fresh = fresh(folder.path()).unwrap();
        assert!(is_there(&fresh));
        fs::remove_file(fresh.path()).unwrap();
        assert!(!is_there(&fresh));
        put(folder.path(), &fresh.path().file_name().unwrap().to_string_lossy(), 0o600);
        assert!(!is_there(&fresh), "another file of its name is not it");
    }
}
