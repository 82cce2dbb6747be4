//! The findings of each file, and which of them the client has.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use gen_lsp_types as lsp;

/// How the client gets the findings of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It asks for them.
    Asked,
    /// They are sent after every check: a client may wait for those of a document that it changed.
    Sent,
    /// They are sent if they are new.
    SentIfNew,
}

#[derive(Debug)]
struct Held {
    root: PathBuf,
    found: Vec<lsp::Diagnostic>,
    /// Another number for other findings.
    number: u64,
    /// The number of those that were sent last, unless they were taken back.
    sent: Option<u64>,
    /// Whether the file belongs to the workspace.
    here: bool,
}

/// The findings of every file of every workspace.
#[derive(Debug, Default)]
pub(super) struct Findings {
    files: BTreeMap<PathBuf, Held>,
    last: u64,
}

impl Findings {
    /// Sets the findings of a workspace: every file of it is there, also without findings.
    pub(super) fn set(&mut self, root: &Path, found: BTreeMap<PathBuf, Vec<lsp::Diagnostic>>) {
        for (file, held) in self.files.iter_mut().filter(|(_, held)| held.root == root) {
            held.here = found.contains_key(file);
        }
        for (file, found) in found {
            let held = self.files.entry(file).or_insert_with(|| Held {
                root: root.to_owned(),
                found: Vec::new(),
                number: 0,
                sent: None,
                here: true,
            });
            root.clone_into(&mut held.root);
            held.here = true;
            if held.number == 0 || held.found != found {
                self.last += 1;
                held.number = self.last;
                held.found = found;
            }
        }
    }

    /// Forgets the workspaces that are not among these.
    pub(super) fn keep(&mut self, roots: &[PathBuf]) {
        self.files.values_mut().filter(|held| !roots.contains(&held.root)).for_each(|held| held.here = false);
    }

    /// The findings of a file and their number.
    pub(super) fn of(&self, file: &Path) -> Option<(&[lsp::Diagnostic], u64)> {
        let held = self.files.get(file).filter(|held| held.here)?;
        Some((&held.found, held.number))
    }

    /// What to send to the client, which then has it.
    pub(super) fn unsent(&mut self, way: impl Fn(&Path) -> Way) -> Vec<(PathBuf, Vec<lsp::Diagnostic>)> {
        let mut send = Vec::new();
        for (file, held) in &mut self.files {
            let way = if held.here { way(file) } else { Way::Asked };
            match way {
                // Nothing is shown twice, and nothing of a file that is gone.
                Way::Asked if held.sent.take().is_some() => send.push((file.clone(), Vec::new())),
                Way::SentIfNew if held.sent == Some(held.number) => {}
                Way::Asked => {}
                Way::Sent | Way::SentIfNew => {
                    held.sent = Some(held.number);
                    send.push((file.clone(), held.found.clone()));
                }
            }
        }
        self.files.retain(|_, held| held.here);
        send
    }

    /// Every file with its findings, of which there are none if the client has them by their number, and those that it has
    /// of files that are gone. `None` if the client has everything.
    pub(super) fn unknown_to<'f>(&'f self, client: &'f HashMap<PathBuf, String>) -> Option<Vec<Report<'f>>> {
        let files = self.files.iter().filter(|(_, held)| held.here).map(|(file, held)| {
            let known = client.get(file).is_some_and(|number| *number == held.number.to_string());
            Report { file, number: Some(held.number), found: (!known).then_some(held.found.as_slice()) }
        });
        let gone = client.keys().filter(|file| self.of(file).is_none());
        let gone = gone.map(|file| Report { file, number: None, found: Some(&[]) });
        let reports: Vec<Report<'_>> = files.chain(gone).collect();
        reports.iter().any(|report| report.found.is_some()).then_some(reports)
    }
}

/// What a client that asks for all findings gets about a file.
#[derive(Debug)]
pub(super) struct Report<'f> {
    pub(super) file: &'f Path,
    pub(super) number: Option<u64>,
    /// `None` if the client has them.
    pub(super) found: Option<&'f [lsp::Diagnostic]>,
}
