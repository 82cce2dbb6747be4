//! The ladder of Identity Intelligence: how far the data really flows, rung by rung (design, section 6;
//! identity-intelligence.md, section 6.5). Nothing is claimed beyond what was seen.

use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::Timestamp;

use crate::duo::call::Transport;
use crate::intelligence::{ADMIN_API, AUTH_API};
use crate::reconcile::address::Address;
use crate::reconcile::handoff::Handoff;
use crate::reconcile::plan::Plan;

use super::report::{Check, Ladder, Subject, Verdict};

mod flow;
mod sample;
mod world;

use sample::Sample;
pub use world::{Api, World};

/// How long a first collection and analysis may take (identity-intelligence.md, section 3).
const GRACE: Duration = Duration::from_secs(24 * 3600);

/// Climbs the ladder of every form. `operator` reads a few users of the account, to look for them on the other side.
pub async fn climb_all<T: Transport>(operator: &T, world: &World<'_>, sheets: Vec<&Handoff>) -> Vec<Ladder> {
    let sample = match world.api {
        Api::Usable(_) => sample::users(operator).await,
        Api::NotDeclared | Api::Unusable(_) => Sample::default(),
    };
    let climbs = sheets.into_iter().map(|sheet| climb(world, sheet, &sample));
    let mut ladders: Vec<Ladder> = futures_util::stream::iter(climbs).buffered(4).collect().await;
    ladders.sort_by(|a, b| a.address.cmp(&b.address));
    ladders
}

async fn climb(world: &World<'_>, sheet: &Handoff, sample: &Sample) -> Ladder {
    let name = sheet.fields.iter().find(|field| field.label == "Display name");
    let name = name.and_then(|field| field.value.clone()).unwrap_or_default();
    let mut rungs = duo(world, sheet);
    rungs.push(console(sheet));
    rungs.push(Check::new(
        "the console's switches",
        Verdict::NotVerifiable,
        "no API shows the form: for push, endpoints and hostname only the attestation speaks",
    ));
    let grace = in_grace(world.now, sheet);
    rungs.extend(flow::rungs(world, sheet, &name, sample, grace).await);
    Ladder { address: sheet.address.clone(), name, rungs }
}

/// Until when missing data is no failure; `None` when that time is over.
fn in_grace(now: Timestamp, sheet: &Handoff) -> Option<String> {
    if !sheet.is_attested() {
        return Some("nobody has attested yet that the console holds these values".to_owned());
    }
    let at = sheet.attestation()?.at?;
    let age = now.duration_since(at);
    let grace = jiff::SignedDuration::try_from(GRACE).ok()?;
    (age < grace).then(|| format!("attested on {at:.0}; collection and analysis may take up to 24 hours"))
}

/// The rungs on Duo's side.
fn duo(world: &World<'_>, sheet: &Handoff) -> Vec<Check> {
    let subject = |part: &str| {
        let address = sheet.address.part(part);
        world.report.subjects.iter().find(|subject| subject.address == address)
    };
    let mut rungs =
        vec![Check::new("Duo", Verdict::Verified, format!("{} answers", world.host)), clock(world)];
    let admin = subject(ADMIN_API);
    rungs.push(key("Admin API key", admin));
    rungs.push(permissions(admin, &sheet.address.part(ADMIN_API), world.plan));
    if sheet.fields.iter().any(|field| field.application == Some(sheet.address.part(AUTH_API))) {
        rungs.push(key("Auth API key", subject(AUTH_API)));
    }
    rungs
}

fn clock(world: &World<'_>) -> Check {
    match world.clock_offset {
        None => Check::new("clock", Verdict::Verified, "Duo accepts this machine's time"),
        Some(offset) => Check::new(
            "clock",
            Verdict::Verified,
            format!("it is {offset} s off Duo's; requests are signed with Duo's time"),
        ),
    }
}

fn key(name: &str, subject: Option<&Subject>) -> Check {
    let Some(subject) = subject else {
        return Check::new(name, Verdict::NotTestable, "the application was left out of this run");
    };
    let about_key = |check: &&Check| !check.name.starts_with("permission ");
    let bad = subject.checks.iter().filter(about_key).find(|check| check.verdict != Verdict::Verified);
    match bad {
        Some(check) => Check { name: name.to_owned(), ..check.clone() },
        None => {
            let ikey = subject.ikey.as_ref().map(ToString::to_string).unwrap_or_default();
            Check::new(name, Verdict::Verified, format!("Duo accepts {ikey}"))
        }
    }
}

fn permissions(subject: Option<&Subject>, address: &Address, plan: &Plan) -> Check {
    let name = "permissions";
    let Some(subject) = subject else {
        return Check::new(name, Verdict::NotTestable, "the application was left out of this run");
    };
    let differs = plan.steps().iter().any(|step| {
        step.address == *address && step.changes.iter().any(|change| change.field == "permissions")
    });
    if differs {
        return Check::new(name, Verdict::Failed, "the key may do more or less than the YAML says")
            .fix("run `duoctl apply`");
    }
    let about = |check: &&Check| check.name.starts_with("permission ");
    let worst = subject.checks.iter().filter(about).max_by_key(|check| check.verdict);
    match worst {
        Some(check) if check.verdict > Verdict::NotTestable => Check {
            name: name.to_owned(),
            detail: format!("{}: {}", check.name, check.detail),
            ..check.clone()
        },
        Some(_) => {
            let unproven = subject.checks.iter().filter(about);
            let unproven = unproven.filter(|check| check.verdict == Verdict::NotTestable);
            let mut names: Vec<&str> =
                unproven.map(|check| check.name.trim_start_matches("permission ")).collect();
            names.sort_unstable();
            names.dedup();
            let beyond = match names.as_slice() {
                [] => String::new(),
                names => format!("; only Duo's own word for {}", names.join(", ")),
            };
            let detail = format!("what a call can prove is as declared, and no more{beyond}");
            Check::new(name, Verdict::Verified, detail)
        }
        None => Check::new(name, Verdict::NotTestable, "without a valid key nothing is known of them"),
    }
}

/// What a person said of the console.
fn console(sheet: &Handoff) -> Check {
    let name = "console form";
    let entry = sheet.address.as_str().rsplit('.').next().unwrap_or_default();
    if sheet.is_attested() {
        let attestation = sheet.attestation();
        let at = attestation.as_ref().and_then(|attestation| attestation.at);
        let by = attestation.and_then(|attestation| attestation.by).map(|by| format!(" by {by}"));
        let at = at.map(|at| format!(" on {at:.0}"));
        let detail = format!(
            "a person says that it holds these values{}{}",
            at.unwrap_or_default(),
            by.unwrap_or_default()
        );
        return Check::new(name, Verdict::Attested, detail);
    }
    let outstanding: Vec<_> = sheet.fields.iter().filter(|field| field.outstanding).collect();
    let labels: Vec<&str> = outstanding.iter().map(|field| field.label).collect();
    let fix = format!("`duoctl handoff {entry}` shows what to enter; then `duoctl attest {entry}`");
    if sheet.attested.is_none() {
        return Check::new(name, Verdict::Pending, "nobody has attested it yet").fix(fix);
    }
    let detail = format!("attested for older values; to be entered again: {}", labels.join(", "));
    // A key that changed stops the collection; a name or a switch does not.
    let breaks = outstanding.iter().any(|field| field.application.is_some());
    Check::new(name, if breaks { Verdict::Failed } else { Verdict::Pending }, detail).fix(fix)
}
