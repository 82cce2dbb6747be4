//! A plan that `duoctl plan --out` saved, and the arguments that it was made with.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::files;
use crate::config::untrusted::Trust;
use crate::output::document::{self, Document, MadeWith};
use crate::reading::{self, ReadError};
use crate::reconcile::fingerprint::Fingerprint;
use crate::text::quoted;

use super::args::{self, PruneMode};
use super::exit::Failure;

/// The largest plan or report that is read.
pub(super) const MAX_DOCUMENT: u64 = 256 * 1024 * 1024;

/// A plan that `duoctl plan --out` saved.
pub(super) struct SavedPlan {
    file: PathBuf,
    made_with: Option<MadeWith>,
    /// What it was made from.
    pub(super) fingerprint: Fingerprint,
}

impl SavedPlan {
    /// Reads the file if it is a saved plan; YAML files and folders are not.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Failure> {
        if !path.is_file()
            || path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
        {
            return Ok(None);
        }
        let failure = |error: ReadError| Failure::File {
            path: path.to_owned(),
            what: "cannot be read",
            error: error.into(),
        };
        let text = reading::text(path, MAX_DOCUMENT).map_err(failure)?;
        let unusable = |reason: &str| Failure::NoPlan { path: path.to_owned(), reason: reason.to_owned() };
        let value: Value = serde_json::from_str(&text)
            .map_err(|_| unusable("expected a `.yaml` file or a saved plan in JSON"))?;
        match document::read(&value).map_err(|reason| unusable(&reason))? {
            // If both agree, or only the fingerprint is wrong, the comparison with this version reports it.
            Document::Plan(plan)
                if !["", env!("CARGO_PKG_VERSION"), &plan.fingerprint.tool_version]
                    .contains(&plan.tool_version.as_str()) =>
            {
                Err(unusable("it was edited: its `tool_version` differs from that of its fingerprint"))
            }
            Document::Plan(plan) => Ok(Some(Self {
                file: path.to_owned(),
                made_with: plan.made_with,
                fingerprint: plan.fingerprint,
            })),
            other => Err(unusable(&format!("its `kind` is `{}`, not `plan`", other.kind()))),
        }
    }

    /// Its file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// The arguments that the plan was made with, together with the connection and the consents of this call.
    pub(super) fn arguments(&self, args: args::Apply) -> Result<(PathBuf, args::Apply), Failure> {
        let given = !args.selected.only.is_empty()
            || !args.selected.exclude.is_empty()
            || args.pruning.prune.is_some();
        // With `--config`, they state what the plan must be.
        if given && args.config.is_none() {
            let message =
                "--only, --exclude and --prune are part of a saved plan; pass them to `duoctl plan`";
            return Err(Failure::Usage(message.to_owned()));
        }
        let unusable = |reason: String| Failure::NoPlan { path: self.file.clone(), reason };
        let MadeWith { path, from_file, only, exclude, prune } = self
            .made_with
            .clone()
            .ok_or_else(|| unusable("it was not saved with `duoctl plan --out`".to_owned()))?;
        let prune = prune.map(PruneMode::from);
        let selected = args::Selected { only, exclude };
        let places = self.places(&path, from_file.as_deref());
        let path = match &args.config {
            Some(config) => {
                let place = places.iter().find(|place| same_place(place, config));
                self.is_wanted(place.unwrap_or(&PathBuf::from(&path)), prune, &selected, &args)?;
                config.clone()
            }
            None => places.into_iter().find(|place| holds_yaml(place)).ok_or_else(|| {
                let shown = quoted(&path);
                unusable(format!(
                    "cannot find its YAML {shown}, neither relative to this file nor in this folder"
                ))
            })?,
        };
        Ok((path, args::Apply { selected, pruning: args::Pruning { prune }, ..args }))
    }

    /// Where its YAML may be: a plan can be applied from any folder, and moved together with its YAML.
    fn places(&self, path: &str, from_file: Option<&str>) -> Vec<PathBuf> {
        let folder = self.file.parent().unwrap_or(Path::new(""));
        let from_file = from_file.map(|from_file| match (from_file, folder.as_os_str().is_empty()) {
            (".", false) => folder.to_owned(),
            (from_file, _) => folder.join(from_file),
        });
        from_file.into_iter().chain([PathBuf::from(path)]).collect()
    }

    /// Checks that it is the plan that `--config` asks for, made with the arguments of this call.
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
            return unwanted(format!("it was made from {}, but --config is {}", shown(path), shown(config)));
        }
        if prune != args.pruning.prune {
            let made = match prune {
                None => "without --prune",
                Some(PruneMode::Quarantine) => "with --prune",
                Some(PruneMode::Now) => "with --prune=now",
            };
            return unwanted(format!("it was made {made}; with --config, pass the same to `duoctl apply`"));
        }
        if (&selected.only, &selected.exclude) != (&args.selected.only, &args.selected.exclude) {
            let reason = "it was made with a different --only or --exclude; with --config, pass the same to `duoctl apply`";
            return unwanted(reason.to_owned());
        }
        Ok(())
    }
}

/// The path of the YAML from the folder of the file that a plan is saved to.
pub(super) fn from_file(file: &Path, yaml: &Path) -> Option<String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (folder, yaml) = (folder.canonicalize().ok()?, yaml.canonicalize().ok()?);
    let common = folder.components().zip(yaml.components()).take_while(|(one, other)| one == other).count();
    let up = folder.components().skip(common).map(|_| Path::new(".."));
    let down: PathBuf = yaml.components().skip(common).collect();
    let path = up.collect::<PathBuf>().join(down);
    let text = path.to_str()?.trim_end_matches('/').replace('\\', "/");
    Some(if text.is_empty() { ".".to_owned() } else { text })
}

/// Whether a path is a file, or a folder with YAML of a workspace.
pub(super) fn holds_yaml(path: &Path) -> bool {
    path.is_file() || path.is_dir() && !files::find(path, Trust::Full, &mut Vec::new()).files.is_empty()
}

/// Whether two paths lead to the same file or folder, or one to a folder and the other to its `duo.yaml`.
fn same_place(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| {
        let real = path.canonicalize()?;
        let main = real.is_file() && real.file_name().is_some_and(|name| name == "duo.yaml");
        Ok::<_, std::io::Error>(real.parent().filter(|_| main).map(Path::to_owned).unwrap_or(real))
    };
    match (real(one), real(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
