//! Tests what evidence proves, against models that share no code with the rules.

use jiff::{SignedDuration, Timestamp};

use crate::intelligence::api::IntegrationStatus;
use crate::kinds::address::Address;
use crate::verify::report::{Check, ConnectionReport, Verdict};

use super::age::{Age, Change, Entered, Values};
use super::flow::{Subject, checks, named};
use super::sample::Sample;
use super::seen::{Answer, Data, Seen, Users};

/// The last hour of the tests, which is the current time.
const NOW: i64 = 6;

fn hour(hour: i64) -> Timestamp {
    let midnight: Timestamp = "2026-11-26T00:00:00Z".parse().unwrap();
    midnight + SignedDuration::from_hours(hour)
}

/// What is known, in hours: the attestation of the current values, the part of the log that was read, the newest change
/// in it, and the delivery of a key while the old one still works.
#[derive(Clone, Copy, Debug)]
struct Known {
    attested: Option<i64>,
    log: Option<(i64, i64, Option<i64>)>,
    delivered: Option<i64>,
}

impl Known {
    fn all() -> impl Iterator<Item = Self> {
        let optional = || std::iter::once(None).chain((0..=NOW).map(Some));
        let windows = (0..=NOW).flat_map(|from| (from..=NOW).map(move |until| (from, until)));
        let logs = windows.flat_map(move |(from, until)| {
            // A change after the period that the log certainly covers may still be in it.
            let changes = std::iter::once(None).chain((from..=NOW).map(Some));
            changes.map(move |change| Some((from, until, change)))
        });
        let logs = move || std::iter::once(None).chain(logs.clone());
        optional().flat_map(move |attested| {
            let logs = logs();
            logs.flat_map(move |log| optional().map(move |delivered| Self { attested, log, delivered }))
        })
    }

    fn values(self) -> Values {
        Values {
            entered: Entered::At(self.attested.map(hour)),
            change: match self.log {
                None => Change::Unknown,
                Some((from, until, None)) => Change::None { from: hour(from), until: hour(until) },
                Some((_, until, Some(at))) => Change::At { at: hour(at), until: hour(until) },
            },
            rotating: self.delivered.map(hour),
            now: hour(NOW),
        }
    }

    /// Every hour in which the values may last have changed, given everything that is known. The end of the key is part of
    /// the attestation, so nothing changed later than that.
    fn worlds(self) -> Vec<i64> {
        let possible = |changed: &i64| {
            let attested = self.attested.is_none_or(|attested| *changed <= attested);
            let logged = match self.log {
                None => true,
                Some((from, until, None)) => *changed < from || *changed > until,
                Some((_, until, Some(at))) => *changed == at || (*changed > at && *changed > until),
            };
            attested && logged
        };
        // The change may also be older than every hour of the test.
        (-1..=NOW).filter(possible).collect()
    }

    /// Whether a successful collection can only have used the current values.
    fn proves(self, evidence: i64) -> bool {
        let changed_before = self.worlds().iter().all(|changed| *changed < evidence);
        // While two keys work, the console may have held the other one until the attestation.
        let entered_before =
            self.delivered.is_none() || self.attested.is_some_and(|attested| attested < evidence);
        let delivered_before = self.delivered.is_none_or(|delivered| delivered < evidence);
        changed_before && entered_before && delivered_before
    }
}

#[test]
fn evidence_counts_exactly_where_no_possible_past_speaks_against_it() {
    let (mut newer, mut all) = (0, 0);
    for known in Known::all() {
        // The current values cannot have been attested before their last change.
        if known.worlds().is_empty() {
            continue;
        }
        for evidence in 0..=NOW {
            let found = known.values().age(hour(evidence));
            assert_eq!(found == Age::Newer, known.proves(evidence), "{known:?} {evidence}: {found:?}");
            if let Age::Older { at, .. } = found {
                assert!(at >= hour(evidence), "{known:?} {evidence}: {found:?}");
            }
            newer += usize::from(found == Age::Newer);
            all += 1;
        }
    }
    assert!(newer > 500 && all > 5_000, "{newer} of {all}");
}

