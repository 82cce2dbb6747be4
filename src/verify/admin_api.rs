//! Checks an Admin API application: each permission, held or not, with a call that needs it (duo-api.md, section 5). Each
//! permission gets one check, and a call counts only for what it proves: a call that either of two permissions allows
//! proves neither while Duo shows both as granted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::duo::call::Transport;
use crate::duo::error::DuoError;
use crate::duo::object::Object;
use crate::duo::probe::{PermissionProbe, permission_probes};
use crate::duo::request::title;
use crate::kinds::application::fields::{held_permissions, known_permissions};
use crate::kinds::application::{PERMISSION_PREFIX, UNCERTAIN_PERMISSION};
use crate::kinds::value::parts;

use super::keys::Answer;
use super::report::{APPLY, Check, PERMISSION, SHOWN, Verdict, unproven};

const SECRET_KEY: &str = "secret key";

/// A permission that a read-only call cannot prove: a key that may manage applications may also list them.
const WRITES_ONLY: &str = "integrations";

/// An application, as Duo shows it.
struct Shown {
    /// The permissions that this account knows; empty if Duo shows none.
    known: BTreeSet<String>,
    held: BTreeSet<String>,
    /// Whether the key works only from some networks.
    restricted: bool,
}

impl Shown {
    fn of(integration: &Object) -> Self {
        // Duo answers with text or with a list (trap 12).
        let networks = integration.property("networks_for_api_access").map(parts);
        Self {
            known: known_permissions(integration).into_iter().collect(),
            held: held_permissions(integration),
            restricted: networks.is_some_and(|networks| !networks.is_empty()),
        }
    }

    /// The permissions behind flags, as far as this account knows them.
    fn known<'f>(&self, flags: &[&'f str]) -> Vec<&'f str> {
        let names = flags.iter().filter_map(|flag| flag.strip_prefix(PERMISSION_PREFIX));
        names.filter(|name| self.known.is_empty() || self.known.contains(*name)).collect()
    }
}

/// The permissions that may allow a call.
struct Openers<'p> {
    /// Certainly allow it, and are held.
    held: Vec<&'p str>,
    /// Certainly allow it, and are not held.
    missing: Vec<&'p str>,
    /// Possibly allow it, and are held.
    perhaps: Vec<&'p str>,
}

impl Openers<'static> {
    fn of(probe: &PermissionProbe, shown: &Shown) -> Self {
        let is_held = |name: &&str| shown.held.contains(*name);
        let (held, missing) = shown.known(probe.unlocked_by).into_iter().partition(is_held);
        let perhaps = shown.known(probe.perhaps_unlocked_by).into_iter().filter(is_held).collect();
        Self { held, missing, perhaps }
    }
}

impl<'p> Openers<'p> {
    /// Whether an answer, or a refusal, contradicts what Duo shows.
    fn contradicted_by(&self, refused: bool) -> bool {
        if refused { !self.held.is_empty() } else { self.held.is_empty() && self.perhaps.is_empty() }
    }

    /// Every permission that may have allowed it.
    fn granted(&self) -> Vec<&'p str> {
        self.held.iter().chain(&self.perhaps).copied().collect()
    }
}

/// Proves every permission that a read-only call can prove, and that Duo shows what the YAML declares. `waits` are the
/// pauses before a contradicting call is repeated, because a changed permission may take a moment.
pub async fn check<T: Transport>(
    keyed: &T,
    integration: &Object,
    declared: Option<&BTreeSet<String>>,
    now: Timestamp,
    waits: &[Duration],
) -> Vec<Check> {
    let shown = Shown::of(integration);
    let mut checks = Checks::default();
    for probe in permission_probes(now) {
        match ask(keyed, &probe, &shown, waits).await {
            Ok(found) => found.into_iter().for_each(|check| checks.add(check)),
            // Every other call would give the same answer.
            Err(about_the_key) => {
                checks.add(about_the_key);
                return checks.in_order;
            }
        }
    }
    without_probe(&shown).into_iter().for_each(|check| checks.add(check));
    if let Some(declared) = declared {
        against_yaml(&shown, declared).into_iter().for_each(|check| checks.add(check));
    }
    checks.in_order
}

