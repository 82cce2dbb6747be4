//! Everything that suppresses a check has a reason and optionally a last day. Shortly before that day there is a warning,
//! and after it the check applies again.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::model::{Exception, Workspace};
use crate::diagnostic::{Code, Diagnostic, Fix, Help, Spanned};

/// How many days before the end of an exception the warning starts.
const NOTICE_DAYS: i64 = 14;

/// Removes expired exceptions, and warns about them and about those that expire soon.
pub(super) fn expire(workspace: &mut Workspace, today: Date, findings: &mut Vec<Diagnostic>) {
    let entries = workspace.identity_intelligence.values_mut();
    let parts = entries.flat_map(|entry| [&mut entry.admin_api.ignore, &mut entry.auth_api.ignore]);
    let objects = workspace.objects.values_mut().flat_map(BTreeMap::values_mut);
    for ignores in objects.map(|object| &mut object.ignore).chain(parts) {
        ignores.retain(|ignore| counts(ignore, |it| &it.exception, "item", today, findings));
    }
    let suppress = &mut workspace.suppress;
    suppress.retain(|item| counts(item, |it| &it.exception, "item", today, findings));
    let allow = &mut workspace.guards.allow;
    allow.retain(|allow| counts(allow, |it| &it.exception, "consent", today, findings));
}

fn counts<T>(
    item: &Spanned<T>,
    exception: fn(&T) -> &Exception,
    what: &str,
    today: Date,
    findings: &mut Vec<Diagnostic>,
) -> bool {
    let Some(until) = exception(&item.value).until else { return true };
    let soon = today.checked_add(NOTICE_DAYS.days()).is_ok_and(|soon| until <= soon);
    let counts = today <= until;
    if !counts || soon {
        let verb = if counts { "counts only until" } else { "expired on" };
        findings.push(
            Diagnostic::warning(Code::Expiring, item.span, format!("this {what} {verb} {until}")).help(
                Help::from("remove it, or set a later `until` if the reason still applies")
                    .by(Fix::RemoveItem),
            ),
        );
    }
    counts
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::config::load::load_text;
    use crate::kinds::Kind;

    /// For every type of exception, the number that remains on a day, and the number of warnings.
    fn on(day: Date, until: &str) -> ([usize; 2], usize) {
        let yaml = format!(
            "version: 1\nworkspace: acme\ntenant: {{api_hostname: api-1a2b3c4d.duosecurity.com}}\n\
             applications:\n  a: {{type: radius, name: A, user_access: no_users, greeting: x, \
             ignore: [{{field: greeting, reason: r{until}}}]}}\n\
             guards: {{allow: [{{risk: widens_access, address: applications.a, reason: r{until}}}]}}\n"
        );
        let mut workspace = load_text("duo.yaml".into(), yaml).workspace.expect("a workspace");
        // Drop findings about exceptions that expired before the test runs.
        let mut findings = Vec::new();
        expire(&mut workspace, day, &mut findings);
        let left = [workspace.of(Kind::Application)["a"].ignore.len(), workspace.guards.allow.len()];
        (left, findings.len())
    }

    #[test]
    fn an_exception_ends_after_its_last_day_and_is_warned_of_two_weeks_before() {
        let until = ", until: 2999-06-30";
        assert_eq!(on(date(2999, 6, 15), until), ([1, 1], 0));
        assert_eq!(on(date(2999, 6, 16), until), ([1, 1], 2));
        assert_eq!(on(date(2999, 6, 30), until), ([1, 1], 2));
        assert_eq!(on(date(2999, 7, 1), until), ([0, 0], 2));
        assert_eq!(on(date(9999, 12, 31), ""), ([1, 1], 0));
    }

    #[test]
    fn loading_takes_out_what_is_over() {
        assert_eq!(on(date(2020, 1, 1), ", until: 2020-02-29").0, [0, 0]);
    }
}
