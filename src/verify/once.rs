//! What is found out once in a run, however many tasks need it at the same time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

/// One value for each name.
#[derive(Debug)]
pub(super) struct OncePer<V>(Mutex<BTreeMap<String, Arc<OnceCell<V>>>>);

impl<V> Default for OncePer<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V: Clone> OncePer<V> {
    /// The value; the first caller makes it, and the others wait for it.
    pub(super) async fn get(&self, name: &str, make: impl Future<Output = V>) -> V {
        let cell = Arc::clone(
            self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name.to_owned()).or_default(),
        );
        cell.get_or_init(|| make).await.clone()
    }
}