/// One check for each name: the most informative one.
#[derive(Default)]
struct Checks {
    in_order: Vec<Check>,
    places: BTreeMap<String, usize>,
}

impl Checks {
    fn add(&mut self, check: Check) {
        let place = *self.places.entry(check.name.clone()).or_insert(self.in_order.len());
        match self.in_order.get_mut(place) {
            None => self.in_order.push(check),
            Some(known) if weight(check.verdict) > weight(known.verdict) => *known = check,
            Some(_) => {}
        }
    }
}

/// A failure counts more than a success, and a success more than an open question.
fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Failed => 3,
        Verdict::Inconclusive => 2,
        Verdict::Verified => 1,
        _ => 0,
    }
}

fn about(name: &str, verdict: Verdict, detail: impl Into<String>) -> Check {
    Check::new(format!("{PERMISSION}{name}"), verdict, detail)
}

/// A check that no call can prove: what Duo shows, and why it cannot be proven.
fn untestable(name: &str, granted: bool, why: &str) -> Check {
    let [held, missing] = SHOWN;
    about(name, Verdict::NotTestable, format!("{}{why}", if granted { held } else { missing }))
}

/// The probes prove that a key may do what Duo shows. This proves that Duo shows exactly what the YAML declares.
fn against_yaml(shown: &Shown, declared: &BTreeSet<String>) -> Vec<Check> {
    let missing = declared.difference(&shown.held).map(|name| {
        if shown.known.contains(name) {
            let detail = "the YAML declares it, but Duo shows it as not granted";
            about(name, Verdict::Failed, detail).fix(if name == UNCERTAIN_PERMISSION {
                format!(
                    "{APPLY}; if Duo does not grant it after the creation, grant it in the Duo Admin Panel"
                )
            } else {
                APPLY.to_owned()
            })
        } else {
            let detail = "the YAML declares it, but Duo cannot grant it to this application";
            about(name, Verdict::NotTestable, detail)
        }
    });
    let extra = shown.held.difference(declared).map(|name| {
        let detail =
            "the YAML does not declare it, but Duo shows it as granted: the key may do more than it should";
        about(name, Verdict::Failed, detail).fix(APPLY)
    });
    missing.chain(extra).collect()
}

/// An answer to one probe; the error is about the key itself.
async fn ask<T: Transport>(
    keyed: &T,
    probe: &PermissionProbe,
    shown: &Shown,
    waits: &[Duration],
) -> Result<Vec<Check>, Check> {
    let openers = Openers::of(probe, shown);
    let mut result = keyed.send(&probe.call).await;
    // A key that works only from some networks may be refused permanently.
    for wait in waits.iter().filter(|_| !shown.restricted) {
        let contradicts = match &result {
            Ok(_) => openers.contradicted_by(false),
            Err(error) => Answer::of(error) == Answer::Forbidden && openers.contradicted_by(true),
        };
        if !contradicts {
            break;
        }
        keyed.announce("a permission does not work as Duo shows it; trying again", *wait);
        tokio::time::sleep(*wait).await;
        result = keyed.send(&probe.call).await;
    }
    judge(probe, &openers, result.err(), shown.restricted)
}

