//! What was verified, for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::output::document::{ApplicationDocument, ConnectionDocument, VerifyDocument};
use crate::output::paint::Paint;
use crate::text::{counted, quoted, safe};
use crate::verify::report::{Check, PERMISSION, SHOWN, Verdict};

use super::many::{MANY, few};
use super::plan;
use super::style::Style;
use super::verdict::{fix, word};

/// Every application, every connection, what was left out, and the last line.
pub(super) fn render(verify: &VerifyDocument, style: Style) -> String {
    let mut text = body(verify, style);
    let pending = verify.left_out_pending.as_ref().map_or(0, Vec::len);
    if let Some(sentence) = plan::left_out(verify.left_out.as_deref().unwrap_or_default(), pending) {
        let _ = writeln!(text, "{sentence}");
    }
    let _ = writeln!(text, "{}", verify.last_line());
    text
}

/// Every application and every connection.
pub(super) fn body(verify: &VerifyDocument, style: Style) -> String {
    let mut text = String::new();
    let many = !style.every && verify.applications.len() >= MANY;
    let mut untestable: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for application in &verify.applications {
        if let Some(reason) = reason(application) {
            *untestable.entry((&application.kind, reason)).or_default() += 1;
        }
    }
    // The reason is given once for each type.
    let repeated = |application: &ApplicationDocument| {
        let alike =
            reason(application).and_then(|reason| untestable.get(&(application.kind.as_str(), reason)));
        !style.every && alike.is_some_and(|count| *count > 1)
    };
    let (summed, whole): (Vec<_>, Vec<_>) = verify
        .applications
        .iter()
        .partition(|application| repeated(application) || (many && !application.verdict.is_amiss()));
    summary(&mut text, &summed, style.paint);
    for application in whole {
        application_text(&mut text, application, style);
    }
    for connection in &verify.identity_intelligence {
        connection_text(&mut text, connection, style.paint);
    }
    text
}

/// Checks that passed or could not be tested, by verdict and type; `-v` shows each check on its own line.
fn summary(text: &mut String, applications: &[&ApplicationDocument], paint: Paint) {
    let mut groups: BTreeMap<(&str, &str, Option<&str>), Vec<&ApplicationDocument>> = BTreeMap::new();
    for application in applications {
        let group = (application.verdict.words(), application.kind.as_str(), reason(application));
        groups.entry(group).or_default().push(application);
    }
    for ((_, kind, reason), alike) in groups {
        let Some(first) = alike.first() else { continue };
        let (verdict, count) =
            (word(first.verdict, paint), counted(alike.len(), "application", "applications"));
        let named = few(alike.iter().map(|application| application.address.as_str()));
        let _ = writeln!(text, "{verdict} {count} of type {}: {named}", safe(kind));
        if let Some(reason) = reason {
            let _ = writeln!(text, "    {}", safe(reason));
            first.checks.iter().take(1).for_each(|check| fix(text, check, "      "));
        }
    }
}

/// Why nothing of an application could be tested, if that is so.
fn reason(application: &ApplicationDocument) -> Option<&str> {
    let check = application.checks.first()?;
    (application.verdict == Verdict::NotTestable).then_some(check.detail.as_str())
}

fn connection_text(text: &mut String, connection: &ConnectionDocument, paint: Paint) {
    let address = paint.strong(&safe(&connection.address));
    let _ = writeln!(text, "connection {address}  {}", quoted(&connection.display_name));
    for (number, check) in connection.checks.iter().enumerate() {
        let (name, verdict) = (safe(&check.name), word(check.verdict, paint));
        let _ = writeln!(text, "  {:2}. {name}: {verdict}: {}", number + 1, safe(&check.detail));
        fix(text, check, "        ");
    }
    let _ = match &connection.reached {
        Some(name) => writeln!(text, "      works up to: {}", paint.strong(&safe(name))),
        None => writeln!(text, "      nothing works yet"),
    };
}

fn application_text(text: &mut String, application: &ApplicationDocument, style: Style) {
    let Style { paint, every } = style;
    let (verdict, address) = (word(application.verdict, paint), paint.strong(&safe(&application.address)));
    let (name, kind) = (quoted(&application.name), safe(&application.kind));
    let _ = writeln!(text, "{verdict} {address}  {name} ({kind})");
    let whole = |check: &Check| every || check.verdict.is_amiss();
    for check in application.checks.iter().filter(|check| whole(check)) {
        let (name, verdict) = (safe(&check.name), word(check.verdict, paint));
        let _ = writeln!(text, "    {name}: {verdict}: {}", safe(&check.detail));
        fix(text, check, "      ");
    }
    if every {
        return;
    }
    let lines: Vec<(&str, String)> =
        if application.checks.iter().any(|check| check.name.starts_with(PERMISSION)) {
            let named = |verdict, begins| names(&application.checks, verdict, begins);
            let proven = [
                ("held", named(Verdict::Verified, "held")),
                ("refused as it should", named(Verdict::Verified, "not held")),
            ];
            proven.into_iter().chain(untested(&application.checks)).collect()
        } else {
            let summed = application.checks.iter().filter(|check| !whole(check));
            summed.map(|check| (check.name.as_str(), check.detail.clone())).collect()
        };
    for (label, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "    {}: {}", safe(label), safe(value));
    }
}

/// The permissions with the same outcome.
fn names(checks: &[Check], verdict: Verdict, begins: &str) -> String {
    let alike = checks.iter().filter(|check| check.verdict == verdict && check.detail.starts_with(begins));
    // Two calls may prove one permission.
    let mut names: Vec<&str> = alike.map(|check| check.name.trim_start_matches(PERMISSION)).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

/// What could not be tested, once for each reason, with what Duo shows.
fn untested(checks: &[Check]) -> Vec<(&'static str, String)> {
    let mut by_reason: Vec<(&str, [Vec<&str>; 3])> = Vec::new();
    for check in checks.iter().filter(|check| check.verdict == Verdict::NotTestable) {
        let name = check.name.trim_start_matches(PERMISSION);
        let shown = SHOWN.iter().position(|begins| check.detail.starts_with(begins));
        let begins = shown.and_then(|place| SHOWN.get(place)).copied().unwrap_or_default();
        let reason = check.detail.strip_prefix(begins).unwrap_or_default();
        if !by_reason.iter().any(|(known, _)| *known == reason) {
            by_reason.push((reason, Default::default()));
        }
        let lists = by_reason.iter_mut().find(|(known, _)| *known == reason).map(|(_, lists)| lists);
        if let Some(list) = lists.and_then(|lists| lists.get_mut(shown.unwrap_or(SHOWN.len()))) {
            list.push(name);
        }
    }
    by_reason
        .into_iter()
        .map(|(reason, lists)| ("not testable", format!("{}: {reason}", shown(lists))))
        .collect()
}

/// Names by what Duo shows of them.
fn shown(lists: [Vec<&str>; 3]) -> String {
    let ends = [" (shown as granted)", " (shown as not granted)", ""];
    let lists = lists.into_iter().zip(ends).filter(|(names, _)| !names.is_empty());
    let words = lists.map(|(mut names, end)| {
        names.sort_unstable();
        names.join(", ") + end
    });
    words.collect::<Vec<_>>().join(", ")
}
