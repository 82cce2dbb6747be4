//! An Admin API application: each permission by a call that needs it, held and not held (duo-api.md, section 5).

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::duo::call::Transport;
use crate::duo::error::DuoError;
use crate::duo::probe::{PermissionProbe, permission_probes};
use crate::duo::request::title;
use crate::duo::types::Integration;
use crate::kinds::application::fields::{held_permissions, known_permissions};
use crate::kinds::application::{PERMISSION_PREFIX, UNCERTAIN_PERMISSION};
use crate::kinds::value::parts;

use super::keys::Answer;
use super::report::{Check, Verdict, unproven};

/// Proves every permission that a call without effect can prove, and that Duo shows what the YAML declares. `waits` are the pauses before a contradiction is
/// asked about again, since a changed permission may take a moment.
pub async fn check<T: Transport>(
    keyed: &T,
    integration: &Integration,
    declared: Option<&BTreeSet<String>>,
    now: Timestamp,
    waits: &[Duration],
) -> Vec<Check> {
    let held = held_permissions(integration);
    // Duo answers with text or with a list (trap 12).
    let networks = integration.property("networks_for_api_access").map(parts);
    let restricted = networks.is_some_and(|networks| !networks.is_empty());
    let mut checks = Vec::new();
    for probe in permission_probes(now) {
        let check = ask(keyed, &probe, &held, restricted, waits).await;
        let about_the_key = check.name == SECRET_KEY;
        checks.push(check);
        if about_the_key {
            // Every other call would only say the same.
            return checks;
        }
    }
    checks.extend(without_probe(integration, &held));
    if let Some(declared) = declared {
        checks.extend(against_yaml(integration, &held, declared));
    }
    checks
}

/// The probes prove that a key may do what Duo shows; this, that Duo shows what the YAML declares, no less and no more.
fn against_yaml(
    integration: &Integration,
    held: &BTreeSet<String>,
    declared: &BTreeSet<String>,
) -> Vec<Check> {
    let known = known_permissions(integration);
    let check = |name: &String, verdict, detail| Check::new(format!("permission {name}"), verdict, detail);
    let missing = declared.difference(held).map(|name| {
        if known.contains(name) {
            let check = check(name, Verdict::Failed, "the YAML declares it, but Duo shows it as not granted");
            check.fix(if name == UNCERTAIN_PERMISSION {
                "run `duoctl apply`; if Duo does not grant it after the creation, grant it in the Duo Admin Panel"
            } else {
                "run `duoctl apply`"
            })
        } else {
            check(
                name,
                Verdict::NotTestable,
                "the YAML declares it, but Duo cannot grant it to this application",
            )
        }
    });
    let extra = held.difference(declared).map(|name| {
        check(
            name,
            Verdict::Failed,
            "the YAML does not declare it, but Duo shows it as granted: the key may do more than it should",
        )
        .fix("run `duoctl apply`")
    });
    missing.chain(extra).collect()
}

const SECRET_KEY: &str = "secret key";

/// What an answer should be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Answer,
    Refusal,
    Either,
}

async fn ask<T: Transport>(
    keyed: &T,
    probe: &PermissionProbe,
    held: &BTreeSet<String>,
    restricted: bool,
    waits: &[Duration],
) -> Check {
    let any = |flags: &[&str]| {
        flags.iter().filter_map(|flag| flag.strip_prefix(PERMISSION_PREFIX)).any(|flag| held.contains(flag))
    };
    let expected = match (any(probe.unlocked_by), any(probe.perhaps_unlocked_by)) {
        (true, _) => Expected::Answer,
        (false, true) => Expected::Either,
        (false, false) => Expected::Refusal,
    };
    let mut result = keyed.send(&probe.call).await;
    // A key that works from some networks only may be refused for good.
    for wait in waits.iter().filter(|_| !restricted) {
        let contradicts = match &result {
            Ok(_) => expected == Expected::Refusal,
            Err(error) => Answer::of(error) == Answer::Forbidden && expected == Expected::Answer,
        };
        if !contradicts {
            break;
        }
        keyed.announce("a permission does not work as Duo shows it, and is tried again", *wait);
        tokio::time::sleep(*wait).await;
        result = keyed.send(&probe.call).await;
    }
    judge(probe, expected, result.err(), restricted)
}

