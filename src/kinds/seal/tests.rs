use proptest::prelude::*;

use super::*;
use crate::kinds::marker::Notes;

/// The public example key of Duo's documentation, and a second secret.
const OPERATOR: &str = "Zh5eGmUq9zpfQnyUIu5OL9iWoMMv5ZNmk3zLJ4Ep";
const OTHER: &str = "another-secret-of-at-least-32-characters";
const IKEY: &str = "DIWJ8X6AEYOR5OMC6TQ1";

fn keyring(secrets: &[&str]) -> Keyring {
    let secrets: Vec<Secret> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    Keyring::new(&secrets)
}

fn sealed(keyring: &Keyring, over: Option<&str>, marker: &str) -> String {
    let marker = Notes::parse(marker).marker.unwrap();
    let over = over.map(Ikey::new);
    marker.sealed(&keyring.seal(over.as_ref(), &marker).unwrap())
}

fn verdict(keyring: &Keyring, ikey: &str, notes: &str) -> Option<Verdict> {
    keyring.verdict(&Ikey::new(ikey), &Notes::parse(notes))
}

/// Seals the bytes of a marker again: the examples have rows that duoctl itself writes in a different order.
fn golden(keyring: &Keyring, over: Option<&str>, marker: &str) -> String {
    let (plain, _) = marker.rsplit_once(" ~").unwrap();
    let key = &keyring.0[0];
    let mac = key.mac(over.map(Ikey::new).as_ref(), plain.strip_prefix("[duoctl ").unwrap());
    format!("{plain} ~{}{}]", key.id, encode(&mac.finalize().into_bytes(), Seal::MAC))
}

#[test]
fn seals_are_those_of_the_design() {
    let operator = keyring(&[OPERATOR]);
    for (over, sealed_marker) in [
        (Some(IKEY), "[duoctl acme-prod/applications.vpn nQ4TaH7K ~40SYRC9GNBPQCDHY8NR5]"),
        (Some(IKEY), "[duoctl acme-prod/applications.vpn nQ4TaH7K protected ~40SY7FFZ9H5Q75CT4CX4]"),
        (
            None,
            "[duoctl acme-prod/applications.vpn nQ4TaH7K creating:2026-11-26T15:00:00Z ~40SYTPJA57TRXBVJW0NC]",
        ),
        (
            Some(IKEY),
            "[duoctl acme-prod/applications.vpn nQ4TaH7K creating:2026-11-26T15:00:00Z ~40SYGZ8GKYK1X8MNFJBX]",
        ),
        (
            Some("DIAAAAAAAAAAAAAAAAA2"),
            "[duoctl acme-prod/applications.vpn nQ4TaH7K delivered:2026-11-26T15:00:00Z,2026-11-26T15:00:07Z of:DIWJ8X6AEYOR5OMC6TQ1 ~40SYY2V0NMF80CKZN38A]",
        ),
        (
            Some(IKEY),
            "[duoctl acme-prod/applications.old-vpn - quarantined:2026-11-26T15:00:00Z had:all_users ~40SY89DQ64MB50S7MAXD]",
        ),
    ] {
        assert_eq!(golden(&operator, over, sealed_marker), sealed_marker);
    }
    let other = "[duoctl acme-prod/applications.vpn nQ4TaH7K ~7JT1SHXNS8F73WSTVBFH]";
    assert_eq!(golden(&keyring(&[OTHER]), Some(IKEY), other), other);
    assert_eq!(hex(&*operator.0[0].key), "cc750b5bb35fbf242a7c60974010ac5a0761ca7e57b64c524182362fa1cd1ec5");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_a_marker_proves_depends_on_the_keys_and_the_application() {
    let (operator, other, both) = (keyring(&[OPERATOR]), keyring(&[OTHER]), keyring(&[OTHER, OPERATOR]));
    let plain = "[duoctl acme/applications.vpn -]";
    let valid = sealed(&operator, Some(IKEY), plain);
    assert_eq!(verdict(&operator, IKEY, &valid), Some(Verdict::Valid));
    assert_eq!(verdict(&both, IKEY, &valid), Some(Verdict::Valid), "all keys verify");
    assert_eq!(verdict(&other, IKEY, &valid), Some(Verdict::Foreign));
    assert_eq!(verdict(&Keyring::default(), IKEY, &valid), Some(Verdict::Foreign));
    assert_eq!(verdict(&operator, "DIX", &valid), Some(Verdict::Forged), "moved");
    assert_eq!(verdict(&operator, IKEY, plain), Some(Verdict::Forged), "no seal");
    assert_eq!(verdict(&operator, IKEY, "text"), None);
    let creating = sealed(&operator, None, "[duoctl acme/applications.vpn - creating:2026-11-26T15:00:00Z]");
    assert_eq!(verdict(&operator, IKEY, &creating), Some(Verdict::Unbound));
    // Only the first marker of a creation may be sealed for no application.
    assert_eq!(verdict(&operator, IKEY, &sealed(&operator, None, plain)), Some(Verdict::Forged));
    assert!(sealed(&both, Some(IKEY), plain).contains("~7JT1"), "the first key seals");
}

proptest! {
    /// Any edit of a sealed marker makes it invalid.
    #[test]
    fn no_edit_of_a_sealed_marker_is_valid(place in 1_usize..200, with in "[ -~]", insert in any::<bool>()) {
        let operator = keyring(&[OPERATOR]);
        let marker = "[duoctl acme/applications.vpn nQ4T delivered:2026-11-26T15:00:00Z,2026-11-26T15:00:07Z of:DIA adopted protected]";
        let valid = sealed(&operator, Some(IKEY), marker);
        let place = 1 + place % (valid.len() - 1);
        let mut edited = valid.clone();
        edited.replace_range(place..place + usize::from(!insert), &with);
        prop_assume!(edited != valid);
        prop_assert_ne!(verdict(&operator, IKEY, &edited), Some(Verdict::Valid), "{}", edited);
    }
}
