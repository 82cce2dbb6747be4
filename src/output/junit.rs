//! What was verified as JUnit XML, for the test tab of a CI system.
//!
//! One `testsuite` for each address, one `testcase` for each probe or rung, in the shape of the schema that Jenkins
//! publishes (junit-10.xsd). What nobody could prove is `skipped` and never a success; a call without an answer is an
//! `error`, since trying again may help.

use std::fmt::Write as _;

use crate::text::escape;
use crate::verify::report::{Check, Report, Verdict};

/// The report as one XML document.
pub fn verify(report: &Report) -> String {
    let mut suites = String::new();
    let mut all = Counts::default();
    let applications =
        report.subjects.iter().map(|subject| (subject.address.as_str(), subject.checks.as_slice()));
    let ladders = report.ladders.iter().map(|ladder| (ladder.address.as_str(), ladder.rungs.as_slice()));
    for (address, checks) in applications.chain(ladders) {
        let counts = Counts::of(checks);
        let _ = writeln!(suites, "  <testsuite name=\"{}\" {}>", escaped(address), counts.suite());
        for check in checks {
            testcase(&mut suites, address, check);
        }
        suites.push_str("  </testsuite>\n");
        all.add(&counts);
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"duoctl verify\" {}>\n{suites}</testsuites>\n",
        all.suites()
    )
}

/// What becomes of a check in JUnit's words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Skipped,
    Error,
    Failure,
}

fn outcome(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::Verified => Outcome::Passed,
        Verdict::Shown
        | Verdict::Attested
        | Verdict::NotTestable
        | Verdict::NotVerifiable
        | Verdict::Unsupported
        | Verdict::Pending => Outcome::Skipped,
        Verdict::Inconclusive => Outcome::Error,
        Verdict::Failed => Outcome::Failure,
    }
}

#[derive(Default)]
struct Counts {
    tests: usize,
    skipped: usize,
    errors: usize,
    failures: usize,
}

impl Counts {
    fn of(checks: &[Check]) -> Self {
        let count = |wanted| checks.iter().filter(|check| outcome(check.verdict) == wanted).count();
        Self {
            tests: checks.len(),
            skipped: count(Outcome::Skipped),
            errors: count(Outcome::Error),
            failures: count(Outcome::Failure),
        }
    }

    fn add(&mut self, other: &Self) {
        self.tests += other.tests;
        self.skipped += other.skipped;
        self.errors += other.errors;
        self.failures += other.failures;
    }

    /// `testsuites` has no count of what was skipped.
    fn suites(&self) -> String {
        format!("tests=\"{}\" failures=\"{}\" errors=\"{}\"", self.tests, self.failures, self.errors)
    }

    fn suite(&self) -> String {
        format!("{} skipped=\"{}\"", self.suites(), self.skipped)
    }
}

fn testcase(text: &mut String, address: &str, check: &Check) {
    let said = format!("{}: {}", check.verdict.words(), check.detail);
    let fix = check.fix.as_deref().map(|fix| format!("; {fix}")).unwrap_or_default();
    let (kind, message) = (escaped(check.verdict.words()), escaped(&format!("{said}{fix}")));
    let lines = [Some(check.detail.as_str()), check.fix.as_deref()];
    let lines: Vec<String> = lines.into_iter().flatten().flat_map(str::lines).map(escaped).collect();
    let lines = lines.join("\n");
    let inside = match outcome(check.verdict) {
        Outcome::Passed => format!("<system-out>{}</system-out>", escaped(&said)),
        Outcome::Skipped => format!("<skipped message=\"{message}\"/>"),
        Outcome::Error => format!("<error type=\"{kind}\" message=\"{message}\">{lines}</error>"),
        Outcome::Failure => format!("<failure type=\"{kind}\" message=\"{message}\">{lines}</failure>"),
    };
    let (class, name) = (escaped(address), escaped(&check.name));
    let _ = writeln!(text, "    <testcase classname=\"{class}\" name=\"{name}\">{inside}</testcase>");
}

/// Text on one line, between tags or inside an attribute. What XML 1.0 cannot hold in any way is spelled out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars().flat_map(escape) {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::address::Address;
    use crate::verify::report::{Ladder, Subject};

    fn report(checks: Vec<Check>) -> Report {
        let address = Address::application("vpn");
        let kind = "radius".to_owned();
        let subject = Subject { address, ikey: None, kind, name: "VPN".to_owned(), checks };
        let rungs = vec![Check::new("token", Verdict::Pending, "wait")];
        let ladder = Ladder { address: Address::intelligence("emea"), name: "Duo EMEA".to_owned(), rungs };
        Report { subjects: vec![subject], ladders: vec![ladder] }
    }

    #[test]
    fn each_verdict_has_its_word_and_nothing_unproven_passes() {
        let checks = vec![
            Check::new("a", Verdict::Verified, "seen"),
            Check::new("b", Verdict::Failed, "40103").fix("reset it\nand verify"),
            Check::new("c", Verdict::Inconclusive, "no answer").fix("try again"),
            Check::new("d", Verdict::NotTestable, "no probe"),
            Check::new("e", Verdict::Attested, "somebody said so"),
        ];
        insta::assert_snapshot!(verify(&report(checks)), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="duoctl verify" tests="6" failures="1" errors="1">
          <testsuite name="applications.vpn" tests="5" failures="1" errors="1" skipped="2">
            <testcase classname="applications.vpn" name="a"><system-out>verified: seen</system-out></testcase>
            <testcase classname="applications.vpn" name="b"><failure type="failed" message="failed: 40103; reset it\u{a}and verify">40103
        reset it
        and verify</failure></testcase>
            <testcase classname="applications.vpn" name="c"><error type="inconclusive" message="inconclusive: no answer; try again">no answer
        try again</error></testcase>
            <testcase classname="applications.vpn" name="d"><skipped message="not testable: no probe"/></testcase>
            <testcase classname="applications.vpn" name="e"><skipped message="attested: somebody said so"/></testcase>
          </testsuite>
          <testsuite name="identity_intelligence.emea" tests="1" failures="0" errors="0" skipped="1">
            <testcase classname="identity_intelligence.emea" name="token"><skipped message="pending: wait"/></testcase>
          </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn text_from_outside_stays_text() {
        let hostile = "a\"/><x y='&\u{1b}[31m\u{0}\r\n\u{fffe}]]>";
        let checks = vec![Check::new(hostile, Verdict::Failed, hostile).fix(hostile)];
        let text = verify(&report(checks));
        assert!(!text.contains("<x") && !text.contains("]]>"), "{text}");
        assert!(text.chars().all(|c| c == '\n' || (!c.is_control() && c != '\u{fffe}')), "{text}");
    }
}
