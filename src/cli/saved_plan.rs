//! A plan that `duoctl plan --out` saved, and the arguments that it was made with.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::output::document::{self, Document, MadeWith};
use crate::reconcile::fingerprint::Fingerprint;
use crate::text::quoted;

use super::args::{self, PruneMode};
use super::exit::Failure;

/// A plan that `duoctl plan --out` saved.
pub(super) struct SavedPlan {
    file: PathBuf,
    made_with: Option<MadeWith>,
    /// What it was made from.
    pub(super) fingerprint: Fingerprint,
}

impl SavedPlan {
    /// Reads the file if it is a saved plan; YAML files and folders are none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Failure> {
        if !path.is_file()
            || path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
        {
            return Ok(None);
        }
        let failure = |error| Failure::File { path: path.to_owned(), what: "cannot be read", error };
        let bytes = std::fs::read(path).map_err(failure)?;
        let unusable = |reason: &str| Failure::NoPlan { path: path.to_owned(), reason: reason.to_owned() };
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|_| unusable("it is neither YAML by its name nor JSON"))?;
        match document::read(&value).map_err(|reason| unusable(&reason))? {
            Document::Plan(plan) => Ok(Some(Self {
                file: path.to_owned(),
                made_with: plan.made_with,
                fingerprint: plan.fingerprint,
            })),
            other => Err(unusable(&format!("its `kind` is `{}`, not `plan`", other.kind()))),
        }
    }

    /// The arguments that the plan was made with, beside those of the connection and the consents.
    pub(super) fn arguments(&self, args: args::Apply) -> Result<(PathBuf, args::Apply), Failure> {
        let given = !args.selected.only.is_empty()
            || !args.selected.exclude.is_empty()
            || args.pruning.prune.is_some();
        // With `--config` they say what the plan may be.
        if given && args.config.is_none() {
            let message =
                "--only, --exclude and --prune are part of a saved plan; give them to `duoctl plan`";
            return Err(Failure::Usage(message.to_owned()));
        }
        let MadeWith { path, only, exclude, prune } = self.made_with.clone().ok_or_else(|| {
            let reason = "it was not saved with `duoctl plan --out`".to_owned();
            Failure::NoPlan { path: self.file.clone(), reason }
        })?;
        let path = PathBuf::from(path);
        let prune = prune.map(PruneMode::from);
        let selected = args::Selected { only, exclude };
        self.is_wanted(&path, prune, &selected, &args)?;
        Ok((path, args::Apply { selected, pruning: args::Pruning { prune }, ..args }))
    }

    /// Whether it is the plan that `--config` asks for, with the arguments that are given here.
    fn is_wanted(
        &self,
        path: &Path,
        prune: Option<PruneMode>,
        selected: &args::Selected,
        args: &args::Apply,
    ) -> Result<(), Failure> {
        let Some(config) = &args.config else { return Ok(()) };
        let unwanted = |reason| Err(Failure::UnwantedPlan { path: self.file.clone(), reason });
        if !same_place(path, config) {
            let shown = |path: &Path| quoted(&path.display().to_string());
            return unwanted(format!("it is of {}, and --config says {}", shown(path), shown(config)));
        }
        if prune != args.pruning.prune {
            let made = match prune {
                None => "without --prune",
                Some(PruneMode::Quarantine) => "with --prune",
                Some(PruneMode::Now) => "with --prune=now",
            };
            return unwanted(format!("it was made {made}; beside --config, give the same to `duoctl apply`"));
        }
        if (&selected.only, &selected.exclude) != (&args.selected.only, &args.selected.exclude) {
            let reason = "it was made with other --only or --exclude; beside --config, give the same to `duoctl apply`";
            return unwanted(reason.to_owned());
        }
        Ok(())
    }
}

/// Whether two paths lead to the same file or folder.
fn same_place(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
