//! Secret stores: where secret keys are delivered, and what each store holds now.
//!
//! One file per kind of store, each behind [`store::Store`]. Opening a store does no I/O; it uses its folder, command or
//! server only when it is read or written.

use std::collections::BTreeMap;

use crate::config::model::{SecretStore, SecretTarget, Workspace};
use crate::credentials::Surroundings;

pub mod exec;
pub mod file;
mod git;
pub mod github;
mod mask;
mod options;
pub mod payload;
pub mod store;
pub mod vault;

use payload::{Format, Owner};
use store::{Contents, Place, Store, StoreError};

/// The stores of a workspace, by name.
#[derive(Default)]
pub struct Stores {
    stores: BTreeMap<String, Box<dyn Store>>,
    workspace: String,
    formerly: Option<String>,
}

impl Stores {
    /// Opens the declared stores. Reads nothing yet.
    pub fn open(workspace: &Workspace) -> Self {
        let around = Surroundings::of(workspace);
        let open = |(name, store): (&String, &SecretStore)| (name.clone(), open(name, store, &around));
        Self {
            stores: workspace.secret_stores.iter().map(open).collect(),
            workspace: workspace.name.value.clone(),
            formerly: workspace.formerly.as_ref().map(|former| former.value.clone()),
        }
    }

    /// The workspace.
    pub fn workspace(&self) -> &str {
        &self.workspace
    }

    /// The owner of the keys at the place of an address in an account.
    pub fn owner<'a>(&'a self, address: &'a str, host: &'a str) -> Owner<'a> {
        Owner { workspace: &self.workspace, formerly: self.formerly.as_deref(), address, host }
    }

    /// The store of a target.
    ///
    /// # Errors
    ///
    /// When no store has that name, which a valid workspace rules out.
    pub fn of(&self, target: &SecretTarget) -> Result<&dyn Store, StoreError> {
        let store = self.stores.get(&target.store).map(Box::as_ref);
        store.ok_or_else(|| StoreError::new(format!("there is no secret store {}", target.store)))
    }

    /// What a target holds; `None` if its store is write-only.
    ///
    /// # Errors
    ///
    /// When the store fails: that means neither present nor absent.
    pub async fn read(&self, target: &SecretTarget) -> Result<Option<Contents>, StoreError> {
        let store = self.of(target)?;
        if store.write_only() { Ok(None) } else { store.read(&place(target)).await.map(Some) }
    }
}

/// The place of a target in its store.
pub fn place(target: &SecretTarget) -> Place {
    Place { path: target.path.clone(), format: Format::of(target.format.as_deref()) }
}

/// Where a target is, for people: `file secrets/vpn.json`. Opens nothing.
pub fn describe(stores: &BTreeMap<String, SecretStore>, target: &SecretTarget) -> String {
    match stores.get(&target.store) {
        Some(store) => open(&target.store, store, &Surroundings::default()).describe(&target.path),
        None => format!("{}: {}", target.store, target.path),
    }
}

/// Whether a store is write-only, so that duoctl cannot tell what it holds.
pub fn write_only(store: &SecretStore) -> bool {
    store.kind.value == "exec" && store.options.get("read").is_none()
}

fn open(name: &str, store: &SecretStore, around: &Surroundings) -> Box<dyn Store> {
    match store.kind.value.as_str() {
        "vault" => Box::new(vault::VaultStore::new(&store.options, around)),
        "exec" => Box::new(exec::ExecStore::new(name, &store.options, &around.folder)),
        _ => Box::new(file::FileStore::new(&store.options, &around.folder)),
    }
}
