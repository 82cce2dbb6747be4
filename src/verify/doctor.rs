//! Whether duoctl itself can work: hostname, TLS, clock, key, permissions; and the way out where it cannot.

use jiff::Timestamp;

use crate::config::model::DuoPlan;
use crate::duo::api::ReadApi as _;
use crate::duo::call::{ApiCall, Transport};
use crate::duo::client::Reader;
use crate::duo::error::DuoError;
use crate::duo::explain::causes;
use crate::duo::probe::auth_ping;
use crate::duo::types::{Ikey, Integration};
use crate::kinds::application::fields::held_permissions;
use crate::reconcile::desired::Desired;

use super::report::{Check, Verdict};

/// From how many seconds on a wrong clock is worth a word, and from how many on Duo may refuse it: about a minute
/// (duo-api.md, corrections to section 1.7).
const CLOCK_WARNING: i64 = 30;
const CLOCK_LIMIT: i64 = 60;

/// What was looked at, and the first call that failed.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// The checks, in the order in which they were made.
    pub checks: Vec<Check>,
    /// Why the first failed call failed.
    pub error: Option<DuoError>,
}

impl Diagnosis {
    /// Whether nothing keeps duoctl from working.
    pub fn healthy(&self) -> bool {
        self.checks.iter().all(|check| check.verdict != Verdict::Failed)
    }

    fn failed(&mut self, name: &str, error: DuoError) {
        let causes = causes(&error);
        let fixes: Vec<String> =
            causes.into_iter().map(|cause| format!("perhaps {}: {}", cause.what, cause.fix)).collect();
        let check = Check::new(name, Verdict::Failed, error.to_string());
        self.checks.push(if fixes.is_empty() { check } else { check.fix(fixes.join("\n")) });
        self.error.get_or_insert(error);
    }
}

/// Looks at everything, each thing once, and stops where nothing further can be learnt.
pub async fn diagnose<T: Transport + Clone>(
    transport: &T,
    desired: &Desired,
    operator: &Ikey,
    now: Timestamp,
) -> Diagnosis {
    let mut found = Diagnosis::default();
    match auth_ping(transport).await {
        Ok(time) => {
            found.checks.push(Check::new(
                "hostname and TLS",
                Verdict::Verified,
                format!("{} answers as Duo", transport.host()),
            ));
            found.checks.push(clock(time.saturating_sub(now.as_second())));
        }
        Err(error) => {
            found.failed("hostname and TLS", error);
            return found;
        }
    }
    let one = [("limit", "1"), ("offset", "0")];
    match transport.send(&ApiCall::get("/admin/v3/integrations", &one)).await {
        Ok(_) => {
            found.checks.push(Check::new(
                "operator key",
                Verdict::Verified,
                format!("{operator} is accepted by the Admin API"),
            ));
            found.checks.push(Check::new(
                "read applications",
                Verdict::Verified,
                "the list of applications answers",
            ));
        }
        Err(error) if error.status() == Some(403) => {
            found.checks.push(Check::new(
                "operator key",
                Verdict::Verified,
                format!("{operator} is known, and its signature is right"),
            ));
            found.failed("read applications", error);
        }
        Err(error) => {
            found.failed("operator key", error);
            return found;
        }
    }
    let reader = Reader::new(transport.clone());
    match reader.integration(operator).await {
        Ok(Some(own)) => found.checks.extend(permissions(&own, desired)),
        Ok(None) => found.checks.push(
            Check::new(
                "permissions",
                Verdict::NotTestable,
                "the operator's own application is not in the list",
            )
            .fix("check in the Duo Admin Panel that it has the permissions that the documentation lists"),
        ),
        Err(error) => found.failed("permissions", error),
    }
    lists(&reader, desired, &mut found).await;
    edition(&reader, desired, &mut found).await;
    found
}

fn clock(offset: i64) -> Check {
    let seconds = offset.unsigned_abs();
    let fix = "synchronise this machine's clock, e.g. with chrony or systemd-timesyncd";
    if offset.abs() >= CLOCK_LIMIT {
        let detail = format!("it is {seconds} s off Duo's; duoctl signs with Duo's time instead");
        Check::new("clock", Verdict::Failed, detail).fix(fix)
    } else if offset.abs() >= CLOCK_WARNING {
        Check::new(
            "clock",
            Verdict::Verified,
            format!("it is {seconds} s off Duo's, within what Duo accepts"),
        )
        .fix(fix)
    } else {
        Check::new("clock", Verdict::Verified, format!("{seconds} s off Duo's"))
    }
}

/// What planning and applying this YAML needs of the operator (duo-api.md, section 5).
fn permissions(own: &Integration, desired: &Desired) -> Vec<Check> {
    let held = held_permissions(own);
    let sets_permissions =
        desired.applications.iter().any(|wanted| wanted.kind.as_deref() == Some("adminapi"));
    let needs = [
        ("read_resource", "Grant resource - Read", "plan reads applications, groups and policies", true),
        (
            "integrations",
            "Grant applications",
            "apply creates and changes applications, verify reads their keys",
            true,
        ),
        (
            "allow_to_set_permissions",
            "Grant set Admin API permissions",
            "apply sets permissions of Admin API applications",
            sets_permissions,
        ),
        (
            "info",
            "Grant read information",
            "the declared plan is compared with the account's",
            desired.plan.is_some(),
        ),
    ];
    let mut checks = Vec::new();
    for (flag, panel, why, needed) in needs {
        let name = format!("permission {flag}");
        checks.push(match (held.contains(flag), needed) {
            (true, _) => Check::new(name, Verdict::Shown, format!("granted: {why}")),
            (false, true) => {
                Check::new(name, Verdict::Failed, format!("Duo shows it as not granted, but {why}"))
                    .fix(format!("tick `{panel}` on the operator's page in the Duo Admin Panel, and save"))
            }
            (false, false) => {
                Check::new(name, Verdict::NotTestable, format!("not granted, and not needed: {why}"))
            }
        });
    }
    checks
}

async fn lists<T: Transport>(reader: &Reader<T>, desired: &Desired, found: &mut Diagnosis) {
    let mut list = |name, outcome: Result<usize, DuoError>, what| match outcome {
        Ok(count) => found.checks.push(Check::new(name, Verdict::Verified, format!("{count} {what}"))),
        Err(error) => found.failed(name, error),
    };
    if desired.applications.iter().any(|wanted| wanted.names_groups()) {
        list("read groups", reader.groups().await.map(|groups| groups.len()), "groups");
    }
    if desired.applications.iter().any(|wanted| wanted.names_policy()) {
        list("read policies", reader.policies().await.map(|policies| policies.len()), "policies");
    }
}

async fn edition<T: Transport>(reader: &Reader<T>, desired: &Desired, found: &mut Diagnosis) {
    let Some(declared) = desired.plan.as_ref() else { return };
    let name = "declared plan";
    let account = match reader.account().await {
        Ok(account) => account,
        Err(error) => return found.failed(name, error),
    };
    found.checks.push(match account.edition {
        None => Check::new(name, Verdict::NotTestable, "the account does not tell its plan to this key"),
        Some(edition) if DuoPlan::from_edition(&edition) == Some(declared.value) => {
            Check::new(name, Verdict::Verified, format!("the account's plan is {edition}"))
        }
        Some(edition) => {
            let detail = format!("the account's plan is {edition}, not the declared one");
            Check::new(name, Verdict::Failed, detail).fix("correct `tenant.plan` in the YAML")
        }
    });
}