fn judge(
    probe: &PermissionProbe,
    openers: &Openers<'_>,
    error: Option<DuoError>,
    restricted: bool,
) -> Result<Vec<Check>, Check> {
    let call = title(&probe.call);
    let Some(error) = error else { return Ok(answered(openers, &call)) };
    match Answer::of(&error) {
        Answer::Forbidden if restricted => Ok(refused_from_here(openers)),
        Answer::Forbidden => Ok(refused(openers, &call, &error)),
        // Duo might refuse a caller from another network in a different way than a caller without a permission.
        Answer::UnknownKey if restricted => Err(Check::new(
            SECRET_KEY,
            Verdict::NotTestable,
            format!(
                "{call} is refused, perhaps because `networks_for_api_access` excludes this machine: {error}"
            ),
        )),
        Answer::WrongSecret => {
            Err(Check::new(SECRET_KEY, Verdict::Failed, format!("the secret key is wrong: {error}"))
                .fix("the key that Duo hands out is not accepted: reset it in Duo"))
        }
        // Duo lists the application, so this is not conclusive; the other calls would give the same answer.
        Answer::UnknownKey => Err(unproven(SECRET_KEY, &error)),
        Answer::WrongType | Answer::Clock | Answer::Refused | Answer::Nothing => {
            let names = openers.held.iter().chain(&openers.missing);
            Ok(names.map(|name| unproven(&format!("{PERMISSION}{name}"), &error)).collect())
        }
    }
}

/// The call was answered. Which permission allowed it?
fn answered(openers: &Openers<'_>, call: &str) -> Vec<Check> {
    let granted = openers.granted();
    let others = |name: &str| {
        let others: Vec<String> =
            granted.iter().filter(|other| **other != name).map(|other| format!("`{other}`")).collect();
        others.join(" and ")
    };
    let opened = granted.iter().filter(|name| **name != WRITES_ONLY).map(|name| match others(name) {
        none if none.is_empty() => about(name, Verdict::Verified, format!("held: {call} answers")),
        others => untestable(name, true, &format!("{call} answers, but {others} may have allowed it")),
    });
    let missing = openers.missing.iter().map(|name| match others(name) {
        none if none.is_empty() => {
            let detail = format!("not granted, but {call} answers: the key may do more than Duo shows");
            let fix = "revoke the permission in the Duo Admin Panel, save, and verify again";
            about(name, Verdict::Failed, detail).fix(fix)
        }
        others => untestable(name, false, &format!("{call} answers, but {others} may have allowed it")),
    });
    opened.chain(missing).collect()
}

/// The call was refused: no permission that certainly allows it is held.
fn refused(openers: &Openers<'_>, call: &str, error: &DuoError) -> Vec<Check> {
    let held = openers.held.iter().map(|name| {
        about(name, Verdict::Failed, format!("granted, but {call} is refused: {error}"))
            .fix("save the permission again in the Duo Admin Panel, and verify again")
    });
    let missing = openers
        .missing
        .iter()
        .map(|name| about(name, Verdict::Verified, format!("not held: {call} is refused")));
    let why = "the call is refused, and it is not documented whether it should be";
    let perhaps = openers.perhaps.iter().filter(|name| **name != WRITES_ONLY);
    held.chain(missing).chain(perhaps.map(|name| untestable(name, true, why))).collect()
}

/// The call was refused, and the key works only from some networks.
fn refused_from_here(openers: &Openers<'_>) -> Vec<Check> {
    let why = "the call is refused, perhaps because `networks_for_api_access` excludes this machine";
    let granted = openers.granted().into_iter().filter(|name| *name != WRITES_ONLY);
    let missing = openers.missing.iter().map(|name| untestable(name, false, why));
    granted.map(|name| untestable(name, true, why)).chain(missing).collect()
}