fn judge(probe: &PermissionProbe, expected: Expected, error: Option<DuoError>, restricted: bool) -> Check {
    let short = |flag: &&str| flag.strip_prefix(PERMISSION_PREFIX).unwrap_or(flag).to_owned();
    let name = format!("permission {}", probe.unlocked_by.iter().map(short).collect::<Vec<_>>().join(" or "));
    let call = title(&probe.call);
    match (error, expected) {
        (None, Expected::Answer | Expected::Either) => {
            Check::new(name, Verdict::Verified, format!("held: {call} answers"))
        }
        (None, Expected::Refusal) => Check::new(
            name,
            Verdict::Failed,
            format!("not granted, but {call} answers: the key may do more than Duo shows"),
        )
        .fix("revoke the permission in the Duo Admin Panel, save, and verify again"),
        (Some(error), expected) if Answer::of(&error) == Answer::Forbidden => match expected {
            Expected::Answer if restricted => Check::new(
                name,
                Verdict::NotTestable,
                format!(
                    "{call} is refused, perhaps because `networks_for_api_access` leaves this machine out"
                ),
            ),
            Expected::Answer => {
                Check::new(name, Verdict::Failed, format!("granted, but {call} is refused: {error}"))
                    .fix("save the permission once more in the Duo Admin Panel, and verify again")
            }
            Expected::Either => Check::new(
                name,
                Verdict::NotTestable,
                format!("{call} is refused; whether it should be is not documented"),
            ),
            Expected::Refusal if restricted => Check::new(
                name,
                Verdict::NotTestable,
                format!("{call} is refused, as `networks_for_api_access` may do too"),
            ),
            Expected::Refusal => Check::new(name, Verdict::Verified, format!("not held: {call} is refused")),
        },
        // Nothing says that Duo refuses a caller from elsewhere as one without a permission.
        (Some(error), _) if restricted && Answer::of(&error) == Answer::UnknownKey => Check::new(
            SECRET_KEY,
            Verdict::NotTestable,
            format!(
                "{call} is refused, perhaps because `networks_for_api_access` leaves this machine out: {error}"
            ),
        ),
        (Some(error), _) => match Answer::of(&error) {
            Answer::WrongSecret => {
                Check::new(SECRET_KEY, Verdict::Failed, format!("the secret key is wrong: {error}"))
                    .fix("the key that Duo hands out is not accepted: reset it in Duo")
            }
            // Duo's list has the application, so this says nothing for certain; the other calls would say the same.
            Answer::UnknownKey => unproven(SECRET_KEY, &error),
            _ => unproven(&name, &error),
        },
    }
}

/// Permissions that no call without effect can prove: what Duo shows of them.
fn without_probe(integration: &Integration, held: &BTreeSet<String>) -> Vec<Check> {
    let probes = permission_probes(Timestamp::UNIX_EPOCH);
    let probed: BTreeSet<&str> = probes
        .iter()
        .flat_map(|probe| probe.unlocked_by.iter().chain(probe.perhaps_unlocked_by))
        .filter_map(|flag| flag.strip_prefix(PERMISSION_PREFIX))
        .filter(|flag| *flag != "integrations")
        .collect();
    known_permissions(integration)
        .into_iter()
        .filter(|name| !probed.contains(name.as_str()))
        .map(|name| {
            let shown = if held.contains(&name) { "granted" } else { "not granted" };
            let detail = format!("Duo shows it as {shown}; no call without effect proves it");
            Check::new(format!("permission {name}"), Verdict::NotTestable, detail)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::keys::tests::{answers, proves_wrong};

    #[test]
    fn a_permission_or_a_key_fails_only_on_an_answer_that_proves_it() {
        let probes = permission_probes(Timestamp::UNIX_EPOCH);
        for error in answers() {
            for expected in [Expected::Answer, Expected::Refusal, Expected::Either] {
                for restricted in [false, true] {
                    let check = judge(&probes[0], expected, Some(error.clone()), restricted);
                    let forbidden = Answer::of(&error) == Answer::Forbidden;
                    let verdict = if forbidden {
                        match expected {
                            Expected::Answer if !restricted => Verdict::Failed,
                            Expected::Refusal if !restricted => Verdict::Verified,
                            _ => Verdict::NotTestable,
                        }
                    } else if proves_wrong(&error) {
                        Verdict::Failed
                    } else if restricted && Answer::of(&error) == Answer::UnknownKey {
                        Verdict::NotTestable
                    } else {
                        Verdict::Inconclusive
                    };
                    assert_eq!(check.verdict, verdict, "{error:?} {restricted}: {check:?}");
                    let resets = check.fix.is_some_and(|fix| fix.contains("reset"));
                    assert_eq!(resets, proves_wrong(&error), "{error:?}");
                }
            }
        }
    }
}
