//! A connection to Identity Intelligence: how far data flows, check by check (design, section 6;
//! identity-intelligence.md, section 6.5). It claims only what was observed.

use std::time::Duration;

use jiff::Timestamp;

use crate::duo::call::Transport;
use crate::intelligence::console::COLLECTED;
use crate::intelligence::{ADMIN_API, AUTH_API};
use crate::kinds::address::Address;
use crate::reconcile::handoff::Handoff;
use crate::reconcile::plan::Plan;

use super::report::{APPLY, Check, ConnectionReport, PERMISSION, Subject, Verdict};

mod age;
pub mod claim;
mod flow;
mod history;
mod sample;
mod seen;
mod world;

use age::{Change, Entered, Values};
pub(crate) use flow::advice;
use history::History;
use sample::Sample;
use seen::Answer;
pub use world::{Api, Apis, World};

#[cfg(test)]
mod tests;

/// How long a first collection and analysis may take (identity-intelligence.md, section 3).
const GRACE: Duration = Duration::from_secs(24 * 3600);

/// Checks the connection of every form. `operator` reads a few users of the account, to look for them on the other
/// side, and when keys were changed.
pub async fn check_all<T: Transport>(
    operator: &T,
    world: &World<'_>,
    sheets: Vec<&Handoff>,
) -> Vec<ConnectionReport> {
    let sample = match world.apis.iter().any(|(_, api)| matches!(api, Api::Usable(_))) {
        true => sample::users(operator).await,
        false => Sample::default(),
    };
    let mut answers = Vec::new();
    for (entries, api) in world.apis.iter() {
        answers.push((entries.as_slice(), seen::ask(api, &sample).await));
    }
    let history = history(operator, world, &sheets, &answers).await;
    let answer = |sheet: &Handoff| {
        let found = answers.iter().find(|(entries, _)| entries.contains(&sheet.address));
        found.map_or(&Answer::NotDeclared, |(_, answer)| answer)
    };
    let checked = sheets.into_iter().map(|sheet| check(world, sheet, answer(sheet), &sample, &history));
    let mut connections: Vec<ConnectionReport> = checked.collect();
    connections.sort_by(|a, b| a.address.cmp(&b.address));
    connections
}

fn check(
    world: &World<'_>,
    sheet: &Handoff,
    answer: &Answer,
    sample: &Sample,
    history: &History,
) -> ConnectionReport {
    let name = display_name(sheet);
    let mut checks = duo(world, sheet);
    checks.push(console(sheet));
    checks.push(Check::new(
        "the console's switches",
        Verdict::NotVerifiable,
        "no API shows the form: push, endpoints and hostname are known only from the attestation",
    ));
    let (values, grace) = (values(sheet, world, history), in_grace(world.now, sheet));
    let grace = grace.as_deref();
    let subject = flow::Subject { entry: entry(sheet), name: &name, values: &values, grace, now: world.now };
    checks.extend(flow::checks(&subject, answer, sample));
    ConnectionReport { address: sheet.address.clone(), name, checks }
}

/// The name of an entry as people type it.
fn entry(sheet: &Handoff) -> &str {
    sheet.address.as_str().rsplit('.').next().unwrap_or_default()
}

fn display_name(sheet: &Handoff) -> String {
    let name = sheet.fields.iter().find(|field| field.label == "Display name");
    name.and_then(|field| field.value.clone()).unwrap_or_default()
}

/// The part of the activity log that shows whether evidence is newer than a key. It is read from the oldest evidence on,
/// and only if there is an attestation that evidence could be about.
async fn history<T: Transport>(
    operator: &T,
    world: &World<'_>,
    sheets: &[&Handoff],
    answers: &[(&[Address], Answer)],
) -> History {
    let oldest = |(entries, answer): &(&[Address], Answer)| {
        let of_it = sheets.iter().filter(|sheet| entries.contains(&sheet.address));
        let entered = of_it.filter(|sheet| matches!(entered(sheet), Entered::At(_)));
        let names: Vec<String> = entered.map(|sheet| display_name(sheet)).collect();
        answer.oldest(&names)
    };
    match answers.iter().filter_map(oldest).min() {
        Some(from) => History::read(operator, from, world.now, world.log_delay).await,
        None => History::default(),
    }
}

/// What a person attested about the fields that a collection depends on.
fn entered(sheet: &Handoff) -> Entered {
    let Some(attestation) = sheet.attestation() else { return Entered::Never };
    let outstanding = |code: &char| sheet.fields.iter().any(|field| field.code == *code && field.outstanding);
    if COLLECTED.iter().any(outstanding) {
        Entered::Before(attestation.at)
    } else {
        Entered::At(attestation.at)
    }
}

/// When the values of a form were created.
fn values(sheet: &Handoff, world: &World<'_>, history: &History) -> Values {
    let plan = world.plan;
    let admin = sheet.address.part(ADMIN_API);
    let entered = entered(sheet);
    let change = plan.matched().get(&admin).map_or(Change::Unknown, |ikey| history.change(ikey, entered));
    let rotation = plan.rotations().iter().find(|rotation| rotation.address == admin);
    let rotating = rotation.and_then(|rotation| rotation.delivered_at.or(rotation.since));
    Values { entered, change, rotating, now: world.now }
}

