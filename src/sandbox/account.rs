//! The account as a whole: opened or seeded, its keys, and one entry point for every request. Without HTTP.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::application::Application;
use super::message::{RawReply, RawRequest};
use super::state::KEYS;
pub use super::state::{API_HOSTNAME, Account};
use super::store::{JOURNAL, Store};
use super::{intelligence, seed};
use crate::atomic;
use crate::secret::Secret;

const LOCK: &str = "lock";
const META: &str = "meta";
const HOST: &str = "host";

/// An application whose key a client can use.
#[derive(Clone)]
pub struct Key {
    /// Its purpose: `operator`, `plan-only`, `auth`, `no-permissions`.
    pub name: String,
    /// The application's type.
    pub kind: String,
    /// The integration key.
    pub integration_key: String,
    /// The secret key.
    pub secret_key: Secret,
}

impl Account {
    /// Opens the account in a state folder, or seeds a new one there.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used, or another process is using it.
    pub fn open(state: &Path) -> io::Result<Self> {
        // A checkout may contain links with these names that lead elsewhere.
        for folder in state.ancestors().take(2).filter(|folder| !folder.as_os_str().is_empty()) {
            if folder == state || folder.ends_with(".duoctl") {
                atomic::no_link(folder)?;
            }
        }
        fs::create_dir_all(state)?;
        for file in [LOCK, JOURNAL] {
            atomic::no_link(&state.join(file))?;
        }
        let lock = lock(state)?;
        let mut account = Self::with(Store::open(state)?, Some(lock));
        if let Some(host) = account.store.get(META, HOST).and_then(Value::as_str) {
            account.host = host.to_owned();
        }
        if account.store.get(META, "seeded").is_none() {
            seed::everything(&mut account)?;
            account.store.put(META, "seeded", json!({"version": 1}))?;
        }
        Ok(account)
    }

    /// Its API hostname.
    pub fn api_hostname(&self) -> &str {
        &self.host
    }

    /// Sets another API hostname, which is kept.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub fn set_api_hostname(&mut self, host: &str) -> io::Result<()> {
        self.host = host.to_ascii_lowercase();
        self.store.put(META, HOST, json!(self.host))
    }

    /// A seeded account that exists only in memory.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn in_memory() -> io::Result<Self> {
        let mut account = Self::with(Store::in_memory(), None);
        seed::everything(&mut account)?;
        Ok(account)
    }

    /// An account with only the operator's application and the global policy.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn empty_in_memory() -> io::Result<Self> {
        let mut account = Self::with(Store::in_memory(), None);
        seed::operator_only(&mut account)?;
        Ok(account)
    }

    /// Answers a request with the exact bytes that Duo would send. The server handles faults of the connection: see
    /// [`Account::strike`].
    pub fn handle(&mut self, request: &RawRequest, now: i64) -> RawReply {
        let reply = intelligence::answer(self, request, now + self.faults.skew());
        reply.unwrap_or_else(|| self.duo(request, now))
    }

    /// The keys that a client can use, except those of deleted applications.
    pub fn keys(&self) -> Vec<Key> {
        let key = |(name, ikey): (&str, &Value)| {
            let application = Application::load(&self.store, ikey.as_str()?)?;
            Some(Key {
                name: name.to_owned(),
                kind: application.kind,
                integration_key: application.integration_key,
                secret_key: Secret::new(application.secret_key),
            })
        };
        self.store.list(KEYS).filter_map(key).collect()
    }

    /// One of the keys by its name.
    pub fn key(&self, name: &str) -> Option<Key> {
        self.keys().into_iter().find(|key| key.name == name)
    }
}

/// Deletes the content of a state folder; the next start seeds it again, with new secret keys. The certificate authority is
/// kept, so clients still trust it. `false` if there was nothing to delete.
///
/// # Errors
///
/// When another process is using the folder, or it cannot be changed.
pub fn reset(state: &Path) -> io::Result<bool> {
    let journal = state.join(JOURNAL);
    if !journal.try_exists()? {
        return Ok(false);
    }
    let _lock = lock(state)?;
    fs::remove_file(journal)?;
    Ok(true)
}

/// A process that just released a folder may have started a program, which holds the lock, too, until it runs.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

fn lock(state: &Path) -> io::Result<File> {
    let file = File::options().create(true).truncate(false).write(true).open(state.join(LOCK))?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock) => {
                let text = format!("the state folder {} is in use by another process", state.display());
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}
