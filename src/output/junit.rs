//! The checks of `verify` and `doctor` as JUnit XML, for the test tab of a CI system.
//!
//! One `testsuite` for each address, one `testcase` for each probe or rung, following the schema that Jenkins publishes
//! (junit-10.xsd). A check that could not be proven is `skipped` and never a success; a call without an answer is an
//! `error`, because trying again may help.

use std::collections::HashSet;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::text::escape;
use crate::verify::report::{Check, Verdict};

use super::document::{Document, FailureDocument, VerifyDocument};

/// The document as XML; `None` if it has no checks.
pub fn render(document: &Document) -> Option<String> {
    let mut report = Report::new(match document {
        Document::Doctor(_) => "duoctl doctor",
        _ => "duoctl verify",
    });
    match document {
        Document::Verify(verify) => verified(&mut report, verify),
        Document::Apply(apply) => verified(&mut report, apply.verify.as_ref()?),
        Document::Doctor(doctor) => report.add_test_suite(suite("doctor", &doctor.checks)),
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
        | Document::Edit(_) => return None,
    };
    let xml = report.to_string().ok()?;
    // Jenkins refuses a `skipped` count in the root element.
    Some(xml.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1))
}

fn verified<'r>(report: &'r mut Report, verify: &VerifyDocument) -> &'r mut Report {
    let applications = verify.applications.iter().map(|it| suite(&it.address, &it.checks));
    let ladders = verify.identity_intelligence.iter().map(|it| suite(&it.address, &it.rungs));
    report.add_test_suites(applications.chain(ladders))
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
    suite("duoctl", &[check])
}

fn suite(address: &str, checks: &[Check]) -> TestSuite {
    let address = plain(address);
    let mut suite = TestSuite::new(address.as_str());
    let mut used = HashSet::new();
    for check in checks {
        // Two calls may prove one permission, and a test tab merges test cases with the same name.
        let name = plain(&check.name);
        let mut names = std::iter::once(name.clone()).chain((2..).map(|number| format!("{name} ({number})")));
        let name = names.find(|name| used.insert(name.clone())).unwrap_or_default();
        let mut case = TestCase::new(name, status(check));
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

fn status(check: &Check) -> TestCaseStatus {
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
        let lines: Vec<String> = lines.flat_map(str::lines).map(plain).collect();
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
