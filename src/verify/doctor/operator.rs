//! Checks the operator: its key, and every permission that a command of this workspace needs.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::config::model::DuoPlan;
use crate::duo::api::ReadApi as _;
use crate::duo::call::{ApiCall, Transport};
use crate::duo::catalogue;
use crate::duo::client::Reader;
use crate::duo::error::DuoError;
use crate::duo::object::{Ikey, Kind, ObjectId};
use crate::duo::probe::permission_probes;
use crate::duo::request::title;
use crate::kinds::application::PERMISSION_PREFIX;
use crate::kinds::application::fields::{held_permissions, known_permissions};
use crate::reconcile::desired::Desired;
use crate::verify::needs::{Need, needs};
use crate::verify::report::{Check, PERMISSION as PREFIX, Verdict};

use super::diagnosis::{Diagnosis, Trouble};
use super::kind;

/// The name of the key check.
pub const KEY: &str = "operator key";
const APPLICATIONS: &str = "read applications";
const GROUPS: &str = "read groups";
const POLICIES: &str = "read policies";
const PLAN: &str = "declared plan";

/// The permissions of an application, as Duo shows them.
pub(super) struct Shown {
    /// The permissions that this account knows.
    pub(super) known: Vec<String>,
    /// The permissions that the application holds.
    pub(super) held: BTreeSet<String>,
}

/// Every check of the operator. Reads only.
pub async fn check<T: Transport + Clone>(
    found: &mut Diagnosis,
    transport: &T,
    operator: &Ikey,
    desired: &Desired,
    now: Timestamp,
) {
    let one = [("limit", "1"), ("offset", "0")];
    let readable = match transport.send(&ApiCall::get("/admin/v3/integrations", &one)).await {
        Ok(_) => {
            found.verified(KEY, format!("{operator} is accepted by the Admin API"));
            found.verified(APPLICATIONS, "the list of applications answers");
            true
        }
        Err(error) if error.status() == Some(403) && !is_of_another_kind(&error) => {
            found.verified(KEY, format!("Duo knows {operator} and accepts its signature"));
            found.refused(APPLICATIONS, error);
            false
        }
        Err(error) => {
            key_refused(found, KEY, transport, error).await;
            skip(found, desired, &format!("`{KEY}` failed"));
            return;
        }
    };
    let reader = Reader::new(transport.clone());
    let needs = needs(desired);
    let shown = if readable { shown(found, &reader, operator).await } else { None };
    match &shown {
        Some(shown) => needs.iter().for_each(|need| permission(found, PREFIX, need, shown)),
        None => tried(found, transport, &needs, readable, now).await,
    }
    let failed =
        |name: &str| found.checks.iter().any(|check| check.name == name && check.verdict == Verdict::Failed);
    let resources = format!("{PREFIX}read_resource");
    let without = [APPLICATIONS, &resources].into_iter().find(|name| failed(name));
    lists(found, &reader, desired, without.map(|name| format!("`{name}` failed"))).await;
    let info = shown.is_none_or(|shown| shown.held.contains("info"));
    edition(found, &reader, desired, info).await;
}

/// Skips every check here.
pub fn skip_all(found: &mut Diagnosis, desired: &Desired, reason: &str) {
    found.skipped(KEY, reason);
    skip(found, desired, reason);
}

fn skip(found: &mut Diagnosis, desired: &Desired, reason: &str) {
    found.skipped(APPLICATIONS, reason);
    for need in needs(desired) {
        found.skipped(format!("{PREFIX}{}", need.permission), reason);
    }
    let named = [
        (GROUPS, names_groups(desired)),
        (POLICIES, names_policies(desired)),
        (PLAN, desired.plan.is_some()),
    ];
    for (name, _) in named.into_iter().filter(|(_, declared)| *declared) {
        found.skipped(name, reason);
    }
}

fn is_of_another_kind(error: &DuoError) -> bool {
    crate::verify::keys::Answer::of(error) == crate::verify::keys::Answer::WrongType
}

/// The Admin API does not accept a key. Other calls may show the reason.
pub(super) async fn key_refused<T: Transport>(
    found: &mut Diagnosis,
    name: &str,
    transport: &T,
    error: DuoError,
) {
    match kind::wrong(transport, &error).await {
        Some(wrong) => {
            let check = Check::new(name, Verdict::Failed, wrong.detail).fix(wrong.fix);
            found.failed_with(Trouble::Duo(error), check);
        }
        None => found.refused(name, error),
    }
}

/// The operator's own application, as Duo shows it.
async fn shown<T: Transport>(found: &mut Diagnosis, reader: &Reader<T>, operator: &Ikey) -> Option<Shown> {
    match reader.get(&ObjectId::application(operator)).await {
        Ok(Some(own)) => Some(Shown { known: known_permissions(&own), held: held_permissions(&own) }),
        // The permissions are tested with calls instead.
        Ok(None) => None,
        Err(error) => {
            found.refused("the operator's own application", error);
            None
        }
    }
}

