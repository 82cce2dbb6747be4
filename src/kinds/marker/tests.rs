use std::collections::BTreeSet;

use proptest::prelude::*;

use jiff::Timestamp;

use super::*;
use crate::duo::object::Ikey;
use crate::kinds::address::Address;

fn marker() -> Marker {
    let applied = AppliedFields::from([
        ('n', Applied { asked: ['Q', '4', 'T'], kept: None }),
        ('u', Applied { asked: ['0', '0', 'Z'], kept: Some(['A', '7', 'B']) }),
    ]);
    Marker {
        workspace: "acme-prod".into(),
        address: Address::new("applications.vpn"),
        applied,
        state: MarkerState::Owned,
        shut: Shut::default(),
        was_shut: None,
        adopted: false,
        protected: false,
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn states() -> Vec<MarkerState> {
    let (since, at) = (time("2026-11-24T22:00:00Z"), time("2026-11-24T22:00:07Z"));
    let ikey = || Ikey::new("DIWJ8X6AEYOR5OMC6TQ1");
    vec![
        MarkerState::Owned,
        MarkerState::Creating { since },
        MarkerState::Replaced,
        MarkerState::Renewing,
        MarkerState::Quarantined(since),
        MarkerState::Rotating(ikey()),
        MarkerState::Successor { of: ikey(), since },
        MarkerState::Delivered { of: ikey(), since, at },
        MarkerState::Abandoned { of: ikey() },
        MarkerState::Retired(since),
        MarkerState::Untested(None),
        MarkerState::Untested(Some(Before::default())),
        MarkerState::Untested(Some(Before {
            permissions: ["info".to_owned(), "read_resource".to_owned()].into(),
            networks: ["192.0.2.8-192.0.2.10".to_owned(), "2001:db8::/32".to_owned()].into(),
        })),
    ]
}

fn shuts() -> Vec<Shut> {
    let groups = AccessBefore::Groups(["DG1".to_owned(), "DG2".to_owned()].into());
    let mut shuts = Vec::new();
    for access in [None, Some(AccessBefore::Everybody), Some(AccessBefore::Lost), Some(groups)] {
        for permissions in [BTreeSet::new(), ["info".to_owned(), "read_log".to_owned()].into()] {
            shuts.push(Shut { access: access.clone(), permissions, permissions_lost: false });
        }
        shuts.push(Shut { access, permissions: BTreeSet::new(), permissions_lost: true });
    }
    shuts
}

/// Every possible marker: each state with each combination of the other words.
fn markers() -> impl Iterator<Item = Marker> {
    states().into_iter().flat_map(|state| {
        let shuts = if state.shut_since().is_some() { shuts() } else { vec![Shut::default()] };
        let with = move |shut: Shut| {
            let state = state.clone();
            (0..16).map(move |bits: u8| Marker {
                state: state.clone(),
                shut: shut.clone(),
                was_shut: (bits & 1 > 0).then(|| time("2026-11-24T22:00:07Z")),
                adopted: bits & 2 > 0,
                protected: bits & 4 > 0,
                applied: if bits & 8 > 0 { AppliedFields::new() } else { marker().applied },
                ..marker()
            })
        };
        shuts.into_iter().flat_map(with)
    })
}

#[test]
fn every_marker_survives_the_way_through_notes_and_so_does_its_seal() {
    let seal = Seal::parse("40SYRC9GNBPQCDHY8NR5").unwrap();
    for marker in markers() {
        for text in [
            "",
            "Owned by the network team",
            "two\nlines\n",
            " spaces ",
            "[Duo] [duoctl](https://example.com)",
        ] {
            let notes = marker.notes(text);
            let found = Notes::parse(&notes);
            assert_eq!(
                (&*found.text, found.marker.as_ref(), &found.seal, &found.damaged),
                (text, Some(&marker), &None, &None)
            );
            let sealed = notes.replace(&marker.to_string(), &marker.sealed(&seal));
            let found = Notes::parse(&sealed);
            assert_eq!(
                (&*found.text, found.marker.as_ref(), found.seal.as_ref()),
                (text, Some(&marker), Some(&seal))
            );
            assert_eq!(sealed.len(), notes.len() + Seal::LENGTH);
            assert_eq!(Notes::parse(&format!("{sealed} \n")), Notes::parse(&sealed));
        }
    }
}

#[test]
fn no_marker_is_longer_than_the_room_that_is_kept_for_it() {
    let letters = ['n', 'u'];
    let longest = longest("acme-prod", Address::new("applications.vpn"), letters.into_iter());
    let shortest_form = |marker: &Marker| {
        let mut marker = marker.clone();
        marker.was_shut = None;
        if marker.state.shut_since().is_some() {
            marker.applied = AppliedFields::new();
            marker.shut =
                Shut { access: Some(AccessBefore::Lost), permissions_lost: true, ..Shut::default() };
        }
        if matches!(marker.state, MarkerState::Untested(_)) {
            marker.state = MarkerState::Untested(None);
        }
        marker.applied.values_mut().for_each(|applied| applied.kept = Some(['0'; 3]));
        marker.notes("x").len() - 1 + Seal::LENGTH
    };
    let found = markers().map(|marker| shortest_form(&marker)).max();
    assert_eq!(found, Some(longest));
}

#[test]
fn what_was_given_back_tells_when_it_had_been_shut() {
    let at = time("2026-11-24T22:00:07Z");
    let open = Marker { was_shut: Some(at), ..marker() };
    assert_eq!(open.last_shut(), Some(at));
    let later = time("2026-11-25T07:05:09Z");
    let shut = Marker { state: MarkerState::Quarantined(later), ..open };
    assert_eq!(shut.last_shut(), Some(later), "a later quarantine counts");
    assert_eq!(marker().last_shut(), None);
}

fn damaged(notes: &str) -> Vec<String> {
    let found = Notes::parse(notes);
    assert_eq!((found.marker, found.seal), (None, None), "{notes}");
    let damaged = found.damaged.unwrap_or_else(|| panic!("{notes} is a text"));
    damaged.names.iter().map(|(workspace, address)| format!("{workspace}/{address}")).collect()
}

#[test]
fn what_is_not_exactly_one_marker_says_nothing_but_whom_it_names() {
    for (notes, names) in [
        ("[duoctl ]", ""),
        ("[duoctl acme nQ4T]", ""),
        ("[duoctl acme/vpn]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T unknown]", "acme/vpn"),
        ("[duoctl acme/v pn nQ4T]", "acme/v"),
        ("[duoctl acme/vpn nQ4T] more", "acme/vpn"),
        ("[duoctl /x nQ4T]", ""),
        ("[duoctl acme/vpn nq4t]", "acme/vpn"),
        ("[Duoctl acme/vpn nQ4T]", "acme/vpn"),
        ("[duoctl acme/vp", ""),
        ("[duoctl acme/vpn nQ4TuH7KaB1C]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4TnQ4T]", "acme/vpn"),
        ("[duoctl acme/vpn  nQ4T]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T ]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T protected protected]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T protected adopted]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T protected replaced]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T replaced abandoned]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T creating]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T creating:2026-11-24T22:00:00+00:00]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T creating:2026-11-24T22:00:00.5]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T quarantined:2026-11-24]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T quarantined:2026-11-24T22:00:00Z had:DG1,]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T quarantined:2026-11-24T22:00:00Z had:DG2,DG1]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T quarantined:2026-11-24T22:00:00Z could:info,info]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T had:all_users]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T delivered:2026-11-24T22:00:00Z of:DIA]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T delivered:2026-11-24T22:00:00Z,2026-11-24T22:00:07Z]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T successor:2026-11-24 of:DIA]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T successor:2026-11-24T22:00:00Z]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T successor:2026-11-24T22:00:00Z of:]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T abandoned]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T abandoned of:DIA of:DIB]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T of:DIA]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T rotating:]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T rotating:DIA of:DIB]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T shut:2026-11-24]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T untested:info]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T untested:info,;]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T untested:info;everywhere]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T ~40SYRC9GNBPQCDHY8NR]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T ~40SYRC9GNBPQCDHY8NRU]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T ~40SYRC9GNBPQCDHY8NR5 protected]", "acme/vpn"),
        ("[duoctl acme/vpn nQ4T] [duoctl other/x -]", "acme/vpn other/x"),
        ("[duoctl acme/vpn nQ4T\n[duoctl acme/vpn nQ4T]", "acme/vpn"),
    ] {
        assert_eq!(damaged(notes).join(" "), names, "{notes}");
    }
}

#[test]
fn the_remains_of_markers_are_no_part_of_the_text() {
    for (notes, text) in [
        ("Ours\n[duoctl acme/vpn nQ4", "Ours"),
        ("[Duoctl  live/vpn aQ5N..]\n[duoctl live/vpn aQ5N\n[duoctl live/vpn aQ5Ng784]", ""),
        ("Ours\n[duoctl acme/vpn nQ4T] and more\nof it", "Ours and more\nof it"),
        ("Ours\n[duoctl acme/vpn nQ4T]\nadded below", "Ours\nadded below"),
    ] {
        assert_eq!(Notes::parse(notes).text, text, "{notes}");
        assert!(Notes::parse(notes).damaged.is_some());
    }
    for plain in ["", "plain", "[duo] ctl", "[duoctl]", "[duoctl](https://example.com) says"] {
        assert_eq!(Notes::parse(plain), Notes::plain(plain));
    }
}

proptest! {
    /// A text that is read as a marker is printed unchanged.
    #[test]
    fn there_is_one_way_to_write_a_marker(
        words in proptest::collection::vec("(acme/vpn|-|nQ4T|protected|adopted|of:DIA|abandoned|creating:2026-11-24T22:00:00Z|had:\\?|quarantined:2026-11-24T22:00:00Z|~40SYRC9GNBPQCDHY8NR5|[a-z:]{1,4})", 0..7),
    ) {
        let notes = format!("[duoctl {}]", words.join(" "));
        let found = Notes::parse(&notes);
        if let Some(marker) = &found.marker {
            let again = found.seal.as_ref().map_or_else(|| marker.to_string(), |seal| marker.sealed(seal));
            prop_assert_eq!(again, notes);
        } else {
            prop_assert!(found.damaged.is_some());
        }
    }
}