#[test]
fn a_second_is_as_exact_as_anything_is() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let values = |change| Values {
        entered: Entered::At(Some(at("2026-11-26T14:11:39Z"))),
        change,
        rotating: None,
        now: at("2026-11-26T15:00:00Z"),
    };
    let (reset, until) = (at("2026-11-26T14:11:00.1Z"), at("2026-11-26T15:00:00Z"));
    for (evidence, newer) in
        [("2026-11-26T14:11:00.9Z", false), ("2026-11-26T14:11:01Z", true), ("2026-11-26T14:11:39.5Z", true)]
    {
        let found = values(Change::At { at: reset, until }).age(at(evidence));
        assert_eq!(found == Age::Newer, newer, "{evidence}");
    }
    for (evidence, newer) in [("2026-11-26T14:11:39.9Z", false), ("2026-11-26T14:11:40Z", true)] {
        assert_eq!(values(Change::Unknown).age(at(evidence)) == Age::Newer, newer, "{evidence}");
    }
}

#[test]
fn what_nobody_attested_is_about_other_values() {
    for entered in [Entered::Never, Entered::Before(None), Entered::Before(Some(hour(1)))] {
        for change in [Change::Unknown, Change::None { from: hour(0), until: hour(NOW) }] {
            let values = Values { entered, change, rotating: None, now: hour(NOW) };
            for evidence in 0..=NOW {
                assert_eq!(values.age(hour(evidence)), Age::NotEntered);
            }
        }
    }
}

fn status(id: &str, name: &str, word: &str, date: &str) -> IntegrationStatus {
    let (id, name, status, date) = (id.to_owned(), name.to_owned(), word.to_owned(), date.to_owned());
    IntegrationStatus { id, name, status, date, error: None }
}

/// Attested in hour 2, with a key that last changed in hour 1 according to the log.
fn attested() -> Values {
    Values {
        entered: Entered::At(Some(hour(2))),
        change: Change::At { at: hour(1), until: hour(NOW) },
        rotating: None,
        now: hour(NOW),
    }
}

fn seen(statuses: Option<Vec<IntegrationStatus>>, newest: Option<i64>) -> Answer {
    let newest = newest.map(hour);
    Answer::Seen(Box::new(Seen {
        statuses: Ok(statuses),
        data: Ok(Data { people: 9, there: true, newest }),
        users: Ok(Users { asked: 5, there: 5, newest }),
    }))
}

fn judged(values: &Values, grace: Option<&str>, answer: &Answer) -> Vec<Check> {
    let subject = Subject { entry: "emea", name: "Duo EMEA", values, grace, now: hour(NOW) };
    let checks = checks(&subject, answer, &Sample::default());
    for check in &checks {
        let says = format!("{} {}", check.detail, check.fix.as_deref().unwrap_or_default());
        assert!(!says.contains("verified"), "{says}");
    }
    checks
}

fn verdicts(checks: &[Check]) -> [Verdict; 3] {
    [2, 3, 4].map(|index| checks[index].verdict)
}

#[test]
fn each_status_gets_its_verdict_by_its_age_and_its_word() {
    use Verdict::{Failed, NotVerifiable, Pending, Verified};
    // Hour 1 and earlier are not newer than the key, and hour 8 is in the future. Other hours are newer, regardless of the
    // attestation.
    for (words, newer) in [
        (&["SUCCESS"][..], Verified),
        (&["FAILURE", "PARTIAL_SUCCESS", "TIMEOUT", "BLOCKED"][..], Failed),
        (&["SPLENDID", "", "success"][..], NotVerifiable),
    ] {
        for word in words {
            for grace in [None, Some("wait")] {
                for (date, expected) in [
                    (hour(0), Pending),
                    (hour(1), Pending),
                    (hour(2), newer),
                    (hour(NOW), newer),
                    (hour(NOW + 2), NotVerifiable),
                ] {
                    let statuses = vec![status("t__DUO__1", "Duo EMEA", word, &date.to_string())];
                    let checks = judged(&attested(), grace, &seen(Some(statuses), None));
                    assert_eq!(checks[2].verdict, expected, "{word} {date}: {:?}", checks[2]);
                    if expected == Pending {
                        let both = [date.to_string(), hour(1).to_string()];
                        assert!(both.iter().all(|time| checks[2].detail.contains(time)), "{:?}", checks[2]);
                        assert!(checks[2].fix.as_ref().unwrap().contains("Collect Now"));
                    }
                }
                let statuses = vec![status("t__DUO__1", "Duo EMEA", word, "yesterday")];
                let checks = judged(&attested(), grace, &seen(Some(statuses), None));
                assert_eq!(checks[2].verdict, NotVerifiable, "{:?}", checks[2]);
            }
        }
    }
    for word in ["STARTED", "NONE", "INFO"] {
        for (grace, expected) in [(None, Failed), (Some("wait"), Pending)] {
            let statuses = vec![status("t__DUO__1", "Duo EMEA", word, &hour(3).to_string())];
            assert_eq!(
                judged(&attested(), grace, &seen(Some(statuses), None))[2].verdict,
                expected,
                "{word}"
            );
        }
    }
}

