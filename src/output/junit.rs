//! The checks of `verify` and `doctor` as JUnit XML, for the test tab of a CI system.
//!
//! One `testsuite` for each address, one `testcase` for each check, following the schema that Jenkins publishes
//! (junit-10.xsd). A check that could not be proven is `skipped` and never a success; a call without an answer is an
//! `error`, because trying again may help.

use std::collections::HashSet;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::text::escape;
use crate::verify::report::{Check, Verdict};

use super::document::{Document, FailureDocument, Place, VerifyDocument};
use super::repository;

/// The document as XML; `None` if it has no checks.
pub fn render(document: &Document, prefix: &str) -> Option<String> {
    let mut report = Report::new(match document {
        Document::Doctor(_) => "duoctl doctor",
        _ => "duoctl verify",
    });
    match document {
        Document::Verify(verify) => verified(&mut report, verify, prefix),
        Document::Apply(apply) => match &apply.verify {
            Some(verify) => verified(&mut report, verify, prefix),
            // A test tab must not be empty.
            None => {
                let check = Check::new("apply", Verdict::Skipped, apply.last_line());
                report.add_test_suite(suite("duoctl", &[check], None))
            }
        },
        Document::Doctor(doctor) => report.add_test_suite(suite("doctor", &doctor.checks, None)),
        Document::Failure(failure) => report.add_test_suite(failed(failure)),
        Document::Plan(_)
        | Document::Drift(_)
        | Document::Validate(_)
        | Document::Keys(_)
        | Document::List(_)
        | Document::Import(_)
        | Document::Handoff(_)
        | Document::Rotations(_)
        | Document::KeyChanges(_)
        | Document::Edit(_)
        | Document::Graph(_) => return None,
    };
    let xml = report.to_string().ok()?;
    // Jenkins refuses a `skipped` count in the root element.
    Some(xml.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1))
}

fn verified<'r>(report: &'r mut Report, verify: &VerifyDocument, prefix: &str) -> &'r mut Report {
    let place = |place: &Option<Place>| {
        place.as_ref().map(|place| (repository::path(prefix, &place.file), place.line))
    };
    let applications = verify.applications.iter().map(|it| {
        let mut suite = suite(&it.address, &it.checks, place(&it.place));
        if let Some(took) = it.took_ms.map(Duration::from_millis) {
            suite.set_time(took);
            // The time is known of all checks together only.
            if let [case] = suite.test_cases.as_mut_slice() {
                case.set_time(took);
            }
        }
        suite
    });
    let connections =
        verify.identity_intelligence.iter().map(|it| suite(&it.address, &it.checks, place(&it.place)));
    report.add_test_suites(applications.chain(connections))
}

/// The failure as a single test case with an error, so that the test tab is not empty.
fn failed(failure: &FailureDocument) -> TestSuite {
    let found = failure.diagnostics.iter().map(|found| format!("{}: {}", found.code, found.message));
    let lines: Vec<String> = failure.help.iter().cloned().chain(found).collect();
    let check = Check {
        name: failure.command.clone(),
        verdict: Verdict::Inconclusive,
        detail: failure.message.clone(),
        fix: (!lines.is_empty()).then(|| lines.join("\n")),
    };
    suite("duoctl", &[check], None)
}

/// `place` is the file in the repository, and the line.
fn suite(address: &str, checks: &[Check], place: Option<(String, usize)>) -> TestSuite {
    let address = plain(address);
    let mut suite = TestSuite::new(address.as_str());
    if let Some((file, line)) = &place {
        // The schema has both for no test case, and Jenkins' xUnit plugin refuses what it does not have. The text of a failure
        // repeats them, because test tabs show that, but no property.
        suite.extra.insert("file".into(), plain(file).into());
        suite.add_property(("line", line.to_string().as_str()));
    }
    let mut used = HashSet::new();
    for check in checks {
        // Two calls may prove one permission, and a test tab merges test cases with the same name.
        let name = plain(&check.name);
        let mut names = std::iter::once(name.clone()).chain((2..).map(|number| format!("{name} ({number})")));
        let name = names.find(|name| used.insert(name.clone())).unwrap_or_default();
        let mut case = TestCase::new(name, status(check, place.as_ref()));
        case.set_classname(address.as_str());
        if case.status == TestCaseStatus::success() {
            case.set_system_out(plain(&said(check)));
        }
        suite.add_test_case(case);
    }
    suite
}

fn said(check: &Check) -> String {
    format!("{}: {}", check.verdict.words(), check.detail)
}

fn status(check: &Check, place: Option<&(String, usize)>) -> TestCaseStatus {
    let kind = match check.verdict {
        Verdict::Verified => return TestCaseStatus::success(),
        Verdict::Shown
        | Verdict::Attested
        | Verdict::NotTestable
        | Verdict::NotVerifiable
        | Verdict::Unsupported
        | Verdict::Skipped
        | Verdict::Pending => None,
        Verdict::Inconclusive => Some(NonSuccessKind::Error),
        Verdict::Failed => Some(NonSuccessKind::Failure),
    };
    let mut status = kind.map_or_else(TestCaseStatus::skipped, TestCaseStatus::non_success);
    let fix = check.fix.as_deref().map(|fix| format!("; {fix}")).unwrap_or_default();
    status.set_message(plain(&format!("{}{fix}", said(check))));
    if kind.is_some() {
        let lines = [Some(check.detail.as_str()), check.fix.as_deref()].into_iter().flatten();
        let place = place.map(|(file, line)| plain(&format!("--> {file}:{line}")));
        let lines: Vec<String> = lines.flat_map(str::lines).map(plain).chain(place).collect();
        status.set_type(check.verdict.words()).set_description(lines.join("\n"));
    }
    status
}

/// Text on one line, as XML 1.0 can hold it.
fn plain(text: &str) -> String {
    text.chars().flat_map(escape).collect()
}

#[cfg(test)]
mod tests;
