//! Secret stores, and what is delivered to them: each secret has one place, and each place one secret.

use std::path::{Component, Path};

use serde_json::Value;

use crate::config::model::{SecretStore, SecretTarget, Workspace};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::language::similar::did_you_mean;
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
                    "Vault holds names and values, so it has no `dotenv`",
                )
                .help("leave `format` out"),
            );
        }
        let place = Place::of(store, &target);
        if parts(Path::new(&target.path)).is_empty() {
            let message = format!("{} names no place in the store", shown(&target.path));
            findings.push(
                Diagnostic::error(Code::InvalidValue, span, message).help("name a file, e.g. `vpn.json`"),
            );
        }
        if let Some((_, first)) = places.iter().find(|(other, _)| other.collides(&place)) {
            let (first, second) = if *first < span { (*first, span) } else { (span, *first) };
            let found =
                Diagnostic::error(Code::InvalidValue, second, "two secrets are delivered to one place")
                    .help("give each its own `path`: the second would overwrite the first")
                    .related(first, "the other one");
            // Two composites that collide do so with each of their applications.
            if !findings.contains(&found) {
                findings.push(found);
            }
        }
        places.push((place, span));
    }
    findings.extend(operators_key_passed_on(workspace));
}

/// A store's commands are given what they store, and never the key that duoctl itself uses.
fn operators_key_passed_on(workspace: &Workspace) -> Vec<Diagnostic> {
    let own = workspace.secret_variables();
    let found = |store: &SecretStore| {
        let names = store.options.get("environment").and_then(Value::as_array).into_iter().flatten();
        let key = names.filter_map(Value::as_str).find(|name| own.contains(name))?;
        let message =
            format!("the commands of this store would get duoctl's own secret key, in {}", shown(key));
        let finding = Diagnostic::error(Code::InvalidValue, store.span, message);
        Some(finding.help("leave it out of `environment`"))
    };
    workspace.secret_stores.values().filter_map(found).collect()
}

/// Every delivery; both applications of a composite have their own.
fn targets(workspace: &Workspace) -> Vec<(SecretTarget, Span)> {
    let applications = workspace.applications.values().filter_map(|application| application.secret.as_ref());
    let mut targets: Vec<(SecretTarget, Span)> =
        applications.map(|target| (target.value.clone(), target.span)).collect();
    for entry in workspace.identity_intelligence.values() {
        if let Some(target) = &entry.secrets {
            for part in ["admin_api", "auth_api"] {
                targets.push((target.value.part(part), target.span));
            }
        }
    }
    targets
}

/// Where a secret ends up, whatever the store is called.
struct Place {
    store: String,
    folders: bool,
    path: Vec<String>,
}

impl Place {
    fn of(store: &SecretStore, target: &SecretTarget) -> Self {
        let option = |key: &str| store.options.get(key).and_then(Value::as_str).unwrap_or_default();
        let kind = store.kind.value.as_str();
        match kind {
            "file" => Self {
                store: kind.to_owned(),
                folders: true,
                path: parts(&Path::new(option("path")).join(&target.path)),
            },
            "vault" => {
                let server = ["address", "namespace", "mount"].map(|key| option(key).trim_matches('/'));
                Self { store: server.join(" "), folders: false, path: parts(Path::new(&target.path)) }
            }
            // What runs the same command stores in the same place.
            _ => Self {
                store: format!("{kind} {}", store.options.get("write").unwrap_or(&Value::Null)),
                folders: false,
                path: parts(Path::new(&target.path)),
            },
        }
    }

    /// The same place, or a file where the other one needs a folder.
    fn collides(&self, other: &Self) -> bool {
        let nested = self.path.starts_with(&other.path) || other.path.starts_with(&self.path);
        self.store == other.store && if self.folders { nested } else { self.path == other.path }
    }
}

fn parts(path: &Path) -> Vec<String> {
    let kept = path.components().filter(|part| !matches!(part, Component::CurDir));
    kept.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
}

fn unknown(workspace: &Workspace, target: &SecretTarget, span: Span) -> Diagnostic {
    let names = || workspace.secret_stores.keys().map(String::as_str);
    let help = did_you_mean(&target.store, names()).unwrap_or_else(|| match names().next() {
        None => "declare it under `secret_stores`".to_owned(),
        Some(_) => {
            format!("declare it under `secret_stores`, which has {}", names().collect::<Vec<_>>().join(", "))
        }
    });
    let message = format!("there is no secret store {}", shown(&target.store));
    Diagnostic::error(Code::UnknownStore, span, message).help(help)
}
