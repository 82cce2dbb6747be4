use super::*;

fn marker() -> Marker {
    let applied = AppliedFields::from([
        ('n', Applied { asked: ['Q', '4', 'T'], kept: None }),
        ('u', Applied { asked: ['0', '0', 'Z'], kept: Some(['A', '7', 'B']) }),
    ]);
    let address = Address::new("applications.vpn");
    let (workspace, state) = ("acme-prod".into(), MarkerState::Owned);
    Marker { workspace, address, applied, state, protected: false, shut: Shut::default(), was_shut: None }
}

#[test]
fn a_marker_survives_the_way_through_notes() {
    for text in ["", "Owned by the network team", "two\nlines\n", " spaces ", "[duoctl x/y z] quoted"] {
        let notes = marker().notes(text);
        assert_eq!(Notes::parse(&notes), Notes { text, marker: Some(marker()) });
        let padded = format!("{notes} \n");
        assert_eq!(Notes::parse(&padded), Notes { text, marker: Some(marker()) });
    }
    assert_eq!(marker().to_string(), "[duoctl acme-prod/applications.vpn nQ4TU00ZA7B]");
}

#[test]
fn the_state_of_an_unfinished_change_is_kept() {
    let day = jiff::civil::date(2026, 11, 24);
    let since: Timestamp = "2026-11-24T22:00:00Z".parse().unwrap();
    let at: Timestamp = "2026-11-24T22:00:07Z".parse().unwrap();
    let ikey = || Ikey::new("DIWJ8X6AEYOR5OMC6TQ1");
    for state in [
        MarkerState::Owned,
        MarkerState::Creating,
        MarkerState::Replaced,
        MarkerState::Quarantined(day),
        MarkerState::Rotating(ikey()),
        MarkerState::Successor { of: ikey(), since },
        MarkerState::Delivered { of: ikey(), since, at },
        MarkerState::Abandoned { of: ikey() },
        MarkerState::Retired(day),
        MarkerState::Untested(None),
        MarkerState::Untested(Some(Before::default())),
        MarkerState::Untested(Some(Before {
            permissions: ["info".to_owned(), "read_resource".to_owned()].into(),
            networks: ["192.0.2.8-192.0.2.10".to_owned(), "2001:db8::/32".to_owned()].into(),
        })),
    ] {
        for protected in [false, true] {
            let marker =
                Marker { state: state.clone(), protected, applied: AppliedFields::new(), ..marker() };
            assert_eq!(Notes::parse(&marker.notes("x")).marker, Some(marker));
        }
    }
}

#[test]
fn what_a_quarantine_took_away_is_kept() {
    let groups = AccessBefore::Groups(["DG1".to_owned(), "DG2".to_owned()].into());
    for access in [None, Some(AccessBefore::Everybody), Some(AccessBefore::Lost), Some(groups)] {
        for permissions in [vec![], vec!["info".to_owned(), "read_log".to_owned()]] {
            let at = Some(jiff::civil::time(7, 5, 9, 0));
            let shut = Shut { at, access: access.clone(), permissions: permissions.into_iter().collect() };
            let state = MarkerState::Quarantined(jiff::civil::date(2026, 11, 24));
            let marker = Marker { state, shut, ..marker() };
            let notes = marker.notes("x");
            assert_eq!(Notes::parse(&notes).marker, Some(marker), "{notes}");
        }
    }
}

#[test]
fn what_was_given_back_tells_when_it_had_been_shut() {
    let time: Timestamp = "2026-11-24T22:00:07Z".parse().unwrap();
    let open = Marker { was_shut: Some(time), ..marker() };
    assert!(open.to_string().ends_with(" shut:2026-11-24T22:00:07Z]"));
    assert_eq!(Notes::parse(&open.notes("x")).marker.as_ref(), Some(&open));
    assert_eq!(open.last_shut(), Some(time));
    // A later quarantine counts.
    let state = MarkerState::Quarantined(jiff::civil::date(2026, 11, 25));
    let at = Some(jiff::civil::time(7, 5, 9, 0));
    for (at, last) in [(at, "2026-11-25T07:05:09Z"), (None, "2026-11-25T23:59:59Z")] {
        let shut = Marker { state: state.clone(), shut: Shut { at, ..Shut::default() }, ..open.clone() };
        assert_eq!(shut.last_shut(), Some(last.parse().unwrap()));
    }
    assert_eq!(marker().last_shut(), None);
}

#[test]
fn text_that_only_resembles_a_marker_is_text() {
    for text in [
        "",
        "plain",
        "[duoctl ]",
        "[duoctl acme nQ4T]",
        "[duoctl acme/vpn]",
        "[duoctl acme/vpn nQ4]",
        "[duoctl acme/vpn nQ4T unknown]",
        "[duoctl acme/v pn nQ4T]",
        "[duoctl acme/vpn nQ4T] more",
        "[duoctl /x nQ4T]",
        "[duoctl acme/vpn nq4t]",
        "[duoctl acme/vpn nQ4T quarantined:soon]",
        "[duoctl acme/vpn nQ4T delivered:2026-11-24T22:00:00Z of:DIA]",
        "[duoctl acme/vpn nQ4T delivered:2026-11-24T22:00:00Z,2026-11-24T22:00:07Z]",
        "[duoctl acme/vpn nQ4T successor:2026-11-24 of:DIA]",
        "[duoctl acme/vpn nQ4T successor:2026-11-24T22:00:00Z]",
        "[duoctl acme/vpn nQ4T successor:2026-11-24T22:00:00Z of:]",
        "[duoctl acme/vpn nQ4T abandoned]",
        "[duoctl acme/vpn nQ4T of:DIA]",
        "[duoctl acme/vpn nQ4T rotating:]",
        "[duoctl acme/vpn nQ4T rotating:DIA of:DIB]",
        "[duoctl acme/vpn nQ4T replaced:2026-11-24]",
        "[duoctl acme/vpn nQ4T quarantined:2026-11-24 at:noon]",
        "[duoctl acme/vpn nQ4T quarantined:2026-11-24 had:DG1,]",
        "[duoctl acme/vpn nQ4T shut:]",
        "[duoctl acme/vpn nQ4T shut:2026-11-24]",
        "[duoctl acme/vpn nQ4T untested:]",
        "[duoctl acme/vpn nQ4T untested:info]",
        "[duoctl acme/vpn nQ4T untested:info,;]",
        "[duoctl acme/vpn nQ4T untested:info;everywhere]",
    ] {
        assert_eq!(Notes::parse(text), Notes { text, marker: None }, "{text}");
    }
}
