//! Forgetting a simulated account.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::account::LOCK;
use super::authority::{CERTIFICATE, PRIVATE_KEY};
use super::store::JOURNAL;

/// Removes the files of a state folder, and the folder if nothing else is in it. `false` when there was nothing.
///
/// # Errors
///
/// When the folder is in use, holds files of others (then nothing is removed), or cannot be removed.
pub fn reset(state: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(state) {
        Ok(entries) => entries.collect::<Result<Vec<_>, _>>()?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let ours = [JOURNAL, LOCK, CERTIFICATE, PRIVATE_KEY];
    if let Some(foreign) = entries.iter().find(|entry| !ours.iter().any(|name| entry.file_name() == *name)) {
        let reason =
            format!("it holds `{}`, which is not the sandbox's", foreign.file_name().to_string_lossy());
        return Err(io::Error::new(ErrorKind::DirectoryNotEmpty, reason));
    }
    if let Ok(lock) = File::open(state.join(LOCK))
        && matches!(lock.try_lock(), Err(TryLockError::WouldBlock))
    {
        return Err(io::Error::new(ErrorKind::ResourceBusy, "it is in use by another process"));
    }
    for entry in &entries {
        fs::remove_file(entry.path())?;
    }
    fs::remove_dir(state)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::account::Account;

    #[test]
    fn a_state_folder_is_forgotten_only_when_it_is_one_and_idle() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("sandbox");
        assert!(!reset(&state).unwrap());
        let account = Account::open(&state).unwrap();
        assert_eq!(reset(&state).unwrap_err().kind(), ErrorKind::ResourceBusy);
        drop(account);
        std::fs::write(state.join("thesis.txt"), "years of work").unwrap();
        assert_eq!(reset(&state).unwrap_err().kind(), ErrorKind::DirectoryNotEmpty);
        assert!(state.join("journal.jsonl").exists() && state.join("thesis.txt").exists());
        std::fs::remove_file(state.join("thesis.txt")).unwrap();
        assert!(reset(&state).unwrap());
        assert!(!state.exists());
    }
}
