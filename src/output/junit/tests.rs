use std::time::Duration;

use super::*;
use crate::kinds::address::Address;
use crate::verify::report::{self, ConnectionReport, Subject};

fn xml(checks: Vec<Check>) -> String {
    let address = Address::application("vpn");
    let kind = "radius".to_owned();
    let subject = Subject {
        address,
        ikey: None,
        kind,
        name: "VPN".to_owned(),
        checks,
        took: Duration::from_millis(1250),
    };
    let checks = vec![Check::new("token", Verdict::Pending, "wait")];
    let connection =
        ConnectionReport { address: Address::intelligence("emea"), name: "Duo EMEA".to_owned(), checks };
    let report = report::Report { subjects: vec![subject], connections: vec![connection] };
    render(&Document::Verify(Box::new(VerifyDocument::new(&report))), "").unwrap()
}

#[test]
fn each_verdict_has_its_word_and_nothing_unproven_passes() {
    let checks = vec![
        Check::new("a", Verdict::Verified, "seen"),
        Check::new("b", Verdict::Failed, "40103").fix("reset it\nand verify"),
        Check::new("c", Verdict::Inconclusive, "no answer").fix("try again"),
        Check::new("d", Verdict::NotTestable, "no probe"),
        Check::new("e", Verdict::Attested, "a person said so"),
    ];
    insta::assert_snapshot!(xml(checks), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="duoctl verify" tests="6" failures="1" errors="1">
        <testsuite name="applications.vpn" tests="5" skipped="2" errors="1" failures="1" time="1.250">
            <testcase name="a" classname="applications.vpn">
                <system-out>verified: seen</system-out>
            </testcase>
            <testcase name="b" classname="applications.vpn">
                <failure message="failed: 40103; reset it\u{a}and verify" type="failed">40103
    reset it
    and verify</failure>
            </testcase>
            <testcase name="c" classname="applications.vpn">
                <error message="inconclusive: no answer; try again" type="inconclusive">no answer
    try again</error>
            </testcase>
            <testcase name="d" classname="applications.vpn">
                <skipped message="not testable: no probe"/>
            </testcase>
            <testcase name="e" classname="applications.vpn">
                <skipped message="attested: a person said so"/>
            </testcase>
        </testsuite>
        <testsuite name="identity_intelligence.emea" tests="1" skipped="1" errors="0" failures="0">
            <testcase name="token" classname="identity_intelligence.emea">
                <skipped message="pending: wait"/>
            </testcase>
        </testsuite>
    </testsuites>
    "#);
}

#[test]
fn no_two_test_cases_of_an_address_have_one_name() {
    let names = ["a", "a (2)", "a", "b", "a", "b\u{0}", "b\\u{0}"];
    let xml = xml(names.iter().map(|name| Check::new(*name, Verdict::Verified, "seen")).collect());
    let mut names: Vec<&str> =
        xml.split("<testcase name=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(names.len(), 8, "{xml}");
    assert!(names.contains(&"a (3)") && names.contains(&"a (4)"), "{names:?}");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 8, "{xml}");
}

#[test]
fn text_from_outside_stays_text() {
    let hostile = "a\"/><x y='&\u{1b}[31m\u{0}\r\n\u{fffe}]]>";
    let text = xml(vec![Check::new(hostile, Verdict::Failed, hostile).fix(hostile)]);
    assert!(!text.contains("<x") && !text.contains("]]>"), "{text}");
    assert!(text.chars().all(|c| c == '\n' || (!c.is_control() && c != '\u{fffe}')), "{text}");
    assert!(text.contains("\\u{1b}[31m\\u{0}"), "what no XML holds is spelled out: {text}");
}
