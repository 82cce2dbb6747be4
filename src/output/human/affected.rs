//! Who is affected by a step, for people.

use std::fmt::Write as _;

use crate::output::paint::Paint;
use crate::reconcile::impact::{Affected, Bound, Headcount, SharedPolicy, Sharing, Survey};
use crate::text::{counted, quoted, safe};

/// How many applications that share a policy are named.
const NAMED: usize = 5;

/// Adds who gains and loses access, and who shares a policy.
pub(crate) fn render(text: &mut String, affected: &Affected, paint: Paint) {
    if affected.access_changes {
        people(text, &affected.gains, "gain access", "gains access", paint);
        people(text, &affected.loses, "lose access", "loses access", paint);
        if affected.gains.is_nobody() && affected.loses.is_nobody() {
            let _ = writeln!(text, "    {} no user gains or loses access", paint.calm("@"));
        }
    }
    let Some(policy) = &affected.policy else { return };
    people(text, &policy.users, "log in under another policy", "logs in under another policy", paint);
    if policy.users.is_nobody() {
        let _ = writeln!(text, "    {} no user may log in under the policy", paint.calm("@"));
    }
    for (shared, what) in [(&policy.from, "is used by"), (&policy.to, "is used by")] {
        if let Some(shared) = shared {
            sharing(text, shared, what, paint);
        }
    }
}

fn people(text: &mut String, count: &Headcount, many: &str, one: &str, paint: Paint) {
    let number = match count.bound {
        _ if count.is_nobody() => return,
        Bound::Exactly => String::new(),
        Bound::AtLeast if count.count > 0 => "at least ".to_owned(),
        Bound::AtMost => "at most ".to_owned(),
        Bound::AtLeast | Bound::Unknown => {
            let _ = writeln!(text, "    {} the number of users who {many} is unknown", paint.calm("@"));
            return;
        }
    };
    let (users, verb) = if count.count == 1 { ("user", one) } else { ("users", many) };
    let _ = write!(text, "    {} {number}{} {users} {verb}", paint.calm("@"), count.count);
    if !count.first.is_empty() {
        let names: Vec<String> = count.first.iter().map(|name| safe(name)).collect();
        let _ = write!(text, ": {}", names.join(", "));
        let more = count.count.saturating_sub(count.first.len());
        if more > 0 {
            let _ = write!(text, " and {more} more");
        }
    }
    text.push('\n');
}

fn sharing(text: &mut String, shared: &SharedPolicy, what: &str, paint: Paint) {
    let name = quoted(shared.name.as_deref().unwrap_or(shared.policy_key.as_str()));
    let others = match shared.shared_with.len() {
        0 => "no other application".to_owned(),
        count => counted(count, "other application", "other applications"),
    };
    let _ = write!(text, "    {} the policy {name} {what} {others}", paint.calm("@"));
    let named: Vec<String> = shared.shared_with.iter().take(NAMED).map(application).collect();
    if !named.is_empty() {
        let _ = write!(text, ": {}", named.join(", "));
        let more = shared.shared_with.len().saturating_sub(NAMED);
        if more > 0 {
            let _ = write!(text, " and {more} more");
        }
    }
    text.push('\n');
}

fn application(sharing: &Sharing) -> String {
    match &sharing.address {
        Some(address) => safe(address.as_str()),
        None => format!("{} {} (unmanaged)", quoted(&sharing.name), safe(sharing.integration_key.as_str())),
    }
}

/// Lists the limits of the counting.
pub(crate) fn survey(text: &mut String, survey: &Survey, paint: Paint) {
    let title = paint.notice("who is affected:");
    let mut said = false;
    let mut say = |line: String| {
        let _ = writeln!(text, "{title} {line}");
        said = true;
    };
    if survey.budget == 0 {
        let why = "users are not counted with --impact-budget 0 or --untrusted, or without the permission to read them";
        say(why.to_owned());
    } else if survey.exhausted {
        say(format!("counting stopped after {} requests; --impact-budget N allows more", survey.requests));
    }
    for problem in &survey.problems {
        say(safe(problem));
    }
    if survey.counts_disabled && survey.budget > 0 && survey.problems.is_empty() {
        say("disabled and locked-out users are counted, too: --impact-budget is too small to check every user".to_owned());
    }
    if said {
        text.push('\n');
    }
}