/// Permissions without a conclusive call: what Duo shows.
fn without_probe(shown: &Shown) -> Vec<Check> {
    let why = "no read-only call proves it";
    shown.known.iter().map(|name| untestable(name, shown.held.contains(name), why)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::keys::tests::{answers, proves_wrong};

    fn openers(held: &'static [&'static str], missing: &'static [&'static str]) -> Openers<'static> {
        Openers { held: held.to_vec(), missing: missing.to_vec(), perhaps: Vec::new() }
    }

    #[test]
    fn a_permission_or_a_key_fails_only_on_an_answer_that_proves_it() {
        let probes = permission_probes(Timestamp::UNIX_EPOCH);
        for error in answers() {
            for (held, missing) in [(&["info"][..], &[][..]), (&[], &["info"])] {
                for restricted in [false, true] {
                    let found = judge(&probes[0], &openers(held, missing), Some(error.clone()), restricted);
                    let checks = found.unwrap_or_else(|about_the_key| vec![about_the_key]);
                    let [check] = checks.as_slice() else { panic!("{checks:?}") };
                    let verdict = match Answer::of(&error) {
                        Answer::Forbidden if restricted => Verdict::NotTestable,
                        Answer::Forbidden if held.is_empty() => Verdict::Verified,
                        Answer::Forbidden => Verdict::Failed,
                        _ if proves_wrong(&error) => Verdict::Failed,
                        Answer::UnknownKey if restricted => Verdict::NotTestable,
                        _ => Verdict::Inconclusive,
                    };
                    assert_eq!(check.verdict, verdict, "{error:?} {restricted}: {check:?}");
                    let resets = check.fix.as_ref().is_some_and(|fix| fix.contains("reset"));
                    assert_eq!(resets, proves_wrong(&error), "{error:?}");
                }
            }
        }
    }

    /// Tests every set of permissions against a model of Duo for each possible reading of its rules: no check claims what
    /// the answers do not prove, and each permission that Duo shows gets exactly one check.
    #[test]
    fn only_what_the_answers_prove_is_said_of_a_permission() {
        let names = [
            "admins",
            "admins_read",
            "info",
            "integrations",
            "integrations_read",
            "read_log",
            "read_resource",
            "settings",
            "settings_read",
            "write_resource",
        ];
        let forbidden =
            || answers().into_iter().find(|error| Answer::of(error) == Answer::Forbidden).unwrap();
        for bits in 0_u32..1 << names.len() {
            let held: BTreeSet<String> = (0..names.len())
                .filter(|place| bits & (1 << place) != 0)
                .map(|place| names[place].to_owned())
                .collect();
            let known = names.map(str::to_owned).into_iter().collect();
            let shown = Shown { known, held: held.clone(), restricted: false };
            for lenient in [false, true] {
                let mut checks = Checks::default();
                for probe in permission_probes(Timestamp::UNIX_EPOCH) {
                    let any = |flags: &[&str]| shown.known(flags).iter().any(|name| held.contains(*name));
                    let open = any(probe.unlocked_by) || (lenient && any(probe.perhaps_unlocked_by));
                    let error = (!open).then(forbidden);
                    let found = judge(&probe, &Openers::of(&probe, &shown), error, false);
                    found.unwrap().into_iter().for_each(|check| checks.add(check));
                }
                without_probe(&shown).into_iter().for_each(|check| checks.add(check));
                let told: Vec<&str> = checks
                    .in_order
                    .iter()
                    .map(|check| check.name.strip_prefix(PERMISSION).unwrap())
                    .collect();
                assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), names.len(), "{told:?}");
                assert_eq!(told.len(), names.len(), "{told:?}");
                for check in &checks.in_order {
                    let name = check.name.strip_prefix(PERMISSION).unwrap();
                    let right = match check.verdict {
                        Verdict::Verified => check.detail.starts_with("held") == held.contains(name),
                        Verdict::NotTestable => {
                            let granted = if held.contains(name) { "granted" } else { "not granted" };
                            check.detail.starts_with(&format!("Duo shows it as {granted}; "))
                        }
                        _ => false,
                    };
                    assert!(right, "{held:?}: {check:?}");
                }
                let sure = ["info", "read_log", "read_resource"];
                let proven = |name: &str| {
                    let named = |check: &&Check| check.name == format!("{PERMISSION}{name}");
                    checks.in_order.iter().find(named).unwrap().verdict == Verdict::Verified
                };
                assert!(sure.into_iter().all(proven), "{held:?}: {:?}", checks.in_order);
            }
        }
    }
}
