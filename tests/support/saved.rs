//! An account and a folder that are prepared once and copied for each run.
#![allow(dead_code, reason = "each crate of tests uses a part of it")]

use std::fs;
use std::path::Path;

use duoctl::sandbox::account::Account;
use tempfile::TempDir;

use super::{Folder, Server};

pub struct Saved {
    state: TempDir,
    copies: TempDir,
    folder: Folder,
}

impl Saved {
    /// Prepares both with the real binary.
    pub fn new(prepare: impl FnOnce(&Server, &Folder)) -> Self {
        let (state, folder) = (tempfile::tempdir().unwrap(), Folder::empty());
        let server = Server::start();
        *server.account() = Account::open(state.path()).unwrap();
        prepare(&server, &folder);
        Self { state, copies: tempfile::tempdir().unwrap(), folder }
    }

    /// A copy of the account, which no other run has changed.
    pub fn account(&self) -> Account {
        let number = fs::read_dir(self.copies.path()).unwrap().count();
        let copied = self.copies.path().join(number.to_string());
        copy(self.state.path(), &copied);
        Account::open(&copied).unwrap()
    }

    /// A copy of the folder.
    pub fn folder(&self) -> Folder {
        let folder = Folder::empty();
        copy(self.folder.root(), folder.root());
        folder
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
