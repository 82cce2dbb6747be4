//! Secret stores and deliveries: each secret has one place, and each place one secret.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use crate::config::model::{SecretStore, SecretTarget, Workspace};
use crate::diagnostic::{Code, Diagnostic, Fix, Help, Span};
use crate::kinds::Kind;
use crate::language::similar::{did_you_mean, nearest};
use crate::language::texts::no_file;
use crate::names::same_key;
use crate::text::shown;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    let mut places: Vec<(Place, Span)> = Vec::new();
    for (target, span) in targets(workspace) {
        let Some(store) = workspace.secret_stores.get(&target.store) else {
            findings.push(unknown(workspace, &target, span));
            continue;
        };
        if store.kind.value == "vault" && target.format.as_deref() == Some("dotenv") {
            findings.push(
                Diagnostic::error(
                    Code::InvalidValue,
                    span,
                    "a Vault store does not support `format: dotenv`",
                )
                .help("remove `format`"),
            );
        }
        let place = Place::of(store, &target, &workspace.root);
        let unusable = if store.kind.value == "file" { no_file(&target.path) } else { None };
        let why = unusable.or_else(|| parts(Path::new(&target.path)).is_empty().then_some("is empty"));
        if let Some(why) = why {
            let message = format!("{} is not a valid path in the store: it {why}", shown(&target.path));
            let found =
                Diagnostic::error(Code::InvalidValue, span, message).help("name a file, e.g. `vpn.json`");
            report(found, findings);
        }
        let together = places.iter().find_map(|(other, first)| Some((other.collides(&place)?, *first)));
        if let Some((collision, first)) = together {
            let (first, second) = if first < span { (first, span) } else { (span, first) };
            report(collision.finding(second).related(first, "the other secret"), findings);
        }
        places.push((place, span));
    }
    findings.extend(operators_key_passed_on(workspace));
}

/// Adds a finding once: two colliding composites collide with each of their applications.
fn report(found: Diagnostic, findings: &mut Vec<Diagnostic>) {
    if !findings.contains(&found) {
        findings.push(found);
    }
}

/// Reports stores whose commands would get duoctl's own key. They must get only the secrets that they store.
fn operators_key_passed_on(workspace: &Workspace) -> Vec<Diagnostic> {
    let own = workspace.secret_variables();
    let found = |store: &SecretStore| {
        let names = store.options.get("environment").and_then(Value::as_array).into_iter().flatten();
        let key = names.filter_map(Value::as_str).find(|name| own.contains(name))?;
        let message = format!("this store passes duoctl's own secret key to its commands in {}", shown(key));
        let finding = Diagnostic::error(Code::InvalidValue, store.span, message);
        Some(finding.help("remove it from `environment`"))
    };
    workspace.secret_stores.values().filter_map(found).collect()
}

/// Every delivery; both applications of a composite have their own.
fn targets(workspace: &Workspace) -> Vec<(SecretTarget, Span)> {
    let applications =
        workspace.of(Kind::Application).values().filter_map(|application| application.secret.as_ref());
    let mut targets: Vec<(SecretTarget, Span)> =
        applications.map(|target| (target.value.clone(), target.span)).collect();
    for entry in workspace.identity_intelligence.values() {
        if let Some(target) = &entry.secret {
            for part in ["admin_api", "auth_api"] {
                targets.push((target.value.part(part), target.span));
            }
        }
    }
    targets
}

/// The actual location of a secret, independent of the store's name.
struct Place {
    store: String,
    folders: bool,
    path: Vec<String>,
}

impl Place {
    fn of(store: &SecretStore, target: &SecretTarget, root: &Path) -> Self {
        let option = |key: &str| store.options.get(key).and_then(Value::as_str).unwrap_or_default();
        let kind = store.kind.value.as_str();
        match kind {
            "file" => Self {
                store: kind.to_owned(),
                folders: true,
                path: parts(&real(&root.join(option("path")).join(&target.path))),
            },
            "vault" => {
                let server = ["address", "namespace", "mount"].map(|key| option(key).trim_matches('/'));
                Self { store: server.join(" "), folders: false, path: parts(Path::new(&target.path)) }
            }
            // Stores with the same command store in the same place.
            _ => Self {
                store: format!("{kind} {}", store.options.get("write").unwrap_or(&Value::Null)),
                folders: false,
                path: parts(Path::new(&target.path)),
            },
        }
    }

    /// Whether two places are the same, or one is a file where the other needs a folder.
    fn collides(&self, other: &Self) -> Option<Collision> {
        let meet = |one: &[String], two: &[String]| {
            let nested = one.starts_with(two) || two.starts_with(one);
            if self.folders { nested } else { one == two }
        };
        let folded = |path: &[String]| -> Vec<String> {
            path.iter().map(|part| same_key(part).to_lowercase()).collect()
        };
        match () {
            () if self.store != other.store => None,
            () if meet(&self.path, &other.path) => Some(Collision::Certain),
            () if self.folders && meet(&folded(&self.path), &folded(&other.path)) => {
                Some(Collision::WhereCaseIsIgnored)
            }
            () => None,
        }
    }
}

/// Whether two places are certainly the same.
enum Collision {
    Certain,
    /// Only on file systems that ignore case or Unicode normalization.
    WhereCaseIsIgnored,
}

impl Collision {
    fn finding(&self, span: Span) -> Diagnostic {
        match self {
            Self::Certain => {
                Diagnostic::error(Code::InvalidValue, span, "two secrets are delivered to the same place")
                    .help("give each its own `path`: otherwise the second overwrites the first")
            }
            Self::WhereCaseIsIgnored => Diagnostic::warning(
                Code::InvalidValue,
                span,
                "two secrets are delivered to the same place on file systems that ignore case",
            )
            .help("use paths that differ by more than case"),
        }
    }
}

/// Resolves the existing part of a path, so that two paths to the same place are equal.
fn real(path: &Path) -> PathBuf {
    let mut real = std::env::current_dir().unwrap_or_default();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                real.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                real.push(part);
                real = real.canonicalize().unwrap_or(real);
            }
        }
    }
    real
}

fn parts(path: &Path) -> Vec<String> {
    let kept = path.components().filter(|part| !matches!(part, Component::CurDir));
    kept.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
}

fn unknown(workspace: &Workspace, target: &SecretTarget, span: Span) -> Diagnostic {
    let names = || workspace.secret_stores.keys().map(String::as_str);
    let help = match (did_you_mean(&target.store, names()), names().next()) {
        (Some(text), _) => {
            let near = nearest(&target.store, names()).map(|near| Fix::Set("store", near.to_owned()));
            Help { text, fixes: near.into_iter().collect() }
        }
        (None, None) => "declare it under `secret_stores`".into(),
        (None, Some(_)) => {
            let names = names().collect::<Vec<_>>().join(", ");
            format!("declare it under `secret_stores`, which has {names}").into()
        }
    };
    let message = format!("there is no secret store {}", shown(&target.store));
    Diagnostic::error(Code::UnknownStore, span, message).help(help)
}