/// Why missing data is not a failure yet; `None` when that time is over.
fn in_grace(now: Timestamp, sheet: &Handoff) -> Option<String> {
    if !sheet.is_attested() {
        return Some("the current values are not attested yet".to_owned());
    }
    let at = sheet.attestation()?.at?;
    let age = now.duration_since(at);
    let grace = jiff::SignedDuration::try_from(GRACE).ok()?;
    (age < grace).then(|| format!("attested on {at:.0}; collection and analysis may take up to 24 hours"))
}

/// The checks on Duo's side.
fn duo(world: &World<'_>, sheet: &Handoff) -> Vec<Check> {
    let subject = |part: &str| {
        let address = sheet.address.part(part);
        world.report.subjects.iter().find(|subject| subject.address == address)
    };
    let mut checks =
        vec![Check::new("Duo", Verdict::Verified, format!("{} answers", world.host)), clock(world)];
    let admin = subject(ADMIN_API);
    checks.push(key("Admin API key", admin));
    checks.push(permissions(admin, &sheet.address.part(ADMIN_API), world.plan));
    if sheet.fields.iter().any(|field| field.application == Some(sheet.address.part(AUTH_API))) {
        checks.push(key("Auth API key", subject(AUTH_API)));
    }
    checks
}

fn clock(world: &World<'_>) -> Check {
    match world.clock_offset {
        None => Check::new("clock", Verdict::Verified, "Duo accepts this machine's time"),
        Some(offset) => Check::new(
            "clock",
            Verdict::Verified,
            format!("it differs from Duo's by {offset} s; requests are signed with Duo's time"),
        ),
    }
}

fn key(name: &str, subject: Option<&Subject>) -> Check {
    let Some(subject) = subject else {
        return Check::new(name, Verdict::NotTestable, "the application was left out of this run");
    };
    let about_key = |check: &&Check| !check.name.starts_with(PERMISSION);
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
    let about = |check: &&Check| check.name.starts_with(PERMISSION);
    let differs = plan.steps().iter().any(|step| {
        step.address == *address && step.changes.iter().any(|change| change.field == "permissions")
    });
    if differs {
        // The application's checks know which consents are needed.
        let failed = subject.checks.iter().filter(about).find(|check| check.verdict == Verdict::Failed);
        let fix = failed.and_then(|check| check.fix.clone()).unwrap_or_else(|| APPLY.to_owned());
        return Check::new(name, Verdict::Failed, "the permissions of the key differ from the YAML").fix(fix);
    }
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
                unproven.map(|check| check.name.trim_start_matches(PERMISSION)).collect();
            names.sort_unstable();
            names.dedup();
            let beyond = match names.as_slice() {
                [] => String::new(),
                names => format!("; shown only by Duo: {}", names.join(", ")),
            };
            let detail = format!("every permission that a call can prove is as declared{beyond}");
            Check::new(name, Verdict::Verified, detail)
        }
        None => Check::new(name, Verdict::NotTestable, "nothing is known about them without a valid key"),
    }
}

/// The attestation of the console form.
fn console(sheet: &Handoff) -> Check {
    let name = "console form";
    let entry = entry(sheet);
    if sheet.is_attested() {
        let attestation = sheet.attestation();
        let at = attestation.as_ref().and_then(|attestation| attestation.at);
        let forced = attestation.as_ref().and_then(|attestation| attestation.forced.as_ref());
        let forced =
            forced.map(|reason| format!("; recorded without confirmation by the public API: {reason}"));
        let by = attestation.as_ref().and_then(|attestation| attestation.by.as_ref());
        let detail = format!(
            "a person confirmed that it holds these values{}{}{}",
            at.map(|at| format!(" on {at:.0}")).unwrap_or_default(),
            by.map(|by| format!(" by {by}")).unwrap_or_default(),
            forced.unwrap_or_default()
        );
        return Check::new(name, Verdict::Attested, detail);
    }
    let outstanding: Vec<_> = sheet.fields.iter().filter(|field| field.outstanding).collect();
    let labels: Vec<&str> = outstanding.iter().map(|field| field.label).collect();
    let fix = format!("`duoctl handoff {entry}` shows what to enter; then `duoctl attest {entry}`");
    if sheet.attested.is_none() {
        let why = sheet.lapsed.clone().unwrap_or_else(|| "not attested yet".to_owned());
        return Check::new(name, Verdict::Pending, why).fix(fix);
    }
    let labels = labels.join(", ");
    // A key that stopped working ends the collection. A name, a switch, or a key whose predecessor still works does not.
    let keys = || outstanding.iter().filter(|field| field.application.is_some());
    if keys().any(|field| !field.still_works) {
        let detail = format!("attested for older values; enter again: {labels}");
        return Check::new(name, Verdict::Failed, detail).fix(fix);
    }
    let detail = match keys().next() {
        None => format!("attested for older values; enter again: {labels}"),
        Some(_) => format!(
            "a key is being rotated, and the one in the console still works; enter before the rotation can end: {labels}"
        ),
    };
    Check::new(name, Verdict::Pending, detail).fix(fix)
}
