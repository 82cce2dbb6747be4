//! The sandbox's memory: named collections of JSON objects, kept in memory and in an append-only journal.
//!
//! A write is one line of the journal, flushed before the reply is sent. A kill during a write loses at most that write: an
//! incomplete last line is dropped on the next start. The journal is compacted on start.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The file in a state folder that contains everything.
pub(super) const JOURNAL: &str = "journal.jsonl";

#[derive(Serialize, Deserialize)]
struct Record {
    collection: String,
    id: String,
    /// `None` removes the object.
    value: Option<Value>,
}

/// JSON objects by id.
pub(super) type Collection = BTreeMap<String, Value>;

/// Collections of JSON objects, each by id.
pub struct Store {
    collections: BTreeMap<String, Collection>,
    journal: Option<File>,
}

/// Shows only collections and their sizes: the objects contain secret keys.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.collections.iter().map(|(name, items)| (name, items.len()))).finish()
    }
}

impl Store {
    /// A store that exists only in memory.
    pub fn in_memory() -> Self {
        Self { collections: BTreeMap::new(), journal: None }
    }

    /// Opens or creates the store of an existing state folder.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(JOURNAL);
        let mut store = Self::in_memory();
        if path.exists() {
            store.replay(&path)?;
        }
        store.journal = Some(store.compact(folder, path)?);
        Ok(store)
    }

    fn replay(&mut self, path: &Path) -> io::Result<()> {
        for line in BufReader::new(File::open(path)?).split(b'\n') {
            // Only the last line can be incomplete: every line before it was flushed.
            let Ok(record) = serde_json::from_slice::<Record>(&line?) else { continue };
            self.set(record.collection, record.id, record.value);
        }
        Ok(())
    }

    fn compact(&self, folder: &Path, path: PathBuf) -> io::Result<File> {
        let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
        let mut buffer = io::BufWriter::new(fresh.as_file_mut());
        for (collection, items) in &self.collections {
            for (id, value) in items {
                let record =
                    Record { collection: collection.clone(), id: id.clone(), value: Some(value.clone()) };
                serde_json::to_writer(&mut buffer, &record)?;
                buffer.write_all(b"\n")?;
            }
        }
        buffer.flush()?;
        drop(buffer);
        fresh.persist(&path).map_err(|error| error.error)?;
        OpenOptions::new().append(true).open(path)
    }

    fn set(&mut self, collection: String, id: String, value: Option<Value>) {
        let items = self.collections.entry(collection).or_default();
        match value {
            Some(value) => items.insert(id, value),
            None => items.remove(&id),
        };
    }

    fn write(&mut self, collection: &str, id: &str, value: Option<Value>) -> io::Result<()> {
        let record = Record { collection: collection.to_owned(), id: id.to_owned(), value };
        if let Some(journal) = &mut self.journal {
            let mut line = serde_json::to_vec(&record)?;
            line.push(b'\n');
            journal.write_all(&line)?;
        }
        self.set(record.collection, record.id, record.value);
        Ok(())
    }

    /// All objects of a collection in the order of their ids.
    pub fn list(&self, collection: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.collections.get(collection).into_iter().flatten().map(|(id, value)| (id.as_str(), value))
    }

    /// How many objects a collection contains.
    pub fn count(&self, collection: &str) -> usize {
        self.collections.get(collection).map_or(0, BTreeMap::len)
    }

    /// A copy of a collection.
    pub(super) fn collection(&self, collection: &str) -> Collection {
        self.collections.get(collection).cloned().unwrap_or_default()
    }

    /// Replaces a collection in memory only, and returns the previous one.
    pub(super) fn exchange(&mut self, collection: &str, other: Collection) -> Collection {
        std::mem::replace(self.collections.entry(collection.to_owned()).or_default(), other)
    }

    /// A copy in memory, without the journal.
    pub(super) fn copy(&self) -> Self {
        Self { collections: self.collections.clone(), journal: None }
    }

    /// One object.
    pub fn get(&self, collection: &str, id: &str) -> Option<&Value> {
        self.collections.get(collection)?.get(id)
    }

    /// Creates or replaces one object.
    pub fn put(&mut self, collection: &str, id: &str, value: Value) -> io::Result<()> {
        self.write(collection, id, Some(value))
    }

    /// Removes one object; a missing object is not an error.
    pub fn remove(&mut self, collection: &str, id: &str) -> io::Result<()> {
        self.write(collection, id, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn state_survives_a_restart_and_an_unfinished_last_line() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        store.put("groups", "DG1", json!({"name": "Staff"})).unwrap();
        store.put("groups", "DG2", json!({"name": "Guests"})).unwrap();
        store.remove("groups", "DG2").unwrap();
        drop(store);
        let mut journal = OpenOptions::new().append(true).open(folder.path().join(JOURNAL)).unwrap();
        journal.write_all(br#"{"collection":"groups","id":"DG3","val"#).unwrap();
        // Windows cannot replace an open file.
        drop(journal);
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.list("groups").collect::<Vec<_>>(), [("DG1", &json!({"name": "Staff"}))]);
    }
}
