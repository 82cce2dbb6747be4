//! The settings of the client, and the files that they name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::Value;

use crate::output::document::{Document, PlanDocument, read};
use crate::reading;

use super::snapshot::Snapshot;

/// The name of the snapshot next to the YAML if no setting names one.
const SNAPSHOT: &str = ".duoctl-snapshot.json";

/// The largest file that a setting may name.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The settings; relative paths are relative to the workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    /// A snapshot of names in Duo.
    snapshot: Option<PathBuf>,
    /// A saved plan, or a JSON report of `plan` or `drift`.
    pub(super) plan: Option<PathBuf>,
}

impl Settings {
    /// The settings from what a client sends: the section `duoctl` itself, or a value that contains it.
    pub(super) fn from(value: &Value) -> Self {
        let section = value.get("duoctl").unwrap_or(value);
        let mut settings = Self::deserialize(section).unwrap_or_default();
        for path in [&mut settings.snapshot, &mut settings.plan] {
            path.take_if(|path| path.as_os_str().is_empty());
        }
        settings
    }
}

/// When a file was changed, and its size; `None` if it does not exist.
type Stamp = Option<(SystemTime, u64)>;

fn stamp(path: &Path) -> Stamp {
    std::fs::metadata(path).ok().and_then(|it| Some((it.modified().ok()?, it.len())))
}

/// A file that is read again when it changes.
#[derive(Debug)]
struct Cached<T> {
    path: PathBuf,
    stamp: Stamp,
    value: Option<T>,
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self { path: PathBuf::new(), stamp: None, value: None }
    }
}

impl<T> Cached<T> {
    fn get(&mut self, path: PathBuf, read: impl FnOnce(&str) -> Option<T>) -> Option<&T> {
        let stamp = stamp(&path);
        if path != self.path || stamp != self.stamp {
            let text = stamp.and_then(|_| reading::text(&path, MAX_BYTES).ok());
            *self = Self { path, stamp, value: text.and_then(|text| read(&text)) };
        }
        self.value.as_ref()
    }
}

/// The files that the settings name.
#[derive(Debug, Default)]
pub(super) struct Reports {
    pub(super) settings: Settings,
    snapshot: Cached<Snapshot>,
    plan: Cached<PlanDocument>,
    /// The plans that the client has hints from, as they were.
    hinted: BTreeMap<PathBuf, Stamp>,
}

impl Reports {
    /// Nothing is read yet.
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// The names that exist in Duo, as far as a file tells them.
    pub(super) fn snapshot(&mut self, folder: &Path) -> Option<&Snapshot> {
        let path = self.settings.snapshot.as_deref().unwrap_or(Path::new(SNAPSHOT));
        self.snapshot.get(folder.join(path), Snapshot::read)
    }

    /// Whether a plan has changed since the client got hints from it. Says so once.
    pub(super) fn plan_changed(&mut self) -> bool {
        let mut changed = false;
        for (path, before) in &mut self.hinted {
            let now = stamp(path);
            changed |= *before != now;
            *before = now;
        }
        changed
    }

    /// The plan, or the report of drift.
    pub(super) fn plan(&mut self, folder: &Path) -> Option<&PlanDocument> {
        let path = folder.join(self.settings.plan.as_deref()?);
        self.hinted.insert(path.clone(), stamp(&path));
        let read = |text: &str| match read(&serde_json::from_str(text).ok()?) {
            Ok(Document::Plan(plan) | Document::Drift(plan)) => Some(*plan),
            _ => None,
        };
        self.plan.get(path, read)
    }
}