#[test]
fn data_of_the_tenant_counts_for_its_only_integration_and_for_no_other() {
    use Verdict::{NotVerifiable, Pending, Verified};
    let own = || status("t__DUO__1", "Duo EMEA", "SUCCESS", &hour(3).to_string());
    let with = |others: &[(&str, &str)]| {
        let others = others.iter().map(|(id, name)| status(id, name, "SUCCESS", &hour(3).to_string()));
        Some(others.chain([own()]).collect::<Vec<_>>())
    };
    let old = Values { entered: Entered::Before(Some(hour(2))), ..attested() };
    for (what, statuses, newest, values, expected) in [
        ("the only one", with(&[]), Some(3), attested(), [Verified, Verified, Verified]),
        ("next to another provider", with(&[("t__OKTA__2", "Okta")]), Some(3), attested(), [Verified; 3]),
        ("older data", with(&[]), Some(1), attested(), [Verified, Pending, Pending]),
        ("data of unknown age", with(&[]), None, attested(), [Verified, NotVerifiable, NotVerifiable]),
        ("previous values", with(&[]), Some(3), old, [Pending; 3]),
        (
            "the provisioned one",
            with(&[("t__DUO__2", "Duo")]),
            Some(3),
            attested(),
            [Verified, NotVerifiable, NotVerifiable],
        ),
        ("an unknown id", with(&[("2", "?")]), Some(3), attested(), [Verified, NotVerifiable, NotVerifiable]),
        (
            "another one of the same name",
            with(&[("t__DUO__2", "Duo EMEA")]),
            Some(3),
            attested(),
            [NotVerifiable; 3],
        ),
        ("no list", None, Some(3), attested(), [Verdict::Unsupported, NotVerifiable, NotVerifiable]),
    ] {
        let checks = judged(&values, None, &seen(statuses, newest));
        assert_eq!(verdicts(&checks), expected, "{what}: {checks:?}");
    }
    // Only another integration has data, so nothing is about this one.
    let other = Some(vec![status("t__DUO__2", "Duo", "SUCCESS", &hour(3).to_string())]);
    let checks = judged(&attested(), Some("wait"), &seen(other, Some(3)));
    assert_eq!(verdicts(&checks), [Pending, NotVerifiable, NotVerifiable]);
}

#[test]
fn what_is_reached_is_the_last_check_that_was_proven_with_nothing_open_before_it() {
    let connection = |checks: Vec<Check>| ConnectionReport {
        address: Address::intelligence("emea"),
        name: "Duo EMEA".to_owned(),
        checks,
    };
    let only = |date| Some(vec![status("t__DUO__1", "Duo EMEA", "SUCCESS", &hour(date).to_string())]);
    for (statuses, newest, reached) in [
        (only(3), Some(3), "this account's users"),
        (only(3), Some(1), "integration status"),
        (only(1), Some(3), "ping"),
        (None, Some(3), "ping"),
    ] {
        let connection = connection(judged(&attested(), None, &seen(statuses, newest)));
        assert_eq!(connection.reached().unwrap().name, reached);
    }
}

#[test]
fn the_console_and_the_yaml_may_spell_one_display_name_in_two_ways() {
    let status = |name: &str| IntegrationStatus {
        id: String::new(),
        name: name.to_owned(),
        status: "SUCCESS".to_owned(),
        date: String::new(),
        error: None,
    };
    let statuses = ["Duo \u{c9}MEA", "Duo E\u{301}MEA", "Duo EMEA", "Duo \u{e9}mea"].map(status);
    assert_eq!(named(&statuses, "Duo E\u{301}MEA"), [&statuses[0], &statuses[1]]);
}
