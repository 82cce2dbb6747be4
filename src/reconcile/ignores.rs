//! Finds `ignore` items whose difference no longer exists: otherwise they would outlive their reason.

use crate::config::declared::Declared;
use crate::config::model::Workspace;
use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::Kind;

use super::desired::{Desired, Wanted};
use super::diff;
use super::matching::{Match, match_all};
use super::observation::Observation;
use super::observed::Observed;
use super::references::References;
use crate::language::address::Place;

/// A warning for each `ignore` whose field already matches the YAML.
pub fn unneeded(workspace: &Workspace, desired: &Desired, observation: &Observation) -> Vec<Diagnostic> {
    let own = |declared: &Declared<'_>| declared.own_ignore && !declared.ignore.is_empty();
    if !workspace.every_declared().any(|declared| own(&declared)) {
        return Vec::new();
    }
    let references = References::new(desired, observation);
    let mut warnings = Vec::new();
    for kind in Kind::ALL {
        let Observed::Present(lives) = observation.objects.of(kind) else { continue };
        let matches = match_all(kind, desired, lives, &observation.held, &observation.proofs);
        let found = desired.of(kind).zip(&matches.matched);
        warnings.extend(found.flat_map(|(wanted, found)| of(workspace, wanted, found, &references)));
    }
    warnings
}

type Found<'a> = Result<Match<'a>, Box<Diagnostic>>;

fn of(workspace: &Workspace, wanted: &Wanted, found: &Found<'_>, references: &References) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    let declared = Place::parse(wanted.address.as_str()).and_then(|place| workspace.declared(place));
    let live = found.as_ref().ok().and_then(|found| found.live.as_ref());
    let (Some(declared), Some(live)) = (declared, live) else { return warnings };
    let open = Wanted { ignore: Vec::new(), ..wanted.clone() };
    let Ok(managed) = diff::managed(&open, references) else { return warnings };
    let marker = live.marker.as_ref().filter(|marker| marker.address == wanted.address);
    let difference = diff::compare(&open, &managed, live.integration, marker, true, references);
    let differs = |field: &str| {
        let changes = difference.changes.iter().filter_map(|change| change.field.split(['.', '[']).next());
        changes.into_iter().any(|changed| changed == field)
    };
    for ignore in declared.ignore.iter().filter(|_| declared.own_ignore) {
        let field = &ignore.value.field;
        let compared = managed.iter().any(|managed| managed.field.name() == field);
        if compared && !differs(field) {
            let message =
                format!("{}: `{field}` matches the YAML, so there is nothing to ignore", wanted.address);
            warnings.push(
                Diagnostic::warning(Code::UnusedIgnore, ignore.span, message)
                    .help("remove the item, or remove the field to let Duo keep its own value"),
            );
        }
    }
    warnings
}