/// Checks one permission by what Duo shows.
pub(super) fn permission(found: &mut Diagnosis, prefix: &str, need: &Need, shown: &Shown) {
    let Need { permission, uses } = need;
    let (name, uses) = (format!("{prefix}{permission}"), uses.join("; "));
    if shown.held.contains(*permission) {
        found.note(Check::new(name, Verdict::Shown, format!("granted: {uses}")));
    } else if shown.known.iter().any(|known| known == permission) {
        found.failed(
            name,
            format!("Duo shows it as not granted, but it is needed: {uses}"),
            tick(permission),
        );
    } else {
        // A tenant that does not know a permission does not require it (trap 21).
        let detail = format!("Duo does not show whether it is granted; needed: {uses}");
        found.note(Check::new(name, Verdict::NotTestable, detail));
    }
}

fn tick(permission: &str) -> String {
    let label = catalogue::permission(permission).map_or(permission, |known| known.label());
    format!("select `{label}` on the application's page in the Duo Admin Panel, and save")
}

/// If Duo does not show the operator its own application, a call that needs the permission is tried.
async fn tried<T: Transport>(
    found: &mut Diagnosis,
    transport: &T,
    needs: &[Need],
    readable: bool,
    now: Timestamp,
) {
    let (probes, mut unprovable) = (permission_probes(now), Vec::new());
    for Need { permission, uses } in needs {
        let (name, uses) = (format!("{PREFIX}{permission}"), uses.join("; "));
        let flag = format!("{PERMISSION_PREFIX}{permission}");
        // The list of applications has already shown this.
        if *permission == "read_resource" && !readable {
            found.skipped(name, &format!("`{APPLICATIONS}` failed"));
            continue;
        }
        let Some(probe) = probes.iter().find(|probe| probe.unlocked_by == [flag.as_str()]) else {
            unprovable.push(name);
            continue;
        };
        let call = title(&probe.call);
        match transport.send(&probe.call).await {
            Ok(_) => found.verified(name, format!("{call} answers: {uses}")),
            Err(error) if error.status() == Some(403) => {
                let detail = format!("{error}; needed: {uses}");
                let check = Check::new(name, Verdict::Failed, detail).fix(tick(permission));
                found.failed_with(Trouble::Duo(error), check);
            }
            Err(error) => found.refused(&name, error),
        }
    }
    for name in unprovable {
        let detail = "no read-only call proves it, and Duo does not show the operator's own application";
        found.note(Check::new(name, Verdict::NotTestable, detail));
    }
}

fn names_groups(desired: &Desired) -> bool {
    desired.objects.iter().any(|wanted| wanted.names_groups())
}

fn names_policies(desired: &Desired) -> bool {
    desired.objects.iter().any(|wanted| wanted.names_policy())
}

async fn lists<T: Transport>(
    found: &mut Diagnosis,
    reader: &Reader<T>,
    desired: &Desired,
    without: Option<String>,
) {
    for (name, declared) in [(GROUPS, names_groups(desired)), (POLICIES, names_policies(desired))] {
        if !declared {
            continue;
        }
        if let Some(reason) = &without {
            found.skipped(name, reason);
            continue;
        }
        let count = match name {
            GROUPS => reader.list(Kind::Group).await.map(|groups| format!("{} groups", groups.len())),
            _ => reader.list(Kind::Policy).await.map(|policies| format!("{} policies", policies.len())),
        };
        match count {
            Ok(count) => found.verified(name, count),
            Err(error) => found.refused(name, error),
        }
    }
}

async fn edition<T: Transport>(found: &mut Diagnosis, reader: &Reader<T>, desired: &Desired, info: bool) {
    let Some(declared) = desired.plan.as_ref() else { return };
    let refused = |check: &Check| check.name == format!("{PREFIX}info") && check.verdict == Verdict::Failed;
    if !info || found.checks.iter().any(refused) {
        return found.skipped(PLAN, &format!("`{PREFIX}info` failed"));
    }
    match reader.account().await.map(|account| account.edition) {
        Err(error) => found.refused(PLAN, error),
        Ok(None) => found.note(Check::new(
            PLAN,
            Verdict::NotTestable,
            "the account does not show its plan to this key",
        )),
        Ok(Some(edition)) if DuoPlan::from_edition(&edition) == Some(declared.value) => {
            found.verified(PLAN, format!("the account's plan is {edition}"));
        }
        Ok(Some(edition)) => found.failed(
            PLAN,
            format!("the account's plan is {edition}, not the declared one"),
            "correct `tenant.plan` in the YAML",
        ),
    }
}
